"""Keeps us below a server's rate limits: one token bucket for each of its limiters."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.errors import RateLimitedError

if TYPE_CHECKING:
    from collections.abc import Callable

MARGIN = 0.9
"""Share of a limit that we use: the server's clock starts with the arrival of a call, ours with its departure."""

RESERVE = 0.2
"""Share of a bucket that only urgent calls may take, so that listings never keep a deed waiting; at most this many:"""

LARGEST_RESERVE = 20.0


@dataclass(slots=True)
class _Bucket:
    capacity: float
    per_second: float
    tokens: float
    at: float

    def refill(self, now: float) -> None:
        self.tokens = min(self.capacity, self.tokens + (now - self.at) * self.per_second)
        self.at = now


class Buckets:
    """Token buckets by the names of a server's limiters. Thread-safe. A limiter that was never fed lets all pass."""

    def __init__(self, *, longest_wait: float = 60.0, monotonic: Callable[[], float] = time.monotonic) -> None:
        """``longest_wait``: seconds that ``take`` waits before it gives up."""
        self._longest_wait = longest_wait
        self._monotonic = monotonic
        self._buckets: dict[str, _Bucket] = {}
        self._urgent_waiting: dict[str, int] = {}
        self._changed = threading.Condition()

    def feed(self, name: str, *, count: int, seconds: float) -> None:
        """The server allows ``count`` calls in ``seconds``. Fed again with the same numbers nothing changes."""
        capacity = max(1.0, count * MARGIN)
        per_second = max(1, count) * MARGIN / max(1.0, seconds)
        with self._changed:
            now = self._monotonic()
            known = self._buckets.get(name)
            if known is None:
                self._buckets[name] = _Bucket(capacity, per_second, capacity, now)
            elif (known.capacity, known.per_second) != (capacity, per_second):
                known.refill(now)
                spent = known.capacity - known.tokens
                self._buckets[name] = _Bucket(capacity, per_second, max(0.0, capacity - spent), now)
            self._changed.notify_all()

    def drain(self, name: str) -> float:
        """The server says that a bucket is empty. Returns the seconds until a few calls will pass again."""
        with self._changed:
            bucket = self._buckets.get(name)
            if bucket is None:
                return 60.0
            bucket.refill(self._monotonic())
            bucket.tokens = 0.0
            return min(600.0, max(1.0, 1.5 / bucket.per_second))

    def take(self, name: str, *, urgent: bool = False) -> None:
        """Take a token; wait for one if there is none. Raises ``RateLimitedError`` where that would take too long."""
        with self._changed:
            end = self._monotonic() + self._longest_wait
            if urgent:
                self._urgent_waiting[name] = self._urgent_waiting.get(name, 0) + 1
            try:
                while (wait := self._missing(name, urgent=urgent)) > 0:
                    left = end - self._monotonic()
                    if wait > left:
                        raise RateLimitedError(f"our own share of the limit {name!r} is used up", retry_after=wait)
                    self._changed.wait(min(wait, left))
                bucket = self._buckets.get(name)
                if bucket is not None:
                    bucket.tokens -= 1.0
            finally:
                if urgent:
                    self._urgent_waiting[name] -= 1
                    self._changed.notify_all()

    def _missing(self, name: str, *, urgent: bool) -> float:
        """Seconds until this call may pass; 0: now."""
        bucket = self._buckets.get(name)
        if bucket is None:
            return 0.0
        bucket.refill(self._monotonic())
        wanted = 1.0
        if not urgent:
            wanted += self._urgent_waiting.get(name, 0)
            if bucket.capacity >= 5:
                wanted = min(wanted + min(bucket.capacity * RESERVE, LARGEST_RESERVE), bucket.capacity)
        lacking = wanted - bucket.tokens
        return lacking / bucket.per_second + 0.001 if lacking > 1e-9 else 0.0
