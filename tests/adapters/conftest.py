"""A sandbox server for each test that wants one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lemmy_town import Town
from mastodon_square import Square

from adapters.buckets import Buckets
from adapters.sandbox.lemmy import LemmySandbox
from adapters.sandbox.mastodon import MastodonSandbox

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


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float]]:
    """Limiters that were told to let nothing pass, and the seconds; they go on at once."""
    told: list[tuple[str, float]] = []
    monkeypatch.setattr(Buckets, "pause", lambda _, name, seconds: told.append((name, seconds)))
    return told


@pytest.fixture
def square(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Square]:
    """Mastodon 4.6, and 4.3 besides for tests that are marked as ``mastodon_square.both``."""
    monkeypatch.setattr("adapters.mastodon.files.WAIT", 0.3)  # the sandbox hides and shows files at once
    with MastodonSandbox(getattr(request, "param", "4.6"), separate_file_server=True) as box:
        built = Square(box)
        yield built
        built.close()
