"""The one store, put together from its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.ledger.brakes import BrakesPart
from bot.ledger.cases import CasesPart
from bot.ledger.control import ControlPart
from bot.ledger.database import BUSY_SECONDS, Database
from bot.ledger.deeds import DeedsPart
from bot.ledger.inbox import InboxPart
from bot.ledger.intake import IntakePart
from bot.ledger.library import LibraryPart
from bot.ledger.lists import ListsPart
from bot.ledger.migrate import to_newest
from bot.ledger.planning import PlanningPart
from bot.ledger.sums import SumsPart
from bot.ledger.work import WorkPart

if TYPE_CHECKING:
    from bot.ports import Clock, Ledger


class SqlLedger(
    IntakePart,
    WorkPart,
    LibraryPart,
    CasesPart,
    PlanningPart,
    DeedsPart,
    ControlPart,
    BrakesPart,
    SumsPart,
    ListsPart,
    InboxPart,
):
    """``Ledger`` on SQLAlchemy. Thread-safe; several processes may share one database."""

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


def open_ledger(url: str, *, clock: Clock, busy_seconds: float = BUSY_SECONDS) -> SqlLedger:
    """Open a ledger, making or migrating its tables first.

    ``url`` as SQLAlchemy writes it: ``sqlite:///fediwarden.db``, ``sqlite://`` (in memory). ``busy_seconds``: how long
    a call waits for another process before it raises ``LedgerBusyError``. Raises ``LedgerError``, with what to do, for
    a database of a newer version, for a file that is something else, and for a place that cannot be written.
    """
    database = Database(url, busy_seconds=busy_seconds)
    try:
        to_newest(database)
    except BaseException:
        database.close()
        raise
    ledger = SqlLedger(database, clock)
    _promise: Ledger = ledger  # the type checker compares the two here
    return ledger
