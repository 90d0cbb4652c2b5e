"""The one store, put together from its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.ledger.accounts import AccountsPart
from bot.ledger.audit import AuditPart
from bot.ledger.brakes import BrakesPart
from bot.ledger.cases import CasesPart
from bot.ledger.control import ControlPart
from bot.ledger.database import BUSY_SECONDS, Database
from bot.ledger.deeds import DeedsPart
from bot.ledger.finding import FindingPart
from bot.ledger.gauges import GaugesPart
from bot.ledger.holes import HolesPart
from bot.ledger.inbox import InboxPart
from bot.ledger.intake import IntakePart
from bot.ledger.library import LibraryPart
from bot.ledger.lists import ListsPart
from bot.ledger.messages import MessagesPart
from bot.ledger.migrate import to_newest
from bot.ledger.orders import OrdersPart
from bot.ledger.planning import PlanningPart
from bot.ledger.retention import RetentionPart
from bot.ledger.scans import ScansPart
from bot.ledger.sums import SumsPart
from bot.ledger.turns import TurnsPart
from bot.ledger.work import WorkPart

if TYPE_CHECKING:
    from bot.ports import Clock, Ledger


class SqlLedger(
    IntakePart,
    HolesPart,
    WorkPart,
    LibraryPart,
    CasesPart,
    PlanningPart,
    FindingPart,
    TurnsPart,
    OrdersPart,
    DeedsPart,
    ControlPart,
    BrakesPart,
    SumsPart,
    ScansPart,
    ListsPart,
    InboxPart,
    MessagesPart,
    GaugesPart,
    AuditPart,
    RetentionPart,
    AccountsPart,
):
    """``Ledger`` on SQLAlchemy. Thread-safe; several processes may share one database."""

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


def open_ledger(url: str, *, clock: Clock, busy_seconds: float = BUSY_SECONDS, look_only: bool = False) -> SqlLedger:
    """Open a ledger, making or migrating its tables first.

    ``url`` as SQLAlchemy writes it: ``sqlite:///fediwarden.db``, ``sqlite://`` (in memory). ``busy_seconds``: how long
    a call waits for another process before it raises ``LedgerBusyError``. ``look_only``: nothing can be written, not
    even by mistake, and nothing is migrated. Raises ``LedgerError``, with what to do, for a database of a newer
    version, for an older one under a bot that runs, for a file that is something else, and for a place that cannot be
    written.
    """
    database = Database(url, busy_seconds=busy_seconds, look_only=look_only)
    try:
        to_newest(database, clock.now(), look_only=look_only)
    except BaseException:
        database.close()
        raise
    ledger = SqlLedger(database, clock)
    _promise: Ledger = ledger  # the type checker compares the two here
    return ledger
