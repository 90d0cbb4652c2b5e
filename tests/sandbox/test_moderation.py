"""Reports, removals, bans, purges, and who may do them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from golden.pictures import circles

from .visitors import Visitors, until

if TYPE_CHECKING:
    from adapters.sandbox.lemmy import LemmySandbox


def test_removal_closes_reports_and_leaves_the_file_served(visitors: Visitors) -> None:
    post, alias = visitors.picture_post("alice", visitors.community(), circles(1))
    visitors.send("warden", "/post/report", post_id=post["id"], reason="x")
    visitors.send("admin", "/post/remove", post_id=post["id"], removed=True, reason="y")
    (report,) = visitors.get("warden", "/post/report/list")["post_reports"]
    assert (report["post_report"]["resolved"], report["resolver"]["name"]) == (True, "admin")
    assert visitors.file(alias).status_code == 200
    assert visitors.client.get(post["thumbnail_url"]).status_code == 200


def test_one_report_per_object_and_reporter_for_ever(visitors: Visitors) -> None:
    post = visitors.post("alice", visitors.community())
    again = {"post_id": post["id"], "reason": "again"}
    visitors.send("warden", "/post/report", post_id=post["id"], reason="x")
    assert visitors.refusal("warden", "/post/report", **again) == (400, "couldnt_create_report")
    visitors.send("admin", "/post/remove", post_id=post["id"], removed=True)
    assert visitors.refusal("warden", "/post/report", **again) == (400, "couldnt_find_post")
    visitors.send("admin", "/post/remove", post_id=post["id"], removed=False)
    assert visitors.refusal("warden", "/post/report", **again) == (400, "couldnt_create_report")
    assert visitors.send("bob", "/post/report", **again)["post_report_view"]["post_report"]["resolved"] is False


def test_the_author_of_a_removed_post_cannot_report_it_either(visitors: Visitors) -> None:
    post = visitors.post("alice", visitors.community())
    visitors.send("warden", "/post/remove", post_id=post["id"], removed=True)
    assert visitors.refusal("alice", "/post/report", post_id=post["id"], reason="x") == (400, "couldnt_find_post")


def test_the_older_administrator_cannot_be_touched_by_the_younger(visitors: Visitors) -> None:
    admin, warden = (visitors.box.people[name].id for name in ("admin", "warden"))
    post = visitors.post("admin", visitors.community())
    assert visitors.refusal("warden", "/user/ban", person_id=admin, ban=True) == (400, "not_higher_admin")
    assert visitors.refusal("warden", "/post/remove", post_id=post["id"], removed=True) == (400, "not_higher_mod")
    assert visitors.refusal("warden", "/admin/purge/post", post_id=post["id"]) == (400, "not_higher_admin")
    assert visitors.refusal("warden", "/admin/add", person_id=admin, added=False) == (400, "not_higher_admin")
    assert visitors.send("admin", "/user/ban", person_id=warden, ban=True)["banned"] is True


def test_a_ban_ends_all_tokens_for_good(visitors: Visitors) -> None:
    bob = visitors.box.people["bob"]
    visitors.send("warden", "/user/ban", person_id=bob.id, ban=True)
    credentials = {"username_or_email": "bob", "password": bob.password}
    assert visitors.refusal(None, "/user/login", **credentials) == (400, "site_ban")
    visitors.send("warden", "/user/ban", person_id=bob.id, ban=False)
    assert visitors.call("bob", "GET", "/api/v3/user/validate_auth").json() == {"error": "not_logged_in"}
    assert visitors.call(None, "POST", "/api/v3/user/login", json=credentials).json()["jwt"]


def test_ban_with_data_removes_content_and_deletes_uploads_but_not_thumbnails(visitors: Visitors) -> None:
    community = visitors.community("admin")
    post, alias = visitors.picture_post("bob", community, circles(1))
    other, mine = visitors.upload("carol", circles(1)), visitors.community("bob", "bobs")
    visitors.send("bob", "/user/save_user_settings", method="PUT", bio="me", display_name="Bob!")
    visitors.send("warden", "/user/ban", person_id=visitors.box.people["bob"].id, ban=True, remove_data=True)
    until(lambda: visitors.file(alias).status_code == 404)
    assert visitors.file(other).status_code == 200
    assert visitors.client.get(post["thumbnail_url"]).status_code == 200
    shown = visitors.get("warden", "/user", username="bob")
    assert "bio" not in shown["person_view"]["person"]
    assert [row["post"]["removed"] for row in shown["posts"]] == [True]
    assert visitors.get("warden", "/community", id=mine)["community_view"]["community"]["removed"] is True


def test_unban_with_remove_data_deletes_again(visitors: Visitors) -> None:
    community, person = visitors.community("admin"), visitors.box.people["bob"].id
    post, alias = visitors.picture_post("bob", community, circles(1))
    visitors.send("warden", "/user/ban", person_id=person, ban=True)
    assert visitors.file(alias).status_code == 200
    visitors.send("warden", "/user/ban", person_id=person, ban=False, remove_data=True)
    until(lambda: visitors.file(alias).status_code == 404)
    assert visitors.get("warden", "/post", id=post["id"])["post_view"]["post"]["removed"] is True


def test_an_unban_does_not_restore_what_the_ban_removed(visitors: Visitors) -> None:
    community, person = visitors.community("admin"), visitors.box.people["bob"].id
    post = visitors.post("bob", community)
    visitors.send("warden", "/user/ban", person_id=person, ban=True, remove_data=True)
    visitors.send("warden", "/user/ban", person_id=person, ban=False, remove_data=False)
    assert visitors.get("warden", "/post", id=post["id"])["post_view"]["post"]["removed"] is True


def test_a_temporary_ban_ends_by_itself(visitors: Visitors) -> None:
    person = visitors.box.people["bob"].id
    visitors.send("warden", "/user/ban", person_id=person, ban=True, expires=int(time.time()) + 3600)
    state = visitors.box.state
    with state.lock:
        row = state.people[person]
        assert row.ban_expires is not None
        row.ban_expires = row.ban_expires.replace(year=2020)
    assert visitors.get("warden", "/user/banned")["banned"] == []
    until(lambda: not visitors.get(None, "/user", person_id=person)["person_view"]["person"]["banned"])


def test_a_banned_remote_person_is_also_banned_from_our_communities_he_wrote_in(
    box: LemmySandbox, visitors: Visitors
) -> None:
    community = visitors.community()
    number = box.federate_post(community=community, name="from rita")
    rita = visitors.get("warden", "/post", id=number)["post_view"]["creator"]["id"]
    visitors.send("warden", "/user/ban", person_id=rita, ban=True, reason="x")
    log = visitors.get("warden", "/modlog", other_person_id=rita)
    assert len(log["banned"]) == 1
    assert [row["community"]["id"] for row in log["banned_from_community"]] == [community]
    assert visitors.get("warden", "/post", id=number)["post_view"]["creator_banned_from_community"] is True


def test_purging_a_post_purges_by_the_last_part_of_any_address(box: LemmySandbox, visitors: Visitors) -> None:
    victim = visitors.upload("alice", circles(1))
    lure = box.remote_file(circles(2))
    with box.federation.files.lock:
        # The same name on another server, which shows an image there.
        box.federation.files._aliases[victim] = box.federation.files._aliases[lure.rsplit("/", 1)[1]]
    post = visitors.post("bob", visitors.community(), url=f"{box.remote_url}/pictrs/image/{victim}")
    visitors.send("warden", "/admin/purge/post", post_id=post["id"], reason="x")
    until(lambda: visitors.file(victim).status_code == 404)


def test_purging_a_post_takes_its_comments_reports_and_log_entries(visitors: Visitors) -> None:
    post = visitors.post("alice", visitors.community())
    comment = visitors.send("bob", "/comment", post_id=post["id"], content="hello")["comment_view"]["comment"]["id"]
    visitors.send("warden", "/post/report", post_id=post["id"], reason="x")
    visitors.send("warden", "/comment/report", comment_id=comment, reason="x")
    visitors.send("warden", "/post/remove", post_id=post["id"], removed=True)
    visitors.send("warden", "/admin/purge/post", post_id=post["id"])
    assert visitors.get("warden", "/post/report/list")["post_reports"] == []
    assert visitors.get("warden", "/comment/report/list")["comment_reports"] == []
    log = visitors.get("warden", "/modlog")
    assert (log["removed_posts"], len(log["admin_purged_posts"])) == ([], 1)
    assert visitors.call("warden", "GET", "/api/v3/comment", params={"id": comment}).json() == {
        "error": "couldnt_find_comment"
    }


def test_purging_a_person_overwrites_and_deletes(visitors: Visitors) -> None:
    community, person = visitors.community("admin"), visitors.box.people["bob"].id
    post, alias = visitors.picture_post("bob", community, circles(1))
    visitors.send("warden", "/admin/purge/person", person_id=person, reason="x")
    until(lambda: visitors.file(alias).status_code == 404)
    assert visitors.call(None, "GET", "/api/v3/user", params={"person_id": person}).status_code == 400
    shown = visitors.get("warden", "/user", person_id=person)["person_view"]["person"]
    assert (shown["banned"], shown["deleted"]) == (True, True)
    left = visitors.get("warden", "/post", id=post["id"])["post_view"]["post"]
    assert (left["name"], left["deleted"], "url" in left) == ("*Permanently Deleted*", True, False)


def test_purging_a_community_takes_its_posts_and_no_file(visitors: Visitors) -> None:
    community = visitors.community()
    post, alias = visitors.picture_post("alice", community, circles(1))
    visitors.send("warden", "/admin/purge/community", community_id=community)
    assert visitors.call("warden", "GET", "/api/v3/post", params={"id": post["id"]}).status_code == 400
    assert visitors.file(alias).status_code == 200


def test_nothing_can_be_removed_in_a_removed_community_but_it_can_be_purged(visitors: Visitors) -> None:
    community = visitors.community()
    post = visitors.post("alice", community)
    visitors.send("warden", "/community/remove", community_id=community, removed=True, reason="x")
    assert visitors.refusal("warden", "/post/remove", post_id=post["id"], removed=True) == (400, "deleted")
    assert visitors.send("warden", "/admin/purge/post", post_id=post["id"]) == {"success": True}


def test_names_of_moderators_are_hidden_from_ordinary_people(visitors: Visitors) -> None:
    post = visitors.post("alice", visitors.community())
    visitors.send("warden", "/post/remove", post_id=post["id"], removed=True, reason="x")
    seen = [visitors.get(who, "/modlog")["removed_posts"][0] for who in ("warden", "bob", None)]
    assert ["moderator" in row for row in seen] == [True, False, False]
    assert list(seen[1]) == ["mod_remove_post", "post", "community"]


def test_demoting_is_quiet(box: LemmySandbox, visitors: Visitors) -> None:
    box.demote(box.people["warden"])
    assert visitors.call("warden", "GET", "/api/v3/admin/list_all_media").json() == {"error": "not_an_admin"}
    assert visitors.get("admin", "/modlog")["added"] == []
