"""What every part of the ledger stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from bot.ledger.database import Database
    from bot.ports import Clock


class Part:
    """A part of the ledger: one database, one clock, shared by all parts."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Connects to nothing."""
        self._database = database
        self._clock = clock

    def _now(self) -> datetime:
        return self._clock.now()
