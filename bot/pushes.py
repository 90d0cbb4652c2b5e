"""What servers send us by themselves, for as long as the process runs: started again whenever it ends."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from bot.domain.errors import LedgerError
from bot.enforce import back_off

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    from bot.ports import Clock, Ledger, Push

log = structlog.get_logger(__name__)

FLAG = "push/"
"""Begin of the flags under which ``status`` finds them."""

NOTED_EVERY = 2.0
"""Seconds between looks at what troubles them."""

STEADY = 60.0
"""Seconds that one has to run so that the next start comes soon again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ailing:
    """One that does not work: since when, and why."""

    since: datetime
    why: str


class Pushes:
    """One task for each of them, and one that writes down how they are. Nothing happens before ``run``."""

    def __init__(
        self,
        pushes: Sequence[Push],
        ledger: Ledger,
        clock: Clock,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``sleep``: what waits between two starts."""
        self._pushes = pushes
        self._ledger = ledger
        self._clock = clock
        self._sleep = sleep
        self._broken: dict[str, str] = {}
        self._ailing: dict[str, Ailing] = {}
        self._noted: dict[str, str] = {}

    @property
    def names(self) -> Sequence[str]:
        """Of all of them."""
        return [push.name for push in self._pushes]

    def ailing(self) -> Mapping[str, Ailing]:
        """Those that do not work, by name."""
        return dict(self._ailing)

    async def run(self) -> None:
        """Until it is cancelled; then all of them are."""
        if not self._pushes:
            return
        async with asyncio.TaskGroup() as group:
            for push in self._pushes:
                group.create_task(self._keep_up(push), name=push.name)
            group.create_task(self._watch(), name="pushes")

    async def _keep_up(self, push: Push) -> None:
        loop = asyncio.get_running_loop()
        ends = 0
        while True:
            began = loop.time()
            try:
                await push.run()
                self._broken.pop(push.name, None)
            except Exception as error:
                log.exception("a push broke down; it is started again", push=push.name)
                self._broken[push.name] = f"it broke down ({type(error).__name__}: {error})"
            ends = 1 if loop.time() - began > STEADY else ends + 1
            pause = back_off(ends)
            log.info("a push has ended; it is started again", push=push.name, seconds=pause, trouble=push.trouble())
            await self._sleep(pause)

    async def _watch(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(NOTED_EVERY)

    async def look(self) -> None:
        """Note how they are, for alarms and for ``status``."""
        for push in self._pushes:
            why = push.trouble() or self._broken.get(push.name, "")
            before = self._ailing.get(push.name)
            if not why:
                self._ailing.pop(push.name, None)
            elif before is None or before.why != why:
                since = before.since if before is not None else self._clock.now()
                self._ailing[push.name] = Ailing(since=since, why=why)
            if self._noted.get(push.name) != why:
                await self._note(push.name, why)

    async def _note(self, name: str, why: str) -> None:
        state = json.dumps({"at": self._clock.now().isoformat(timespec="seconds"), "trouble": why})
        try:
            await asyncio.to_thread(self._ledger.set_flag, f"{FLAG}{name}", state)
        except LedgerError as error:
            log.warning("the ledger cannot be written", error=str(error))
        else:
            self._noted[name] = why
