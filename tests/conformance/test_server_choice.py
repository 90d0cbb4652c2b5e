"""Which servers these tests are willing to write to. Needs no server."""

from __future__ import annotations

import pytest

from .server import UnusableServerError, is_this_machine, named

pytestmark = pytest.mark.conformance

LOCAL = {
    "LEMMY_URL": "http://127.0.0.1:8536/",
    "LEMMY_ADMIN": "admin",
    "LEMMY_PASSWORD": "password",
    "PICTRS_URL": "http://[::1]:8080",
    "PICTRS_KEY": "key",
}


def test_without_an_address_it_is_the_sandbox() -> None:
    assert named({}) is None


def test_server_on_this_machine_is_taken_as_named() -> None:
    server = named(LOCAL)
    assert server is not None
    assert (server.url, server.pictrs_url, server.lasting) == ("http://127.0.0.1:8536", "http://[::1]:8080", True)


@pytest.mark.parametrize("name", ["LEMMY_ADMIN", "LEMMY_PASSWORD", "PICTRS_URL", "PICTRS_KEY"])
def test_what_is_missing_is_named(name: str) -> None:
    with pytest.raises(UnusableServerError, match=name):
        named({**LOCAL, name: ""})


@pytest.mark.parametrize("name", ["LEMMY_URL", "PICTRS_URL"])
def test_server_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(UnusableServerError, match=r"LEMMY_MAY_WRITE=lemmy\.example"):
        named({**LOCAL, name: "https://lemmy.example"})


def test_server_elsewhere_is_taken_when_it_is_allowed_by_name() -> None:
    elsewhere = {**LOCAL, "LEMMY_URL": "https://lemmy.example", "PICTRS_URL": "http://pictrs:8080"}
    assert named({**elsewhere, "LEMMY_MAY_WRITE": "lemmy.example, pictrs"}) is not None
    with pytest.raises(UnusableServerError, match="PICTRS_URL"):
        named({**elsewhere, "LEMMY_MAY_WRITE": "lemmy.example"})


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost.example.com", False),
        ("192.168.0.1", False),
        ("", False),
    ],
)
def test_only_loopback_is_this_machine(host: str, expected: bool) -> None:
    assert is_this_machine(host) is expected
