"""Reports: who sees which, and what closes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ..answers import body, refusal
from .stage import NO_SUCH_ID

if TYPE_CHECKING:
    from .people import Person
    from .stage import Stage

pytestmark = pytest.mark.conformance
REASON = {"reason": "a test"}


def listed(person: Person, community: int, **query: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = body(person.get("report/list", community_id=community, limit=50, **query))["items"]
    return items


def test_what_breaks_the_rules_of_the_server_is_listed_and_the_rest_only_if_asked(
    stage: Stage, alice: Person, bob: Person, warden: Person
) -> None:
    here = stage.community()
    first, second = (stage.post(alice, here)["post"]["id"] for _ in range(2))
    body(bob.post("post/report", post_id=first, violates_instance_rules=True, **REASON))
    body(bob.post("post/report", post_id=second, **REASON))
    assert [item["post"]["id"] for item in listed(warden, here)] == [first]
    every = listed(warden, here, show_community_rule_violations="true", unresolved_only="true")
    assert [item["post"]["id"] for item in every] == [first, second]
    assert {item["type_"] for item in every} == {"post"}


def test_a_second_report_of_one_thing_is_refused_for_ever(
    stage: Stage, alice: Person, warden: Person, community: int
) -> None:
    number = stage.post(alice, community)["post"]["id"]
    wanted = {"post_id": number, "violates_instance_rules": True, **REASON}
    report = body(warden.post("post/report", **wanted))["post_report_view"]["post_report"]
    assert report["violates_instance_rules"] is True
    assert refusal(warden.post("post/report", **wanted)) == (400, "couldnt_create")
    body(warden.put("post/report/resolve", report_id=report["id"], resolved=True))
    assert refusal(warden.post("post/report", **wanted)) == (400, "couldnt_create")


def test_removal_closes_reports_and_they_can_be_opened_again(stage: Stage, alice: Person, warden: Person) -> None:
    here = stage.community()
    number = stage.post(alice, here)["post"]["id"]
    body(warden.post("post/report", post_id=number, violates_instance_rules=True, **REASON))
    body(warden.post("post/remove", post_id=number, removed=True, **REASON))
    [item] = listed(warden, here)
    assert (item["post_report"]["resolved"], item["resolver"]["id"]) == (True, warden.id)
    again = body(warden.put("post/report/resolve", report_id=item["post_report"]["id"], resolved=False))
    assert again["post_report_view"]["post_report"]["resolved"] is False


def test_refusals_of_a_report(stage: Stage, alice: Person, warden: Person, community: int, slur: str) -> None:
    number = stage.post(alice, community)["post"]["id"]
    assert refusal(warden.post("post/report", post_id=number, reason="")) == (400, "report_reason_required")
    assert refusal(warden.post("post/report", post_id=number, reason=f"a {slur}")) == (400, "slurs")
    assert refusal(warden.post("post/report", post_id=NO_SUCH_ID, **REASON)) == (404, "not_found")
    body(warden.post("post/remove", post_id=number, removed=True, **REASON))
    assert refusal(warden.post("post/report", post_id=number, **REASON)) == (404, "not_found")


def test_reports_of_comments_and_communities_are_in_the_same_list(stage: Stage, alice: Person, warden: Person) -> None:
    here = stage.community()
    comment = stage.comment(alice, stage.post(alice, here)["post"]["id"], "a remark")["comment"]["id"]
    body(warden.post("comment/report", comment_id=comment, violates_instance_rules=True, **REASON))
    body(warden.post("community/report", community_id=here, **REASON))
    assert [item["type_"] for item in listed(warden, here)] == ["community", "comment"]
    assert [item["type_"] for item in listed(warden, here, type_="comments")] == ["comment"]


def test_ordinary_people_list_no_reports(alice: Person) -> None:
    assert refusal(alice.get("report/list")) == (400, "not_a_mod_or_admin")


def test_a_private_message_is_reported_by_its_recipient_only(
    stage: Stage, alice: Person, bob: Person, warden: Person
) -> None:
    made = body(alice.post("private_message", recipient_id=bob.id, content="to be looked at"))
    number = made["private_message_view"]["private_message"]["id"]
    assert refusal(warden.post("private_message/report", private_message_id=number, **REASON)) == (
        400,
        "couldnt_create",
    )
    body(bob.post("private_message/report", private_message_id=number, **REASON))
    items = body(warden.get("report/list", type_="private_messages", limit=50))["items"]
    [item] = [item for item in items if item["private_message"]["id"] == number]
    assert item["private_message"]["content"] == "to be looked at"
