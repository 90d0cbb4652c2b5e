"""Removing and restoring: what it does, what it undoes, and what it leaves alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .answers import body, refusal
from .stage import NO_SUCH_ID, alias_of

if TYPE_CHECKING:
    from .people import Person
    from .stage import Picture, Stage

pytestmark = pytest.mark.conformance

EVERYTHING = {"type_": "All", "sort": "New", "limit": 50, "show_hidden": "true", "show_read": "true"}


@pytest.fixture
def picture(stage: Stage, alice: Person) -> Picture:
    """An upload of alice's."""
    return stage.picture(alice)


@pytest.fixture
def post(stage: Stage, alice: Person, community: int, picture: Picture) -> dict[str, Any]:
    """The post that shows it."""
    found: dict[str, Any] = stage.post(alice, community, url=picture.url)["post"]
    return found


@pytest.fixture
def comment(stage: Stage, bob: Person, alice: Person, community: int) -> int:
    """A comment of bob's."""
    return int(stage.comment(bob, stage.post(alice, community)["post"]["id"], "a comment")["comment"]["id"])


def remove(person: Person, post: dict[str, Any], *, removed: bool = True) -> dict[str, Any]:
    answer = person.post("post/remove", post_id=post["id"], removed=removed, reason="a reason")
    found: dict[str, Any] = body(answer)["post_view"]["post"]
    return found


def listed(person: Person, community: int) -> list[int]:
    return [view["post"]["id"] for view in body(person.get("post/list", community_id=community, **EVERYTHING))["posts"]]


def test_removal_answers_with_the_removed_post(post: dict[str, Any], warden: Person) -> None:
    answer = remove(warden, post)
    assert (answer["id"], answer["removed"], answer["deleted"]) == (post["id"], True, False)


def test_removed_post_leaves_the_list_even_for_administrators(
    post: dict[str, Any], community: int, warden: Person, anonymous: Person
) -> None:
    remove(warden, post)
    assert post["id"] not in listed(warden, community)
    assert post["id"] not in listed(anonymous, community)


def test_removed_post_is_read_by_id_with_its_addresses_by_an_administrator(
    post: dict[str, Any], picture: Picture, warden: Person
) -> None:
    remove(warden, post)
    found = body(warden.get("post", id=post["id"]))["post_view"]["post"]
    assert (found["removed"], found["url"], found["thumbnail_url"]) == (True, picture.url, post["thumbnail_url"])


def test_removed_post_is_read_by_id_by_its_author(post: dict[str, Any], warden: Person, alice: Person) -> None:
    remove(warden, post)
    assert body(alice.get("post", id=post["id"]))["post_view"]["post"]["removed"] is True


def test_removed_post_is_not_found_by_others(
    post: dict[str, Any], warden: Person, bob: Person, anonymous: Person
) -> None:
    remove(warden, post)
    for person in (bob, anonymous):
        assert refusal(person.get("post", id=post["id"])) == (400, "couldnt_find_post")


def test_removed_post_is_listed_with_its_author_for_an_administrator(
    post: dict[str, Any], warden: Person, alice: Person
) -> None:
    remove(warden, post)
    posts = body(warden.get("user", person_id=alice.id, sort="New", limit=50))["posts"]
    assert {view["post"]["id"]: view["post"]["removed"] for view in posts}[post["id"]] is True


def test_file_and_thumbnail_of_a_removed_post_are_still_served(
    post: dict[str, Any], picture: Picture, warden: Person, anonymous: Person
) -> None:
    remove(warden, post)
    for alias in (picture.alias, alias_of(post["thumbnail_url"])):
        assert anonymous.fetch(alias).status_code == 200


def test_removal_can_be_repeated(post: dict[str, Any], warden: Person) -> None:
    remove(warden, post)
    assert remove(warden, post)["removed"] is True


def test_removal_does_not_change_the_time_of_the_last_edit(post: dict[str, Any], warden: Person) -> None:
    assert "updated" not in remove(warden, post)


def test_restored_post_is_listed_again(post: dict[str, Any], community: int, warden: Person, anonymous: Person) -> None:
    remove(warden, post)
    assert remove(warden, post, removed=False)["removed"] is False
    assert post["id"] in listed(anonymous, community)


def test_removal_is_not_for_ordinary_users(post: dict[str, Any], bob: Person) -> None:
    answer = bob.post("post/remove", post_id=post["id"], removed=True, reason="x")
    assert refusal(answer) == (400, "not_a_mod_or_admin")


def test_removal_of_a_missing_post_is_couldnt_find_post(warden: Person) -> None:
    answer = warden.post("post/remove", post_id=NO_SUCH_ID, removed=True, reason="x")
    assert refusal(answer) == (400, "couldnt_find_post")


def test_post_deleted_by_its_author_can_be_removed(post: dict[str, Any], alice: Person, warden: Person) -> None:
    body(alice.post("post/delete", post_id=post["id"], deleted=True))
    answer = remove(warden, post)
    assert (answer["removed"], answer["deleted"]) == (True, True)


def test_removal_resolves_the_reports_of_everybody(post: dict[str, Any], warden: Person, bob: Person) -> None:
    for person in (warden, bob):
        body(person.post("post/report", post_id=post["id"], reason="x"))
    remove(warden, post)
    reports = body(warden.get("post/report/list", post_id=post["id"]))["post_reports"]
    assert [(view["post_report"]["resolved"], view["resolver"]["id"]) for view in reports] == [(True, warden.id)] * 2


def test_report_of_a_removed_post_can_be_opened_again(post: dict[str, Any], warden: Person) -> None:
    answer = body(warden.post("post/report", post_id=post["id"], reason="x"))
    number = answer["post_report_view"]["post_report"]["id"]
    remove(warden, post)
    answer = body(warden.put("post/report/resolve", report_id=number, resolved=False))["post_report_view"]
    assert (answer["post_report"]["resolved"], answer["post"]["removed"]) == (False, True)


def test_restoring_leaves_the_reports_resolved(post: dict[str, Any], warden: Person) -> None:
    body(warden.post("post/report", post_id=post["id"], reason="x"))
    remove(warden, post)
    remove(warden, post, removed=False)
    [view] = body(warden.get("post/report/list", post_id=post["id"]))["post_reports"]
    assert view["post_report"]["resolved"] is True


def test_removed_comment_answers_with_its_text(comment: int, warden: Person) -> None:
    answer = body(warden.post("comment/remove", comment_id=comment, removed=True, reason="x"))["comment_view"]
    assert (answer["comment"]["removed"], answer["comment"]["content"]) == (True, "a comment")


def test_comment_can_be_removed_again_and_restored(comment: int, warden: Person) -> None:
    for removed in (True, True, False, False):
        answer = warden.post("comment/remove", comment_id=comment, removed=removed, reason="x")
        assert body(answer)["comment_view"]["comment"]["removed"] is removed


def test_removal_of_a_comment_resolves_its_reports(comment: int, warden: Person) -> None:
    body(warden.post("comment/report", comment_id=comment, reason="x"))
    body(warden.post("comment/remove", comment_id=comment, removed=True, reason="x"))
    [view] = body(warden.get("comment/report/list", comment_id=comment))["comment_reports"]
    assert (view["comment_report"]["resolved"], view["resolver"]["id"]) == (True, warden.id)


def test_comment_deleted_by_its_author_cannot_be_removed(comment: int, bob: Person, warden: Person) -> None:
    body(bob.post("comment/delete", comment_id=comment, deleted=True))
    answer = warden.post("comment/remove", comment_id=comment, removed=True, reason="x")
    assert refusal(answer) == (400, "couldnt_update_comment")


def test_removal_of_a_missing_comment_is_couldnt_find_comment(warden: Person) -> None:
    answer = warden.post("comment/remove", comment_id=NO_SUCH_ID, removed=True, reason="x")
    assert refusal(answer) == (400, "couldnt_find_comment")


def test_removal_of_a_comment_is_not_for_ordinary_users(comment: int, alice: Person) -> None:
    answer = alice.post("comment/remove", comment_id=comment, removed=True, reason="x")
    assert refusal(answer) == (400, "not_a_mod_or_admin")
