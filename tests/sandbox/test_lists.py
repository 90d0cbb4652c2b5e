"""Lists: order, filters, what a viewer's own settings hide."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from adapters.sandbox.lemmy import LemmySandbox

    from .visitors import Visitors


def listed(visitors: Visitors, who: str | None, **params: Any) -> list[int]:
    found = visitors.get(who, "/post/list", **({"type_": "All", "sort": "New"} | params))
    return [row["post"]["id"] for row in found["posts"]]


def test_pinned_posts_come_first_even_under_new(visitors: Visitors) -> None:
    community = visitors.community()
    first, second, third = (visitors.post("alice", community)["id"] for _ in range(3))
    visitors.send("admin", "/post/feature", post_id=first, featured=True, feature_type="Local")
    visitors.send("admin", "/post/feature", post_id=second, featured=True, feature_type="Community")
    assert listed(visitors, None) == [first, third, second]
    assert listed(visitors, None, community_id=community) == [second, third, first]


def test_cursor_goes_on_where_the_page_ended_whatever_was_posted_since(visitors: Visitors) -> None:
    community = visitors.community()
    posts = [visitors.post("alice", community)["id"] for _ in range(4)]
    page = visitors.get(None, "/post/list", type_="All", sort="New", limit=2)
    assert page["next_page"] == f"P{posts[2]:x}"
    visitors.post("alice", community)
    assert listed(visitors, None, page_cursor=page["next_page"]) == [posts[1], posts[0]]


def test_back_dated_posts_are_listed_where_they_claim_to_belong(box: LemmySandbox, visitors: Visitors) -> None:
    local = visitors.post("alice", visitors.community())["id"]
    old = box.federate_post(name="old", published=datetime.now(UTC) - timedelta(days=30))
    future = box.federate_post(name="future", published=datetime.now(UTC) + timedelta(days=30))
    assert listed(visitors, None) == [future, local, old]
    assert old > local  # numbers tell the order of arrival


def test_local_lists_leave_remote_communities_out(box: LemmySandbox, visitors: Visitors) -> None:
    local, remote = visitors.post("alice", visitors.community())["id"], box.federate_post()
    assert listed(visitors, None, type_="Local") == [local]
    assert set(listed(visitors, None)) == {local, remote}


def test_a_viewers_settings_hide_posts_without_a_word(visitors: Visitors) -> None:
    community = visitors.community()
    plain, adult = visitors.post("alice", community)["id"], visitors.post("alice", community, nsfw=True)["id"]
    assert listed(visitors, "bob") == [plain]
    assert listed(visitors, "bob", show_nsfw="true") == [adult, plain]
    visitors.send("bob", "/user/save_user_settings", method="PUT", show_read_posts=False)
    visitors.get("bob", "/post", id=plain)
    assert listed(visitors, "bob") == []
    assert listed(visitors, "bob", show_read="true") == [plain]
    visitors.send("bob", "/post/hide", post_ids=[plain], hide=True)
    assert listed(visitors, "bob", show_read="true") == []
    assert listed(visitors, "bob", show_read="true", show_hidden="true") == [plain]
    visitors.send("alice", "/user/save_user_settings", method="PUT", bot_account=True)
    visitors.send("bob", "/user/save_user_settings", method="PUT", show_bot_accounts=False)
    assert listed(visitors, "bob", show_read="true", show_hidden="true") == []


def test_posts_in_languages_that_were_not_chosen_are_hidden(visitors: Visitors) -> None:
    community = visitors.community()
    english = visitors.post("alice", community, language_id=37)["id"]
    visitors.send("bob", "/user/save_user_settings", method="PUT", discussion_languages=[0])
    assert listed(visitors, "bob") == []
    assert listed(visitors, "carol") == [english]


def test_removed_posts_are_listed_only_in_the_profile_and_only_for_administrators(visitors: Visitors) -> None:
    post = visitors.post("alice", visitors.community())["id"]
    visitors.send("warden", "/post/remove", post_id=post, removed=True)
    assert listed(visitors, "warden") == []
    seen = {who: len(visitors.get(who, "/user", username="alice")["posts"]) for who in ("warden", "alice", "bob")}
    assert seen == {"warden": 1, "alice": 0, "bob": 0}


@pytest.mark.parametrize("path", ["/post/list", "/comment/list", "/search", "/community/list", "/modlog"])
@pytest.mark.parametrize("bounds", [{"limit": 0}, {"limit": 51}, {"page": 0}, {"page": 101}])
def test_limits_and_pages_out_of_bounds_are_refused(shared: Visitors, path: str, bounds: dict[str, int]) -> None:
    answer = shared.call("warden", "GET", f"/api/v3{path}", params={"q": "x"} | bounds)
    assert answer.status_code == 400
    assert answer.json()["error"] in {"unknown", "couldnt_get_posts", "couldnt_get_comments"}


def test_search_finds_posts_by_url_and_text_but_not_by_thumbnail(visitors: Visitors) -> None:
    community, url = visitors.community(), "https://example.com/a%20b"
    by_url = visitors.post("alice", community, url=url)["id"]
    by_text = visitors.post("alice", community, body="see 50% of a_b here")["id"]
    visitors.post("bob", community, url="https://example.org/", custom_thumbnail=url)

    def found(kind: str, term: str) -> list[int]:
        rows = visitors.get(None, "/search", type_=kind, q=term, listing_type="All", sort="New")["posts"]
        return [row["post"]["id"] for row in rows]

    assert found("Url", url) == [by_url]
    assert found("Posts", "50% A_B") == [by_text]
    assert found("Posts", "50%b") == []
    visitors.send("warden", "/post/remove", post_id=by_url, removed=True)
    assert found("Url", url) == []


def test_a_bad_token_is_a_stranger_on_public_pages_and_refused_elsewhere(shared: Visitors) -> None:
    bad = {"Authorization": "Bearer bad"}
    page = shared.call(None, "GET", "/api/v3/site", headers=bad)
    assert (page.status_code, page.headers["cache-control"], "my_user" in page.json()) == (200, "private", False)
    refused = shared.call(None, "GET", "/api/v3/user/report_count", headers=bad)
    assert (refused.status_code, refused.json()) == (401, {"error": "incorrect_login"})


def test_a_revoked_token_is_a_bad_one(box: LemmySandbox, visitors: Visitors) -> None:
    box.revoke(box.people["alice"].jwt)
    assert visitors.call("alice", "GET", "/api/v3/user/validate_auth").json() == {"error": "not_logged_in"}


def test_the_sites_answer_is_up_to_a_second_old(visitors: Visitors) -> None:
    visitors.get(None, "/site")
    visitors.send("admin", "/site", method="PUT", name="renamed")
    assert visitors.get(None, "/site")["site_view"]["site"]["name"] == "sandbox"
    time.sleep(1.05)
    assert visitors.get(None, "/site")["site_view"]["site"]["name"] == "renamed"


def test_private_sites_refuse_strangers(visitors: Visitors) -> None:
    visitors.send("admin", "/site", method="PUT", private_instance=True)
    for path in ("/post/list", "/comment/list", "/modlog", "/search"):
        assert visitors.call(None, "GET", f"/api/v3{path}", params={"q": "x"}).json() == {
            "error": "instance_is_private"
        }
    assert visitors.call("bob", "GET", "/api/v3/post/list").status_code == 200


def test_comments_are_hot_without_a_word_and_those_from_elsewhere_last(box: LemmySandbox, visitors: Visitors) -> None:
    post = visitors.post("alice", visitors.community())["id"]
    old, new = (
        box.federate_comment(post, "from elsewhere", published=datetime.now(UTC) - age)
        for age in (timedelta(days=30), timedelta(hours=1))
    )
    plain, liked = (
        visitors.send("bob", "/comment", post_id=post, content=text)["comment_view"]["comment"]["id"]
        for text in ("plain", "liked")
    )
    for comment in (old, liked):
        visitors.send("carol", "/comment/like", comment_id=comment, score=1)
    rows = visitors.get(None, "/comment/list", post_id=post)["comments"]
    assert [row["comment"]["id"] for row in rows] == [liked, plain, new, old]


def test_kept_comments_are_listed_as_they_were_kept(visitors: Visitors) -> None:
    post = visitors.post("alice", visitors.community())["id"]
    made = [visitors.send("bob", "/comment", post_id=post, content="x")["comment_view"]["comment"]["id"] for _ in "ab"]
    for comment in reversed(made):
        visitors.send("carol", "/comment/save", method="PUT", comment_id=comment, save=True)
    rows = visitors.get("carol", "/comment/list", saved_only="true", type_="All", sort="New")["comments"]
    assert [row["comment"]["id"] for row in rows] == made


@pytest.mark.parametrize("sort", ["New", "NewComments", "MostComments"])
def test_profiles_by_comments_show_the_newest_comments(visitors: Visitors, sort: str) -> None:
    post = visitors.post("alice", visitors.community())["id"]
    first, second = (
        visitors.send("bob", "/comment", post_id=post, content=text)["comment_view"]["comment"]["id"] for text in "xy"
    )
    visitors.send("carol", "/comment/like", comment_id=first, score=1)
    rows = visitors.get(None, "/user", username="bob", sort=sort)["comments"]
    assert [row["comment"]["id"] for row in rows] == [second, first]
