"""Cursors and the order of lists, and how content is found by a file it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ..answers import body, refusal
from .stage import NO_SUCH_ID

if TYPE_CHECKING:
    from .people import Person
    from .stage import Stage

pytestmark = pytest.mark.conformance


def ids(page: dict[str, Any]) -> list[int]:
    return [item["post"]["id"] for item in page["items"]]


def test_pages_of_new_posts_follow_each_other(stage: Stage, alice: Person, warden: Person) -> None:
    here = stage.community()
    made = [stage.post(alice, here)["post"]["id"] for _ in range(3)][::-1]
    query = {"type_": "all", "sort": "new", "community_id": here, "limit": 2}
    first = body(warden.get("post/list", **query))
    second = body(warden.get("post/list", **query, page_cursor=first["next_page"]))
    assert (ids(first), ids(second)) == (made[:2], made[2:])
    assert "prev_page" not in first
    assert "next_page" not in second
    assert ids(body(warden.get("post/list", **query, page_cursor=second["prev_page"]))) == made[:2]


def test_pinned_posts_do_not_come_first_in_new(stage: Stage, alice: Person, warden: Person) -> None:
    here = stage.community()
    old, new = (stage.post(alice, here)["post"]["id"] for _ in range(2))
    body(warden.post("post/feature", post_id=old, featured=True, feature_type="community"))
    assert ids(body(warden.get("post/list", type_="all", sort="new", community_id=here))) == [new, old]


@pytest.mark.parametrize("kind", ["post", "comment"])
def test_bad_limits_cursors_and_orders_are_refused(warden: Person, kind: str) -> None:
    assert refusal(warden.get(f"{kind}/list", limit=51)) == (400, "invalid_fetch_limit")
    assert refusal(warden.get(f"{kind}/list", limit=0)) == (400, "invalid_fetch_limit")
    assert refusal(warden.get(f"{kind}/list", page_cursor="garbage")) == (400, "unknown")
    assert refusal(warden.get(f"{kind}/list", sort="New")) == (400, "unknown")


@pytest.mark.parametrize("kind", ["post", "comment"])
def test_what_is_not_there_is_not_found(warden: Person, kind: str) -> None:
    assert refusal(warden.get(kind, id=NO_SUCH_ID)) == (404, "not_found")


def test_content_is_found_by_the_file_it_shows(stage: Stage, alice: Person, warden: Person, community: int) -> None:
    picture = stage.picture(alice)
    linked = stage.post(alice, community, url=picture.url)["post"]["id"]
    shown = stage.post(alice, community, body=f"![x]({picture.url})")["post"]["id"]
    comment = stage.comment(alice, shown, f"![y]({picture.url})")["comment"]["id"]
    everywhere = {"type_": "all"}
    found = body(warden.get("post/list", search_term=picture.url, search_url_only="true", **everywhere))
    assert ids(found) == [linked]
    assert ids(body(warden.get("post/list", search_term=picture.alias, **everywhere))) == [shown]
    [remark] = body(warden.get("comment/list", search_term=picture.alias, **everywhere))["items"]
    assert remark["comment"]["id"] == comment


def test_everything_of_somebody_is_one_list(stage: Stage, bob: Person, warden: Person, community: int) -> None:
    post = stage.post(bob, community)["post"]["id"]
    comment = stage.comment(bob, post, "a remark")["comment"]["id"]
    items = body(warden.get("person/content", person_id=bob.id, limit=2))["items"]
    assert [item["type_"] for item in items] == ["comment", "post"]
    assert (items[0]["comment"]["id"], items[1]["post"]["id"]) == (comment, post)


def test_an_address_leads_to_what_it_names(stage: Stage, alice: Person, warden: Person, community: int) -> None:
    post = stage.post(alice, community)["post"]
    found = body(warden.get("resolve_object", q=post["ap_id"]))
    assert (found["type_"], found["post"]["id"]) == ("post", post["id"])
