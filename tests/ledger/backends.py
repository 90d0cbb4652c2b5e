"""Every database that the contract suite runs on. Another joins by being registered here."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import psycopg

import postgres
from bot.clock import SystemClock
from bot.ledger import open_ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    Place = Callable[[Path], AbstractContextManager[str]]  # from a folder of the test's own to a URL


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A database for one test."""

    empty: Place  # without tables
    url: Place  # with the tables already: to make them anew for every test would take most of the suite's time
    shared: bool  # whether a second process, or a second opening, sees the same data


@cache
def _migrated_file() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "ledger.db"
        open_ledger(f"sqlite:///{file}", clock=SystemClock()).close()
        return file.read_bytes()


@contextmanager
def _empty_sqlite_file(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder / 'ledger.db'}"


@contextmanager
def _sqlite_file(folder: Path) -> Iterator[str]:
    (folder / "ledger.db").write_bytes(_migrated_file())
    yield f"sqlite:///{folder / 'ledger.db'}"


@contextmanager
def _sqlite_memory(_folder: Path) -> Iterator[str]:
    yield "sqlite://"


@cache
def _template() -> str:
    name = "template_ledger"
    open_ledger(postgres.shared().create(name), clock=SystemClock()).close()
    return name


@contextmanager
def _empty_postgresql(_folder: Path) -> Iterator[str]:
    with postgres.shared().database() as url:
        yield url


@contextmanager
def _postgresql(_folder: Path) -> Iterator[str]:
    url = FREE.pop() if FREE else postgres.shared().create(f"ledger_{next(NUMBERS)}", template=_template())
    yield url
    if _emptied(url):
        FREE.append(url)


FREE: list[str] = []
NUMBERS = count(1)

SHAPE = """
SELECT md5(string_agg(part, ' ' ORDER BY part)) FROM (
    SELECT version_num::text AS part FROM ledger_version
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT tgname FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT format('%s.%s %s %s', attrelid::regclass, attname, atttypid, attnotnull) FROM pg_attribute
        JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
    UNION ALL SELECT setconfig::text FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase
        WHERE datname = current_database()
) AS parts
"""
EMPTY = """
SET session_replication_role = replica;
DO $$ DECLARE one regclass; BEGIN
    FOR one IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
            AND relname <> 'ledger_version' LOOP
        EXECUTE format('DELETE FROM %s', one);
    END LOOP;
    FOR one IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'S' LOOP
        PERFORM setval(one, 1, false);
    END LOOP;
END $$
"""
ALONE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@cache
def _shape() -> str:
    with psycopg.connect(postgres.shared().url(_template())) as connection:
        return str(connection.execute(SHAPE).fetchone())


def _emptied(url: str) -> bool:
    """As it was: to copy the template again takes ten times as long. Not where a test has changed the tables."""
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(ALONE)
            if str(connection.execute(SHAPE).fetchone()) != _shape():
                return False
            connection.execute(EMPTY)
    except psycopg.Error:
        return False
    return True


BACKENDS = {
    "sqlite-file": Backend(empty=_empty_sqlite_file, url=_sqlite_file, shared=True),
    "sqlite-memory": Backend(empty=_sqlite_memory, url=_sqlite_memory, shared=False),
    "postgresql": Backend(empty=_empty_postgresql, url=_postgresql, shared=True),
}
SHARED = [name for name, backend in BACKENDS.items() if backend.shared]
