"""The mod log: how the bot learns what is so and who did it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from .answers import body

if TYPE_CHECKING:
    from .people import Person
    from .stage import Stage

pytestmark = pytest.mark.conformance

SECTIONS = {
    "removed_posts",
    "locked_posts",
    "featured_posts",
    "removed_comments",
    "removed_communities",
    "banned_from_community",
    "banned",
    "added_to_community",
    "transferred_to_community",
    "added",
    "admin_purged_persons",
    "admin_purged_communities",
    "admin_purged_posts",
    "admin_purged_comments",
    "hidden_communities",
}


@pytest.fixture
def post(stage: Stage, alice: Person, community: int) -> int:
    """A post of alice's."""
    return int(stage.post(alice, community)["post"]["id"])


def modlog(person: Person, **query: str | int) -> dict[str, Any]:
    return body(person.get("modlog", limit=50, **query))


def remove(person: Person, post: int, reason: str, *, removed: bool = True) -> None:
    body(person.post("post/remove", post_id=post, removed=removed, reason=reason))


def test_log_has_a_section_for_every_kind_and_fills_the_one_asked_for(post: int, warden: Person) -> None:
    remove(warden, post, "x")
    log = modlog(warden, type_="ModRemovePost", post_id=post)
    assert log.keys() == SECTIONS
    assert {name for name, entries in log.items() if entries} == {"removed_posts"}


def test_removal_of_a_post_says_who_why_and_when(post: int, warden: Person, alice: Person) -> None:
    remove(warden, post, "a reason")
    [entry] = modlog(warden, type_="ModRemovePost", post_id=post)["removed_posts"]
    deed = entry["mod_remove_post"]
    assert deed.keys() == {"id", "mod_person_id", "post_id", "reason", "removed", "when_"}
    assert (deed["mod_person_id"], deed["post_id"], deed["reason"]) == (warden.id, post, "a reason")
    assert deed["removed"] is True
    assert (entry["moderator"]["name"], entry["post"]["creator_id"]) == (warden.name, alice.id)


def test_every_removal_and_restoring_is_an_entry_newest_first(post: int, warden: Person) -> None:
    for removed, reason in ((True, "one"), (True, "two"), (False, "three")):
        remove(warden, post, reason, removed=removed)
    entries = modlog(warden, type_="ModRemovePost", post_id=post)["removed_posts"]
    deeds = [entry["mod_remove_post"] for entry in entries]
    assert [(deed["reason"], deed["removed"]) for deed in deeds] == [("three", False), ("two", True), ("one", True)]


def test_removals_are_found_by_the_moderator(stage: Stage, post: int, warden: Person, admin: Person) -> None:
    remove(warden, post, "by the later one")
    remove(admin, post, "by the first one")
    found = {
        person.id: [
            entry["mod_remove_post"]["reason"]
            for entry in modlog(warden, type_="ModRemovePost", post_id=post, mod_person_id=person.id)["removed_posts"]
        ]
        for person in (warden, admin)
    }
    assert found == {warden.id: ["by the later one"], admin.id: ["by the first one"]}


def test_removals_are_found_by_the_author(post: int, warden: Person, alice: Person, bob: Person) -> None:
    remove(warden, post, "x")
    entries = modlog(warden, type_="ModRemovePost", other_person_id=alice.id)["removed_posts"]
    assert post in {entry["post"]["id"] for entry in entries}
    entries = modlog(warden, type_="ModRemovePost", other_person_id=bob.id)["removed_posts"]
    assert post not in {entry["post"]["id"] for entry in entries}


def test_pages_of_the_log_go_by_the_limit(post: int, warden: Person) -> None:
    for reason in ("one", "two", "three"):
        remove(warden, post, reason)
    query = {"type_": "ModRemovePost", "post_id": post, "limit": 1}
    pages = [body(warden.get("modlog", page=page, **query))["removed_posts"] for page in (1, 2, 3, 4)]
    assert [[entry["mod_remove_post"]["reason"] for entry in page] for page in pages] == [
        ["three"],
        ["two"],
        ["one"],
        [],
    ]


def test_removal_of_a_comment_is_found_by_its_id(stage: Stage, post: int, bob: Person, warden: Person) -> None:
    comment = stage.comment(bob, post, "a comment")["comment"]["id"]
    body(warden.post("comment/remove", comment_id=comment, removed=True, reason="a reason"))
    [entry] = modlog(warden, type_="ModRemoveComment", comment_id=comment)["removed_comments"]
    deed = entry["mod_remove_comment"]
    assert (deed["mod_person_id"], deed["comment_id"], deed["removed"]) == (warden.id, comment, True)
    assert (entry["commenter"]["id"], entry["comment"]["id"]) == (bob.id, comment)


def test_bans_are_found_by_the_person_newest_first(stage: Stage, warden: Person) -> None:
    person = stage.register("offender")
    expires = int(time.time()) + 3600
    body(warden.post("user/ban", person_id=person.id, ban=True, reason="one", expires=expires))
    body(warden.post("user/ban", person_id=person.id, ban=False, reason="two"))
    entries = modlog(warden, type_="ModBan", other_person_id=person.id)["banned"]
    deeds = [entry["mod_ban"] for entry in entries]
    assert [(deed["reason"], deed["banned"], "expires" in deed) for deed in deeds] == [
        ("two", False, False),
        ("one", True, True),
    ]
    assert {deed["mod_person_id"] for deed in deeds} == {warden.id}
    assert {entry["banned_person"]["id"] for entry in entries} == {person.id}


def test_community_bans_are_found_by_the_person_and_name_the_community(
    stage: Stage, community: int, warden: Person
) -> None:
    person = stage.register("offender")
    content = {"community_id": community, "person_id": person.id}
    body(warden.post("community/ban_user", ban=True, reason="one", **content))
    body(warden.post("community/ban_user", ban=False, reason="two", **content))
    entries = modlog(warden, type_="ModBanFromCommunity", other_person_id=person.id)["banned_from_community"]
    deeds = [entry["mod_ban_from_community"] for entry in entries]
    assert [(deed["reason"], deed["banned"], deed["community_id"]) for deed in deeds] == [
        ("two", False, community),
        ("one", True, community),
    ]


def test_purge_says_who_and_where_and_not_what(post: int, community: int, warden: Person) -> None:
    body(warden.post("admin/purge/post", post_id=post, reason=f"post {post}"))
    entries = modlog(warden, type_="AdminPurgePost", mod_person_id=warden.id)["admin_purged_posts"]
    [entry] = [entry for entry in entries if entry["admin_purge_post"].get("reason") == f"post {post}"]
    deed = entry["admin_purge_post"]
    assert (deed["admin_person_id"], deed["community_id"]) == (warden.id, community)
    assert entry["admin"]["id"] == warden.id
    assert "post_id" not in deed
