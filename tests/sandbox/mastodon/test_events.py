"""What others hear of a change: listeners inside, notifications outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from adapters.sandbox.mastodon.moderation import act_on_report
from adapters.sandbox.mastodon.seeding import sign_up

if TYPE_CHECKING:
    from .square import Square


@pytest.fixture
def heard(square: Square) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    square.box.state.subscribe(lambda event, number: found.append((event, number)))
    return found


def test_listener_hears_of_a_post_its_edit_and_its_end(square: Square, heard: list[tuple[str, str]]) -> None:
    number = square.post("alice")["id"]
    square.send("alice", f"/api/v1/statuses/{number}", "PUT", status="changed")
    square.call("alice", "DELETE", f"/api/v1/statuses/{number}")
    assert heard == [("status.created", number), ("status.updated", number), ("status.deleted", number)]


def test_edit_that_changes_nothing_is_none(square: Square, heard: list[tuple[str, str]]) -> None:
    number = square.post("alice", "same")["id"]
    shown = square.send("alice", f"/api/v1/statuses/{number}", "PUT", status="same")
    assert shown["edited_at"] is None
    assert heard == [("status.created", number)]


def test_every_report_that_an_action_closes_is_told(square: Square, heard: list[tuple[str, str]]) -> None:
    numbers = [square.report(who, "alice")["id"] for who in ("bob", "carol")]
    heard.clear()
    square.act("alice", "silence")
    assert [number for event, number in heard if event == "report.updated"] == numbers


def test_marking_as_sensitive_is_an_edit_by_the_server(square: Square, heard: list[tuple[str, str]]) -> None:
    status = square.post("alice", pictures=1)
    report = square.report("warden/bot", "alice", status)
    state = square.box.state
    act_on_report(state, state.reports[int(report["id"])], "mark_as_sensitive", square.account("warden"))
    assert ("status.updated", status["id"]) in heard
    lines = square.get("bob", f"/api/v1/statuses/{status['id']}/history")
    assert [(line["sensitive"], line["account"]["username"]) for line in lines] == [
        (False, "alice"),
        (True, "mastodon.internal"),
    ]


def test_status_without_media_has_nothing_to_cover(square: Square) -> None:
    status = square.post("alice")
    report = square.report("warden/bot", "alice", status)
    state = square.box.state
    act_on_report(state, state.reports[int(report["id"])], "mark_as_sensitive", square.account("warden"))
    assert square.get("bob", f"/api/v1/statuses/{status['id']}")["sensitive"] is False


def test_moderators_hear_of_somebody_new_when_he_is_let_in(square: Square, heard: list[tuple[str, str]]) -> None:
    account = sign_up(square.box.state, "newcomer", "let me in")
    assert square.get("mod", "/api/v1/notifications") == []
    assert square.call(None, "GET", f"/api/v1/accounts/{account.id}").status_code == 404
    pending = square.get("warden/bot", "/api/v2/admin/accounts", status="pending")
    assert [one["invite_request"] for one in pending] == ["let me in"]
    square.undo(str(account.id), "approve")
    assert ("account.approved", str(account.id)) in heard
    assert [one["type"] for one in square.get("mod", "/api/v1/notifications")] == ["admin.sign_up"]


def test_rejected_applicant_leaves_nothing(square: Square) -> None:
    account = sign_up(square.box.state, "newcomer", "let me in")
    assert square.undo(str(account.id), "reject") == {}
    assert square.call("warden/bot", "GET", f"/api/v1/admin/accounts/{account.id}").status_code == 404


def test_reporter_is_not_told_of_the_own_report(square: Square) -> None:
    square.report("warden/bot", "alice")
    assert square.get("warden", "/api/v1/notifications") == []
    assert [one["type"] for one in square.get("mod", "/api/v1/notifications")] == ["admin.report"]


def test_mention_and_boost_are_told(square: Square) -> None:
    status = square.post("alice", "hello @bob")
    square.send("bob", f"/api/v1/statuses/{status['id']}/reblog")
    assert [one["type"] for one in square.get("bob", "/api/v1/notifications")] == ["mention"]
    assert [one["type"] for one in square.get("alice", "/api/v1/notifications")] == ["reblog"]
    assert square.get("alice", "/api/v1/notifications", **{"types[]": "mention"}) == []
