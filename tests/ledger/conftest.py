"""A ledger on each registered database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.ledger import SqlLedger, open_ledger
from ledger.backends import BACKENDS, SHARED
from making import StillClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with BACKENDS[request.param].url(tmp_path) as place:
        yield place


@pytest.fixture(params=SHARED)
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with BACKENDS[request.param].url(tmp_path) as place:
        yield place


@pytest.fixture(params=SHARED)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with BACKENDS[request.param].empty(tmp_path) as place:
        yield place


@pytest.fixture
def ledger(url: str, clock: StillClock) -> Iterator[SqlLedger]:
    one = open_ledger(url, clock=clock)
    yield one
    one.close()
