"""Waiting for what a server does after it has answered."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

DEADLINE = 60.0  # seconds; generous, because it is a limit and not a measurement
PAUSE = 0.2


def next_second() -> None:
    """Until an account's next token is another one than its last: Lemmy keeps one of each second."""
    time.sleep(1.1)


def refused_within_a_second(log_in: Callable[[], httpx.Response]) -> httpx.Response:
    """The refusal of the second of two logins; both again, if a second ends between them."""

    def twice() -> httpx.Response:
        log_in()
        return log_in()

    return next(answer for answer in iter(twice, None) if not answer.is_success)


def eventually(check: Callable[[], bool], what: str, *, deadline: float = DEADLINE) -> None:
    """Ask until ``check`` is true, and fail with ``what`` after the deadline."""
    end = time.monotonic() + deadline
    while not check():
        assert time.monotonic() < end, f"still not so after {deadline:.0f} s: {what}"
        time.sleep(PAUSE)
