"""The server under test and the people on it."""

from __future__ import annotations

import os
import secrets
import signal
from typing import TYPE_CHECKING, NoReturn

import pytest

from .mastodon import server as mastodon
from .people import Person
from .server import Server, UnusableServerError, named, sandbox, version_of, versions
from .site import opened
from .stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a server that is named badly, before anything is written anywhere."""
    _named(config)
    _named_mastodon(config)


def pytest_report_header(config: pytest.Config) -> str:
    """Say first what is under test."""
    server, other = _named(config), _named_mastodon(config)
    try:
        lemmy = versions(server) if server else "the sandbox (set LEMMY_URL for a real server)"
        second = mastodon.versions(other) if other else "the sandbox (set MASTODON_URL for a real server)"
    except UnusableServerError as refusal:
        _stop(refusal)
    return f"conformance: Lemmy: {lemmy}; Mastodon: {second}"


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The server under test."""
    found = _named(request.config)
    if found is not None:
        if not version_of(found).startswith("0."):
            pytest.skip("LEMMY_URL names a Lemmy 1.0, whose tests are in lemmy_v4")
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a run that is told to stop puts things back too
        yield found
        return
    with sandbox() as started:
        yield started


@pytest.fixture(scope="session")
def admin(server: Server) -> Iterator[Person]:
    """The first administrator."""
    person = Person(server, name=server.admin, password=server.password)
    try:
        try:
            person.sign_in()
        except AssertionError as refusal:
            _stop(f"LEMMY_ADMIN with LEMMY_PASSWORD cannot log in: {refusal}")
        yield person
        person.post("user/logout")
    finally:
        person.close()


@pytest.fixture(scope="session")
def slur() -> str:
    """A word that the site forbids while the tests run."""
    return f"slur{secrets.token_hex(6)}"


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
    except UnusableServerError as refusal:
        _stop(refusal)
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


def _named(config: pytest.Config) -> Server | None:
    try:
        found = named(os.environ)
    except UnusableServerError as refusal:
        _stop(refusal)
    if found is not None and _several(config):
        _stop("one process only (-n 0) over a real server, whose site settings change while the tests run")
    return found


def _named_mastodon(config: pytest.Config) -> mastodon.Server | None:
    try:
        found = mastodon.named(os.environ)
    except UnusableServerError as refusal:
        _stop(refusal)
    if found is not None and _several(config):
        _stop("one process only (-n 0) over a real server, whose people are suspended while the tests run")
    return found


def _several(config: pytest.Config) -> bool:
    return bool(getattr(config.option, "numprocesses", None)) or hasattr(config, "workerinput")


def _stop(refusal: object) -> NoReturn:
    pytest.exit(f"conformance: {refusal}", returncode=2)
