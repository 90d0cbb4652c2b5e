"""Limits are counted in windows that the clock aligns, and the headers tell of the one nearest to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.mastodon.limits import Asked, RateLimiter

if TYPE_CHECKING:
    from collections.abc import Callable

    from .square import Square

_START = 1_795_000_500.25  # a quarter second into a window of five and of fifteen minutes
_FIVE_MINUTES = 300


def _asked(**more: object) -> Asked:
    fields = {
        "method": "GET",
        "path": "/api/v1/timelines/home",
        "names": frozenset[str](),
        "token": "one",
        "account_id": 1,
        "address": "127.0.0.1",
    }
    return Asked(**(fields | more))  # type: ignore[arg-type]


def _passed(limiter: RateLimiter, asked: Asked, tries: int) -> int:
    answers = [limiter.count(asked) for _ in range(tries)]
    return sum(1 for answer in answers if answer is None or answer.passes)


def test_three_hundred_of_one_token_pass_in_five_minutes() -> None:
    limiter = RateLimiter(clock=lambda: _START)
    assert _passed(limiter, _asked(), 305) == 300
    assert _passed(limiter, _asked(token="another"), 1) == 1


def test_next_window_starts_by_the_clock_and_not_by_the_first_call() -> None:
    times = [_START + 299]
    limiter = RateLimiter(clock=lambda: times[0])
    assert _passed(limiter, _asked(), 301) == 300
    times[0] = _START + 300
    assert _passed(limiter, _asked(), 1) == 1


def test_reset_is_the_end_of_the_window() -> None:
    counted = RateLimiter(clock=lambda: _START + 7).count(_asked())
    assert counted is not None
    assert counted.reset.timestamp() == _START + _FIVE_MINUTES
    assert counted.headers["x-ratelimit-reset"].endswith(".250000Z")


def test_all_tokens_of_a_user_share_fifteen_hundred() -> None:
    limiter = RateLimiter(clock=lambda: _START)
    passed = [_passed(limiter, _asked(token=str(number)), 300) for number in range(6)]
    assert passed == [300, 300, 300, 300, 300, 0]


def test_pages_of_all_tokens_share_three_hundred_in_a_quarter_hour() -> None:
    times = [_START]
    limiter = RateLimiter(clock=lambda: times[0])
    asked = _asked(names=frozenset({"min_id"}))
    assert _passed(limiter, asked, 200) == 200
    times[0] += _FIVE_MINUTES
    assert _passed(limiter, _asked(names=frozenset({"max_id"}), token="another"), 200) == 100
    assert _passed(limiter, _asked(), 1) == 1


def test_thirty_uploads_and_thirty_deletions_pass_in_half_an_hour() -> None:
    limiter = RateLimiter(clock=lambda: _START)
    assert _passed(limiter, _asked(method="POST", path="/api/v2/media"), 31) == 30
    assert _passed(limiter, _asked(method="DELETE", path="/api/v1/statuses/7"), 31) == 30
    assert _passed(limiter, _asked(method="GET", path="/api/v1/media/7"), 31) == 31


def test_strangers_and_tokens_of_clients_are_counted_by_address() -> None:
    limiter = RateLimiter(clock=lambda: _START)
    stranger = _asked(token=None, account_id=None)
    assert _passed(limiter, stranger, 301) == 300
    assert _passed(limiter, _asked(token=None, account_id=None, address="127.0.0.2"), 1) == 1


def test_proxy_of_media_gives_thirty_in_ten_minutes() -> None:
    limiter = RateLimiter(clock=lambda: _START)
    assert _passed(limiter, _asked(path="/media_proxy/1/original", token=None, account_id=None), 31) == 30


def test_files_and_pages_are_not_counted() -> None:
    assert RateLimiter(clock=lambda: _START).count(_asked(path="/system/x.png")) is None


def test_raised_limits_refuse_nobody() -> None:
    limiter = RateLimiter(enforced=False, clock=lambda: _START)
    assert _passed(limiter, _asked(), 700) == 700


def test_refusal_says_when_to_come_back_and_nothing_else(opened: Callable[..., Square]) -> None:
    square = opened("4.6", default_limits=True)
    for _ in range(30):
        square.call("bob", "POST", "/api/v2/media")
    answer = square.call("bob", "POST", "/api/v2/media")
    assert (answer.status_code, answer.json()) == (429, {"error": "Too many requests"})
    assert answer.headers["x-ratelimit-limit"] == "30"
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert "retry-after" not in answer.headers
    assert square.call("alice", "POST", "/api/v2/media").status_code == 422
