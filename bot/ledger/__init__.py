"""The one store: everything that outlives the process."""

from bot.ledger.inbox import Letter
from bot.ledger.store import SqlLedger, open_ledger

__all__ = ["Letter", "SqlLedger", "open_ledger"]
