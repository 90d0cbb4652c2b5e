"""Lets go, once a day, of what was kept long enough, a little at a time; and says where the audit chain stands."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from bot.domain.errors import StillWaitingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.ports import Clock, Erased, Ledger

log = structlog.get_logger(__name__)

DONE = "retention/done"
DAY = timedelta(days=1)
ROWS = 200
"""Rows in one transaction: others wait for the ledger no longer than that takes, a fraction of a second."""

SLICE = 5.0
"""Seconds after which the rest is left to the next look, so that a daemon that is told to end does not wait."""

PAUSE = 0.02  # seconds between two transactions, for others
BY = "fediwarden"


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """How long is kept what; ``None``: for ever."""

    cases: timedelta | None
    unflagged: timedelta | None
    uploads: timedelta | None


class Housekeeper:
    """Looks often and does something once a day. A look that is interrupted is taken up by the next one."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        periods: Callable[[], Periods],
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``periods``: as they are by the configuration in force."""
        self._ledger = ledger
        self._clock = clock
        self._periods = periods
        self._sleep = sleep
        self._left_alone: set[int] = set()  # cases of which nothing could be erased in this pass

    def look(self) -> None:
        """Go on with today's pass, if it is not done yet. Raises ``LedgerError``."""
        now = self._clock.now()
        last = self._ledger.flag(DONE)
        if last is not None and timedelta(0) <= now - datetime.fromisoformat(last) < DAY:
            return
        until = time.monotonic() + SLICE
        while time.monotonic() < until:
            if not self._some(now):
                self._ledger.set_flag(DONE, now.isoformat())
                self._left_alone.clear()
                head = self._ledger.head()
                log.info("audit trail: keep this head elsewhere", n=head.n, digest=head.digest)
                return
            self._sleep(PAUSE)

    def _some(self, now: datetime) -> bool:
        """One transaction's worth of whatever there is still to do; whether there was anything."""
        periods = self._periods()
        return (
            (periods.cases is not None and self._stale(now - periods.cases))
            or (periods.unflagged is not None and self._gone(self._ledger.erase_sightings, now - periods.unflagged))
            or (periods.uploads is not None and self._gone(self._ledger.erase_uploads, now - periods.uploads))
        )

    def _stale(self, before: datetime) -> bool:
        for number in self._ledger.stale_cases(before, limit=len(self._left_alone) + 1):
            if number in self._left_alone:
                continue
            try:
                if self._ledger.erase_case(number, limit=ROWS, by=BY):
                    return True
            except StillWaitingError:  # somebody has just decided something
                log.info("a case is needed again and is kept", case=number)
            self._left_alone.add(number)
            return True
        return False

    def _gone(self, erase: Callable[..., Erased], before: datetime) -> bool:
        erased = erase(before, limit=ROWS, by=BY)
        if erased:
            log.debug("erased", **dict(erased.counts))
        return bool(erased)
