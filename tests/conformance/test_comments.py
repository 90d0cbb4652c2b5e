"""Lists of comments, which have pages and no cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .answers import body, refusal
from .stage import NO_SUCH_ID

if TYPE_CHECKING:
    from .people import Person
    from .stage import Stage

pytestmark = pytest.mark.conformance


@pytest.fixture(scope="module")
def thread(stage: Stage, alice: Person, community: int) -> int:
    """A post to comment on."""
    return int(stage.post(alice, community)["post"]["id"])


@pytest.fixture(scope="module")
def three(stage: Stage, bob: Person, thread: int) -> list[int]:
    """Ids of three comments, oldest first."""
    return [stage.comment(bob, thread, f"number {n}")["comment"]["id"] for n in range(3)]


@pytest.fixture
def own_thread(stage: Stage, bob: Person, community: int) -> tuple[int, int]:
    """Ids of a post and of the only comment on it, both of bob's."""
    post = stage.post(bob, community)["post"]["id"]
    return post, stage.comment(bob, post, "what it said")["comment"]["id"]


def found(person: Person, **query: str | int) -> list[dict[str, Any]]:
    views: list[dict[str, Any]] = body(person.get("comment/list", type_="All", sort="New", **query))["comments"]
    return views


def test_new_is_newest_first(three: list[int], thread: int, warden: Person) -> None:
    assert [view["comment"]["id"] for view in found(warden, limit=50, post_id=thread)] == three[::-1]


def test_new_over_everything_holds_the_newest(three: list[int], warden: Person) -> None:
    times = [view["comment"]["published"] for view in found(warden, limit=50)]
    assert times == sorted(times, reverse=True)
    assert three[-1] in {view["comment"]["id"] for view in found(warden, limit=50)}


def test_pages_go_by_the_limit(three: list[int], thread: int, warden: Person) -> None:
    pages = [found(warden, limit=1, page=page, post_id=thread) for page in (1, 2, 3, 4)]
    assert [[view["comment"]["id"] for view in page] for page in pages] == [[three[2]], [three[1]], [three[0]], []]


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 51}, {"page": 0}, {"page": 101}], ids=str)
def test_limit_and_page_out_of_range_are_refused(query: dict[str, int], warden: Person) -> None:
    assert refusal(warden.get("comment/list", type_="All", sort="New", **query)) == (400, "couldnt_get_comments")


def test_comment_is_read_by_id_with_its_post_and_author(
    three: list[int], thread: int, bob: Person, warden: Person
) -> None:
    view = body(warden.get("comment", id=three[0]))["comment_view"]
    assert (view["post"]["id"], view["creator"]["id"], view["comment"]["content"]) == (thread, bob.id, "number 0")
    assert view["comment"]["path"] == f"0.{three[0]}"


def test_missing_comment_is_couldnt_find_comment(warden: Person) -> None:
    assert refusal(warden.get("comment", id=NO_SUCH_ID)) == (400, "couldnt_find_comment")


def test_removed_comment_stays_in_the_list_with_its_text_for_administrators_only(
    own_thread: tuple[int, int], warden: Person, anonymous: Person
) -> None:
    post, comment = own_thread
    body(warden.post("comment/remove", comment_id=comment, removed=True, reason="x"))
    for person, text in ((warden, "what it said"), (anonymous, "")):
        [view] = found(person, post_id=post)
        assert (view["comment"]["removed"], view["comment"]["content"]) == (True, text)


def test_comment_deleted_by_its_author_stays_in_the_list_with_its_text_for_administrators_only(
    own_thread: tuple[int, int], bob: Person, warden: Person, anonymous: Person
) -> None:
    post, comment = own_thread
    body(bob.post("comment/delete", comment_id=comment, deleted=True))
    for person, text in ((warden, "what it said"), (anonymous, "")):
        [view] = found(person, post_id=post)
        assert (view["comment"]["deleted"], view["comment"]["content"]) == (True, text)
