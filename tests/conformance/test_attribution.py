"""Who uploaded what, and what a thumbnail tells and does not tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .answers import body, refusal
from .pictures import png, size_of
from .stage import alias_of

if TYPE_CHECKING:
    from .people import Person
    from .stage import Picture, Stage

pytestmark = pytest.mark.conformance


def media(person: Person, **query: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = body(person.get("admin/list_all_media", **query))["images"]
    return rows


def aliases(rows: list[dict[str, Any]]) -> list[str]:
    return [row["local_image"]["pictrs_alias"] for row in rows]


def among(wanted: list[str], found: list[str]) -> list[str]:
    """What was wanted, in the order in which it was found; somebody else may be uploading at the same time."""
    return [alias for alias in found if alias in wanted]


def uploader(warden: Person, picture: Picture) -> int:
    [row] = [row for row in media(warden, limit=50) if row["local_image"]["pictrs_alias"] == picture.alias]
    return int(row["person"]["id"])


def test_media_are_listed_newest_first(stage: Stage, alice: Person, warden: Person) -> None:
    made = [stage.picture(alice).alias for _ in range(3)]
    assert among(made, aliases(media(warden, limit=50))) == made[::-1]


def test_row_names_the_uploader(stage: Stage, alice: Person, warden: Person) -> None:
    picture = stage.picture(alice)
    [row] = [row for row in media(warden, limit=50) if row["local_image"]["pictrs_alias"] == picture.alias]
    assert row.keys() == {"local_image", "person"}
    assert row["local_image"].keys() == {"local_user_id", "pictrs_alias", "pictrs_delete_token", "published"}
    assert row["local_image"]["local_user_id"] == alice.local_user_id
    assert (row["person"]["id"], row["person"]["name"], row["person"]["local"]) == (alice.id, alice.name, True)


def test_pages_of_media_go_by_the_limit(stage: Stage, alice: Person, warden: Person) -> None:
    made = [stage.picture(alice).alias for _ in range(3)]
    pages = [aliases(media(warden, limit=1, page=page)) for page in range(1, 11)]
    assert {len(page) for page in pages[:3]} == {1}
    assert among(made, [alias for page in pages for alias in page]) == made[::-1]


def test_page_of_media_beyond_the_end_is_empty(warden: Person) -> None:
    assert media(warden, limit=50, page=100) == []


def test_limit_of_media_above_fifty_is_refused(warden: Person) -> None:
    answer = warden.get("admin/list_all_media", limit=51)
    assert refusal(answer) == (400, "unknown")
    assert answer.json()["message"] == "Fetch limit is > 50"


def test_page_of_media_above_a_hundred_is_refused(warden: Person) -> None:
    answer = warden.get("admin/list_all_media", page=101)
    assert refusal(answer) == (400, "unknown")
    assert answer.json()["message"] == "Page limit is > 100"


def test_media_of_everybody_are_for_administrators(alice: Person) -> None:
    assert refusal(alice.get("admin/list_all_media")) == (400, "not_an_admin")


def test_own_media_are_for_everybody(stage: Stage, alice: Person, bob: Person) -> None:
    mine, his = stage.picture(alice), stage.picture(bob)
    own = aliases(body(alice.get("account/list_media", limit=50))["images"])
    assert mine.alias in own
    assert his.alias not in own


def test_upload_that_nobody_posted_is_listed(stage: Stage, bob: Person, warden: Person) -> None:
    assert uploader(warden, stage.picture(bob)) == bob.id


def test_same_bytes_of_two_people_are_two_uploads(stage: Stage, alice: Person, bob: Person, warden: Person) -> None:
    first = stage.picture(alice)
    second = stage.picture(bob, first.content)
    assert [uploader(warden, picture) for picture in (first, second)] == [alice.id, bob.id]


def test_posting_somebody_elses_upload_does_not_change_the_uploader(
    stage: Stage, alice: Person, bob: Person, community: int, warden: Person
) -> None:
    picture = stage.picture(alice)
    view = stage.post(bob, community, url=picture.url)
    assert (view["post"]["url"], view["creator"]["id"]) == (picture.url, bob.id)
    assert uploader(warden, picture) == alice.id


def test_picture_post_gets_a_thumbnail_that_is_another_file(
    stage: Stage, alice: Person, community: int, anonymous: Person
) -> None:
    picture = stage.picture(alice, png(1000, 600))
    post = stage.post(alice, community, url=picture.url)["post"]
    thumbnail = alias_of(post["thumbnail_url"])
    assert post["url_content_type"] == "image/png"
    assert thumbnail != picture.alias
    answers = [anonymous.fetch(alias) for alias in (picture.alias, thumbnail)]
    assert answers[0].headers["ETag"] != answers[1].headers["ETag"]
    assert size_of(answers[1].content) == (512, 307)


def test_image_details_of_a_post_are_those_of_its_thumbnail(
    stage: Stage, alice: Person, community: int, warden: Person
) -> None:
    picture = stage.picture(alice, png(1000, 600))
    made = stage.post(alice, community, url=picture.url)
    view = body(warden.get("post", id=made["post"]["id"]))["post_view"]
    assert view["image_details"] == {
        "link": view["post"]["thumbnail_url"],
        "width": 512,
        "height": 307,
        "content_type": "image/png",
    }


def test_thumbnail_of_an_nsfw_picture_is_made_too(stage: Stage, alice: Person, community: int) -> None:
    picture = stage.picture(alice)
    post = stage.post(alice, community, url=picture.url, nsfw=True)["post"]
    assert alias_of(post["thumbnail_url"]) != picture.alias


def test_thumbnails_are_not_in_the_list_of_media(stage: Stage, alice: Person, community: int, warden: Person) -> None:
    picture = stage.picture(alice)
    post = stage.post(alice, community, url=picture.url)["post"]
    rows = aliases(media(warden, limit=50))
    assert picture.alias in rows
    assert alias_of(post["thumbnail_url"]) not in rows


@pytest.mark.parametrize("link", [{}, {"url": "http://127.0.0.1:9/a-page"}], ids=["text", "link"])
def test_custom_thumbnail_that_is_somebody_elses_upload_keeps_that_alias(
    link: dict[str, str], stage: Stage, alice: Person, bob: Person, community: int
) -> None:
    picture = stage.picture(alice)
    post = stage.post(bob, community, custom_thumbnail=picture.url, **link)["post"]
    assert post["thumbnail_url"] == picture.url
    assert post.get("url") == link.get("url")


def test_custom_thumbnail_of_a_picture_post_is_ignored(
    stage: Stage, alice: Person, bob: Person, community: int
) -> None:
    picture, mine = stage.picture(alice), stage.picture(bob)
    post = stage.post(bob, community, url=mine.url, custom_thumbnail=picture.url)["post"]
    assert alias_of(post["thumbnail_url"]) not in {picture.alias, mine.alias}


def test_text_post_has_neither_url_nor_thumbnail(stage: Stage, alice: Person, community: int) -> None:
    picture = stage.picture(alice)
    post = stage.post(alice, community, body=f"![a picture]({picture.url})")["post"]
    assert not {"url", "thumbnail_url"} & post.keys()
    assert picture.url in post["body"]


def test_avatar_and_bio_come_with_every_view_of_the_person(stage: Stage, community: int, warden: Person) -> None:
    person = stage.register("vain")
    picture = stage.picture(person)
    body(person.put("user/save_user_settings", avatar=picture.url, bio=f"![me]({picture.url})"))
    post = stage.post(person, community)["post"]["id"]
    creator = body(warden.get("post", id=post))["post_view"]["creator"]
    assert (creator["avatar"], creator["bio"]) == (picture.url, f"![me]({picture.url})")
