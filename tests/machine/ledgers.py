"""The ledgers that the machine runs on: those of the contract suite, opened once and emptied for each example."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from bot.ledger import open_ledger, schema
from ledger.backends import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bot.ledger import SqlLedger
    from making import StillClock

PROCESSES = 3
"""Connections of their own for as many processes, where a database can be shared."""


@contextmanager
def opened(name: str, folder: Path, clock: StillClock) -> Iterator[Sequence[SqlLedger]]:
    """Connections to one database."""
    backend = BACKENDS[name]
    with ExitStack() as stack:
        url = stack.enter_context(backend.url(folder))
        ledgers = [open_ledger(url, clock=clock) for _ in range(PROCESSES if backend.shared else 1)]
        for ledger in ledgers:
            stack.callback(ledger.close)
        yield ledgers


def empty(ledger: SqlLedger) -> None:
    """As it was when it was made, numbers included."""
    with ledger._database.write() as connection:
        if connection.dialect.name == "postgresql":
            names = ", ".join(f'"{table.name}"' for table in schema.metadata.sorted_tables)
            connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
            return
        for table in reversed(schema.metadata.sorted_tables):
            connection.execute(table.delete())
        connection.exec_driver_sql("DELETE FROM sqlite_sequence")
