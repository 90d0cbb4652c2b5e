"""Deeds whose server could not even be asked: nothing is written of them, and they are left alone for a while."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

KEPT = timedelta(hours=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Since:
    case: int
    until: datetime
    times: int


class Absent:
    """Until when each of them is left alone. Thread-safe. Lost with the process, which costs a few calls."""

    def __init__(self) -> None:
        """None yet."""
        self._known: dict[int, _Since] = {}
        self._lock = threading.Lock()

    def times(self, intent_id: int) -> int:
        """How often in a row it could not be asked about."""
        with self._lock:
            known = self._known.get(intent_id)
        return known.times if known is not None else 0

    def note(self, intent_id: int, case: int, until: datetime) -> None:
        """It could not be asked about; try again then."""
        times = self.times(intent_id) + 1
        with self._lock:
            self._known[intent_id] = _Since(case=case, until=until, times=times)

    def forget(self, intent_id: int) -> None:
        """Its server has answered."""
        with self._lock:
            self._known.pop(intent_id, None)

    def has(self, intent_id: int, now: datetime) -> bool:
        """Whether its time has not come."""
        with self._lock:
            known = self._known.get(intent_id)
        return known is not None and known.until > now

    def now(self, now: datetime) -> set[int]:
        """All whose time has not come."""
        with self._lock:
            self._known = {number: known for number, known in self._known.items() if known.until > now - KEPT}
            return {number for number, known in self._known.items() if known.until > now}

    def next_of(self, case: int, now: datetime) -> datetime | None:
        """When the first of a case is to be tried again."""
        with self._lock:
            return min(
                (known.until for known in self._known.values() if known.case == case and known.until > now),
                default=None,
            )
