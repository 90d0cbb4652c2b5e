"""Public timelines: what is in them, what never is, and how a cursor moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ..answers import body
from ..waiting import eventually

if TYPE_CHECKING:
    from .people import Person
    from .stage import Stage

pytestmark = pytest.mark.conformance

PUBLIC = "v1/timelines/public"


@pytest.fixture(scope="module")
def posts(stage: Stage, alice: Person, bob: Person, carol: Person) -> dict[str, str]:
    """One post of each kind, in this order; the first and the last are in every feed."""
    made: dict[str, dict[str, Any]] = {"first": stage.post(carol, pictures=1)}
    made["text"] = stage.post(carol)
    made["self-reply"] = stage.post(carol, in_reply_to_id=made["first"]["id"])
    made["reply"] = stage.post(bob, pictures=1, in_reply_to_id=made["first"]["id"])
    made["unlisted"] = stage.post(carol, pictures=1, visibility="unlisted")
    made["private"] = stage.post(carol, visibility="private")
    made["boost"] = body(bob.post(f"v1/statuses/{made['first']['id']}/reblog"))
    made["last"] = stage.post(alice, pictures=1)
    return {name: status["id"] for name, status in made.items()}


def since_first(person: Person, posts: dict[str, str], **query: str | int) -> list[str]:
    """The ids in a feed from the first post on; that one too, if it is there."""
    after = {"min_id": str(int(posts["first"]) - 1), "limit": 40}
    answer = person.get(PUBLIC, after | query)
    if answer.status_code == 422:
        pytest.skip("this server shows its feeds to nobody without a token")
    return [status["id"] for status in answer.json()]


@pytest.mark.parametrize("kind", ["text", "self-reply", "last"])
def test_public_feed_has(posts: dict[str, str], warden: Person, kind: str) -> None:
    assert posts[kind] in since_first(warden, posts)


@pytest.mark.parametrize("kind", ["reply", "unlisted", "private", "boost"])
def test_public_feed_never_has(posts: dict[str, str], warden: Person, kind: str) -> None:
    found = since_first(warden, posts)
    assert posts["last"] in found
    assert posts[kind] not in found


def test_feed_without_a_token_has_the_same(posts: dict[str, str], anonymous: Person, warden: Person) -> None:
    assert since_first(anonymous, posts, local="true") == since_first(warden, posts, local="true")


def test_feed_of_media_leaves_texts_out(posts: dict[str, str], warden: Person) -> None:
    found = since_first(warden, posts, only_media="true")
    assert {posts["first"], posts["last"]} <= set(found)
    assert posts["text"] not in found


def test_local_posts_are_not_in_the_remote_feed(posts: dict[str, str], warden: Person) -> None:
    assert posts["last"] in since_first(warden, posts, local="true")
    assert posts["last"] not in since_first(warden, posts, remote="true")


def test_page_is_newest_first(posts: dict[str, str], warden: Person) -> None:
    found = since_first(warden, posts)
    assert found == sorted(found, key=int, reverse=True)


def test_min_id_gives_what_comes_right_after_the_cursor(posts: dict[str, str], warden: Person) -> None:
    everything = since_first(warden, posts, local="true")
    page = warden.found(PUBLIC, {"min_id": posts["first"], "limit": 2, "local": "true"})
    assert [status["id"] for status in page] == [one for one in everything if int(one) > int(posts["first"])][-2:]


def test_since_id_gives_the_newest_and_skips_the_middle(posts: dict[str, str], warden: Person) -> None:
    everything = since_first(warden, posts, local="true")
    page = warden.found(PUBLIC, {"since_id": posts["first"], "limit": 1, "local": "true"})
    assert [status["id"] for status in page] == everything[:1]
    assert page[0]["id"] != everything[-2]


def test_page_names_its_neighbours(posts: dict[str, str], warden: Person) -> None:
    answer = warden.get(PUBLIC, {"min_id": posts["first"], "limit": 2})
    assert f"max_id={answer.json()[-1]['id']}" in answer.links["next"]["url"]
    assert f"min_id={answer.json()[0]['id']}" in answer.links["prev"]["url"]


def test_limit_of_nothing_gives_nothing(warden: Person) -> None:
    assert warden.found(PUBLIC, {"limit": 0}) == []


def test_page_never_has_more_than_forty(posts: dict[str, str], warden: Person) -> None:
    assert len(warden.found(PUBLIC, {"limit": 80})) <= 40


def test_limited_account_leaves_the_feed_and_is_still_read(
    posts: dict[str, str], stage: Stage, warden: Person, target: Person
) -> None:
    status = stage.post(target, pictures=1)
    assert status["id"] in since_first(warden, posts)
    body(warden.post(f"v1/admin/accounts/{target.id}/action", type="silence", send_email_notification=False))
    try:
        eventually(lambda: status["id"] not in since_first(warden, posts), "a limited account is in the feed")
        assert warden.found(f"v1/statuses/{status['id']}")["id"] == status["id"]
        listed = warden.found(f"v1/accounts/{target.id}/statuses")
        assert status["id"] in [one["id"] for one in listed]
    finally:
        body(warden.post(f"v1/admin/accounts/{target.id}/unsilence"))


def test_what_the_bot_blocks_is_not_in_its_feed(
    posts: dict[str, str], stage: Stage, warden: Person, alice: Person
) -> None:
    blocking = stage.person("warden")
    body(blocking.post(f"v1/accounts/{alice.id}/block"))
    try:
        assert posts["last"] not in since_first(warden, posts)
    finally:
        body(blocking.post(f"v1/accounts/{alice.id}/unblock"))
    assert posts["last"] in since_first(warden, posts)
