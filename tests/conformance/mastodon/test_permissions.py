"""Who may do what: a scope that is missing and a permission that is missing are told apart by their words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..answers import refusal
from .people import Person

if TYPE_CHECKING:
    from .server import Server
    from .stage import Stage

pytestmark = pytest.mark.conformance

NOT_ALLOWED = (403, "This action is not allowed")
OUT_OF_SCOPE = (403, "This action is outside the authorized scopes")
NOT_FOUND = (404, "Record not found")
READS = ("v1/admin/reports", "v1/admin/accounts", "v2/admin/accounts", "v1/admin/domain_blocks")


def labelled(stage: Stage, name: str, label: str) -> Person:
    try:
        return stage.person(name, label)
    except KeyError:
        pytest.skip(f"{name} has no token named {label!r}")


@pytest.mark.parametrize("path", READS)
def test_admin_call_without_a_token_is_403_not_401(anonymous: Person, path: str) -> None:
    assert refusal(anonymous.get(path)) == NOT_ALLOWED


@pytest.mark.parametrize("path", READS)
def test_admin_call_with_an_unknown_token_is_403_not_401(server: Server, path: str) -> None:
    stranger = Person(server, token="not-a-token")
    assert refusal(stranger.get(path)) == NOT_ALLOWED
    stranger.close()


@pytest.mark.parametrize("path", READS)
def test_ordinary_user_is_not_allowed_whatever_the_scopes(alice: Person, path: str) -> None:
    assert refusal(alice.get(path)) in {NOT_ALLOWED, OUT_OF_SCOPE}


@pytest.mark.parametrize("path", READS)
def test_owner_without_admin_scopes_is_out_of_scope(stage: Stage, path: str) -> None:
    assert refusal(labelled(stage, "admin", "no_admin_scope").get(path)) == OUT_OF_SCOPE


def test_missing_scope_is_told_before_anything_else(stage: Stage, warden: Person) -> None:
    assert refusal(warden.get("v1/admin/ip_blocks")) == OUT_OF_SCOPE  # nor has the role the permission
    assert refusal(labelled(stage, "warden", "readonly").post("v1/reports", account_id="1")) == OUT_OF_SCOPE


def test_scope_for_reports_is_none_for_accounts(stage: Stage, alice: Person) -> None:
    reporter = labelled(stage, "warden", "reports")
    assert reporter.get("v1/admin/reports", {"limit": 1}).is_success
    assert refusal(reporter.get(f"v1/admin/accounts/{alice.id}")) == OUT_OF_SCOPE
    answer = reporter.post(f"v1/admin/accounts/{alice.id}/action", type="none", send_email_notification=False)
    assert refusal(answer) == OUT_OF_SCOPE


def test_action_on_oneself_is_not_allowed(warden: Person) -> None:
    assert refusal(warden.post(f"v1/admin/accounts/{warden.id}/action", type="silence")) == NOT_ALLOWED


@pytest.mark.parametrize("name", ["mod", "admin"])
def test_action_on_a_higher_role_is_not_allowed(warden: Person, stage: Stage, name: str) -> None:
    answer = warden.post(f"v1/admin/accounts/{stage.person(name).id}/action", type="silence")
    assert refusal(answer) == NOT_ALLOWED


def test_account_that_is_not_suspended_cannot_be_deleted(warden: Person, target: Person) -> None:
    assert refusal(warden.delete(f"v1/admin/accounts/{target.id}")) == NOT_ALLOWED


def test_owner_cannot_delete_or_edit_a_status_of_somebody_else(stage: Stage, admin: Person, alice: Person) -> None:
    status = stage.post(alice)
    assert refusal(admin.delete(f"v1/statuses/{status['id']}")) == NOT_FOUND
    assert refusal(admin.put(f"v1/statuses/{status['id']}", status="x")) == NOT_FOUND
    assert alice.get(f"v1/statuses/{status['id']}").is_success


def test_upload_that_was_not_posted_is_nobody_elses_to_see(stage: Stage, admin: Person, bob: Person) -> None:
    upload = stage.picture(bob)
    assert bob.get(f"v1/media/{upload}").is_success
    assert refusal(admin.get(f"v1/media/{upload}")) == NOT_FOUND
