"""Tokens, what a bad one does and does not do, and what is left of the older API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from ..answers import body, refusal
from ..waiting import refused_within_a_second
from .people import Person

if TYPE_CHECKING:
    from ..server import Server
    from .stage import Stage

pytestmark = pytest.mark.conformance


def test_the_server_says_that_it_is_a_lemmy_1(server: Server, anonymous: Person) -> None:
    told = httpx.get(f"{server.url}/nodeinfo/2.1", timeout=30).json()["software"]
    assert told["name"] == "lemmy"
    assert told["version"].startswith("1.")
    assert body(anonymous.get("site"))["version"] == told["version"]


def test_a_bad_token_is_told_only_to_whoever_asks(server: Server, alice: Person) -> None:
    stranger = Person(server)
    stranger.client.headers["Authorization"] = "Bearer bad.token.here"
    assert body(alice.get("account/validate_auth")) == {"success": True}
    assert refusal(stranger.get("account/validate_auth")) == (400, "not_logged_in")
    assert stranger.get("post/list", limit=1).is_success
    assert refusal(stranger.get("account")) == (401, "incorrect_login")
    stranger.close()


def test_wrong_password_is_refused(stage: Stage, alice: Person, anonymous: Person) -> None:
    wrong = {"username_or_email": alice.name, "password": "another password"}
    assert refusal(anonymous.post("account/auth/login", **wrong)) == (401, "incorrect_login")


def test_second_login_of_one_second_is_refused(alice: Person, anonymous: Person) -> None:
    known = {"username_or_email": alice.name, "password": alice.password}
    refused = refused_within_a_second(lambda: anonymous.post("account/auth/login", **known))
    assert refusal(refused) == (400, "couldnt_create")


def test_calls_of_administrators_are_refused_to_others(alice: Person, anonymous: Person) -> None:
    assert refusal(alice.get("admin/users")) == (400, "not_an_admin")
    assert refusal(anonymous.get("admin/users")) == (401, "incorrect_login")


@pytest.mark.parametrize("path", ["/api/v3/modlog", "/api/v3/admin/list_all_media", "/pictrs/image/x.png"])
def test_places_of_the_older_api_are_empty(anonymous: Person, path: str) -> None:
    answer = anonymous.client.get(path)
    assert (answer.status_code, answer.content) == (404, b"")


def test_answers_tell_what_the_limit_leaves(stage: Stage, alice: Person) -> None:
    answer = alice.get("post/list", limit=1)
    told = {name: int(answer.headers[f"x-ratelimit-{name}"]) for name in ("limit", "remaining", "reset")}
    assert 0 <= told["remaining"] < told["limit"]
    assert 0 <= told["reset"] <= 60
