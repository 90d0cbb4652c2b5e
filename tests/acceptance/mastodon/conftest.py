"""A bot with the tokens and the login of the server's warden."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from acceptance.bot import Bot
from acceptance.mastodon_bot import free_hook, only_webhook, write_mastodon_config
from conformance.mastodon.server import named, sandbox
from conformance.mastodon.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conformance.mastodon.people import Person
    from conformance.mastodon.server import Server

VERSIONS = ("4.3", "4.6")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Over both versions of the sandbox, or once over the server that is named."""
    which = ("named",) if os.environ.get("MASTODON_URL") else VERSIONS
    metafunc.parametrize("server", which, indirect=True, scope="session")


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The server under test; its webhook delivers to where the bot will listen."""
    found = named(os.environ)
    if found is not None:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        yield found
        return
    with sandbox(request.param, free_hook()) as started:
        yield started


@pytest.fixture
def stage(server: Server) -> Iterator[Stage]:
    """Where the test makes what it needs."""
    built = Stage(server)
    try:
        yield built
    finally:
        try:
            if server.lasting:
                built.clear()
        finally:
            built.close()


@pytest.fixture
def author(stage: Stage) -> Iterator[Person]:
    """Somebody ordinary, who is as before afterwards, whatever the bot did."""
    one = stage.crowd()[-1]
    yield one
    account = stage.admin.found(f"v1/admin/accounts/{one.id}")
    for flag, lift in (("suspended", "unsuspend"), ("silenced", "unsilence")):
        if account[flag]:
            assert stage.admin.post(f"v1/admin/accounts/{one.id}/{lift}").is_success


@pytest.fixture
def bot(tmp_path: Path, server: Server) -> Iterator[Bot]:
    """Not started yet, so that a test can put something on its list first."""
    warden = server.people["warden"]
    web = {"email": warden.email, "password": warden.password}
    block: dict[str, Any] = {
        "url": server.url,
        "token": warden.tokens["bot"],
        "removal": {"web": web | ({"totp_secret": warden.totp_secret} if warden.totp_secret else {})},
    }
    if server.headers:
        block["host"] = server.host
    if server.streaming_url:
        block["streaming"] = {"url": server.streaming_url}
    if server.webhook_url and server.webhook_secret:
        block |= only_webhook(server.webhook_url, server.webhook_secret)
    one = Bot(write_mastodon_config(tmp_path, block))
    yield one
    one.stop()
