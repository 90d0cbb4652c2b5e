"""Who uploaded what: the account in the list of media, not the author of a post that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ..answers import body, refusal

if TYPE_CHECKING:
    from .people import Person
    from .stage import Stage

pytestmark = pytest.mark.conformance


def own(person: Person) -> dict[str, dict[str, Any]]:
    """The rows of one's own media, by alias."""
    rows = body(person.get("account/media/list", limit=50))["items"]
    return {row["local_image"]["pictrs_alias"]: row for row in rows}


def test_an_upload_is_listed_as_its_uploaders(stage: Stage, alice: Person) -> None:
    picture = stage.picture(alice)
    row = own(alice)[picture.alias]
    assert row.keys() == {"local_image", "person"}
    assert row["local_image"].keys() == {"pictrs_alias", "published_at", "person_id"}
    assert row["local_image"]["person_id"] == row["person"]["id"] == alice.id


def test_a_post_of_somebody_elses_upload_does_not_make_it_ones_own(
    stage: Stage, alice: Person, bob: Person, community: int
) -> None:
    picture = stage.picture(alice)
    view = stage.post(bob, community, url=picture.url)
    assert (view["creator"]["id"], view["post"]["url"]) == (bob.id, picture.url)
    assert picture.alias in own(alice)
    assert picture.alias not in own(bob)


def test_a_thumbnail_is_listed_with_the_author_of_its_post(
    stage: Stage, alice: Person, bob: Person, community: int
) -> None:
    view = stage.post(bob, community, url=stage.picture(alice).url)
    thumbnail = view["post"]["thumbnail_url"].rsplit("/", 1)[1]
    row = own(bob)[thumbnail]
    assert row["local_image"]["thumbnail_for_post_id"] == row["post"]["id"] == view["post"]["id"]
    assert row["person"]["id"] == bob.id


def test_the_list_of_all_media_ends_after_its_first_page(stage: Stage, alice: Person, warden: Person) -> None:
    for _ in range(2):
        stage.picture(alice)
    page = body(warden.get("image/list", limit=1))
    assert len(page["items"]) == 1
    assert refusal(warden.get("image/list", limit=1, page_cursor=page["next_page"])) == (404, "not_found")
    assert refusal(warden.get("image/list", limit=51)) == (400, "invalid_fetch_limit")
    assert refusal(alice.get("image/list")) == (400, "not_an_admin")
