"""Lemmy's own ways to make files and rows go away: deleting an upload, purging a post or a comment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .answers import body, refusal
from .stage import NO_SUCH_FILE, NO_SUCH_ID, alias_of
from .waiting import eventually

if TYPE_CHECKING:
    import httpx

    from .people import Person
    from .stage import Stage

pytestmark = pytest.mark.conformance


def delete(person: Person, alias: str) -> httpx.Response:
    """Lemmy's route; it takes a token for the sake of old clients and does not read it."""
    return person.client.get(f"/pictrs/image/delete/any-token/{alias}")


def media(person: Person) -> set[str]:
    rows = body(person.get("admin/list_all_media", limit=50))["images"]
    return {row["local_image"]["pictrs_alias"] for row in rows}


def gone(person: Person, alias: str) -> None:
    eventually(lambda: person.fetch(alias).status_code == 404, f"{alias} is not found")


def test_upload_deleted_by_an_administrator_is_gone_with_its_row(
    stage: Stage, alice: Person, warden: Person, anonymous: Person
) -> None:
    picture = stage.picture(alice)
    answer = delete(warden, picture.alias)
    assert (answer.status_code, answer.content) == (204, b"")
    gone(anonymous, picture.alias)
    assert picture.alias not in media(warden)


def test_upload_deleted_by_its_uploader_is_gone(stage: Stage, alice: Person, anonymous: Person) -> None:
    picture = stage.picture(alice)
    assert delete(alice, picture.alias).status_code == 204
    gone(anonymous, picture.alias)


def test_upload_deleted_twice_is_not_found(stage: Stage, alice: Person, warden: Person) -> None:
    picture = stage.picture(alice)
    delete(warden, picture.alias)
    answer = delete(warden, picture.alias)
    assert refusal(answer) == (404, "unknown")
    assert answer.json()["message"] == "Record not found"


def test_upload_that_never_was_is_not_found(warden: Person) -> None:
    assert refusal(delete(warden, NO_SUCH_FILE)) == (404, "unknown")


def test_upload_of_somebody_else_is_not_found_for_ordinary_users(
    stage: Stage, alice: Person, bob: Person, anonymous: Person
) -> None:
    picture = stage.picture(alice)
    assert refusal(delete(bob, picture.alias)) == (404, "unknown")
    assert anonymous.fetch(picture.alias).status_code == 200


def test_upload_is_not_deleted_without_login(stage: Stage, alice: Person, anonymous: Person) -> None:
    picture = stage.picture(alice)
    assert refusal(delete(anonymous, picture.alias)) == (401, "incorrect_login")


def test_thumbnail_is_deleted_by_an_administrator_although_it_is_not_listed(
    stage: Stage, alice: Person, community: int, warden: Person, anonymous: Person
) -> None:
    picture = stage.picture(alice)
    thumbnail = alias_of(stage.post(alice, community, url=picture.url)["post"]["thumbnail_url"])
    assert delete(warden, thumbnail).status_code == 204
    gone(anonymous, thumbnail)
    assert anonymous.fetch(picture.alias).status_code == 200


def test_other_alias_of_deleted_bytes_lives(
    stage: Stage, alice: Person, bob: Person, warden: Person, anonymous: Person
) -> None:
    first = stage.picture(alice)
    second = stage.picture(bob, first.content)
    assert delete(warden, first.alias).status_code == 204
    gone(anonymous, first.alias)
    assert anonymous.fetch(second.alias).content == second.content


def test_purged_post_is_not_found(stage: Stage, alice: Person, community: int, warden: Person) -> None:
    post = stage.post(alice, community)["post"]["id"]
    assert body(warden.post("admin/purge/post", post_id=post, reason="x")) == {"success": True}
    assert refusal(warden.get("post", id=post)) == (400, "couldnt_find_post")


def test_purged_post_takes_its_file_and_thumbnail_along(
    stage: Stage, alice: Person, community: int, warden: Person, anonymous: Person
) -> None:
    picture = stage.picture(alice)
    post = stage.post(alice, community, url=picture.url)["post"]
    body(warden.post("admin/purge/post", post_id=post["id"], reason="x"))
    gone(anonymous, picture.alias)
    gone(anonymous, alias_of(post["thumbnail_url"]))


def test_row_of_a_file_purged_with_its_post_stays_in_the_list_of_media(
    stage: Stage, alice: Person, community: int, warden: Person, anonymous: Person
) -> None:
    picture = stage.picture(alice)
    post = stage.post(alice, community, url=picture.url)["post"]["id"]
    body(warden.post("admin/purge/post", post_id=post, reason="x"))
    gone(anonymous, picture.alias)
    assert picture.alias in media(warden)


def test_purged_post_leaves_the_pictures_in_its_text(
    stage: Stage, alice: Person, community: int, warden: Person, anonymous: Person
) -> None:
    picture = stage.picture(alice)
    post = stage.post(alice, community, body=f"![a picture]({picture.url})")["post"]["id"]
    body(warden.post("admin/purge/post", post_id=post, reason="x"))
    assert anonymous.fetch(picture.alias).status_code == 200


def test_purge_of_a_missing_post_is_couldnt_find_post(warden: Person) -> None:
    assert refusal(warden.post("admin/purge/post", post_id=NO_SUCH_ID, reason="x")) == (400, "couldnt_find_post")


def test_purge_is_not_for_ordinary_users(stage: Stage, alice: Person, community: int) -> None:
    post = stage.post(alice, community)["post"]["id"]
    assert refusal(alice.post("admin/purge/post", post_id=post, reason="x")) == (400, "not_an_admin")


def test_purged_comment_is_not_found_and_leaves_its_picture(
    stage: Stage, alice: Person, community: int, warden: Person, anonymous: Person
) -> None:
    picture = stage.picture(alice)
    post = stage.post(alice, community)["post"]["id"]
    comment = stage.comment(alice, post, f"![a picture]({picture.url})")["comment"]["id"]
    assert body(warden.post("admin/purge/comment", comment_id=comment, reason="x")) == {"success": True}
    assert refusal(warden.get("comment", id=comment)) == (400, "couldnt_find_comment")
    assert anonymous.fetch(picture.alias).status_code == 200
