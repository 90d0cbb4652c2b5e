"""Roles and scopes where the conformance suite cannot look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from adapters.sandbox.mastodon.seeding import add_app, add_token

if TYPE_CHECKING:
    from .square import Square

_NOT_ALLOWED = (403, "This action is not allowed")
_OUTSIDE = (403, "This action is outside the authorized scopes")
_DISABLED = (403, "Your login is currently disabled")


def test_roles_are_those_of_a_server_that_was_just_set_up(older: Square, newer: Square) -> None:
    for square, moderator, owner in ((older, "66844", "1048575"), (newer, "1115420", "8388607")):
        roles = {name: square.get(name, "/api/v1/accounts/verify_credentials")["role"] for name in ("mod", "admin")}
        assert (roles["mod"]["permissions"], roles["admin"]["permissions"]) == (moderator, owner)
        assert ("collection_limit" in roles["mod"]) is square.box.version.newer


def test_deletion_of_an_account_needs_a_permission_of_its_own(square: Square) -> None:
    square.act("alice", "suspend")
    place = f"/api/v1/admin/accounts/{square.id('alice')}"
    assert square.refusal("mod/bot", place, "DELETE") == _NOT_ALLOWED
    assert square.call("warden/bot", "DELETE", place).json() == {}


def test_deleted_account_can_be_unsuspended_reported_and_deleted_again(square: Square) -> None:
    square.post("alice")
    square.act("alice", "suspend")
    place = f"/api/v1/admin/accounts/{square.id('alice')}"
    assert [square.call("warden/bot", "DELETE", place).status_code for _ in range(2)] == [200, 200]
    shown = square.undo("alice", "unsuspend")
    assert (shown["suspended"], shown["disabled"], shown["account"]["statuses_count"]) == (False, True, 0)
    assert square.report("warden/bot", "alice")["status_ids"] == []
    assert square.refusal("warden/bot", place, "DELETE") == _NOT_ALLOWED


def test_moderator_acts_below_and_not_beside_or_above(square: Square) -> None:
    place = "/api/v1/admin/accounts/{}/action"
    assert square.call("mod/bot", "POST", place.format(square.id("warden")), json={"type": "none"}).status_code == 200
    for whom in ("mod", "chief", "admin"):
        assert square.refusal("mod/bot", place.format(square.id(whom)), type="silence") == _NOT_ALLOWED


def test_moderator_whose_login_is_disabled_reads_no_reports(square: Square) -> None:
    login = square.account("warden").user
    assert login is not None
    login.disabled = True
    assert square.refusal("warden/bot", "/api/v1/admin/reports", "GET") == _DISABLED


def test_blocks_of_servers_need_the_permission_for_federation(square: Square) -> None:
    assert square.refusal("warden", "/api/v1/admin/domain_blocks", "GET") == _NOT_ALLOWED
    assert square.refusal("warden/bot", "/api/v1/admin/domain_blocks", "GET") == _OUTSIDE
    assert square.get("chief", "/api/v1/admin/domain_blocks") == []


def test_token_of_a_client_with_admin_scopes_is_nobody(square: Square) -> None:
    state = square.box.state
    token = add_token(state, add_app(state, "client", ("admin:read",)), None, ("admin:read",)).token
    answer = square.call(None, "GET", "/api/v1/admin/reports", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["error"]) == _NOT_ALLOWED


@pytest.mark.parametrize(("who", "reads"), [("warden", "reports"), ("warden", "bot"), ("mod", "bot")])
def test_narrow_tokens_read_reports(square: Square, who: str, reads: str) -> None:
    assert square.get(f"{who}/{reads}", "/api/v1/admin/reports") == []


def test_password_buys_a_token_on_4_3_only(older: Square, newer: Square) -> None:
    for square, answer in ((older, 200), (newer, 400)):
        person = square.box.people["alice"]
        app = square.send(None, "/api/v1/apps", client_name="c", redirect_uris="urn:ietf:wg:oauth:2.0:oob")
        fields = {key: app[key] for key in ("client_id", "client_secret")}
        fields |= {"grant_type": "password", "username": person.email, "password": person.password}
        assert square.call(None, "POST", "/oauth/token", json=fields).status_code == answer


def test_password_alone_does_not_do_where_there_is_a_second_factor(older: Square) -> None:
    person = older.box.people["chief"]
    assert person.totp_secret
    app = older.send(None, "/api/v1/apps", client_name="c", redirect_uris="urn:ietf:wg:oauth:2.0:oob")
    fields = {key: app[key] for key in ("client_id", "client_secret")}
    fields |= {"grant_type": "password", "username": person.email, "password": person.password}
    assert older.call(None, "POST", "/oauth/token", json=fields).json()["error"] == "invalid_grant"
