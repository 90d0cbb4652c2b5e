from __future__ import annotations

import threading
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest

from adapters.buckets import MARGIN, Buckets, foremost
from bot.domain.errors import RateLimitedError

if TYPE_CHECKING:
    from collections.abc import Callable


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


def test_what_is_to_spare_can_be_taken_at_once_and_leaves_deeds_their_share() -> None:
    watch = Watch()
    buckets = Buckets(longest_wait=0, monotonic=watch)
    assert buckets.spare("message") == 0, "nobody said what the server allows"
    buckets.feed("message", count=100, seconds=50)
    for spent in (0, 7, 30):
        for _ in range(spent):
            buckets.take("message")
        told = buckets.spare("message")
    assert taken(buckets, "message") == told > 0
    assert buckets.spare("message") == 0
    assert taken(buckets, "message", urgent=True) >= 15
    watch.now = 30.0
    told = buckets.spare("message")
    assert taken(buckets, "message") == told > 0
    watch.now = 50.0
    buckets.rest("message", 20.0)
    assert buckets.spare("message") == 0, "the server refuses everything for so long"


def test_waits_for_a_token() -> None:
    buckets = Buckets(longest_wait=5)
    buckets.feed("search", count=2, seconds=0.4)
    began = time.monotonic()
    for _ in range(4):
        buckets.take("search")
    assert time.monotonic() - began > 0.3


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


class Line:
    """Calls that wait in threads for an empty bucket, until the clock of the bucket is moved by hand."""

    def __init__(self) -> None:
        self.watch = Watch()
        self.buckets = Buckets(longest_wait=1e6, monotonic=self.watch)
        self.buckets.feed("message", count=100, seconds=90)  # one a second
        while taken_one(self.buckets):
            pass
        self.order: list[str] = []

    def wait(self, who: str, *, urgent: bool = False, first: bool = False) -> threading.Thread:
        """Another one joins the line."""

        def take() -> None:
            with foremost() if first else nullcontext():
                self.buckets.take("message", urgent=urgent)
            self.order.append(who)

        before = self.length
        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        self._until(lambda: self.length > before)
        return thread

    @property
    def length(self) -> int:
        queue = self.buckets._queues.get("message")
        return len(queue.waiting) if queue is not None else 0

    def serve(self, number: int) -> None:
        """So many tokens come, one by one."""
        for _ in range(number):
            served = len(self.order) + 1
            self.watch.now += 1.0
            with self.buckets._changed:
                self.buckets._changed.notify_all()
            self._until(lambda served=served: len(self.order) >= served)

    def _until(self, so: Callable[[], bool]) -> None:
        for _ in range(5000):
            if so():
                return
            time.sleep(0.002)
        raise AssertionError(f"nobody got on: {self.order}")


def test_a_ban_gets_the_next_token_whoever_waits() -> None:
    line = Line()
    for number in range(3):
        line.wait(f"deed {number}", urgent=True)
        line.wait(f"look {number}")
    line.wait("ban", urgent=True, first=True)
    line.serve(1)
    assert line.order == ["ban"]


def test_looking_goes_on_while_deeds_queue_up() -> None:
    line = Line()
    for number in range(4):
        line.wait(f"look {number}")
    for number in range(12):
        line.wait(f"deed {number}", urgent=True)
    line.serve(12)
    looks = [place for place, who in enumerate(line.order) if who.startswith("look")]
    assert len(looks) == 4
    assert [who for who in line.order if who.startswith("deed")] == [f"deed {number}" for number in range(8)]
    assert [line.order[place] for place in looks] == [f"look {number}" for number in range(4)]


def test_looking_goes_on_while_bans_queue_up() -> None:
    line = Line()
    for number in range(2):
        line.wait(f"look {number}")
    for number in range(10):
        line.wait(f"ban {number}", urgent=True, first=True)
    line.serve(10)
    assert line.order[:4] == ["ban 0", "ban 1", "ban 2", "ban 3"]
    assert [who for who in line.order if who.startswith("look")] == ["look 0", "look 1"]


def test_who_does_not_want_to_wait_is_told_at_once_and_leaves_the_line() -> None:
    line = Line()
    with pytest.raises(RateLimitedError):
        line.buckets.take("message", urgent=True, patient=False)
    assert line.length == 0


def ticking() -> tuple[Buckets, list[float]]:
    """Buckets that wait for nothing, and their time, which a test moves."""
    time = [0.0]
    return Buckets(longest_wait=0.0, monotonic=lambda: time[0]), time


def passing(buckets: Buckets, name: str) -> int:
    """How many calls pass at once."""
    for number in range(10_000):
        try:
            buckets.take(name, urgent=True)
        except RateLimitedError:
            return number
    raise AssertionError("no end")


def test_a_burst_and_what_flows_in_afterwards_fit_into_one_window() -> None:
    buckets, time = ticking()
    buckets.feed("token", count=300, seconds=300, burst=90)
    passed = passing(buckets, "token")
    assert passed == 90
    while time[0] < 300:
        time[0] += 5
        passed += passing(buckets, "token")
    assert 260 <= passed <= 270  # nine tenths of what is allowed


def test_nothing_passes_until_a_window_ends_and_a_full_bucket_then() -> None:
    buckets, time = ticking()
    buckets.feed("token", count=300, seconds=300, burst=90)
    buckets.rest("token", 120.0)
    with pytest.raises(RateLimitedError) as caught:
        buckets.take("token", urgent=True)
    assert caught.value.retry_after == pytest.approx(120, abs=0.1)
    time[0] = 60
    buckets.rest("token", 10.0)  # another answer that knows less
    time[0] = 119
    assert passing(buckets, "token") == 0
    time[0] = 120.1
    assert passing(buckets, "token") == 90
    buckets.rest("nobody has fed this one", 10.0)
    buckets.take("nobody has fed this one")
