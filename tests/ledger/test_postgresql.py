"""Everything means the same to PostgreSQL: the statements that are built for one dialect at a time, and the tables.

All other statements are compiled for it as the contract suite runs them (see ``conftest``).
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from bot.ledger import database, schema
from bot.ledger.database import Database, keep_first, put
from bot.ledger.lists import _turn_page
from bot.ledger.schema import metadata
from bot.ledger.tasks import want
from bot.ports import Lane, TaskKind
from making import NOW

if TYPE_CHECKING:
    from sqlalchemy import Connection

POSTGRESQL = postgresql.dialect()


class Paper:
    """A connection to no PostgreSQL at all: it takes statements down."""

    dialect = POSTGRESQL

    def __init__(self) -> None:
        self.written: list[str] = []

    def execute(self, statement: Any, values: Any = None) -> Any:
        sql = str(statement.compile(dialect=POSTGRESQL, column_keys=values))
        self.written.append(" ".join(sql.split()))
        return SimpleNamespace(first=lambda: ("a",))


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_every_table_and_index_compiles(table: Any) -> None:
    sql = str(CreateTable(table).compile(dialect=POSTGRESQL))
    assert sql.strip().startswith(f"CREATE TABLE {table.name}")
    for index in table.indexes:
        assert "CREATE INDEX" in str(CreateIndex(index).compile(dialect=POSTGRESQL))
    for column in table.columns:
        assert column.server_default is None  # a default in one database's words is none in another's


def test_statements_that_know_on_conflict_compile() -> None:
    paper = Paper()
    connection = cast("Connection", paper)
    assert keep_first(connection, schema.flag, ["key"], key="a", value="b")
    put(connection, schema.flag, ["key"], key="a", value="b")
    _turn_page(connection)
    want(connection, TaskKind.EXAMINE, "a", Lane.NEW, now=NOW)
    first, latest, page, task = paper.written
    assert first.endswith("ON CONFLICT (key) DO NOTHING RETURNING flag.key")
    assert latest.endswith("ON CONFLICT (key) DO UPDATE SET value = excluded.value")
    assert "DO UPDATE SET value = (counter.value + " in page
    assert "ON CONFLICT (kind, target_digest) DO UPDATE SET" in task


def test_statements_that_know_on_conflict_are_built_nowhere_else() -> None:
    package = Path(database.__file__).parent
    assert {file.name for file in package.glob("*.py") if "on_conflict" in file.read_text()} == {
        "database.py",
        "lists.py",
        "tasks.py",
    }


def test_engine_for_postgresql_is_made_without_a_server() -> None:
    one = Database("postgresql://me:secret@db.example/fediwarden")
    assert one.engine.dialect.name == "postgresql"
    assert one.engine.dialect.driver == "psycopg"
    assert "secret" not in one.where
    one.close()


def test_writers_queue_up_on_postgresql() -> None:
    class Quiet(Paper):
        def get_execution_options(self) -> dict[str, bool]:
            return {"writes": True}

        def exec_driver_sql(self, sql: str) -> None:
            self.written.append(sql)

    quiet = Quiet()
    database._begin(cast("Connection", quiet))
    assert quiet.written == [f"SELECT pg_advisory_xact_lock({database.WRITER_LOCK})"]
