"""The time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class Clock(Protocol):
    """The time, which a test may own."""

    def now(self) -> datetime:
        """The present moment, aware, UTC. Never runs backwards within one process."""
        ...
