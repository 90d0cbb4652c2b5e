from __future__ import annotations

import threading
import time

import pytest

from adapters.buckets import MARGIN, Buckets
from bot.domain.errors import RateLimitedError


class Watch:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def taken(buckets: Buckets, name: str, *, urgent: bool = False) -> int:
    for number in range(1000):
        try:
            buckets.take(name, urgent=urgent)
        except RateLimitedError:
            return number
    return 1000


def test_unknown_limiter_lets_pass() -> None:
    assert taken(Buckets(longest_wait=0), "message") == 1000


def test_no_more_than_the_server_allows_and_deeds_last() -> None:
    watch = Watch()
    buckets = Buckets(longest_wait=0, monotonic=watch)
    buckets.feed("message", count=100, seconds=50)
    listings = taken(buckets, "message")
    deeds = taken(buckets, "message", urgent=True)
    assert listings + deeds == 100 * MARGIN
    assert deeds >= 15
    watch.now = 50.0
    assert taken(buckets, "message", urgent=True) == 100 * MARGIN


def test_waits_for_a_token() -> None:
    buckets = Buckets(longest_wait=5)
    buckets.feed("search", count=2, seconds=0.4)
    began = time.monotonic()
    for _ in range(4):
        buckets.take("search")
    assert 0.3 < time.monotonic() - began < 4


def test_says_how_long_it_would_take() -> None:
    watch = Watch()
    buckets = Buckets(longest_wait=1, monotonic=watch)
    buckets.feed("register", count=1, seconds=100)
    buckets.take("register", urgent=True)
    with pytest.raises(RateLimitedError, match="register") as caught:
        buckets.take("register", urgent=True)
    assert 90 < caught.value.retry_after < 130


def test_drained_bucket_is_empty() -> None:
    watch = Watch()
    buckets = Buckets(longest_wait=0, monotonic=watch)
    buckets.feed("message", count=60, seconds=60)
    assert 1.0 <= buckets.drain("message") < 3
    assert taken(buckets, "message", urgent=True) == 0
    assert buckets.drain("never fed") == 60.0


def test_lowered_limit_counts_what_was_spent() -> None:
    watch = Watch()
    buckets = Buckets(longest_wait=0, monotonic=watch)
    buckets.feed("message", count=100, seconds=60)
    for _ in range(30):
        buckets.take("message", urgent=True)
    buckets.feed("message", count=40, seconds=60)
    assert taken(buckets, "message", urgent=True) == 40 * MARGIN - 30


def test_urgent_goes_first() -> None:
    buckets = Buckets(longest_wait=20)
    buckets.feed("message", count=4, seconds=2)
    while taken_one(buckets):
        pass
    order: list[str] = []

    def take(name: str, *, urgent: bool) -> None:
        buckets.take("message", urgent=urgent)
        order.append(name)

    threads = [threading.Thread(target=take, args=("listing",), kwargs={"urgent": False}) for _ in range(2)]
    threads += [threading.Thread(target=take, args=("deed",), kwargs={"urgent": True})]
    for thread in threads:
        thread.start()
        time.sleep(0.05)
    for thread in threads:
        thread.join()
    assert order[0] == "deed"


def taken_one(buckets: Buckets) -> bool:
    bucket = buckets._buckets["message"]
    bucket.tokens -= 1
    return bucket.tokens > 0
