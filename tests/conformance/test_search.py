"""Finding what shows a picture, and whom an address means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .answers import body, refusal

if TYPE_CHECKING:
    from .people import Person
    from .server import Server
    from .stage import Stage

pytestmark = pytest.mark.conformance


def search(person: Person, kind: str, words: str) -> dict[str, Any]:
    return body(person.get("search", type_=kind, q=words, listing_type="All", sort="New", limit=50))


def posts(answer: dict[str, Any]) -> set[int]:
    return {view["post"]["id"] for view in answer["posts"]}


def test_posts_are_found_by_the_exact_address_they_link(
    stage: Stage, alice: Person, bob: Person, community: int, warden: Person
) -> None:
    picture = stage.picture(alice)
    made = {stage.post(person, community, url=picture.url)["post"]["id"] for person in (alice, bob)}
    answer = search(warden, "Url", picture.url)
    assert posts(answer) == made
    assert answer["type_"] == "Url"


def test_search_by_address_does_not_find_a_part_of_it(
    stage: Stage, alice: Person, community: int, warden: Person
) -> None:
    picture = stage.picture(alice)
    stage.post(alice, community, url=picture.url)
    assert posts(search(warden, "Url", picture.url[:-1])) == set()


def test_posts_are_found_by_an_alias_in_their_text(stage: Stage, alice: Person, community: int, warden: Person) -> None:
    picture = stage.picture(alice)
    post = stage.post(alice, community, body=f"![a picture]({picture.url})")["post"]["id"]
    assert posts(search(warden, "Posts", picture.alias)) == {post}


def test_posts_are_not_found_by_an_alias_in_their_link(
    stage: Stage, alice: Person, community: int, warden: Person
) -> None:
    picture = stage.picture(alice)
    stage.post(alice, community, url=picture.url)
    assert posts(search(warden, "Posts", picture.alias)) == set()


def test_comments_are_found_by_an_alias_in_their_text(
    stage: Stage, alice: Person, community: int, warden: Person
) -> None:
    picture = stage.picture(alice)
    post = stage.post(alice, community)["post"]["id"]
    comment = stage.comment(alice, post, f"![a picture]({picture.url})")["comment"]["id"]
    found = search(warden, "Comments", picture.alias)["comments"]
    assert {view["comment"]["id"] for view in found} == {comment}


def test_removed_post_is_not_found(stage: Stage, alice: Person, community: int, warden: Person) -> None:
    picture = stage.picture(alice)
    post = stage.post(alice, community, url=picture.url)["post"]["id"]
    body(warden.post("post/remove", post_id=post, removed=True, reason="x"))
    assert posts(search(warden, "Url", picture.url)) == set()


def test_nothing_found_is_empty_lists(warden: Person) -> None:
    answer = search(warden, "Posts", "zzzzzz-nothing-zzzzzz")
    assert answer == {"type_": "Posts", "comments": [], "posts": [], "communities": [], "users": []}


def test_users_are_found_newest_first_by_an_empty_query(stage: Stage, warden: Person) -> None:
    two = [stage.register("newest").id for _ in range(2)]
    users = search(warden, "Users", "")["users"]
    assert [view["person"]["id"] for view in users if view["person"]["id"] in two] == two[::-1]


def test_user_is_found_by_name(alice: Person, warden: Person) -> None:
    assert {view["person"]["id"] for view in search(warden, "Users", alice.name)["users"]} == {alice.id}


def test_address_of_a_post_is_resolved(stage: Stage, alice: Person, community: int, warden: Person) -> None:
    post = stage.post(alice, community)["post"]
    assert body(warden.get("resolve_object", q=post["ap_id"]))["post"]["post"]["id"] == post["id"]


def test_address_of_a_person_is_resolved(alice: Person, warden: Person, server: Server) -> None:
    answer = body(warden.get("resolve_object", q=f"{server.url}/u/{alice.name}"))
    assert answer["person"]["person"]["id"] == alice.id


def test_address_of_nothing_is_not_resolved(warden: Person, server: Server) -> None:
    answer = warden.get("resolve_object", q=f"{server.url}/post/2000000000")
    assert refusal(answer) == (400, "couldnt_find_object")
