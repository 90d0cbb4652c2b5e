"""Which servers these tests are willing to write to. Needs no server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ..server import UnusableServerError
from .server import named

pytestmark = pytest.mark.conformance

ONE = {"id": "1", "email": "a@mastodon.test", "password": "p", "tokens": {"full": "t"}}
PEOPLE = {"admin": ONE, "warden": ONE, "mod": ONE}


@pytest.fixture
def local(tmp_path: Path) -> dict[str, str]:
    """A server on this machine, and a file with its people."""
    people = tmp_path / "people.json"
    people.write_text(json.dumps({"people": PEOPLE, "streaming_url": "http://127.0.0.1:4000", "webhook_secret": "s"}))
    return {"MASTODON_URL": "http://127.0.0.1:3000/", "MASTODON_PEOPLE": str(people)}


def test_without_an_address_it_is_the_sandbox() -> None:
    assert named({}) is None


def test_server_on_this_machine_is_taken_as_named(local: dict[str, str]) -> None:
    server = named({**local, "MASTODON_HOST": "mastodon.test"})
    assert server is not None
    assert (server.url, server.streaming_url, server.lasting) == (
        "http://127.0.0.1:3000",
        "http://127.0.0.1:4000",
        True,
    )
    assert server.headers == {"Host": "mastodon.test", "X-Forwarded-Proto": "https"}


def test_people_alone_are_enough(local: dict[str, str], tmp_path: Path) -> None:
    Path(local["MASTODON_PEOPLE"]).write_text(json.dumps(PEOPLE))
    server = named(local)
    assert server is not None
    assert (set(server.people), server.streaming_url, server.headers) == (set(PEOPLE), "", {})


def test_missing_people_are_named(local: dict[str, str]) -> None:
    with pytest.raises(UnusableServerError, match="MASTODON_PEOPLE"):
        named({**local, "MASTODON_PEOPLE": ""})


@pytest.mark.parametrize("told", [{"people": {}}, {"people": {"admin": {}}}, {"people": []}])
def test_people_of_another_shape_are_refused(local: dict[str, str], told: object) -> None:
    Path(local["MASTODON_PEOPLE"]).write_text(json.dumps(told))
    with pytest.raises(UnusableServerError):
        named(local)


def test_server_elsewhere_is_refused(local: dict[str, str]) -> None:
    with pytest.raises(UnusableServerError, match=r"MASTODON_MAY_WRITE=mastodon\.example"):
        named({**local, "MASTODON_URL": "https://mastodon.example"})


def test_server_elsewhere_is_taken_when_it_is_allowed_by_name(local: dict[str, str]) -> None:
    elsewhere = {**local, "MASTODON_URL": "https://mastodon.example"}
    assert named({**elsewhere, "MASTODON_MAY_WRITE": "other, mastodon.example"}) is not None


def test_webhook_must_be_heard_on_this_machine(local: dict[str, str]) -> None:
    with pytest.raises(UnusableServerError, match="MASTODON_WEBHOOK"):
        named({**local, "MASTODON_WEBHOOK": "http://elsewhere.example/"})
