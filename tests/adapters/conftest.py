"""A sandbox server for each test that wants one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lemmy_town import Town

from adapters.sandbox.lemmy import LemmySandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.ports import Instance


@pytest.fixture
def town() -> Iterator[Town]:
    with LemmySandbox(purge_delay=0.1) as box:
        built = Town(box)
        yield built
        built.close()


@pytest.fixture
def instance(town: Town) -> Instance:
    return town.connect()


@pytest.fixture(autouse=True)
def no_naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Reads are tried again at once; the list says how long they would have waited."""
    naps: list[float] = []
    monkeypatch.setattr("adapters.http.nap", naps.append)
    return naps
