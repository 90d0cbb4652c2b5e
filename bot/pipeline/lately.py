"""The last answer to a question that is asked again and again, for a few seconds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

KEPT = 10.0
"""Seconds for which an answer is remembered: in a raid a case may hold a purge of each of 10,000 names."""

T = TypeVar("T")


class Lately(Generic[T]):
    """Remembers one answer. Thread-safe."""

    def __init__(self) -> None:
        self._last: tuple[Hashable, float, T] | None = None

    def of(self, what: Hashable, find: Callable[[], T]) -> T:
        """The answer about this; by ``find`` where the last one was about something else, or is too old."""
        last, now = self._last, time.monotonic()
        if last is not None and last[0] == what and now - last[1] < KEPT:
            return last[2]
        found = find()
        self._last = what, now, found
        return found
