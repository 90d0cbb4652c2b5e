"""Reports: what the server takes, what it refuses, and how they are handled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ..answers import body, refusal
from ..waiting import eventually
from .stage import NO_SUCH_ID

if TYPE_CHECKING:
    from .people import Person
    from .stage import Stage

pytestmark = pytest.mark.conformance

NOT_FOUND = (404, "Record not found")
NO_RULES = (422, "Validation failed: Rule ids does not reference valid rules")


@pytest.fixture(scope="module")
def status(stage: Stage, carol: Person) -> dict[str, Any]:
    """A public post with a picture."""
    return stage.post(carol, pictures=1)


@pytest.fixture(scope="module")
def report(stage: Stage, status: dict[str, Any], warden: Person, carol: Person) -> dict[str, Any]:
    """The bot's report on it."""
    return stage.report(warden, carol.id, status_ids=[status["id"]], comment="Automated check: image")


def posted(person: Person, author: Person) -> int:
    return int(person.found(f"v1/accounts/{author.id}")["statuses_count"])


def test_report_names_its_posts_and_has_a_default_category(report: dict[str, Any], status: dict[str, Any]) -> None:
    assert (report["status_ids"], report["category"]) == ([status["id"]], "other")
    assert (report["action_taken"], report["forwarded"]) == (False, False)


def test_moderators_see_reporter_target_and_post(
    report: dict[str, Any], status: dict[str, Any], warden: Person, carol: Person
) -> None:
    found = warden.found(f"v1/admin/reports/{report['id']}")
    assert (found["account"]["id"], found["target_account"]["id"]) == (warden.id, carol.id)
    assert found["comment"] == "Automated check: image"
    assert [one["id"] for one in found["statuses"]] == [status["id"]]
    assert found["statuses"][0]["media_attachments"][0]["id"] == status["media_attachments"][0]["id"]


def test_second_report_on_the_same_post_is_taken(
    stage: Stage, report: dict[str, Any], status: dict[str, Any], warden: Person, carol: Person
) -> None:
    again = stage.report(warden, carol.id, status_ids=[status["id"]])
    assert again["id"] != report["id"]


def test_one_report_names_several_posts(stage: Stage, status: dict[str, Any], warden: Person, carol: Person) -> None:
    other = stage.post(carol)
    made = stage.report(warden, carol.id, status_ids=[status["id"], other["id"]])
    assert sorted(made["status_ids"]) == sorted([status["id"], other["id"]])


def test_one_missing_post_among_good_ones_refuses_all(status: dict[str, Any], warden: Person, carol: Person) -> None:
    answer = warden.post("v1/reports", account_id=carol.id, status_ids=[status["id"], NO_SUCH_ID])
    assert refusal(answer) == NOT_FOUND


def test_post_of_somebody_else_is_refused(status: dict[str, Any], warden: Person, alice: Person) -> None:
    assert refusal(warden.post("v1/reports", account_id=alice.id, status_ids=[status["id"]])) == NOT_FOUND


def test_post_that_the_bot_cannot_see_is_refused(stage: Stage, warden: Person, carol: Person) -> None:
    hidden = stage.post(carol, visibility="private")
    assert refusal(warden.post("v1/reports", account_id=carol.id, status_ids=[hidden["id"]])) == NOT_FOUND


@pytest.mark.parametrize("content", [{"account_id": NO_SUCH_ID}, {"comment": "x"}], ids=["missing", "none"])
def test_report_without_an_account_is_refused(warden: Person, content: dict[str, str]) -> None:
    assert refusal(warden.post("v1/reports", **content)) == NOT_FOUND


def test_report_of_an_account_alone_is_taken(stage: Stage, warden: Person, carol: Person) -> None:
    assert stage.report(warden, carol.id)["status_ids"] == []


def test_category_legal_is_taken(stage: Stage, warden: Person, carol: Person) -> None:
    assert stage.report(warden, carol.id, category="legal")["category"] == "legal"


def test_unknown_category_is_500_with_nothing_in_it(warden: Person, carol: Person) -> None:
    answer = warden.post("v1/reports", account_id=carol.id, category="picture")
    assert (answer.status_code, answer.content) == (500, b"")


def test_violation_needs_rules(warden: Person, carol: Person) -> None:
    assert refusal(warden.post("v1/reports", account_id=carol.id, category="violation")) == NO_RULES
    answer = warden.post("v1/reports", account_id=carol.id, category="violation", rule_ids=["999999"])
    assert refusal(answer) == NO_RULES


def test_comment_has_a_thousand_characters_at_most(stage: Stage, warden: Person, carol: Person) -> None:
    answer = warden.post("v1/reports", account_id=carol.id, comment="x" * 1001)
    assert refusal(answer) == (422, "Validation failed: Comment is too long (maximum is 1000 characters)")
    assert len(stage.report(warden, carol.id, comment="x" * 1000)["comment"]) == 1000


def test_local_report_is_never_forwarded(stage: Stage, warden: Person, carol: Person) -> None:
    assert stage.report(warden, carol.id, forward=True)["forwarded"] is False


def test_report_is_taken_as_a_form(stage: Stage, status: dict[str, Any], warden: Person, carol: Person) -> None:
    form = {"account_id": carol.id, "status_ids[]": [status["id"]], "category": "spam"}
    made = stage.keep_report(warden.client.post("/api/v1/reports", data=form))
    assert (made["status_ids"], made["category"]) == ([status["id"]], "spam")


def test_reported_post_that_its_author_deletes_stays_in_the_report(stage: Stage, warden: Person, carol: Person) -> None:
    status = stage.post(carol, pictures=1)
    made = stage.report(warden, carol.id, status_ids=[status["id"]])
    body(carol.delete(f"v1/statuses/{status['id']}"))
    stage.gone(warden, status["id"])
    (kept,) = warden.found(f"v1/admin/reports/{made['id']}")["statuses"]
    assert kept["id"] == status["id"]
    assert kept["media_attachments"][0]["id"] == status["media_attachments"][0]["id"]
    assert stage.report(warden, carol.id, status_ids=[status["id"]])["status_ids"] == [status["id"]]


def test_deleted_post_that_was_never_reported_cannot_be(stage: Stage, warden: Person, carol: Person) -> None:
    status = stage.post(carol)
    before = posted(warden, carol)
    body(carol.delete(f"v1/statuses/{status['id']}"))
    # Not by trying: a report in between would keep the post for ever.
    eventually(lambda: posted(warden, carol) < before, "a deleted post is still counted")
    answer = warden.post("v1/reports", account_id=carol.id, status_ids=[status["id"]])
    assert refusal(answer) == NOT_FOUND


def test_reports_are_listed_by_target_and_by_reporter(
    stage: Stage, report: dict[str, Any], warden: Person, carol: Person, bob: Person
) -> None:
    theirs = stage.report(bob, carol.id, comment="by a user")
    ours = warden.found("v1/admin/reports", {"target_account_id": carol.id, "account_id": warden.id, "limit": 200})
    numbers = [one["id"] for one in ours]
    assert report["id"] in numbers
    assert theirs["id"] not in numbers


def test_list_is_newest_first_and_open_only(
    stage: Stage, report: dict[str, Any], warden: Person, carol: Person
) -> None:
    closed = stage.report(warden, carol.id)
    body(warden.post(f"v1/admin/reports/{closed['id']}/resolve"))
    numbers = stage.open_reports(carol.id)
    assert report["id"] in numbers
    assert closed["id"] not in numbers
    assert numbers == sorted(numbers, key=int, reverse=True)


def test_list_of_resolved_and_unresolved(stage: Stage, report: dict[str, Any], warden: Person, carol: Person) -> None:
    closed = stage.report(warden, carol.id)
    body(warden.post(f"v1/admin/reports/{closed['id']}/resolve"))
    query = {"target_account_id": carol.id, "limit": 200, "resolved": "true"}
    assert closed["id"] in [one["id"] for one in warden.found("v1/admin/reports", query)]
    both = [one["id"] for one in warden.found("v1/admin/reports", query | {"unresolved": "true"})]
    assert closed["id"] in both
    assert (report["id"] in both) == (stage.version >= (4, 6))  # before, the one word hid the other


def test_missing_report_is_not_found(warden: Person) -> None:
    assert refusal(warden.get("v1/admin/reports/999999999")) == NOT_FOUND


def test_report_is_assigned_and_unassigned(report: dict[str, Any], warden: Person) -> None:
    path = f"v1/admin/reports/{report['id']}"
    assert body(warden.post(f"{path}/assign_to_self"))["assigned_account"]["id"] == warden.id
    assert body(warden.post(f"{path}/unassign"))["assigned_account"] is None


def test_resolving_and_reopening_may_be_repeated(stage: Stage, warden: Person, carol: Person) -> None:
    path = f"v1/admin/reports/{stage.report(warden, carol.id)['id']}"
    for _ in range(2):
        closed = body(warden.post(f"{path}/resolve"))
        assert closed["action_taken"] is True
        assert closed["action_taken_by_account"]["id"] == warden.id
    for _ in range(2):
        opened = body(warden.post(f"{path}/reopen"))
        assert (opened["action_taken"], opened["action_taken_by_account"]) == (False, None)


def test_category_is_changed_afterwards(stage: Stage, warden: Person, carol: Person) -> None:
    path = f"v1/admin/reports/{stage.report(warden, carol.id)['id']}"
    assert body(warden.put(path, category="spam"))["category"] == "spam"
    answer = warden.put(path, category="nonsense")
    assert (answer.status_code, answer.content) == (500, b"")


def test_moderators_are_told_of_the_first_open_report_only(
    stage: Stage, alice: Person, bob: Person, carol: Person
) -> None:
    stage.close_reports(carol.id)
    moderator = stage.person("mod")
    told = {"types[]": ["admin.report"], "limit": 40}
    first, second = stage.report(alice, carol.id), stage.report(bob, carol.id)

    def numbers() -> list[str]:
        return [one["report"]["id"] for one in moderator.found("v1/notifications", told)]

    eventually(lambda: first["id"] in numbers(), "a moderator is told of a report")
    assert second["id"] not in numbers()
