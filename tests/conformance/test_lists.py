"""Lists of posts and comments: order, cursors, pages, and what they leave out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .answers import body, refusal
from .stage import NO_SUCH_ID

if TYPE_CHECKING:
    from .people import Person
    from .stage import Stage

pytestmark = pytest.mark.conformance

EVERYTHING = {"type_": "All", "show_hidden": "true", "show_read": "true", "show_nsfw": "true"}


@pytest.fixture(scope="module")
def shelf(stage: Stage) -> int:
    """A community of this module alone, so that its lists are known."""
    return stage.community()


@pytest.fixture(scope="module")
def five(stage: Stage, alice: Person, shelf: int) -> list[int]:
    """Ids of five posts, oldest first."""
    return [stage.post(alice, shelf, name=f"number {n}")["post"]["id"] for n in range(5)]


def ids(page: dict[str, Any]) -> list[int]:
    return [view["post"]["id"] for view in page["posts"]]


def listed(person: Person, **query: str | int) -> list[int]:
    return ids(body(person.get("post/list", sort="New", limit=50, **EVERYTHING, **query)))


def test_new_is_newest_first(five: list[int], shelf: int, warden: Person) -> None:
    assert [post for post in listed(warden, community_id=shelf) if post in five] == five[::-1]


def test_new_over_everything_goes_down_in_time_after_the_pinned_ones(five: list[int], warden: Person) -> None:
    page = body(warden.get("post/list", sort="New", limit=50, **EVERYTHING))
    free = [view for view in page["posts"] if not view["post"]["featured_local"]]
    assert [view["counts"]["published"] for view in free] == sorted(
        (view["counts"]["published"] for view in free), reverse=True
    )
    assert five[-1] in ids(page)


def test_post_pinned_to_the_site_comes_first_even_in_new(five: list[int], admin: Person, warden: Person) -> None:
    pin = {"post_id": five[0], "feature_type": "Local"}
    assert body(admin.post("post/feature", featured=True, **pin))["post_view"]["post"]["featured_local"] is True
    try:
        flags = [
            view["post"]["featured_local"]
            for view in body(warden.get("post/list", sort="New", limit=50, **EVERYTHING))["posts"]
        ]
        first = listed(warden)
        assert first.index(five[0]) < first.index(five[-1])
        assert flags == sorted(flags, reverse=True)
    finally:
        body(admin.post("post/feature", featured=False, **pin))


def test_next_page_is_p_and_the_hexadecimal_id_of_the_last_post(five: list[int], shelf: int, warden: Person) -> None:
    page = body(warden.get("post/list", sort="New", limit=2, community_id=shelf, **EVERYTHING))
    assert page["next_page"] == f"P{ids(page)[-1]:x}"


def test_cursor_leads_to_every_post_once(five: list[int], shelf: int, warden: Person) -> None:
    seen: list[int] = []
    query: dict[str, str | int] = {"sort": "New", "limit": 2, "community_id": shelf, **EVERYTHING}
    while (page := body(warden.get("post/list", **query)))["posts"]:
        seen += ids(page)
        query["page_cursor"] = page["next_page"]
    assert [post for post in seen if post in five] == five[::-1]
    assert len(seen) == len(set(seen))


def test_page_without_posts_has_no_next_page(shelf: int, warden: Person) -> None:
    page = body(warden.get("post/list", page=99, community_id=shelf, **EVERYTHING))
    assert page == {"posts": []}


def test_old_after_a_cursor_walks_forward_in_time(five: list[int], shelf: int, warden: Person) -> None:
    page = body(
        warden.get("post/list", sort="Old", limit=50, community_id=shelf, page_cursor=f"P{five[1]:x}", **EVERYTHING)
    )
    assert [post for post in ids(page) if post in five] == five[2:]


def test_page_numbers_go_by_the_limit(five: list[int], shelf: int, warden: Person) -> None:
    whole = listed(warden, community_id=shelf)
    second = body(warden.get("post/list", sort="New", limit=2, page=2, community_id=shelf, **EVERYTHING))
    assert ids(second) == whole[2:4]


@pytest.mark.parametrize("cursor", ["garbage", f"P{NO_SUCH_ID:x}"])
def test_cursor_that_leads_nowhere_is_refused(cursor: str, warden: Person) -> None:
    answer = warden.get("post/list", page_cursor=cursor)
    assert refusal(answer) == (400, "unknown")
    assert answer.json()["message"] == "Could not parse pagination token"


def test_cursor_of_a_purged_post_is_refused(stage: Stage, alice: Person, admin: Person, shelf: int) -> None:
    gone = stage.post(alice, shelf)["post"]["id"]
    body(admin.post("admin/purge/post", post_id=gone, reason="x"))
    assert refusal(admin.get("post/list", page_cursor=f"P{gone:x}")) == (400, "unknown")


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 51}, {"page": 0}, {"page": 101}], ids=str)
def test_limit_and_page_of_posts_out_of_range_are_refused(query: dict[str, int], warden: Person) -> None:
    assert refusal(warden.get("post/list", **query)) == (400, "couldnt_get_posts")


def test_unknown_sort_is_refused(warden: Person) -> None:
    assert refusal(warden.get("post/list", sort="Nonsense")) == (400, "unknown")


def test_post_marked_nsfw_is_listed_on_request(stage: Stage, alice: Person, shelf: int, warden: Person) -> None:
    post = stage.post(alice, shelf, nsfw=True)["post"]["id"]
    assert post in listed(warden, community_id=shelf)


def test_post_that_the_caller_has_read_is_listed_on_request(five: list[int], shelf: int, warden: Person) -> None:
    body(warden.get("post", id=five[0]))  # reading it marks it as read
    assert body(warden.get("post", id=five[0]))["post_view"]["read"] is True
    assert five[0] in listed(warden, community_id=shelf)


def test_post_deleted_by_its_author_leaves_the_list(stage: Stage, alice: Person, shelf: int, warden: Person) -> None:
    post = stage.post(alice, shelf)["post"]["id"]
    body(alice.post("post/delete", post_id=post, deleted=True))
    assert post not in listed(warden, community_id=shelf)


def test_post_deleted_by_its_author_is_still_read_by_id(
    stage: Stage, alice: Person, shelf: int, warden: Person
) -> None:
    picture = stage.picture(alice)
    post = stage.post(alice, shelf, url=picture.url, body="still here")["post"]["id"]
    body(alice.post("post/delete", post_id=post, deleted=True))
    found = body(warden.get("post", id=post))["post_view"]["post"]
    assert (found["deleted"], found["url"], found["body"]) == (True, picture.url, "still here")


def test_missing_post_is_couldnt_find_post(warden: Person) -> None:
    assert refusal(warden.get("post", id=NO_SUCH_ID)) == (400, "couldnt_find_post")


def test_id_that_is_no_number_is_unknown(warden: Person) -> None:
    assert refusal(warden.get("post", id="x")) == (400, "unknown")


def test_missing_person_is_couldnt_find_person(warden: Person) -> None:
    assert refusal(warden.get("user", person_id=NO_SUCH_ID)) == (400, "couldnt_find_person")


def test_post_view_carries_author_community_and_counts(
    five: list[int], shelf: int, alice: Person, warden: Person
) -> None:
    view = body(warden.get("post", id=five[0]))["post_view"]
    assert (view["creator"]["id"], view["creator"]["name"], view["creator"]["local"]) == (alice.id, alice.name, True)
    assert (view["community"]["id"], view["post"]["community_id"]) == (shelf, shelf)
    assert view["counts"]["post_id"] == five[0]
    assert view["post"]["ap_id"].endswith(f"/post/{five[0]}")


def test_absent_fields_are_left_out_of_a_post(five: list[int], warden: Person) -> None:
    post = body(warden.get("post", id=five[0]))["post_view"]["post"]
    assert not {"url", "body", "thumbnail_url", "alt_text", "updated"} & post.keys()


def test_posts_of_one_person_are_listed_with_him(five: list[int], alice: Person, warden: Person) -> None:
    view = body(warden.get("user", person_id=alice.id, sort="New", limit=50))
    assert set(five) <= set(ids(view))
    assert view["person_view"]["person"]["name"] == alice.name


def test_community_is_listed_and_found_by_id(shelf: int, warden: Person) -> None:
    one = body(warden.get("community", id=shelf))["community_view"]
    everyone = body(warden.get("community/list", type_="All", sort="New", limit=50, show_nsfw="true"))["communities"]
    assert one["community"]["id"] == shelf
    assert one["community"]["name"] in {view["community"]["name"] for view in everyone}
