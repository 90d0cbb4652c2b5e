"""The engine and its transactions: reads that see one moment, writes one after the other."""

from __future__ import annotations

import threading
from contextlib import contextmanager, nullcontext, suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

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

PART = 400
"""Values in one statement; older SQLites take a thousand."""

T = TypeVar("T")

WRITER_LOCK = 0x0FED1
"""Any number, the same in every process: what PostgreSQL's writers queue up for."""

IDLE_SECONDS = 60.0
"""PostgreSQL ends a transaction in which nothing came for so long: a process that froze, or a host that vanished, must
not keep all others from writing."""

# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS: a server that is gone without a word
# is noticed within a minute, not after two hours.
_PATIENCE = {"connect_timeout": 10, "keepalives_idle": 20, "keepalives_interval": 10, "keepalives_count": 3}


class Database:
    """Connections to one ledger. Thread-safe.

    Writers queue up before their first statement (``BEGIN IMMEDIATE``; an advisory lock on PostgreSQL), so that two
    processes never find out halfway that only one of them can go on, and what a transaction has read stays true until
    it has written.
    """

    def __init__(self, url: str, *, busy_seconds: float = BUSY_SECONDS, look_only: bool = False) -> None:
        """Connects to nothing yet, but makes the file. Raises ``LedgerError`` for a URL of another kind of database.

        ``look_only``: the database itself refuses every write.
        """
        parsed = _parsed(url)
        self.where = _told(parsed)
        if not look_only:
            _keep_private(parsed)
        memory = parsed.get_backend_name() == "sqlite" and parsed.database in {None, "", ":memory:"}
        self._engine = _engine(parsed, memory=memory, busy_seconds=busy_seconds, look_only=look_only)
        self._reader, self._writer = _readers(self._engine), _writers(self._engine)
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
        with translated(self.where), self._reading, self._reader.begin() as connection:
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


_WHAT_TO_WRITE = "write `sqlite:///fediwarden.db`, or `postgresql://USER:PASSWORD@HOST/DATABASE`"


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError):  # without its words: they quote what may be part of a password
        raise LedgerError(f"the ledger's URL cannot be read; {_WHAT_TO_WRITE}") from None
    if backend == "postgresql":
        if "@" in (parsed.host or ""):
            raise LedgerError("the ledger's URL cannot be read; in a password write %40 for @, %2F for / and %25 for %")
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise LedgerError(f"the ledger cannot be kept in {backend}; {_WHAT_TO_WRITE}")
    return parsed.set(drivername="sqlite+pysqlite")


def _told(url: URL) -> str:
    """A ledger's name in messages: everything but how to get in."""
    name = url.database or ("in memory" if url.get_backend_name() == "sqlite" else "of this user")
    return f"ledger {name} at {url.host}" if url.host else f"ledger {name}"


def _keep_private(url: URL) -> None:
    """A new ledger is its owner's to read: it names people. SQLite gives its side files the same permissions."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith((":", "file:")):
        return
    with suppress(OSError):  # SQLite is about to complain about the same, and says it better
        Path(url.database).touch(mode=0o600, exist_ok=False)


def _engine(url: URL, *, memory: bool, busy_seconds: float, look_only: bool) -> Engine:
    # Parameters stay out of error messages: they are what people posted.
    options: dict[str, Any] = {"hide_parameters": True}
    if memory:
        options["poolclass"] = StaticPool
    else:
        options |= {"pool_size": 8, "max_overflow": 56, "pool_timeout": busy_seconds}
    if url.get_backend_name() == "sqlite":
        options["connect_args"] = {"timeout": busy_seconds, "check_same_thread": False}
    else:
        patience = {key: value for key, value in _PATIENCE.items() if key not in url.query}
        options["connect_args"] = {**patience, "client_encoding": "utf8"}
        # A server that was restarted while nobody asked anything is not worth an error; others need connections too.
        options |= {"pool_pre_ping": True, "max_overflow": 24}
    try:
        engine = create_engine(url, **options)
    except ImportError as error:
        raise LedgerError(f"PostgreSQL's driver is missing ({error}); install `fediwarden[postgres]`") from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", partial(_set_up_sqlite, look_only))
    else:
        event.listen(engine, "connect", partial(_set_up_postgresql, busy_seconds, look_only))
    event.listen(engine, "begin", _begin)
    return engine


def _readers(engine: Engine) -> Engine:
    """What one transaction reads is as of one moment. SQLite does so by itself."""
    if engine.dialect.name == "sqlite":
        return engine
    return engine.execution_options(isolation_level="REPEATABLE READ")


def _writers(engine: Engine) -> Engine:
    """What a writer reads is as of when its turn came, not of when it began to wait."""
    if engine.dialect.name == "sqlite":
        return engine.execution_options(writes=True)
    return engine.execution_options(writes=True, isolation_level="READ COMMITTED")


def _set_up_sqlite(look_only: bool, connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where ``_begin`` says, not where the driver guesses
    cursor = connection.cursor()
    try:
        writing = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON")
        for pragma in ("query_only = ON",) if look_only else writing:
            cursor.execute(f"PRAGMA {pragma}")
    finally:
        cursor.close()


def _set_up_postgresql(busy_seconds: float, look_only: bool, connection: Any, _record: object) -> None:
    settings = {
        "lock_timeout": f"{max(1, round(busy_seconds * 1000))}ms",
        "idle_in_transaction_session_timeout": f"{round(IDLE_SECONDS * 1000)}ms",
        "datestyle": "ISO",  # the only one that the driver reads
    }
    if look_only:  # else as the server has it: whoever runs it may have made it read-only
        settings["default_transaction_read_only"] = "on"
    if connection.info.parameter_status("server_encoding") != "UTF8":
        raise LedgerError(
            f"ledger {connection.info.dbname}: the database cannot keep every text; make another one with "
            "`createdb --encoding=UTF8 --template=template0`"
        )
    connection.autocommit = True  # or they would be gone with the first transaction that is taken back
    for key, value in settings.items():
        connection.execute("SELECT set_config(%s, %s, false)", (key, value))
    connection.autocommit = False


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
    elif writes:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")


def parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """As many at a time as one statement takes."""
    return (values[start : start + PART] for start in range(0, len(values), PART))
