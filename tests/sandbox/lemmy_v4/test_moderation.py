"""Bans, removals, reports and the mod log of 1.0."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from golden.pictures import circles
from sandbox.visitors import until

if TYPE_CHECKING:
    from .visitors import Visitors

REASON = {"reason": "a test"}


def log(visitors: Visitors, who: str | None = "warden", **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = visitors.get(who, "/modlog", **query)["items"]
    return items


def ban(visitors: Visitors, who: str, *, on: bool = True, **fields: Any) -> dict[str, Any]:
    number = visitors.box.people[who].id
    view: dict[str, Any] = visitors.send("warden", "/admin/ban", person_id=number, ban=on, **REASON, **fields)[
        "person_view"
    ]
    return view


def test_the_banned_come_in_and_upload_but_do_nothing_else(visitors: Visitors) -> None:
    here = visitors.community()
    post = visitors.post("erin", here)["id"]
    assert ban(visitors, "erin")["banned"] is True
    assert visitors.get("erin", "/account/validate_auth") == {"success": True}
    assert visitors.file(visitors.upload("erin", circles(1, size=(64, 48)))).status_code == 200
    refused = [
        visitors.refusal("erin", "/post", name="A post", community_id=here),
        visitors.refusal("erin", "/comment", post_id=post, content="x"),
        visitors.refusal("erin", "/post/report", post_id=post, **REASON),
        visitors.refusal("erin", "/private_message", recipient_id=visitors.box.people["bob"].id, content="x"),
    ]
    assert refused == [(400, "site_ban")] * 4
    assert visitors.get("warden", "/post", id=post)["post_view"]["creator_banned"] is True
    assert "banned" not in visitors.get("warden", "/post", id=post)["post_view"]["creator"]
    [banned] = visitors.get("warden", "/admin/users", banned_only="true")["items"]
    assert (banned["person"]["name"], banned["ban_expires_at"]) == ("erin", None)
    ban(visitors, "erin", on=False)
    ban(visitors, "erin", expires_at=int(time.time()) + 1)
    until(lambda: visitors.get("warden", "/admin/users", banned_only="true")["items"] == [])
    ban(visitors, "erin", on=False)


def test_the_banned_neither_moderate_nor_administer(visitors: Visitors) -> None:
    here = visitors.community("erin")
    post, person = visitors.post("bob", here)["id"], visitors.box.people["bob"].id
    visitors.send("alice", "/post/report", post_id=post, violates_instance_rules=True, **REASON)

    def tried(who: str) -> list[tuple[int, str]]:
        lists = ("/report/list", f"/post/like/list?post_id={post}")
        admins = ("/image/list", "/admin/users", "/admin/registration_application/list")
        answers = [visitors.call(who, "GET", path) for path in (*lists, *(admins if who == "warden" else ()))]
        deeds = [visitors.refusal(who, "/post/remove", post_id=post, removed=True, **REASON)]
        if who == "warden":
            deeds += [
                visitors.refusal(who, "/admin/ban", person_id=person, ban=True, **REASON),
                visitors.refusal(who, "/admin/purge/post", post_id=post, **REASON),
                visitors.refusal(who, "/image", method="DELETE", filename="x.png"),
                visitors.refusal(who, "/site", method="PUT", registration_mode="closed"),
            ]
        return [(answer.status_code, answer.json()["error"]) for answer in answers] + deeds

    for who in ("erin", "warden"):
        number = visitors.box.people[who].id
        visitors.send("admin", "/admin/ban", person_id=number, ban=True, **REASON)
        assert set(tried(who)) == {(400, "site_ban")}
        assert visitors.refusal(who, "/community", name="another", title="Another") == (400, "site_ban")
        visitors.send("admin", "/admin/ban", person_id=number, ban=False, **REASON)
    assert visitors.get("warden", "/post", id=post)["post_view"]["post"]["removed"] is False


def test_a_ban_without_an_end_leaves_the_end_of_an_earlier_one(visitors: Visitors) -> None:
    end = int(time.time()) + 86400
    first = ban(visitors, "erin", expires_at=end)
    assert ban(visitors, "erin")["ban_expires_at"] == first["ban_expires_at"]
    assert "ban_expires_at" not in ban(visitors, "erin", on=False)
    assert "ban_expires_at" not in ban(visitors, "erin")
    ban(visitors, "erin", on=False)


def test_a_ban_with_data_is_taken_back_without_files_and_votes(visitors: Visitors) -> None:
    here, elsewhere = visitors.community(), visitors.community()
    picture = circles(2, "JPEG", size=(64, 48))
    own, others = visitors.upload("dave", picture), visitors.upload("bob", picture)
    post = visitors.post("dave", here, url=visitors.image_url(own))
    comment = visitors.comment("dave", visitors.post("bob", elsewhere)["id"])["id"]
    thumbnail = post["thumbnail_url"].rsplit("/", 1)[1]
    ban(visitors, "dave", remove_or_restore_data=True)
    state = visitors.box.state
    until(lambda: state.comments[comment].removed and visitors.file(own).status_code == 404)
    until(lambda: visitors.file(thumbnail).status_code == 404)
    assert visitors.file(others).status_code == 200
    assert not {own, thumbnail} & set(state.images)
    parent = log(visitors, type_="admin_ban")[0]["modlog"]
    mine = {"other_person_id": visitors.box.people["dave"].id}
    assert parent["child_count"] == len(log(visitors, bulk_action_parent_id=parent["id"]))
    assert not log(visitors, type_="mod_remove_post", **mine)
    assert len(log(visitors, type_="mod_remove_post", show_bulk="true", **mine)) == 1
    ban(visitors, "dave", on=False, remove_or_restore_data=True)
    until(lambda: not state.comments[comment].removed)
    back = visitors.get("warden", "/post", id=post["id"])["post_view"]["post"]
    assert (back["removed"], back["score"]) == (False, 0)
    assert visitors.file(own).status_code == 404


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/post/remove", {"post_id": 1, "removed": True}),
        ("/comment/remove", {"comment_id": 1, "removed": True}),
        ("/admin/purge/post", {"post_id": 1}),
        ("/admin/purge/person", {"person_id": 1}),
        ("/community/ban_user", {"community_id": 1, "person_id": 1, "ban": True}),
        ("/post/lock", {"post_id": 1, "locked": True}),
    ],
)
def test_nothing_is_done_without_a_reason(visitors: Visitors, path: str, fields: dict[str, Any]) -> None:
    answer = visitors.call("warden", "POST", path, json=fields)
    assert (answer.status_code, answer.json()["error"]) == (400, "unknown")
    assert "missing field `reason`" in answer.json()["message"]
    assert "cause" not in answer.json()
    assert not [name for name in answer.headers if name.startswith("x-ratelimit")]


def test_removing_children_removes_the_comments_too(visitors: Visitors) -> None:
    post = visitors.post("alice", visitors.community())["id"]
    comment = visitors.comment("bob", post)["id"]
    visitors.send("warden", "/post/remove", post_id=post, removed=False, remove_children=True, **REASON)
    state = visitors.box.state
    assert state.posts[post].removed
    assert state.comments[comment].removed
    shown = {who: visitors.get(who, "/comment", id=comment)["comment_view"]["comment"] for who in ("warden", "alice")}
    assert (shown["warden"]["content"], shown["alice"]["content"]) == ("a remark", "")


def test_reports_go_to_administrators_or_to_moderators_at_first(visitors: Visitors) -> None:
    here = visitors.community("alice")
    first, second = (visitors.post("bob", here)["id"] for _ in range(2))
    visitors.send("carol", "/post/report", post_id=first, violates_instance_rules=True, **REASON)
    visitors.send("carol", "/post/report", post_id=second, **REASON)

    def seen(who: str, **query: Any) -> set[int]:
        items = visitors.get(who, "/report/list", community_id=here, **query)["items"]
        return {item["post"]["id"] for item in items}

    assert (seen("warden"), seen("alice")) == ({first}, {second})
    assert seen("warden", show_community_rule_violations="true") == {first, second}
    report = next(row for row in visitors.box.state.post_reports.values() if row.post_id == second)
    report.published -= timedelta(days=3, minutes=1)
    assert seen("warden") == {first, second}
    assert visitors.call("carol", "GET", "/report/list").json()["error"] == "not_a_mod_or_admin"


def test_reports_are_paged_and_the_oldest_open_one_comes_first(visitors: Visitors) -> None:
    here = visitors.community()
    posts = [visitors.post("bob", here)["id"] for _ in range(3)]
    for post in posts:
        visitors.send("carol", "/post/report", post_id=post, violates_instance_rules=True, **REASON)
    found, cursor = [], {}
    while True:
        query = {"community_id": here, "unresolved_only": "true", "limit": 1} | cursor
        page = visitors.get("warden", "/report/list", **query)
        found += [item["post"]["id"] for item in page["items"]]
        if "next_page" not in page:
            break
        cursor = {"page_cursor": page["next_page"]}
    assert found == posts


def test_a_private_message_is_reported_by_whom_it_was_sent_to(visitors: Visitors) -> None:
    bob = visitors.box.people["bob"].id
    made = visitors.send("alice", "/private_message", recipient_id=bob, content="![x](http://127.0.0.1/x.png)")
    number = made["private_message_view"]["private_message"]["id"]
    told = {"private_message_id": number, **REASON}
    assert visitors.refusal("warden", "/private_message/report", **told) == (400, "couldnt_create")
    visitors.send("bob", "/private_message/report", **told)
    visitors.send("alice", "/private_message", method="PUT", private_message_id=number, content="nothing")
    [item] = visitors.get("warden", "/report/list", type_="private_messages")["items"]
    assert item["type_"] == "private_message"
    assert item["private_message"]["content"] == "nothing"
    assert item["private_message_report"]["original_pm_text"] == "![x](http://127.0.0.1/x.png)"
    assert (item["creator"]["name"], item["private_message_creator"]["name"]) == ("bob", "alice")
    report = item["private_message_report"]["id"]
    path = "/private_message/report/resolve"
    done = visitors.send("warden", path, method="PUT", report_id=report, resolved=True, conclusion="seen")
    assert done["private_message_report_view"]["private_message_report"]["conclusion"] == "seen"


def test_removal_closes_reports_and_a_conclusion_is_kept(visitors: Visitors) -> None:
    post = visitors.post("bob", visitors.community())["id"]
    made = visitors.send("warden", "/post/report", post_id=post, violates_instance_rules=True, **REASON)
    number = made["post_report_view"]["post_report"]["id"]
    visitors.send("warden", "/post/remove", post_id=post, removed=True, **REASON)
    assert visitors.box.state.post_reports[number].resolved
    path = "/post/report/resolve"
    done = visitors.send("warden", path, method="PUT", report_id=number, resolved=False, conclusion="no")
    report = done["post_report_view"]["post_report"]
    assert (report["resolved"], report["resolver_id"], report["conclusion"]) == (
        False,
        visitors.box.people["warden"].id,
        "no",
    )


def test_entries_go_away_with_what_they_were_about(visitors: Visitors) -> None:
    post = visitors.post("bob", visitors.community())["id"]
    visitors.send("warden", "/post/lock", post_id=visitors.post("bob", 2)["id"], locked=True, **REASON)
    visitors.send("warden", "/post/remove", post_id=post, removed=True, **REASON)
    assert log(visitors, post_id=post)
    visitors.send("warden", "/admin/purge/post", post_id=post, **REASON)
    assert log(visitors, post_id=post) == []
    purged, locked = log(visitors)[:2]
    assert [item["modlog"]["kind"] for item in (purged, locked)] == ["admin_purge_post", "mod_lock_post"]
    assert "target_post" not in purged


def test_strangers_are_not_told_who_did_it(visitors: Visitors) -> None:
    post = visitors.post("bob", visitors.community())["id"]
    visitors.send("warden", "/post/lock", post_id=post, locked=True, **REASON)
    me = visitors.box.people["warden"].id
    assert log(visitors, mod_person_id=me)[0]["moderator"]["name"] == "warden"
    assert all("moderator" not in item for item in log(visitors, None))
    assert log(visitors, None, mod_person_id=10**6)


def test_a_purged_person_is_a_banned_shell(visitors: Visitors) -> None:
    password = "a long enough password"
    new = {"username": "gone", "password": password, "password_verify": password}
    token = visitors.send("admin", "/account/auth/register", **new)["jwt"]
    headers = {"Authorization": f"Bearer {token}"}
    me = visitors.client.get(f"{visitors.box.url}/api/v4/account", headers=headers).json()
    number = me["local_user_view"]["person"]["id"]
    end = int(time.time()) + 86400
    first = visitors.send("warden", "/admin/ban", person_id=number, ban=True, expires_at=end, **REASON)["person_view"]
    visitors.send("warden", "/admin/purge/person", person_id=number, **REASON)
    until(lambda: visitors.box.state.people[number].deleted)
    view = visitors.get("warden", "/person", person_id=number)["person_view"]
    assert (view["banned"], view["ban_expires_at"]) == (True, first["ban_expires_at"])
    assert visitors.call("alice", "GET", "/person", params={"person_id": number}).status_code == 404


def test_a_remote_post_is_removed_here_and_banned_here(visitors: Visitors) -> None:
    post = visitors.box.federate_post(name="from afar", image=circles(5, size=(64, 48)))
    view = visitors.get("warden", "/post", id=post)["post_view"]
    assert (view["post"]["local"], view["creator"]["local"]) == (False, False)
    listed = {
        row["local_image"]["thumbnail_for_post_id"]: row
        for row in visitors.get("warden", "/image/list", limit=50)["items"]
        if "thumbnail_for_post_id" in row["local_image"]
    }
    assert listed[post]["person"]["local"] is False
    visitors.send("warden", "/admin/ban", person_id=view["creator"]["id"], ban=True, **REASON)
    assert visitors.get("warden", "/post", id=post)["post_view"]["creator_banned"] is True
    found = visitors.get("warden", "/resolve_object", q=view["post"]["ap_id"])
    assert (found["type_"], found["post"]["id"]) == ("post", post)
    assert visitors.call("warden", "GET", "/resolve_object", params={"q": "http://127.0.0.1:9/x"}).json()["error"] == (
        "resolve_object_failed"
    )


def test_a_ban_from_a_community_with_data_changes_what_is_there_and_takes_its_votes(visitors: Visitors) -> None:
    here, elsewhere = visitors.community(), visitors.community()
    post, other = (visitors.post("carol", place)["id"] for place in (here, elsewhere))
    comment = visitors.comment("carol", post)["id"]
    banned = {"community_id": here, "person_id": visitors.box.people["carol"].id, **REASON}
    visitors.send("warden", "/community/ban_user", **banned, ban=True, remove_or_restore_data=True)
    views = [visitors.get("warden", "/post", id=number)["post_view"]["post"] for number in (post, other)]
    assert [(row["removed"], "updated_at" in row, row["score"]) for row in views] == [
        (True, True, 0),
        (False, False, 1),
    ]
    row = visitors.get("warden", "/comment", id=comment)["comment_view"]["comment"]
    assert (row["removed"], "updated_at" in row, row["score"]) == (True, True, 0)
    visitors.send("warden", "/community/ban_user", **banned, ban=False, remove_or_restore_data=True)


def test_comments_that_their_authors_deleted_are_not_in_the_mod_log(visitors: Visitors) -> None:
    post = visitors.post("alice", visitors.community())["id"]
    kept, deleted = (visitors.comment("bob", post)["id"] for _ in range(2))
    visitors.send("bob", "/comment", method="DELETE", comment_id=deleted, deleted=True)
    visitors.send("warden", "/post/remove", post_id=post, removed=True, remove_children=True, **REASON)
    told = [log(visitors, type_="mod_remove_comment", comment_id=str(number)) for number in (kept, deleted)]
    assert [len(entries) for entries in told] == [1, 0]


def test_removed_communities_are_not_reported_and_a_conclusion_stays(visitors: Visitors) -> None:
    here = visitors.community(summary="about pictures")
    report = visitors.send("bob", "/community/report", community_id=here, **REASON)["community_report_view"]
    assert report["community_report"]["original_community_summary"] == "about pictures"
    path, number = "/community/report/resolve", report["community_report"]["id"]
    visitors.send("warden", path, method="PUT", report_id=number, resolved=True, conclusion="seen")
    again = visitors.send("warden", path, method="PUT", report_id=number, resolved=False)["community_report_view"]
    assert again["community_report"]["conclusion"] == "seen"
    visitors.send("admin", "/community/remove", community_id=here, removed=True, **REASON)
    assert visitors.refusal("alice", "/community/report", community_id=here, **REASON) == (400, "deleted")
    [row] = visitors.get("warden", "/report/list", type_="communities", community_id=here)["items"]
    assert row["community_report"]["resolved"]


def test_private_messages_can_be_switched_off(visitors: Visitors) -> None:
    written = {"recipient_id": visitors.box.people["bob"].id, "content": "hello"}
    for who in ("alice", "bob"):
        visitors.send(who, "/account/settings/save", method="PUT", private_messages_enabled=False)
        assert visitors.refusal("alice", "/private_message", **written) == (400, "couldnt_create")
        visitors.send(who, "/account/settings/save", method="PUT", private_messages_enabled=True)
    visitors.send("alice", "/private_message", **written)


def test_comment_is_locked_with_the_answers_to_it(visitors: Visitors) -> None:
    post = visitors.post("alice", visitors.community())["id"]
    top, beside = (visitors.comment("alice", post)["id"] for _ in range(2))
    answer = visitors.send("bob", "/comment", post_id=post, parent_id=top, content="x")["comment_view"]["comment"]["id"]
    visitors.send("warden", "/comment/lock", comment_id=top, locked=True, **REASON)
    for parent in (top, answer):
        refused = visitors.refusal("bob", "/comment", post_id=post, parent_id=parent, content="x")
        assert refused == (400, "locked")
    visitors.send("bob", "/comment", post_id=post, parent_id=beside, content="x")
    visitors.send("warden", "/comment/lock", comment_id=top, locked=False, **REASON)
    visitors.send("bob", "/comment", post_id=post, parent_id=answer, content="x")
