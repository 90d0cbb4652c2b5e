"""``remove_data``, which deletes files for good, whether it comes with a ban or with an unban."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from .answers import body
from .stage import alias_of
from .waiting import eventually

if TYPE_CHECKING:
    from .people import Person
    from .stage import Picture, Stage

pytestmark = pytest.mark.conformance


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Somebody with a post, its picture and thumbnail, a comment, and the same picture as avatar."""

    person: Person
    picture: Picture
    post: int
    thumbnail: str
    comment: int


@pytest.fixture(scope="module")
def swept(stage: Stage, community: int, warden: Person, anonymous: Person) -> Author:
    """An author who was banned with ``remove_data``, after the server has done its work."""
    author = _author(stage, community)
    body(warden.post("user/ban", person_id=author.person.id, ban=True, remove_data=True, reason="x"))
    eventually(lambda: anonymous.fetch(author.picture.alias).status_code == 404, "the file is gone")
    return author


def test_ban_with_remove_data_removes_posts_and_comments(swept: Author, warden: Person) -> None:
    assert body(warden.get("post", id=swept.post))["post_view"]["post"]["removed"] is True
    assert body(warden.get("comment", id=swept.comment))["comment_view"]["comment"]["removed"] is True


def test_ban_with_remove_data_takes_avatar_and_bio(swept: Author, warden: Person) -> None:
    person = body(warden.get("user", person_id=swept.person.id))["person_view"]["person"]
    assert not {"avatar", "bio"} & person.keys()


def test_ban_with_remove_data_deletes_the_upload_and_not_its_thumbnail(swept: Author, anonymous: Person) -> None:
    assert anonymous.fetch(swept.picture.alias).status_code == 404
    assert anonymous.fetch(swept.thumbnail).status_code == 200


def test_ban_with_remove_data_leaves_the_row_in_the_list_of_media(swept: Author, warden: Person) -> None:
    rows = body(warden.get("admin/list_all_media", limit=50))["images"]
    assert swept.picture.alias in {row["local_image"]["pictrs_alias"] for row in rows}


def test_unban_without_remove_data_leaves_the_posts_removed(stage: Stage, community: int, warden: Person) -> None:
    author = _author(stage, community)
    body(warden.post("user/ban", person_id=author.person.id, ban=True, remove_data=True, reason="x"))
    body(warden.post("user/ban", person_id=author.person.id, ban=False, remove_data=False, reason="x"))
    assert body(warden.get("post", id=author.post))["post_view"]["post"]["removed"] is True


def test_unban_with_remove_data_removes_and_deletes_again(
    stage: Stage, community: int, warden: Person, anonymous: Person
) -> None:
    author = _author(stage, community)
    body(warden.post("user/ban", person_id=author.person.id, ban=True, reason="x"))
    assert anonymous.fetch(author.picture.alias).status_code == 200
    answer = body(warden.post("user/ban", person_id=author.person.id, ban=False, remove_data=True, reason="x"))
    assert answer["banned"] is False
    eventually(lambda: anonymous.fetch(author.picture.alias).status_code == 404, "the file is gone")
    assert body(warden.get("post", id=author.post))["post_view"]["post"]["removed"] is True


def _author(stage: Stage, community: int) -> Author:
    person = stage.register("author")
    picture = stage.picture(person)
    body(person.put("user/save_user_settings", avatar=picture.url, bio="about me"))
    post = stage.post(person, community, url=picture.url)["post"]
    return Author(
        person=person,
        picture=picture,
        post=post["id"],
        thumbnail=alias_of(post["thumbnail_url"]),
        comment=stage.comment(person, post["id"], "a comment")["comment"]["id"],
    )
