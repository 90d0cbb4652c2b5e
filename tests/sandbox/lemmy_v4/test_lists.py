"""Cursors, orders, and who sees what in the lists of 1.0."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.sandbox.lemmy.errors import LemmyError
from adapters.sandbox.lemmy.v4.cursors import Cursor, Listing, decoded

if TYPE_CHECKING:
    from .visitors import Visitors

_SIGNS = "aBuUK0xiIGg-_ *=&é"  # a few that may be in a cursor, and some that may not
NEW = {"type_": "all", "sort": "new"}


def ids(page: dict[str, Any]) -> list[int]:
    return [item["post"]["id"] for item in page["items"]]


def test_pages_lead_forth_and_back(visitors: Visitors) -> None:
    here = visitors.community()
    made = [visitors.post("alice", here)["id"] for _ in range(5)][::-1]
    query = NEW | {"community_id": here, "limit": 2}
    first = visitors.get("warden", "/post/list", **query)
    second = visitors.get("warden", "/post/list", **query, page_cursor=first["next_page"])
    third = visitors.get("warden", "/post/list", **query, page_cursor=second["next_page"])
    assert [ids(page) for page in (first, second, third)] == [made[:2], made[2:4], made[4:]]
    assert "prev_page" not in first
    assert "next_page" not in third
    back = visitors.get("warden", "/post/list", **query, page_cursor=third["prev_page"])
    assert ids(back) == made[2:4]


def test_an_empty_page_leads_back_to_the_row_before_it(visitors: Visitors) -> None:
    here = visitors.community()
    made = [visitors.post("alice", here)["id"] for _ in range(2)][::-1]
    query = NEW | {"community_id": here, "limit": 2}
    end = visitors.get("warden", "/post/list", **query)["next_page"]
    empty = visitors.get("warden", "/post/list", **query, page_cursor=end)
    assert empty["items"] == []
    assert "next_page" not in empty
    assert ids(visitors.get("warden", "/post/list", **query, page_cursor=empty["prev_page"])) == made


def test_cursor_of_a_purged_post_is_not_found(visitors: Visitors) -> None:
    here = visitors.community()
    for _ in range(3):
        last = visitors.post("alice", here)["id"]
    query = NEW | {"community_id": here, "limit": 1}
    cursor = visitors.get("warden", "/post/list", **query)["next_page"]
    visitors.send("warden", "/admin/purge/post", post_id=last, reason="a test")
    answer = visitors.call("warden", "GET", "/post/list", params=query | {"page_cursor": cursor})
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


@pytest.mark.parametrize("cursor", ["garbage", "a b", "AAAAA", "", "BU0K"])
def test_a_cursor_that_is_none_is_refused(visitors: Visitors, cursor: str) -> None:
    answer = visitors.call("warden", "GET", "/post/list", params={"page_cursor": cursor})
    assert (answer.status_code, answer.json()["error"]) == (400, "unknown")
    assert answer.json()["cause"] == answer.json()["message"]


@settings(max_examples=30)
@given(st.text(alphabet=_SIGNS, max_size=20))
def test_what_is_no_cursor_is_refused_and_nothing_worse(text: str) -> None:
    with contextlib.suppress(LemmyError):
        cursor = Cursor.read(text)
        assert cursor.row


@settings(max_examples=30)
@given(st.booleans(), st.text(alphabet=_SIGNS, min_size=1, max_size=20), st.booleans())
def test_a_cursor_comes_back_as_it_was(back: bool, row: str, including: bool) -> None:
    cursor = Cursor(back, row, including)
    assert Cursor.read(cursor.text) == cursor


@settings(max_examples=30)
@given(st.lists(st.integers(0, 4), max_size=12), st.integers(1, 5))
def test_walking_a_list_meets_every_row_once_unless_two_share_a_key(keys: list[int], limit: int) -> None:
    rows = list(enumerate(keys))
    unique: Listing[tuple[int, int]] = Listing(
        order=lambda row: (row[1], row[0]), name=lambda row: str(row[0]), find=lambda name: rows[int(name)]
    )
    seen: list[tuple[int, int]] = []
    cursor = None
    while True:
        page, around = unique.page(rows, cursor, limit)
        seen += page
        cursor = around.get("next_page")
        if cursor is None:
            break
    assert seen == sorted(rows, key=lambda row: (row[1], row[0]), reverse=True)


def test_base64_says_what_its_fault_is() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    faults = []
    for text in ("bad", "a*b", "abcde"):
        with pytest.raises(ValueError, match=r"\d") as raised:
            decoded(text, alphabet)
        faults.append(str(raised.value))
    assert faults == [
        "Invalid last symbol 100, offset 2.",
        "Invalid symbol 42, offset 1.",
        "Invalid input length: 5",
    ]


def test_comments_of_one_instant_are_lost_at_the_border_of_a_page(visitors: Visitors) -> None:
    post = visitors.post("alice", visitors.community())["id"]
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    made = [visitors.box.federate_comment(post, f"at once {number}", published=moment) for number in range(3)]
    query = NEW | {"post_id": post}
    assert len(visitors.get("warden", "/comment/list", **query)["items"]) == len(made)
    first = visitors.get("warden", "/comment/list", **query, limit=1)
    second = visitors.get("warden", "/comment/list", **query, limit=1, page_cursor=first["next_page"])
    assert (len(first["items"]), second["items"]) == (1, [])


def test_nothing_comes_first_in_new_for_being_pinned(visitors: Visitors) -> None:
    here = visitors.community()
    old, new = (visitors.post("alice", here)["id"] for _ in range(2))
    visitors.send("admin", "/post/feature", post_id=old, featured=True, feature_type="local")
    assert ids(visitors.get("warden", "/post/list", **NEW, community_id=here)) == [new, old]
    assert ids(visitors.get("warden", "/post/list", type_="all", sort="active"))[0] == old
    visitors.send("admin", "/post/feature", post_id=old, featured=False, feature_type="local")


def test_posts_deleted_by_their_authors_are_in_no_list_but_can_be_read(visitors: Visitors) -> None:
    here = visitors.community()
    post = visitors.post("alice", here)["id"]
    visitors.send("alice", "/post", method="DELETE", post_id=post, deleted=True)
    assert ids(visitors.get("warden", "/post/list", **NEW, community_id=here)) == []
    assert ids(visitors.get("alice", "/post/list", **NEW, community_id=here)) == [post]
    assert visitors.get("warden", "/post", id=post)["post_view"]["post"]["deleted"] is True
    assert visitors.call("bob", "GET", "/post", params={"id": post}).status_code == 404


def test_unlisted_communities_are_for_those_who_follow_or_ask(visitors: Visitors) -> None:
    here = visitors.community("alice", visibility="unlisted")
    post = visitors.post("alice", here)["id"]
    assert post not in ids(visitors.get("warden", "/post/list", **NEW, limit=50))
    assert ids(visitors.get("warden", "/post/list", **NEW, community_id=here)) == [post]
    visitors.send("warden", "/community/follow", community_id=here, follow=True)
    assert post in ids(visitors.get("warden", "/post/list", **NEW, limit=50))


def test_settings_of_the_viewer_hide_posts(visitors: Visitors) -> None:
    here = visitors.community()
    picture = visitors.post("alice", here, name="a word of it", nsfw=True)["id"]
    query = NEW | {"community_id": here}
    assert ids(visitors.get("erin", "/post/list", **query)) == []
    assert ids(visitors.get("erin", "/post/list", **query, show_nsfw="true")) == [picture]
    save = {"method": "PUT", "show_nsfw": True}
    visitors.send("erin", "/account/settings/save", **save, blocking_keywords=["word"])
    assert ids(visitors.get("erin", "/post/list", **query)) == []
    visitors.send("erin", "/account/settings/save", **save, blocking_keywords=[])
    assert ids(visitors.get("erin", "/post/list", **query)) == [picture]
    visitors.send("erin", "/account/settings/save", **save, auto_mark_fetched_posts_as_read=True, show_read_posts=False)
    assert ids(visitors.get("erin", "/post/list", **query)) == [picture]
    assert ids(visitors.get("erin", "/post/list", **query)) == []


def test_only_administrators_find_removed_posts(visitors: Visitors) -> None:
    here = visitors.community()
    post = visitors.post("alice", here)["id"]
    visitors.send("warden", "/post/remove", post_id=post, removed=True, reason="a test")
    seen = {who: ids(visitors.get(who, "/post/list", **NEW, community_id=here)) for who in ("warden", "alice", None)}
    assert seen == {"warden": [post], "alice": [], None: []}


def test_an_alias_is_found_in_bodies_and_comments_but_not_in_links(visitors: Visitors) -> None:
    here = visitors.community()
    alias = "0190f3a2-0000-4000-8000-000000000001.png"
    url = visitors.image_url(alias)
    visitors.post("alice", here, url=url)
    told = visitors.post("alice", here, body=f"![x]({url})")["id"]
    said = visitors.comment("bob", told, f"![y]({url})")["id"]
    assert ids(visitors.get("warden", "/post/list", search_term=alias)) == [told]
    assert len(ids(visitors.get("warden", "/post/list", search_term=url, search_url_only="true"))) == 1
    [found] = visitors.get("warden", "/comment/list", search_term=alias)["items"]
    assert found["comment"]["id"] == said
    answer = visitors.call("warden", "GET", "/post/list", params={"search_term": alias, "search_url_only": "true"})
    assert answer.json()["message"] == "relative URL without a base"


def test_everything_of_somebody_is_one_list(visitors: Visitors) -> None:
    post = visitors.post("dave", visitors.community())["id"]
    comment = visitors.comment("dave", post)["id"]
    query = {"person_id": visitors.box.people["dave"].id, "limit": 1}
    first = visitors.get("warden", "/person/content", **query)
    second = visitors.get("warden", "/person/content", **query, page_cursor=first["next_page"])
    [said], [told] = first["items"], second["items"]
    assert (said["type_"], said["comment"]["id"]) == ("comment", comment)
    assert (told["type_"], told["post"]["id"]) == ("post", post)
    only = visitors.get("warden", "/person/content", **query, type_="posts")["items"]
    assert [item["type_"] for item in only] == ["post"]


def reached(visitors: Visitors, who: str | None, post: dict[str, Any], comment: dict[str, Any]) -> list[int]:
    """Statuses of the ways to a post and to a comment."""
    addresses = [f"/resolve_object?q={row['ap_id']}" for row in (post, comment)]
    paths = [f"/post?id={post['id']}", f"/comment?id={comment['id']}", *addresses]
    return [visitors.call(who, "GET", path).status_code for path in paths]


@pytest.mark.parametrize(
    ("seen", "stranger", "account"),
    [("public", 200, 200), ("local_only_public", 200, 200), ("local_only_private", 404, 200), ("private", 404, 404)],
)
def test_who_may_read_what_is_in_a_community(visitors: Visitors, seen: str, stranger: int, account: int) -> None:
    here = visitors.community("alice", visibility=seen)
    post = visitors.post("alice", here)
    comment = visitors.comment("alice", post["id"])
    readers = {None: stranger, "bob": account, "warden": 200, "alice": 200}
    assert {who: set(reached(visitors, who, post, comment)) for who in readers} == {
        who: {status} for who, status in readers.items()
    }
    listed = {who: len(visitors.get(who, "/post/list", **NEW, community_id=here)["items"]) for who in readers}
    assert listed == {who: int(status == 200) for who, status in readers.items()}


def test_private_communities_are_written_in_by_their_members(visitors: Visitors) -> None:
    here = visitors.community("alice", visibility="private")
    post = visitors.post("alice", here)["id"]
    for who in ("bob", "warden"):
        assert visitors.refusal(who, "/post", name="A post", community_id=here) == (404, "not_found")
        assert visitors.refusal(who, "/comment", post_id=post, content="x") == (404, "not_found")
        assert visitors.refusal(who, "/post/report", post_id=post, reason="x") == (404, "not_found")
    asked = visitors.send("bob", "/community/follow", community_id=here, follow=True)["community_view"]
    assert asked["community_actions"]["follow_state"] == "approval_required"
    assert visitors.call("bob", "GET", "/post", params={"id": post}).status_code == 404
    let_in = visitors.send("warden", "/community/follow", community_id=here, follow=True)["community_view"]
    assert let_in["community_actions"]["follow_state"] == "accepted"
    assert visitors.comment("warden", post)["post_id"] == post
    visitors.send("warden", "/post/lock", post_id=post, locked=True, reason="a test")
    query = {"post_id": post, "type_": "mod_lock_post"}
    assert [len(visitors.get(who, "/modlog", **query)["items"]) for who in ("bob", "warden")] == [0, 1]


def test_comments_of_an_unlisted_community_are_for_those_who_follow(visitors: Visitors) -> None:
    here = visitors.community("alice", visibility="unlisted")
    post = visitors.post("alice", here)["id"]
    comment = visitors.comment("alice", post)["id"]
    for where in ({"community_id": here}, {"post_id": post}):
        found = {who: visitors.get(who, "/comment/list", **NEW, **where)["items"] for who in ("alice", "warden")}
        assert [item["comment"]["id"] for item in found["alice"]] == [comment]
        assert found["warden"] == []


def test_what_somebody_wrote_is_listed_whatever_became_of_it(visitors: Visitors) -> None:
    here = visitors.community()
    post = visitors.post("carol", here, body="the text")
    comment = visitors.comment("carol", post["id"])["id"]
    query = {"person_id": visitors.box.people["carol"].id, "community_id": here}
    visitors.send("warden", "/post/remove", post_id=post["id"], removed=True, reason="a test")
    said, told = visitors.get(None, "/person/content", **query)["items"]
    assert (said["comment"]["id"], told["post"]["body"]) == (comment, "")
    visitors.send("alice", "/post/hide", post_id=visitors.post("carol", here)["id"], hide=True)
    seen = {who: len(visitors.get(who, "/person/content", **query)["items"]) for who in ("alice", "bob")}
    assert seen == {"alice": 2, "bob": 3}


def test_a_deleted_post_with_comments_can_be_read_without_its_text(visitors: Visitors) -> None:
    post = visitors.post("alice", visitors.community(), body="the text")["id"]
    visitors.comment("bob", post)
    visitors.send("alice", "/post", method="DELETE", post_id=post, deleted=True)
    assert visitors.get("bob", "/post", id=post)["post_view"]["post"]["body"] == ""
    assert visitors.refusal("bob", "/post/report", post_id=post, reason="x") == (400, "deleted")


def test_removed_communities_and_people_are_resolved_for_administrators(visitors: Visitors) -> None:
    here = visitors.community()
    address = visitors.get("warden", "/community", id=here)["community_view"]["community"]["ap_id"]
    visitors.send("admin", "/community/remove", community_id=here, removed=True, reason="a test")
    asked = {who: visitors.call(who, "GET", "/resolve_object", params={"q": address}) for who in ("bob", "warden")}
    assert {who: answer.status_code for who, answer in asked.items()} == {"bob": 404, "warden": 200}
    assert asked["bob"].json()["error"] == "not_found"


def test_moderators_do_not_read_what_administrators_wrote_and_removed(visitors: Visitors) -> None:
    here = visitors.community("erin")
    for author, text in (("admin", ""), ("bob", "the text"), ("erin", "the text")):
        post = visitors.post(author, here, body="the text")["id"]
        visitors.send("admin", "/post/remove", post_id=post, removed=True, reason="a test")
        view = visitors.get("erin", "/post", id=post)["post_view"]
        assert (view["post"]["body"], view["can_mod"]) == (text, text != "")


def test_a_search_that_goes_wrong_looks_as_if_nothing_were_found(visitors: Visitors) -> None:
    post = visitors.post("alice", visitors.community(), name="a rare word")["id"]
    query = {"search_term": "rare word", "type_": "posts"}
    for wrong, found in (
        ({}, [post]),
        ({"limit": 51}, []),
        ({"page_cursor": "none"}, []),
        ({"post_url_only": "true"}, []),
        ({"time_range_seconds": 3600}, [post]),
        ({"time_range_seconds": 0}, []),
        ({"type_": "all", "page_cursor": "none,none"}, []),
    ):
        answer = visitors.get("bob", "/search", **query | wrong)
        assert [row["post"]["id"] for row in answer["posts"]] == found


def test_age_of_what_is_listed_is_limited_by_the_account_or_else_by_the_site(visitors: Visitors) -> None:
    here = visitors.community()
    post = visitors.post("alice", here)["id"]
    comment = visitors.comment("alice", post)["id"]
    for row in (visitors.box.state.posts[post], visitors.box.state.comments[comment]):
        row.published -= timedelta(hours=2)

    def listed(**query: int) -> int:
        return sum(
            len(visitors.get("bob", f"/{what}/list", community_id=here, **query)["items"])
            for what in ("post", "comment")
        )

    def set_to(who: str, path: str, seconds: int) -> None:
        visitors.send(who, path, method="PUT", default_post_time_range_seconds=seconds)

    assert listed() == 2
    set_to("admin", "/site", 3600)
    assert (listed(), listed(time_range_seconds=0), listed(time_range_seconds=9000)) == (0, 2, 2)
    set_to("bob", "/account/settings/save", 9000)
    assert (listed(), listed(time_range_seconds=3600)) == (2, 0)
    set_to("admin", "/site", 0)
    set_to("bob", "/account/settings/save", 3600)
    assert listed() == 0
    set_to("bob", "/account/settings/save", 0)
    assert listed() == 2
