"""Reports: what is accepted, what is refused, and how they are found again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .answers import body, refusal
from .stage import NO_SUCH_ID

if TYPE_CHECKING:
    from .people import Person
    from .stage import Stage

pytestmark = pytest.mark.conformance

REASON = "Automated check: needs review"


@pytest.fixture
def post(stage: Stage, alice: Person, community: int) -> int:
    """A post of alice's that nobody has reported."""
    return int(stage.post(alice, community)["post"]["id"])


@pytest.fixture
def comment(stage: Stage, bob: Person, post: int) -> int:
    """A comment of bob's that nobody has reported."""
    return int(stage.comment(bob, post, "a comment")["comment"]["id"])


def report(person: Person, post: int, reason: str = REASON) -> dict[str, Any]:
    view: dict[str, Any] = body(person.post("post/report", post_id=post, reason=reason))["post_report_view"]
    return view


def reports(person: Person, **query: str | int) -> list[dict[str, Any]]:
    views: list[dict[str, Any]] = body(person.get("post/report/list", limit=50, **query))["post_reports"]
    return views


def test_report_of_a_post_is_open_and_names_its_creator(
    stage: Stage, alice: Person, community: int, warden: Person
) -> None:
    picture = stage.picture(alice)
    made = stage.post(alice, community, name="as it was", url=picture.url)["post"]
    view = report(warden, made["id"])
    assert (view["post_report"]["creator_id"], view["creator"]["id"]) == (warden.id, warden.id)
    assert (view["post_report"]["post_id"], view["post"]["id"]) == (made["id"], made["id"])
    assert (view["post_report"]["reason"], view["post_report"]["resolved"]) == (REASON, False)
    assert view["post_creator"]["id"] == alice.id
    assert view["post_report"]["original_post_name"] == "as it was"
    assert view["post_report"]["original_post_url"] == picture.url


def test_second_report_of_a_post_by_the_same_person_is_refused(post: int, warden: Person) -> None:
    report(warden, post)
    assert refusal(warden.post("post/report", post_id=post, reason="again")) == (400, "couldnt_create_report")


def test_second_report_is_refused_after_the_first_is_resolved(post: int, warden: Person) -> None:
    number = report(warden, post)["post_report"]["id"]
    body(warden.put("post/report/resolve", report_id=number, resolved=True))
    assert refusal(warden.post("post/report", post_id=post, reason="again")) == (400, "couldnt_create_report")


def test_report_of_the_same_post_by_somebody_else_is_accepted(post: int, warden: Person, bob: Person) -> None:
    numbers = {report(person, post)["post_report"]["id"] for person in (warden, bob)}
    assert len(numbers) == 2


def test_report_without_a_reason_is_refused(post: int, warden: Person) -> None:
    assert refusal(warden.post("post/report", post_id=post, reason="")) == (400, "report_reason_required")


def test_reason_may_have_a_thousand_characters_and_no_more(post: int, warden: Person) -> None:
    answer = warden.post("post/report", post_id=post, reason="x" * 1001)
    assert refusal(answer) == (400, "report_too_long")
    assert report(warden, post, "x" * 1000)["post_report"]["reason"] == "x" * 1000


def test_reason_with_a_forbidden_word_is_refused(post: int, warden: Person, slur: str) -> None:
    assert refusal(warden.post("post/report", post_id=post, reason=f"a {slur} here")) == (400, "slurs")


def test_report_of_a_missing_post_is_couldnt_find_post(warden: Person) -> None:
    assert refusal(warden.post("post/report", post_id=NO_SUCH_ID, reason="x")) == (400, "couldnt_find_post")


def test_report_of_a_removed_post_is_couldnt_find_post(post: int, warden: Person) -> None:
    body(warden.post("post/remove", post_id=post, removed=True, reason="x"))
    assert refusal(warden.post("post/report", post_id=post, reason="x")) == (400, "couldnt_find_post")


def test_report_of_a_post_deleted_by_its_author_is_couldnt_find_post(post: int, alice: Person, warden: Person) -> None:
    body(alice.post("post/delete", post_id=post, deleted=True))
    assert refusal(warden.post("post/report", post_id=post, reason="x")) == (400, "couldnt_find_post")


def test_report_of_a_comment_is_open_and_names_its_creator(comment: int, bob: Person, warden: Person) -> None:
    answer = body(warden.post("comment/report", comment_id=comment, reason=REASON))["comment_report_view"]
    assert (answer["comment_report"]["creator_id"], answer["comment_report"]["resolved"]) == (warden.id, False)
    assert (answer["comment"]["id"], answer["comment_creator"]["id"]) == (comment, bob.id)
    assert answer["comment_report"]["original_comment_text"] == "a comment"


def test_second_report_of_a_comment_is_refused(comment: int, warden: Person) -> None:
    body(warden.post("comment/report", comment_id=comment, reason=REASON))
    assert refusal(warden.post("comment/report", comment_id=comment, reason="x")) == (400, "couldnt_create_report")


def test_report_of_a_missing_comment_is_couldnt_find_comment(warden: Person) -> None:
    assert refusal(warden.post("comment/report", comment_id=NO_SUCH_ID, reason="x")) == (400, "couldnt_find_comment")


def test_report_of_a_removed_comment_is_deleted(comment: int, warden: Person) -> None:
    body(warden.post("comment/remove", comment_id=comment, removed=True, reason="x"))
    assert refusal(warden.post("comment/report", comment_id=comment, reason="x")) == (400, "deleted")


def test_reports_of_a_post_are_found_by_its_id(post: int, warden: Person, bob: Person) -> None:
    report(warden, post)
    report(bob, post)
    assert {view["creator"]["id"] for view in reports(warden, post_id=post)} == {warden.id, bob.id}


def test_reports_of_a_comment_are_found_by_its_id(comment: int, warden: Person) -> None:
    body(warden.post("comment/report", comment_id=comment, reason=REASON))
    [view] = body(warden.get("comment/report/list", comment_id=comment))["comment_reports"]
    assert (view["comment"]["id"], view["creator"]["id"]) == (comment, warden.id)


def test_reports_are_listed_oldest_first_when_open_ones_are_asked_for(post: int, warden: Person, bob: Person) -> None:
    numbers = [report(person, post)["post_report"]["id"] for person in (warden, bob)]
    found = reports(warden, post_id=post, unresolved_only="true")
    assert [view["post_report"]["id"] for view in found] == numbers


def test_resolved_report_is_not_among_the_open_ones(post: int, warden: Person) -> None:
    number = report(warden, post)["post_report"]["id"]
    answer = body(warden.put("post/report/resolve", report_id=number, resolved=True))["post_report_view"]
    assert (answer["post_report"]["resolved"], answer["post_report"]["resolver_id"]) == (True, warden.id)
    assert reports(warden, post_id=post, unresolved_only="true") == []
    assert len(reports(warden, post_id=post)) == 1


def test_resolved_report_can_be_opened_again(post: int, warden: Person) -> None:
    number = report(warden, post)["post_report"]["id"]
    body(warden.put("post/report/resolve", report_id=number, resolved=True))
    answer = body(warden.put("post/report/resolve", report_id=number, resolved=False))["post_report_view"]
    assert answer["post_report"]["resolved"] is False
    assert len(reports(warden, post_id=post, unresolved_only="true")) == 1


def test_missing_report_cannot_be_resolved(warden: Person) -> None:
    answer = warden.put("post/report/resolve", report_id=NO_SUCH_ID, resolved=True)
    assert refusal(answer) == (400, "couldnt_find_post_report")


def test_open_reports_are_counted(post: int, comment: int, warden: Person) -> None:
    before = body(warden.get("user/report_count"))
    report(warden, post)
    body(warden.post("comment/report", comment_id=comment, reason=REASON))
    after = body(warden.get("user/report_count"))
    assert after["post_reports"] == before["post_reports"] + 1
    assert after["comment_reports"] == before["comment_reports"] + 1


def test_reports_are_not_for_ordinary_users(alice: Person) -> None:
    assert refusal(alice.get("post/report/list")) == (400, "not_a_mod_or_admin")


def test_report_keeps_the_text_of_before_an_edit(stage: Stage, alice: Person, community: int, warden: Person) -> None:
    made = stage.post(alice, community, name="before", body="the old text")["post"]["id"]
    report(warden, made)
    body(alice.put("post", post_id=made, name="after", body="the new text"))
    [view] = reports(warden, post_id=made)
    assert (view["post_report"]["original_post_name"], view["post"]["name"]) == ("before", "after")
    assert (view["post_report"]["original_post_body"], view["post"]["body"]) == ("the old text", "the new text")
