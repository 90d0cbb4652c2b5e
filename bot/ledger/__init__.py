"""The one store: everything that outlives the process."""

from bot.ledger.store import SqlLedger, open_ledger

__all__ = ["SqlLedger", "open_ledger"]
