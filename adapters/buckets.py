"""Keeps us below a server's rate limits: one token bucket for each of its limiters, and a queue in front of it."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from bot.domain.errors import RateLimitedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MARGIN = 0.9
"""Share of a limit that we use: the server's clock starts with the arrival of a call, ours with its departure."""

RESERVE = 0.2
"""Share of a bucket that only urgent calls may take, so that listings never keep a deed waiting; at most this many:"""

LARGEST_RESERVE = 20.0


class Rank(IntEnum):
    """Who goes first where calls wait for a token."""

    FIRST = 0  # bans and switches: they end a flood
    DEED = 1  # other deeds
    READ = 2  # looking: listings, uploaders, places


OWED = {Rank.FIRST: 1 / 4, Rank.DEED: 1 / 2}
"""What a call that looks is owed for each call that went before it. Deeds may queue up for hours; meanwhile every third
call looks, and between bans every fifth: what is not seen is not banned either."""

_foremost: ContextVar[bool] = ContextVar("foremost", default=False)


@contextmanager
def foremost() -> Iterator[None]:
    """Urgent calls made in here, by this thread, go before all others."""
    before = _foremost.set(True)
    try:
        yield
    finally:
        _foremost.reset(before)


@dataclass(slots=True, eq=False)
class _Waiter:
    rank: Rank
    number: int


@dataclass(slots=True)
class _Bucket:
    capacity: float
    per_second: float
    tokens: float
    at: float

    def refill(self, now: float) -> None:
        if now < self.at:  # the bucket rests until then
            return
        self.tokens = min(self.capacity, self.tokens + (now - self.at) * self.per_second)
        self.at = now


@dataclass(slots=True)
class _Queue:
    waiting: list[_Waiter] = field(default_factory=list)
    owed: float = 0.0  # tokens that calls which look have let pass
    came: int = 0

    def join(self, rank: Rank) -> _Waiter:
        self.came += 1
        waiter = _Waiter(rank, self.came)
        self.waiting.append(waiter)
        return waiter

    def before(self, waiter: _Waiter) -> int:
        """How many have their turn earlier."""
        return sum(1 for one in self.waiting if self._key(one) < self._key(waiter))

    def _key(self, waiter: _Waiter) -> tuple[float, int]:
        looks_now = waiter.rank is Rank.READ and self.owed >= 1 and waiter is self._first_to_look()
        return (-1 if looks_now else waiter.rank, waiter.number)

    def _first_to_look(self) -> _Waiter | None:
        return next((one for one in self.waiting if one.rank is Rank.READ), None)

    def served(self, waiter: _Waiter) -> None:
        if waiter.rank is Rank.READ:
            self.owed = max(0.0, self.owed - 1)
        elif self._first_to_look() is not None:
            self.owed = min(2.0, self.owed + OWED[waiter.rank])
        else:
            self.owed = 0.0


class Buckets:
    """Token buckets by the names of a server's limiters. Thread-safe. A limiter that was never fed lets all pass."""

    def __init__(self, *, longest_wait: float = 60.0, monotonic: Callable[[], float] = time.monotonic) -> None:
        """``longest_wait``: seconds that ``take`` waits before it gives up."""
        self._longest_wait = longest_wait
        self._monotonic = monotonic
        self._buckets: dict[str, _Bucket] = {}
        self._queues: dict[str, _Queue] = {}
        self._changed = threading.Condition()

    def feed(self, name: str, *, count: int, seconds: float, burst: int | None = None) -> None:
        """The server allows ``count`` calls in ``seconds``. Fed again with the same numbers nothing changes.

        ``burst``: for servers that count in windows aligned to the clock, where a full bucket and what flows into it
        meanwhile fall into one window: so many calls at once, and what is left of the window's share spread over it.
        """
        capacity = max(1.0, count * MARGIN if burst is None else min(burst, count * MARGIN))
        per_second = max(1.0, max(1, count) * MARGIN - (0.0 if burst is None else capacity)) / max(1.0, seconds)
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

    def rest(self, name: str, seconds: float) -> None:
        """The server refuses calls for so long, until a window of its limit ends: nothing passes before."""
        with self._changed:
            bucket = self._buckets.get(name)
            if bucket is not None:
                bucket.tokens = bucket.capacity
                bucket.at = max(bucket.at, self._monotonic() + seconds)
                self._changed.notify_all()

    def pause(self, name: str, seconds: float) -> None:
        """Somebody in front of the server refuses calls for so long: nothing passes before, and no burst comes then."""
        with self._changed:
            bucket = self._buckets.get(name)
            if bucket is not None:
                now = self._monotonic()
                bucket.refill(now)
                bucket.tokens = min(bucket.tokens, 1.0)
                bucket.at = max(bucket.at, now + seconds)
                self._changed.notify_all()

    def take(self, name: str, *, urgent: bool = False, patient: bool = True) -> None:
        """Take a token; wait for one if there is none. ``urgent`` calls go before others, ``foremost`` ones before all.

        Raises ``RateLimitedError`` where that would take too long, or any time at all unless ``patient``.
        """
        rank = Rank.READ if not urgent else Rank.FIRST if _foremost.get() else Rank.DEED
        with self._changed:
            end = self._monotonic() + (self._longest_wait if patient else 0.0)
            queue = self._queues.setdefault(name, _Queue())
            waiter = queue.join(rank)
            try:
                while (wait := self._missing(name, queue, waiter)) > 0:
                    left = end - self._monotonic()
                    if wait > left:
                        raise RateLimitedError(
                            f"our own share of the limit {name!r} is used up", retry_after=wait, told=True
                        )
                    self._changed.wait(min(wait, left))
                bucket = self._buckets.get(name)
                if bucket is not None:
                    bucket.tokens -= 1.0
                    queue.waiting.remove(waiter)
                    queue.served(waiter)
            finally:
                if waiter in queue.waiting:
                    queue.waiting.remove(waiter)
                self._changed.notify_all()

    def spare(self, name: str) -> int:
        """Calls that look which could pass right now, one after the other; 0 of a limiter that was never fed."""
        with self._changed:
            bucket, now = self._buckets.get(name), self._monotonic()
            if bucket is None or bucket.at > now:
                return 0
            bucket.refill(now)
            waiting = len(self._queues[name].waiting) if name in self._queues else 0
            return max(0, int(bucket.tokens - _reserved(bucket)) - waiting)

    def _missing(self, name: str, queue: _Queue, waiter: _Waiter) -> float:
        """Seconds until this call may pass; 0: now."""
        bucket = self._buckets.get(name)
        if bucket is None:
            return 0.0
        resting = bucket.at - self._monotonic()
        if resting > 0:
            return resting + 0.001
        bucket.refill(self._monotonic())
        wanted = 1.0 + queue.before(waiter)
        if waiter.rank is Rank.READ and queue.owed < 1 and bucket.capacity >= 5:
            wanted = min(wanted + _reserved(bucket), bucket.capacity)
        lacking = wanted - bucket.tokens
        return lacking / bucket.per_second + 0.001 if lacking > 1e-9 else 0.0


def _reserved(bucket: _Bucket) -> float:
    """Tokens that only urgent calls may take."""
    return min(bucket.capacity * RESERVE, LARGEST_RESERVE)
