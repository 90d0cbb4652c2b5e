"""Tokens, scopes and what the server says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ..answers import body, refusal
from .people import Person

if TYPE_CHECKING:
    from .server import Server
    from .stage import Stage

pytestmark = pytest.mark.conformance

NO_TOKEN = (401, "The access token is invalid")
OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"


@pytest.fixture(scope="module")
def app(anonymous: Person) -> dict[str, Any]:
    """An application of our own; a server takes five in ten minutes."""
    answer = anonymous.post("v1/apps", client_name="conformance", redirect_uris=OUT_OF_BAND, scopes="read")
    if answer.status_code == 429:
        pytest.skip("too many applications were registered in the last ten minutes")
    return body(answer)


@pytest.fixture(scope="module")
def app_token(app: dict[str, Any], anonymous: Person) -> str:
    """A token that belongs to no user."""
    grant = {"grant_type": "client_credentials", "redirect_uri": OUT_OF_BAND, "scope": "read"}
    answer = anonymous.client.post("/oauth/token", json=grant | keys(app))
    return str(body(answer)["access_token"])


def keys(app: dict[str, Any]) -> dict[str, str]:
    return {"client_id": app["client_id"], "client_secret": app["client_secret"]}


def test_call_without_a_token_is_401(anonymous: Person) -> None:
    assert refusal(anonymous.get("v1/accounts/verify_credentials")) == NO_TOKEN


def test_unknown_token_reads_as_no_token(server: Server) -> None:
    stranger = Person(server, token="not-a-token")
    assert refusal(stranger.get("v1/accounts/verify_credentials")) == NO_TOKEN
    stranger.close()


def test_token_of_an_application_has_no_user(server: Server, app_token: str) -> None:
    robot = Person(server, token=app_token)
    answer = robot.get("v1/accounts/verify_credentials")
    assert refusal(answer) == (422, "This method requires an authenticated user")
    robot.close()


def test_revoked_token_says_so(server: Server, app: dict[str, Any], anonymous: Person) -> None:
    grant = {"grant_type": "client_credentials", "redirect_uri": OUT_OF_BAND, "scope": "read"}
    token = body(anonymous.client.post("/oauth/token", json=grant | keys(app)))["access_token"]
    body(anonymous.client.post("/oauth/revoke", json=keys(app) | {"token": token}))
    robot = Person(server, token=token)
    assert refusal(robot.get("v1/apps/verify_credentials")) == (401, "The access token was revoked")
    robot.close()


def test_token_can_be_asked_for_its_scopes(warden: Person) -> None:
    scopes = set(warden.found("v1/apps/verify_credentials")["scopes"])
    assert {"write:reports", "admin:read:reports", "admin:write:reports", "admin:write:accounts"} <= scopes


def test_application_with_a_scope_that_the_server_lacks_is_refused(app: dict[str, Any], anonymous: Person) -> None:
    answer = anonymous.post("v1/apps", client_name="c", redirect_uris=OUT_OF_BAND, scopes="read admin:write:statuses")
    if answer.status_code == 429:
        pytest.skip("too many applications were registered in the last ten minutes")
    status, wording = refusal(answer)
    assert status == 422
    assert wording.startswith("Validation failed: Scopes doesn't match")


def test_oauth_metadata_lists_the_scopes(anonymous: Person) -> None:
    scopes = body(anonymous.client.get("/.well-known/oauth-authorization-server"))["scopes_supported"]
    assert {"admin:read:reports", "admin:write:reports", "admin:write:accounts"} <= set(scopes)


def test_no_scope_allows_to_remove_one_status(anonymous: Person) -> None:
    scopes = body(anonymous.client.get("/.well-known/oauth-authorization-server"))["scopes_supported"]
    assert "admin:write:statuses" not in scopes


def test_role_of_the_token_comes_with_its_permissions_as_a_number_in_a_text(warden: Person) -> None:
    permissions = warden.found("v1/accounts/verify_credentials")["role"]["permissions"]
    assert isinstance(permissions, str)
    manage_reports, manage_users = 1 << 4, 1 << 10
    assert int(permissions) & manage_reports
    assert int(permissions) & manage_users


def test_ordinary_user_has_the_role_that_everybody_has(alice: Person) -> None:
    assert alice.found("v1/accounts/verify_credentials")["role"]["id"] == "-99"


def test_nodeinfo_names_the_software(anonymous: Person, stage: Stage) -> None:
    link = body(anonymous.client.get("/.well-known/nodeinfo"))["links"][0]["href"]
    software = body(anonymous.fetch(link))["software"]
    assert software == {"name": "mastodon", "version": stage.instance["version"]}


def test_instance_tells_its_api_version(stage: Stage) -> None:
    if stage.version < (4, 3):
        pytest.skip("since 4.3")
    assert stage.instance["api_versions"]["mastodon"] >= 2


def test_instance_tells_where_it_streams(stage: Stage) -> None:
    assert stage.instance["configuration"]["urls"]["streaming"].startswith(("ws://", "wss://"))


def test_instance_tells_who_may_read_its_feeds(stage: Stage) -> None:
    access = stage.instance["configuration"].get("timelines_access")
    if stage.version < (4, 5):
        assert access is None
        return
    assert set(access["live_feeds"]) == {"local", "remote"}
    assert set(access["live_feeds"].values()) <= {"public", "authenticated", "disabled"}
