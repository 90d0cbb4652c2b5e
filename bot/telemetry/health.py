"""Whether the process lives, and whether it can do its work: what orchestrators and uptime monitors ask."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from bot.domain.errors import LedgerError
from bot.telemetry.alarms import unread_after
from bot.telemetry.words import moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.ports import Ledger
    from bot.telemetry.alarms import Sensitivity, State
    from bot.telemetry.senses import Senses

FRESH = 1.0
"""Seconds for which an answer holds: however often somebody asks, the ledger is not kept busy by it."""

PATIENCE = 10.0
"""Seconds after which a ledger that does not answer counts as one that cannot be used."""

WRITTEN = "health/written"


def unready(state: State, limits: Sensitivity, *, looked: bool) -> Iterator[str]:
    """Why not, in ids and fixed words. ``looked``: decoder and detectors were tried since the start. Pure."""
    feeds = {feed.name: feed for feed in state.feeds}
    for name in state.sources:
        feed = feeds.get(name)
        if feed is None:
            yield f"the feed {name} was never read"
        elif state.now - feed.read_at > unread_after(limits, rare=name in state.rare):
            yield f"the feed {name} was last read at {moment(feed.read_at)}"
    if not looked:
        yield "decoder and detectors were not tried yet"
    for look in state.eyes:
        if not look.ok:
            yield f"the {look.what} does not work"


class Health:
    """Answers for ``/readyz``."""

    def __init__(self, ledger: Ledger, senses: Senses, limits: Sensitivity) -> None:
        """``senses``: of this process."""
        self._ledger = ledger
        self._senses = senses
        self._limits = limits
        self._answer: Sequence[str] = ()
        self._asked: float | None = None
        self._asking = asyncio.Lock()

    async def reasons(self) -> Sequence[str]:
        """Why the bot cannot do its work now; empty: it can."""
        async with self._asking:
            if self._asked is None or time.monotonic() - self._asked > FRESH:
                self._answer = await self._ask()
                self._asked = time.monotonic()
            return self._answer

    async def _ask(self) -> Sequence[str]:
        try:
            async with asyncio.timeout(PATIENCE):
                return await asyncio.to_thread(self._look)
        except TimeoutError:
            return [f"the ledger did not answer within {PATIENCE:.0f} s"]
        except LedgerError:
            return ["the ledger cannot be written"]

    def _look(self) -> Sequence[str]:
        self._ledger.set_flag(WRITTEN, moment(self._senses.now()))
        return list(unready(self._senses.glance(), self._limits, looked=self._senses.eyes is not None))
