"""A ledger on each registered database; on the way, every statement is compiled for PostgreSQL as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite

from bot.ledger import SqlLedger, open_ledger
from ledger.backends import BACKENDS
from making import StillClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POSTGRESQL = postgresql.dialect()
COMPILED: set[Any] = set()


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with BACKENDS[request.param].url(tmp_path) as place:
        yield place


@pytest.fixture(params=[name for name, backend in BACKENDS.items() if backend.shared])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with BACKENDS[request.param].url(tmp_path) as place:
        yield place


@pytest.fixture
def ledger(url: str, clock: StillClock) -> Iterator[SqlLedger]:
    one = open_ledger(url, clock=clock)
    event.listen(one._database.engine, "before_execute", also_for_postgresql)
    yield one
    one.close()


def also_for_postgresql(_connection: object, statement: Any, *_: object) -> None:
    """Raises where a statement means nothing to PostgreSQL.

    What knows ``ON CONFLICT`` is built by ``insert_into`` for one dialect at a time, and has a test of its own.
    """
    if isinstance(statement, sqlite.Insert):
        return
    shape = statement._generate_cache_key()
    if shape is None or shape.key not in COMPILED:
        statement.compile(dialect=POSTGRESQL)
        COMPILED.add(shape and shape.key)
