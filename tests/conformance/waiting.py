"""Waiting for what a server does after it has answered."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

DEADLINE = 60.0  # seconds; generous, because it is a limit and not a measurement
PAUSE = 0.2


def next_second() -> None:
    """Until an account's next token is another one than its last: Lemmy keeps one of each second."""
    time.sleep(1.1)


def eventually(check: Callable[[], bool], what: str, *, deadline: float = DEADLINE) -> None:
    """Ask until ``check`` is true, and fail with ``what`` after the deadline."""
    end = time.monotonic() + deadline
    while not check():
        assert time.monotonic() < end, f"still not so after {deadline:.0f} s: {what}"
        time.sleep(PAUSE)
