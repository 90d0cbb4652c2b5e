"""What moderators do to accounts, and how it is taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ..answers import body, refusal
from ..waiting import eventually
from .stage import NO_SUCH_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .people import Person
    from .stage import Stage

pytestmark = pytest.mark.conformance

NOT_ALLOWED = (403, "This action is not allowed")
LOCKED_OUT = (403, "Your login is currently disabled")


@pytest.fixture(scope="module")
def status(stage: Stage, target: Person) -> dict[str, Any]:
    """A public post with a picture by whoever is acted on."""
    return stage.post(target, pictures=1)


@pytest.fixture(autouse=True)
def restored(stage: Stage, target: Person) -> Iterator[None]:
    """Takes back what a test has left."""
    yield
    account = stage.admin.found(f"v1/admin/accounts/{target.id}")
    undo = {"suspended": "unsuspend", "silenced": "unsilence", "sensitized": "unsensitive", "disabled": "enable"}
    for mark, deed in undo.items():
        if account[mark]:
            body(stage.admin.post(f"v1/admin/accounts/{target.id}/{deed}"))
    stage.close_reports(target.id)


def act(person: Person, target: Person, kind: str, **fields: Any) -> None:
    answer = person.post(
        f"v1/admin/accounts/{target.id}/action", **({"type": kind, "send_email_notification": False} | fields)
    )
    assert body(answer) == {}


def undo(person: Person, target: Person, deed: str) -> Any:
    return body(person.post(f"v1/admin/accounts/{target.id}/{deed}"))


def marks(person: Person, target: Person) -> dict[str, bool]:
    account = person.found(f"v1/admin/accounts/{target.id}")
    return {mark: account[mark] for mark in ("sensitized", "silenced", "disabled", "suspended")}


def test_action_needs_a_type(warden: Person, target: Person) -> None:
    answer = warden.post(f"v1/admin/accounts/{target.id}/action")
    assert refusal(answer) == (422, "Validation failed: Type can't be blank, Type is not included in the list")


def test_unknown_action_is_refused(warden: Person, target: Person) -> None:
    answer = warden.post(f"v1/admin/accounts/{target.id}/action", type="delete")
    assert refusal(answer) == (422, "Validation failed: Type is not included in the list")


def test_missing_account_is_not_found(warden: Person) -> None:
    for answer in (
        warden.get(f"v1/admin/accounts/{NO_SUCH_ID}"),
        warden.post(f"v1/admin/accounts/{NO_SUCH_ID}/action", type="silence"),
    ):
        assert refusal(answer) == (404, "Record not found")


def test_sensitive_covers_every_post_for_others(
    status: dict[str, Any], warden: Person, target: Person, bob: Person
) -> None:
    act(warden, target, "sensitive")
    assert marks(warden, target)["sensitized"] is True
    assert bob.found(f"v1/statuses/{status['id']}")["sensitive"] is True
    assert target.found(f"v1/statuses/{status['id']}")["sensitive"] is False
    assert undo(warden, target, "unsensitive")["sensitized"] is False
    assert bob.found(f"v1/statuses/{status['id']}")["sensitive"] is False


@pytest.mark.parametrize(
    ("kind", "deed", "mark"),
    [
        ("sensitive", "unsensitive", "sensitized"),
        ("silence", "unsilence", "silenced"),
        ("disable", "enable", "disabled"),
    ],
)
def test_action_and_its_undo_may_be_repeated(warden: Person, target: Person, kind: str, deed: str, mark: str) -> None:
    for _ in range(2):
        act(warden, target, kind)
        assert marks(warden, target)[mark] is True
    for _ in range(2):
        assert undo(warden, target, deed)[mark] is False


def test_disabled_user_is_locked_out_and_the_posts_stay(
    status: dict[str, Any], warden: Person, target: Person, bob: Person
) -> None:
    act(warden, target, "disable")
    assert refusal(target.get("v1/accounts/verify_credentials")) == LOCKED_OUT
    assert bob.found(f"v1/statuses/{status['id']}")["id"] == status["id"]
    undo(warden, target, "enable")
    assert target.get("v1/accounts/verify_credentials").is_success


def test_suspension_hides_everything(
    status: dict[str, Any], warden: Person, target: Person, bob: Person, anonymous: Person
) -> None:
    act(warden, target, "suspend")
    for person in (bob, warden, anonymous):
        assert refusal(person.get(f"v1/statuses/{status['id']}")) == (404, "Not Found")
        assert person.found(f"v1/accounts/{target.id}/statuses") == []
        assert person.found(f"v1/accounts/{target.id}")["suspended"] is True
    assert refusal(target.get("v1/accounts/verify_credentials")) == LOCKED_OUT


def test_suspended_account_cannot_be_reported(status: dict[str, Any], warden: Person, target: Person) -> None:
    act(warden, target, "suspend")
    answer = warden.post("v1/reports", account_id=target.id, status_ids=[status["id"]])
    assert refusal(answer) == (404, "Record not found")


def test_suspension_may_be_repeated_and_others_added(warden: Person, target: Person) -> None:
    act(warden, target, "suspend")
    act(warden, target, "suspend")
    act(warden, target, "silence")
    assert marks(warden, target) == {"sensitized": False, "silenced": True, "disabled": False, "suspended": True}


def test_end_of_a_suspension_brings_posts_and_token_back(
    status: dict[str, Any], warden: Person, target: Person, bob: Person
) -> None:
    act(warden, target, "suspend")
    assert undo(warden, target, "unsuspend")["suspended"] is False
    assert bob.found(f"v1/statuses/{status['id']}")["id"] == status["id"]
    assert target.get("v1/accounts/verify_credentials").is_success


def test_end_of_a_suspension_brings_the_files_back(
    status: dict[str, Any], warden: Person, target: Person, anonymous: Person
) -> None:
    address = status["media_attachments"][0]["url"]
    act(warden, target, "suspend")
    undo(warden, target, "unsuspend")
    eventually(lambda: anonymous.fetch(address).status_code == 200, "a file is back after the suspension")


@pytest.mark.parametrize("deed", ["unsuspend", "approve", "reject"])
def test_undo_of_what_is_not_so_is_refused(warden: Person, target: Person, deed: str) -> None:
    assert refusal(warden.post(f"v1/admin/accounts/{target.id}/{deed}")) == NOT_ALLOWED


def test_action_closes_all_open_reports_on_the_account(
    stage: Stage, status: dict[str, Any], warden: Person, target: Person, bob: Person
) -> None:
    ours = stage.report(warden, target.id, status_ids=[status["id"]])
    theirs = stage.report(bob, target.id, comment="me too")
    act(warden, target, "sensitive", report_id=ours["id"])
    for report in (ours, theirs):
        found = warden.found(f"v1/admin/reports/{report['id']}")
        assert found["action_taken"] is True
        assert found["action_taken_by_account"]["id"] == warden.id


def test_no_action_closes_only_the_report_that_it_names(
    stage: Stage, warden: Person, target: Person, bob: Person
) -> None:
    ours, theirs = stage.report(warden, target.id), stage.report(bob, target.id)
    act(warden, target, "none", report_id=ours["id"])
    assert stage.open_reports(target.id) == [theirs["id"]]


def test_closed_reports_are_opened_again(stage: Stage, warden: Person, target: Person, bob: Person) -> None:
    theirs = stage.report(bob, target.id)
    act(warden, target, "silence")
    assert stage.open_reports(target.id) == []
    body(warden.post(f"v1/admin/reports/{theirs['id']}/reopen"))
    assert stage.open_reports(target.id) == [theirs["id"]]


def test_account_is_told_unless_that_is_switched_off(stage: Stage, warden: Person, target: Person) -> None:
    before = stage.last_warning(target)
    act(warden, target, "silence", send_email_notification=False)
    body(warden.post(f"v1/admin/accounts/{target.id}/action", type="sensitive", text="You were limited"))
    eventually(lambda: stage.warnings(target, before) > 0, "a warning is shown")
    assert stage.warnings(target, before) == 1


def test_accounts_are_listed_by_name(warden: Person, target: Person) -> None:
    found = warden.found("v2/admin/accounts", {"username": target.name, "origin": "local"})
    assert target.id in [one["id"] for one in found]
