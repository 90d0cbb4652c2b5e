"""What holds for every test."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import structlog

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    """A command that ran in this process has sent its logs to a stream that is closed: the next test must not."""
    yield
    structlog.reset_defaults()
    for handler in list(logging.root.handlers):
        if isinstance(handler, logging.StreamHandler) and getattr(handler.stream, "closed", False):
            logging.root.removeHandler(handler)
