"""The whole bot, as installed, against the server under test (see ``conformance.server`` for how that is chosen)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from conformance.conftest import admin, pytest_configure, pytest_report_header, server, slur, stage

from .bot import Bot, write_config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conformance.people import Person
    from conformance.server import Server
    from conformance.stage import Stage

__all__ = ["admin", "pytest_configure", "pytest_report_header", "server", "slur", "stage"]


@contextmanager
def running(folder: Path, server: Server, stage: Stage, admin: Person, **changes: Any) -> Iterator[Bot]:
    """A bot with an account of its own that has looked at the server once and goes on."""
    warden = stage.register("warden")
    assert admin.post("admin/add", person_id=warden.id, added=True).is_success
    bot = Bot(write_config(folder, server, warden, **changes))
    bot.start()
    try:
        bot.wait_until_it_watches()
        yield bot
    finally:
        bot.stop()
        admin.post("admin/add", person_id=warden.id, added=False)


@pytest.fixture
def bot(tmp_path: Path, server: Server, stage: Stage, admin: Person) -> Iterator[Bot]:
    """One that waits until an upload is posted, so that tests can put it on a list before."""
    with running(tmp_path, server, stage, admin, unposted_uploads="ignore") as one:
        yield one


@pytest.fixture
def eager_bot(tmp_path: Path, server: Server, stage: Stage, admin: Person) -> Iterator[Bot]:
    """One that looks at uploads before anybody posts them."""
    with running(tmp_path, server, stage, admin, unposted_uploads="scan") as one:
        yield one
