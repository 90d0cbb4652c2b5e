"""The Mastodon under test and the people on it."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from .hooks import Listener
from .server import VERSIONS, Server, named, sandbox
from .stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .people import Person

MOST = 6  # people who are needed besides staff; with fewer, some play several parts
FEWEST = 3


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test runs over both versions of the sandbox, or once over the server that is named."""
    if "server" in metafunc.fixturenames and metafunc.definition.path.parent.name == "mastodon":
        which = ("named",) if os.environ.get("MASTODON_URL") else VERSIONS
        metafunc.parametrize("server", which, indirect=True, scope="session")


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The server under test."""
    found = named(os.environ)
    if found is not None:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a run that is told to stop puts things back too
        yield found
        return
    with Listener() as listener, sandbox(request.param, listener.url) as started:
        LISTENERS[started.url] = listener
        yield started


@pytest.fixture(scope="session")
def hook(server: Server) -> Iterator[Listener]:
    """Where the server's webhook delivers."""
    if server.url in LISTENERS:
        yield LISTENERS[server.url]
        return
    if not server.webhook_url or not server.webhook_secret:
        pytest.skip("the server has no webhook to listen to: MASTODON_WEBHOOK and webhook_secret name one")
    with Listener(server.webhook_url) as listener:
        yield listener


@pytest.fixture(scope="session")
def stage(server: Server) -> Iterator[Stage]:
    """Where the tests make what they need."""
    built = Stage(server)
    try:
        yield built
    finally:
        try:
            if server.lasting:
                built.clear()
        finally:
            built.close()


@pytest.fixture(scope="session")
def crowd(stage: Stage) -> list[Person]:
    """Ordinary people in good standing: authors, bystanders, and whoever is acted on."""
    found = stage.crowd()
    if len(found) < FEWEST:
        pytest.exit(f"conformance: {FEWEST} ordinary people in good standing are needed, not {len(found)}", 2)
    return [found[number % len(found)] for number in range(MOST)]


@pytest.fixture(scope="session")
def anonymous(stage: Stage) -> Person:
    """Nobody in particular."""
    return stage.anonymous


@pytest.fixture(scope="session")
def admin(stage: Stage) -> Person:
    """The owner of the server."""
    return stage.admin


@pytest.fixture(scope="session")
def warden(stage: Stage) -> Person:
    """The bot's account with the scopes that the bot asks for."""
    return stage.person("warden", "bot")


@pytest.fixture(scope="session")
def alice(crowd: list[Person]) -> Person:
    """An author."""
    return crowd[0]


@pytest.fixture(scope="session")
def bob(crowd: list[Person]) -> Person:
    """A bystander, who also reports."""
    return crowd[1]


@pytest.fixture(scope="session")
def carol(crowd: list[Person]) -> Person:
    """Another author."""
    return crowd[2]


@pytest.fixture(scope="session")
def target(crowd: list[Person]) -> Person:
    """Whom moderators act on. Not alice or bob."""
    return crowd[-1] if crowd[-1] not in crowd[:2] else crowd[2]


LISTENERS: dict[str, Listener] = {}
