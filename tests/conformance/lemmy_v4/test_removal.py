"""Removing and restoring, and what the mod log says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..answers import body, refusal
from .stage import NO_SUCH_ID

if TYPE_CHECKING:
    from .people import Person
    from .stage import Stage

pytestmark = pytest.mark.conformance
REASON = {"reason": "a test"}


def test_a_removed_post_is_left_to_moderators_and_its_file_to_everybody(
    stage: Stage, alice: Person, warden: Person, anonymous: Person, community: int
) -> None:
    picture = stage.picture(alice)
    number = stage.post(alice, community, url=picture.url)["post"]["id"]
    assert body(warden.post("post/remove", post_id=number, removed=True, **REASON))["post_view"]["post"]["removed"]
    assert body(warden.get("post", id=number))["post_view"]["post"]["url"] == picture.url
    assert refusal(anonymous.get("post", id=number)) == (404, "not_found")
    assert anonymous.fetch(picture.alias).status_code == 200
    restored = body(warden.post("post/remove", post_id=number, removed=False, **REASON))
    assert restored["post_view"]["post"]["removed"] is False


def test_removing_twice_is_done_and_written_twice(stage: Stage, alice: Person, warden: Person, community: int) -> None:
    number = stage.post(alice, community)["post"]["id"]
    for removed in (True, True, False):
        body(warden.post("post/remove", post_id=number, removed=removed, **REASON))
    items = body(warden.get("modlog", type_="mod_remove_post", post_id=number))["items"]
    assert [item["modlog"]["is_revert"] for item in items] == [True, False, False]
    assert {item["moderator"]["id"] for item in items} == {warden.id}
    assert {item["target_person"]["id"] for item in items} == {alice.id}
    assert {item["modlog"]["reason"] for item in items} == {"a test"}


def test_refusals_of_a_removal(stage: Stage, alice: Person, bob: Person, warden: Person, community: int) -> None:
    number = stage.post(alice, community)["post"]["id"]
    wanted = {"removed": True, **REASON}
    assert refusal(bob.post("post/remove", post_id=number, **wanted)) == (400, "not_a_mod_or_admin")
    assert refusal(warden.post("post/remove", post_id=NO_SUCH_ID, **wanted)) == (404, "not_found")
    answer = warden.post("post/remove", post_id=number, removed=True)
    assert refusal(answer) == (400, "unknown")
    assert "missing field `reason`" in answer.json()["message"]


def test_a_comment_deleted_by_its_author_cannot_be_removed(
    stage: Stage, alice: Person, warden: Person, community: int
) -> None:
    number = stage.comment(alice, stage.post(alice, community)["post"]["id"], "a remark")["comment"]["id"]
    assert body(alice.delete("comment", comment_id=number, deleted=True))["comment_view"]["comment"]["content"] == ""
    answer = warden.post("comment/remove", comment_id=number, removed=True, **REASON)
    assert refusal(answer) == (400, "couldnt_update")


def test_a_removed_comment_keeps_its_text_for_moderators(
    stage: Stage, alice: Person, bob: Person, warden: Person, community: int
) -> None:
    number = stage.comment(alice, stage.post(alice, community)["post"]["id"], "a remark")["comment"]["id"]
    body(warden.post("comment/remove", comment_id=number, removed=True, **REASON))
    seen = {who.id: body(who.get("comment", id=number))["comment_view"]["comment"]["content"] for who in (bob, warden)}
    assert seen == {bob.id: "", warden.id: "a remark"}


def test_a_moderators_edit_marks_a_post(stage: Stage, alice: Person, warden: Person, community: int) -> None:
    number = stage.post(alice, community)["post"]["id"]
    post = body(warden.put("post/mod_edit", post_id=number, nsfw=True))["post_view"]["post"]
    assert post["nsfw"] is True
    assert "updated_at" in post


def test_kinds_of_the_mod_log_are_read_strictly(warden: Person) -> None:
    assert refusal(warden.get("modlog", type_="mod_ban")) == (400, "unknown")
    assert refusal(warden.get("modlog", type_="ModRemovePost")) == (400, "unknown")
