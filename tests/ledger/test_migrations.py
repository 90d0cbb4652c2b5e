"""From an empty database to this version's tables, and what is refused."""

from __future__ import annotations

import io
import sqlite3
import stat
from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from bot.domain.errors import LedgerError
from bot.ledger import open_ledger
from bot.ledger.database import Database
from bot.ledger.migrate import NEWEST, VERSION_TABLE, configuration, to_newest
from bot.ledger.schema import metadata
from making import StillClock

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def opened(place: Path) -> None:
    open_ledger(f"sqlite:///{place}", clock=StillClock()).close()


def tables(place: Path) -> set[str]:
    connection = sqlite3.connect(place)
    try:
        found = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    finally:
        connection.close()
    return found


def test_newest_step_is_the_last_one() -> None:
    assert ScriptDirectory.from_config(configuration()).get_current_head() == NEWEST


def test_migrations_lead_to_the_tables_that_the_code_uses(empty_url: str) -> None:
    database = Database(empty_url)
    to_newest(database, StillClock().now())
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert {*inspect(connection).get_table_names()} == {*metadata.tables, VERSION_TABLE}
    database.close()


def test_second_opening_changes_nothing(place: Path) -> None:
    opened(place)
    before = place.read_bytes()
    opened(place)
    assert place.read_bytes() == before


def test_ledger_is_its_owners_to_read(place: Path) -> None:
    opened(place)
    assert stat.S_IMODE(place.stat().st_mode) == 0o600


def test_migration_is_done_as_a_whole_or_not_at_all(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = command.upgrade

    def broken(*arguments: object) -> None:
        real(*arguments)  # type: ignore[arg-type]
        raise LedgerError("the power went")

    monkeypatch.setattr(command, "upgrade", broken)
    with pytest.raises(LedgerError, match="power"):
        opened(place)
    assert not tables(place) & {*metadata.tables, VERSION_TABLE}
    monkeypatch.undo()
    opened(place)
    assert tables(place) >= {*metadata.tables}


def test_every_step_leads_back(empty_url: str) -> None:
    open_ledger(empty_url, clock=StillClock()).close()
    database = Database(empty_url)
    with database.write() as connection:
        settings = configuration()
        settings.attributes["connection"] = connection
        command.downgrade(settings, "base")
        assert {*inspect(connection).get_table_names()} == {VERSION_TABLE}
    database.close()
    open_ledger(empty_url, clock=StillClock()).close()


def test_every_migration_compiles_for_postgresql() -> None:
    sql = io.StringIO()
    command.upgrade(configuration("postgresql+psycopg://", output=sql), "head", sql=True)
    for table in metadata.tables:
        assert f"CREATE TABLE {table} (" in sql.getvalue()
    assert "TIMESTAMP WITH TIME ZONE" in sql.getvalue()
    assert "BIGSERIAL" in sql.getvalue()
    sql = io.StringIO()
    command.downgrade(configuration("postgresql+psycopg://", output=sql), f"{NEWEST}:base", sql=True)
    assert "DROP TABLE" in sql.getvalue()


def test_database_of_a_newer_version_is_refused(place: Path) -> None:
    opened(place)
    connection = sqlite3.connect(place)
    connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")  # noqa: S608 - a constant
    connection.commit()
    connection.close()
    before = place.read_bytes()
    with pytest.raises(LedgerError, match=r"newer version .* install that version again"):
        opened(place)
    assert place.read_bytes() == before


def test_database_of_something_else_is_refused(empty_url: str) -> None:
    database = Database(empty_url)
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE recipes (name TEXT)")
    with pytest.raises(LedgerError, match="something else; name another "):
        open_ledger(empty_url, clock=StillClock())
    with database.read() as connection:
        assert inspect(connection).get_table_names() == ["recipes"]
    database.close()


def back_by_one_step(url: str) -> None:
    """As the version before left it."""
    database = Database(url)
    with database.write() as connection:
        settings = configuration()
        settings.attributes["connection"] = connection
        command.downgrade(settings, "-1")
    database.close()


def test_tables_of_an_older_bot_that_runs_are_left_to_it(empty_url: str) -> None:
    clock = StillClock()
    ledger = open_ledger(empty_url, clock=clock)
    lease = ledger.acquire("host/7", seconds=30)
    assert lease is not None
    ledger.close()
    back_by_one_step(empty_url)
    with pytest.raises(LedgerError, match=r"an older version of the bot runs on it \(host/7\); stop that one first"):
        open_ledger(empty_url, clock=clock)
    clock.time = lease.expires
    open_ledger(empty_url, clock=clock).close()


def test_tables_of_an_older_bot_that_stopped_are_brought_up_to_date(empty_url: str) -> None:
    ledger = open_ledger(empty_url, clock=StillClock())
    lease = ledger.acquire("host/7", seconds=30)
    assert lease is not None
    ledger.release(lease)
    ledger.close()
    back_by_one_step(empty_url)
    open_ledger(empty_url, clock=StillClock()).close()
