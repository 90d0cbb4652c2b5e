"""Tokens that end, registration, settings, and the windows of the rate limits of 1.0."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy.site_rows import RateLimits
from adapters.sandbox.lemmy.v4.limits import WindowLimiter

if TYPE_CHECKING:
    from .visitors import Visitors

WEEK = 7 * 86400
PASSWORD = "a long enough password"


def log_in(visitors: Visitors, who: str, **fields: Any) -> str:
    """Once for each name, or two tokens of one second would be one."""
    known = {"username_or_email": who, "password": visitors.box.people[who].password}
    return str(visitors.send(who, "/account/auth/login", **known, **fields)["jwt"])


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def validated(visitors: Visitors, token: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    answer: dict[str, Any] = visitors.client.get(
        f"{visitors.box.url}/api/v4/account/validate_auth", headers=headers
    ).json()
    return answer


def test_a_token_is_good_for_a_week(visitors: Visitors) -> None:
    began = int(time.time())
    token = log_in(visitors, "alice")
    assert began + WEEK <= claims(token)["exp"] <= int(time.time()) + WEEK
    assert validated(visitors, token) == {"success": True}
    visitors.box.expire(token)
    assert validated(visitors, token)["error"] == "not_logged_in"
    headers = {"Authorization": f"Bearer {token}"}
    stranger = visitors.client.get(f"{visitors.box.url}/api/v4/post/list", headers=headers)
    assert stranger.status_code == 200
    mine = visitors.client.get(f"{visitors.box.url}/api/v4/account", headers=headers)
    assert (mine.status_code, mine.json()["error"]) == (401, "incorrect_login")


def test_whoever_stays_logged_in_has_a_token_without_an_end(visitors: Visitors) -> None:
    assert claims(log_in(visitors, "bob", stay_logged_in=True))["exp"] > int(time.time()) + 100 * 366 * 86400


def test_a_token_that_is_none_is_told_its_fault(visitors: Visitors) -> None:
    assert validated(visitors, "nothing")["cause"] == "InvalidToken"
    assert validated(visitors, "bad.token.here")["cause"] == "Base64 error: Invalid last symbol 100, offset 2."
    good = log_in(visitors, "carol")
    visitors.box.revoke(good)
    assert validated(visitors, good)["error"] == "not_logged_in"
    assert visitors.call(None, "GET", "/account/validate_auth").json()["cause"] == "NotLoggedIn"


def test_registration_is_closed_and_opened_again(visitors: Visitors) -> None:
    new = {"username": "newcomer", "password": PASSWORD, "password_verify": PASSWORD}
    refusals = {
        "closed": "registration_closed",
        "require_invitation": "missing_invite_token",
        "require_application": "registration_application_answer_required",
    }
    for mode, code in refusals.items():
        view = visitors.send("admin", "/site", method="PUT", registration_mode=mode)["site_view"]
        assert view["local_site"]["registration_mode"] == mode
        assert visitors.refusal(None, "/account/auth/register", **new) == (400, code)
    waiting = visitors.send("admin", "/account/auth/register", **new, answer="please")
    assert (waiting["registration_created"], "jwt" in waiting) == (True, False)
    known = {"username_or_email": "newcomer", "password": PASSWORD}
    assert visitors.refusal(None, "/account/auth/login", **known) == (400, "registration_application_is_pending")
    path = "/admin/registration_application"
    [item] = visitors.get("warden", f"{path}/list", unread_only="true")["items"]
    assert item["creator"]["name"] == "newcomer"
    number = item["registration_application"]["id"]
    visitors.send("warden", f"{path}/approve", method="PUT", id=number, approve=False, deny_reason="no spam")
    denied = visitors.call(None, "POST", "/account/auth/login", json=known)
    assert denied.status_code == 400
    assert denied.json() == {"error": "registration_denied", "message": "no spam", "cause": "RegistrationDenied"}
    decided = visitors.send("warden", f"{path}/approve", method="PUT", id=number, approve=True)
    assert decided["registration_application"]["registration_application"]["updated_at"]
    assert visitors.send("admin", "/account/auth/login", **known)["jwt"]
    visitors.send("admin", "/site", method="PUT", registration_mode="open")


def test_settings_are_kept_in_the_words_of_the_api(visitors: Visitors) -> None:
    chosen = {
        "show_nsfw": True,
        "default_listing_type": "moderator_view",
        "default_post_sort_type": "top",
        "post_listing_mode": "small_card",
        "hide_posts_with_media": True,
        "show_downvotes": "hide",
        "default_items_per_page": 7,
    }
    visitors.send("carol", "/account/settings/save", method="PUT", **chosen, blocking_keywords=["word"])
    account = visitors.get("carol", "/account")
    assert chosen.items() <= account["local_user_view"]["local_user"].items()
    assert account["keyword_blocks"] == ["word"]


def test_blocks_and_follows_are_told_in_ones_account(visitors: Visitors) -> None:
    here = visitors.community("alice")
    bob = visitors.box.people["bob"].id
    visitors.send("dave", "/community/follow", community_id=here, follow=True)
    visitors.send("dave", "/account/block/person", person_id=bob, block=True)
    account = visitors.get("dave", "/account")
    assert [row["community"]["id"] for row in account["follows"]] == [here]
    assert [row["id"] for row in account["person_blocks"]] == [bob]
    post = visitors.post("bob", here)["id"]
    assert visitors.get("dave", "/post/list", type_="all", community_id=here)["items"] == []
    assert visitors.get("dave", "/post", id=post)["post_view"]["person_actions"]["blocked_at"]


def test_people_are_found_by_their_biography(visitors: Visitors) -> None:
    visitors.send("bob", "/account/settings/save", method="PUT", bio="see 0190-abcd.png")
    [found] = visitors.get("warden", "/person/list", search_term="0190-abcd.png")["items"]
    assert found["person"]["name"] == "bob"
    assert visitors.get("warden", "/person/list", search_term="0190-abcd.png", search_title_only="true")["items"] == []


def test_known_servers_are_one_list_with_marks(visitors: Visitors) -> None:
    [known] = visitors.get(None, "/federated_instances", kind="linked")["items"]
    assert known["instance"]["domain"] == visitors.box.remote_url.removeprefix("http://")
    assert "blocked" not in known
    visitors.box.state.blocked_instances.append(known["instance"]["id"])
    assert "published_at" in visitors.get(None, "/federated_instances", kind="blocked")["items"][0]["blocked"]
    visitors.box.state.blocked_instances.clear()


def test_servers_are_blocked_one_by_one_unless_they_are_chosen_so(visitors: Visitors) -> None:
    told = {"instance": "far.example", "reason": "a test"}
    end = int(time.time()) + 86400
    assert visitors.refusal("bob", "/admin/instance/block", **told, block=True) == (400, "not_an_admin")
    view = visitors.send("warden", "/admin/instance/block", **told, block=True, expires_at=end)
    assert (view["instance"]["domain"], "expires_at" in view["blocked"]) == ("far.example", True)
    [blocked] = visitors.get(None, "/federated_instances", kind="blocked")["items"]
    assert blocked == view
    assert visitors.refusal("warden", "/admin/instance/block", **told, block=True) == (400, "couldnt_create")
    both = (400, "cannot_combine_federation_blocklist_and_allowlist")
    assert visitors.refusal("warden", "/admin/instance/allow", **told, allow=True) == both
    assert "blocked" not in visitors.send("warden", "/admin/instance/block", **told, block=False)
    assert "allowed" in visitors.send("warden", "/admin/instance/allow", **told, allow=True)
    assert visitors.refusal("warden", "/admin/instance/block", **told, block=True) == both
    assert "allowed" not in visitors.send("warden", "/admin/instance/allow", **told, allow=False)
    entries = visitors.get("warden", "/modlog", type_="admin_block_instance")["items"]
    assert [entry["modlog"]["is_revert"] for entry in entries] == [True, False]
    assert {entry["target_instance"]["domain"] for entry in entries} == {"far.example"}


def test_what_comes_from_a_blocked_server_is_in_no_list_of_ones_own(visitors: Visitors) -> None:
    there = visitors.box.federate_post(name="from afar")
    here = visitors.box.federate_post(community=visitors.community(), name="from afar")
    far = visitors.box.state.posts[there].community_id
    number = visitors.box.state.communities[far].instance_id

    def seen() -> set[int]:
        items = visitors.get("erin", "/post/list", type_="all", sort="new", limit=50)["items"]
        return {item["post"]["id"] for item in items} & {there, here}

    for kind, left in (("communities", {here}), ("persons", set())):
        path = f"/account/block/instance/{kind}"
        assert seen() == {there, here}
        visitors.send("erin", path, instance_id=number, block=True)
        assert seen() == left
        assert [row["id"] for row in visitors.get("erin", "/account")[f"instance_{kind}_blocks"]] == [number]
        own = visitors.box.state.site.instance_id
        assert visitors.refusal("erin", path, instance_id=own, block=True) == (400, "cant_block_local_instance")
        assert visitors.refusal("erin", path, instance_id=999, block=True) == (400, "already_exists")
        listed = [row["community"]["id"] for row in visitors.get("erin", "/community/list", limit=50)["items"]]
        assert (far in listed) == (kind == "persons")
        visitors.send("erin", path, instance_id=number, block=False)
    visitors.send("erin", "/account/block/instance/communities", instance_id=number, block=True)
    visitors.send("erin", "/community/follow", community_id=far, follow=True)
    assert seen() == {there, here}
    visitors.send("erin", "/account/block/instance/communities", instance_id=number, block=False)


def test_the_sites_answer_is_up_to_two_seconds_old(visitors: Visitors) -> None:
    def name() -> str:
        return str(visitors.get(None, "/site")["site_view"]["site"]["name"])

    before = name()
    time.sleep(1.05)  # what was remembered is over
    visitors.get("alice", "/account")
    told = visitors.send("admin", "/site", method="PUT", name="renamed")["site_view"]["site"]["name"]
    assert told == "renamed"
    time.sleep(0.8)
    assert name() == before
    time.sleep(0.8)
    assert name() == before
    time.sleep(0.4)
    assert name() == "renamed"
    visitors.send("admin", "/site", method="PUT", name=before)
    time.sleep(2.05)


def test_taglines_and_emoji_are_listed(visitors: Visitors) -> None:
    visitors.send("admin", "/admin/tagline", content="![x](http://127.0.0.1/x.png)")
    emoji = {
        "category": "c",
        "shortcode": "Wave",
        "image_url": "http://127.0.0.1/w.png",
        "alt_text": "",
        "keywords": [],
    }
    visitors.send("admin", "/custom_emoji", **emoji)
    assert len(visitors.get(None, "/admin/tagline/list")["items"]) == 1
    [found] = visitors.get(None, "/custom_emoji/list")["custom_emojis"]
    assert found["custom_emoji"]["shortcode"] == "wave"


class Watch:
    """A clock that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def limiter(watch: Watch, **changes: int) -> WindowLimiter:
    plenty = dict.fromkeys(("message", "post", "register", "image", "comment", "search"), 1000)
    limits = RateLimits(**(plenty | {f"{name}_per_second": 60 for name in plenty} | changes), published=now())
    return WindowLimiter(lambda: limits, watch)


def test_calls_are_counted_in_windows() -> None:
    watch = Watch()
    windows = limiter(watch, message=2)
    left = [windows.take("message", "127.0.0.1") for _ in range(3)]
    assert [told and told["x-ratelimit-remaining"] for told in left] == ["1", "0", None]
    watch.now += 61
    assert windows.take("message", "127.0.0.1") == {
        "x-ratelimit-limit": "2",
        "x-ratelimit-remaining": "1",
        "x-ratelimit-reset": "60",
    }


def test_whoever_tries_again_within_the_window_never_gets_in() -> None:
    watch = Watch()
    windows = limiter(watch, register=1)
    assert windows.take("register", "127.0.0.1")
    for _ in range(40):
        watch.now += 10
        assert windows.take("register", "127.0.0.1") is None
    watch.now += 60
    assert windows.take("register", "127.0.0.1")


def test_every_call_costs_a_message_and_a_list_of_reports_two(visitors: Visitors) -> None:
    limits = visitors.box.state.rate_limits
    limits.message_per_second = 3600  # a window that begins now does not end meanwhile
    elsewhere = {"X-Forwarded-For": "10.0.0.1"}

    def left(path: str) -> int:
        return int(visitors.call("warden", "GET", path, headers=elsewhere).headers["x-ratelimit-remaining"])

    before = left("/post/list")
    assert left("/image/health") == before - 1
    left("/report/list")
    assert left("/post/list") == before - 4


def test_refusals_for_the_rate_say_nothing_more(visitors: Visitors) -> None:
    limits = visitors.box.state.rate_limits
    limits.image, before = 0, limits.image
    answer = visitors.call("alice", "POST", "/image", files={"images[]": ("x.png", b"x", "image/png")})
    limits.image = before
    assert (answer.status_code, answer.json()) == (429, {"error": "too_many_requests"})
    assert not [name for name in answer.headers if name.startswith("x-ratelimit") or name == "retry-after"]
