"""Ledgers as earlier versions left them: one file of rows for each step of the tables, written by hand.

They stay as they are. Payloads stand in them as JSON and not as text in JSON, so that they can be read; digests are the
SHA-256 of what stands beside them.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic import command
from sqlalchemy import Connection, DateTime, MetaData, func, insert, select, text

from bot.ledger.database import Database
from bot.ledger.migrate import configuration

if TYPE_CHECKING:
    from sqlalchemy import Table

FOLDER = Path(__file__).parent
STEPS = sorted(file.stem for file in FOLDER.glob("*.json"))


def fill(url: str, step: str) -> None:
    """Make the tables of a step in an empty database, and put its rows into them."""
    database = Database(url)
    with database.write() as connection:
        settings = configuration()
        settings.attributes["connection"] = connection
        command.upgrade(settings, step)
        tables = MetaData()
        tables.reflect(connection)
        for name, rows in rows_of(step).items():
            table = tables.tables[name]
            connection.execute(insert(table), [_typed(connection, table, row) for row in rows])
            _count_on(connection, table)
    database.close()


def rows_of(step: str) -> dict[str, list[dict[str, Any]]]:
    """What is in the file of a step, by table."""
    found: dict[str, list[dict[str, Any]]] = json.loads((FOLDER / f"{step}.json").read_text(encoding="utf-8"))
    return found


def _typed(connection: Connection, table: Table, row: dict[str, Any]) -> dict[str, Any]:
    return {column: _value(connection, table, column, value) for column, value in row.items()}


def _value(connection: Connection, table: Table, column: str, value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value, separators=(",", ":"))
    if value is not None and isinstance(table.c[column].type, DateTime):
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=None) if connection.dialect.name == "sqlite" else moment
    return value


def _count_on(connection: Connection, table: Table) -> None:
    """PostgreSQL counts beside the table, and does not see numbers that were put there."""
    (key, *_) = table.primary_key.columns
    if connection.dialect.name == "postgresql":
        sequence = connection.execute(select(func.pg_get_serial_sequence(table.name, key.name))).scalar()
        if sequence is not None:
            last = connection.execute(select(func.max(key))).scalar()
            connection.execute(text("SELECT setval(:sequence, :last)"), {"sequence": sequence, "last": last})
