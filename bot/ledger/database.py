"""The engine and its transactions: reads that see one moment, writes one after the other."""

from __future__ import annotations

import threading
from contextlib import contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, StaticPool, create_engine, event, insert, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError

from bot.domain.errors import LedgerError
from bot.ledger.faults import translated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection, Engine, Table
    from sqlalchemy.sql.dml import ReturningInsert

    Insert = sqlite.Insert | postgresql.Insert

BUSY_SECONDS = 30.0
"""How long a write waits for another process's: longer than any transaction here, shorter than a human's patience."""

WRITER_LOCK = 0x0FED1
"""Any number, the same in every process: what PostgreSQL's writers queue up for."""


class Database:
    """Connections to one ledger. Thread-safe.

    Writers queue up before their first statement (``BEGIN IMMEDIATE``; an advisory lock on PostgreSQL), so that two
    processes never find out halfway that only one of them can go on, and what a transaction has read stays true until
    it has written.
    """

    def __init__(self, url: str, *, busy_seconds: float = BUSY_SECONDS) -> None:
        """Connects to nothing yet, but makes the file. Raises ``LedgerError`` for a URL of another kind of database."""
        parsed = _parsed(url)
        self.where = f"ledger {parsed.database or 'in memory'}"
        _keep_private(parsed)
        memory = parsed.get_backend_name() == "sqlite" and parsed.database in {None, "", ":memory:"}
        self._engine = _engine(parsed, memory=memory, busy_seconds=busy_seconds)
        self._writer = self._engine.execution_options(writes=True)
        # In one process writers wait in a lock, which is fairer than SQLite's sleeping and trying again. A database
        # in memory has one connection for all, so that readers have to wait as well.
        lock = threading.Lock()
        self._writing: AbstractContextManager[Any] = lock
        self._reading: AbstractContextManager[Any] = lock if memory else nullcontext()

    @property
    def engine(self) -> Engine:
        """For migrations, and for tests that look at statements."""
        return self._engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one moment and changes nothing."""
        with translated(self.where), self._reading, self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is there as a whole, or not at all. Raises ``LedgerBusyError`` when others hold on."""
        with translated(self.where), self._writing, self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()


def insert_into(dialect: str, table: Table) -> Insert:
    """``INSERT`` that knows ``ON CONFLICT``, in the words of a database."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def add(connection: Connection, table: Table, **values: Any) -> int:
    """Insert; the new row's key."""
    key = connection.execute(insert(table), values).inserted_primary_key
    if key is None:
        raise LedgerError(f"no key came back for a row of {table.name}")
    return int(key[0])


def keep_first(connection: Connection, table: Table, unique: Sequence[str], **values: Any) -> bool:
    """Insert unless a row with the same ``unique`` columns is there; whether it was inserted."""
    statement = _unless_there(connection.dialect.name, table, tuple(unique))
    # Not by the number of rows: drivers do not agree on it where nothing was inserted.
    return connection.execute(statement, values).first() is not None


@cache
def _unless_there(dialect: str, table: Table, unique: tuple[str, ...]) -> ReturningInsert[Any]:
    """Made once: to put such a statement together takes longer than to run it."""
    statement = insert_into(dialect, table).on_conflict_do_nothing(index_elements=unique)
    return statement.returning(table.c[unique[0]])


def put(connection: Connection, table: Table, unique: Sequence[str], **values: Any) -> None:
    """Insert, or bring the row with the same ``unique`` columns up to date."""
    statement = insert_into(connection.dialect.name, table).values(**values)
    changed = {column: statement.excluded[column] for column in values if column not in unique}
    connection.execute(statement.on_conflict_do_update(index_elements=unique, set_=changed))


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except ArgumentError:
        raise LedgerError("the ledger's URL cannot be read; write `sqlite:///fediwarden.db`") from None
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise LedgerError(f"the ledger cannot be kept in {backend}; write `sqlite:///fediwarden.db`")
    return parsed.set(drivername="sqlite+pysqlite")


def _keep_private(url: URL) -> None:
    """A new ledger is its owner's to read: it names people. SQLite gives its side files the same permissions."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith((":", "file:")):
        return
    with suppress(OSError):  # SQLite is about to complain about the same, and says it better
        Path(url.database).touch(mode=0o600, exist_ok=False)


def _engine(url: URL, *, memory: bool, busy_seconds: float) -> Engine:
    # Parameters stay out of error messages: they are what people posted.
    options: dict[str, Any] = {"hide_parameters": True}
    if url.get_backend_name() == "sqlite":
        options["connect_args"] = {"timeout": busy_seconds, "check_same_thread": False}
    if memory:
        options["poolclass"] = StaticPool
    else:
        options |= {"pool_size": 8, "max_overflow": 56, "pool_timeout": busy_seconds}
    try:
        engine = create_engine(url, **options)
    except ModuleNotFoundError as error:
        raise LedgerError(f"{error.name} is missing; install `fediwarden[postgres]`") from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin)
    return engine


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where ``_begin`` says, not where the driver guesses
    cursor = connection.cursor()
    try:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            cursor.execute(f"PRAGMA {pragma}")
    finally:
        cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
    elif writes:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")
