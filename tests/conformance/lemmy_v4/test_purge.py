"""Purging files and posts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..answers import body, refusal
from ..pictures import png
from ..waiting import eventually

if TYPE_CHECKING:
    from .people import Person
    from .stage import Stage

pytestmark = pytest.mark.conformance


def test_deleting_a_file_purges_it_once(stage: Stage, alice: Person, warden: Person, anonymous: Person) -> None:
    alias = stage.picture(alice).alias
    assert body(warden.delete("image", filename=alias)) == {"success": True}
    eventually(lambda: anonymous.fetch(alias).status_code == 404, "a purged file is gone")
    answer = warden.delete("image", filename=alias)
    assert refusal(answer) == (400, "unknown")
    assert "404 Not Found" in answer.json()["message"]


def test_deleting_a_file_leaves_the_same_picture_of_somebody_else(
    stage: Stage, alice: Person, bob: Person, warden: Person, anonymous: Person
) -> None:
    content = png()
    one, other = (stage.picture(who, content).alias for who in (alice, bob))
    body(warden.delete("image", filename=one))
    eventually(lambda: anonymous.fetch(one).status_code == 404, "a purged file is gone")
    assert anonymous.fetch(other).status_code == 200


def test_only_administrators_delete_any_file(stage: Stage, alice: Person, bob: Person, anonymous: Person) -> None:
    alias = stage.picture(alice).alias
    assert refusal(bob.delete("image", filename=alias)) == (400, "not_an_admin")
    assert anonymous.fetch(alias).status_code == 200


def test_a_purged_post_is_not_found_and_its_file_is_gone(
    stage: Stage, alice: Person, warden: Person, anonymous: Person, community: int
) -> None:
    picture = stage.picture(alice)
    number = stage.post(alice, community, url=picture.url)["post"]["id"]
    assert body(warden.post("admin/purge/post", post_id=number, reason="a test")) == {"success": True}
    assert refusal(warden.get("post", id=number)) == (404, "not_found")
    eventually(lambda: anonymous.fetch(picture.alias).status_code == 404, "the file of a purged post is gone")


def test_a_purged_comment_is_not_found_and_its_picture_stays(
    stage: Stage, alice: Person, warden: Person, anonymous: Person, community: int
) -> None:
    picture = stage.picture(alice)
    post = stage.post(alice, community)["post"]["id"]
    number = stage.comment(alice, post, f"![x]({picture.url})")["comment"]["id"]
    body(warden.post("admin/purge/comment", comment_id=number, reason="a test"))
    assert refusal(warden.get("comment", id=number)) == (404, "not_found")
    assert anonymous.fetch(picture.alias).status_code == 200
