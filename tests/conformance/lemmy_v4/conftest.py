"""The Lemmy 1.0 under test and the people on it."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from ..server import Server, named, sandbox, version_of
from .people import Person
from .stage import Stage, opened

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The server under test."""
    found = named(os.environ)
    if found is not None:
        if not version_of(found).startswith("1."):
            pytest.skip("LEMMY_URL names a Lemmy that is not 1.0")
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a run that is told to stop puts things back too
        yield found
        return
    with sandbox("1.0") as started:
        yield started


@pytest.fixture(scope="session")
def admin(server: Server) -> Iterator[Person]:
    """The first administrator."""
    person = Person(server, name=server.admin, password=server.password)
    try:
        person.sign_in()
        yield person
        person.post("account/auth/logout")
    finally:
        person.close()


@pytest.fixture(scope="session")
def stage(server: Server, admin: Person, slur: str) -> Iterator[Stage]:
    """Where the tests make what they need."""
    built = Stage(server, admin)
    try:
        with opened(admin, slur=slur):
            try:
                yield built
            finally:
                if server.lasting:
                    built.clear()
    finally:
        built.close()


@pytest.fixture(scope="session")
def anonymous(server: Server) -> Iterator[Person]:
    """Nobody in particular."""
    nobody = Person(server)
    yield nobody
    nobody.close()


@pytest.fixture(scope="session")
def warden(stage: Stage, admin: Person) -> Person:
    """An account like the bot's: an administrator, added later than the first."""
    person = stage.register("warden")
    assert admin.post("admin/add", person_id=person.id, added=True).is_success
    return person


@pytest.fixture(scope="session")
def alice(stage: Stage) -> Person:
    """An ordinary user."""
    return stage.register("alice")


@pytest.fixture(scope="session")
def bob(stage: Stage) -> Person:
    """Another ordinary user."""
    return stage.register("bob")


@pytest.fixture(scope="session")
def community(stage: Stage) -> int:
    """The community that everybody posts in."""
    return stage.community()
