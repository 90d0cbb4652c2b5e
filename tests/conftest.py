"""What holds for every test."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import structlog

from bot.ledger import open_ledger
from making import StillClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.ledger import SqlLedger


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    """A command that ran in this process has sent its logs to a stream that is closed: the next test must not."""
    yield
    structlog.reset_defaults()
    for handler in list(logging.root.handlers):
        if isinstance(handler, logging.StreamHandler) and getattr(handler.stream, "closed", False):
            logging.root.removeHandler(handler)


@pytest.fixture
def clock() -> StillClock:
    """A clock that stands still until a test moves it."""
    return StillClock()


@pytest.fixture
def ledger(clock: StillClock) -> Iterator[SqlLedger]:
    """An empty one in memory. Rooms that test it on every database have their own."""
    one = open_ledger("sqlite://", clock=clock)
    yield one
    one.close()
