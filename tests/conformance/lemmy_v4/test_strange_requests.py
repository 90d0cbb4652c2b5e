"""Requests to a Lemmy 1.0 that no good client makes, and what is closed to the banned and gone with a purge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..answers import body, refusal
from ..people import LAST
from .stage import NO_SUCH_ID

if TYPE_CHECKING:
    import httpx

    from .people import Person
    from .stage import Stage

pytestmark = pytest.mark.conformance
REASON = {"reason": "a test"}
NO_NUL = 'invalid byte sequence for encoding "UTF8": 0x00'


def removal(person: Person, content: str) -> httpx.Response:
    headers = {"Content-Type": "application/json"} | LAST
    return person.client.post("/api/v4/post/remove", content=content, headers=headers)


def kinds(person: Person, **query: str | int) -> list[str]:
    return [item["modlog"]["kind"] for item in body(person.get("modlog", **query))["items"]]


def test_bodies_that_are_no_json(warden: Person, anonymous: Person) -> None:
    twice = '{"post_id":1,"post_id":1,"removed":true,"reason":"x"}'
    answer = removal(warden, twice)
    assert refusal(answer) == (400, "unknown")
    assert answer.json()["message"] == "Json deserialize error: duplicate field `post_id` at line 1 column 22"
    assert refusal(removal(anonymous, twice)) == (401, "incorrect_login")
    assert refusal(removal(anonymous, "{}")) == (401, "incorrect_login")
    assert refusal(removal(anonymous, "")) == (400, "unknown")
    assert refusal(removal(warden, '{"reason":"' + "x" * 2_100_000 + '"}')) == (413, "unknown")


def test_a_nul_reaches_no_table(stage: Stage, alice: Person, warden: Person, community: int) -> None:
    listed = warden.get("post/list", search_term="\0")
    assert (refusal(listed), listed.json()["cause"]) == ((404, "not_found"), NO_NUL)
    number = stage.post(alice, community)["post"]["id"]
    removed = warden.post("post/remove", post_id=number, removed=False, reason="\0")
    assert (refusal(removed), removed.json()["cause"]) == ((400, "couldnt_create"), NO_NUL)


def test_names_and_numbers_that_lead_nowhere(alice: Person, bob: Person, anonymous: Person, warden: Person) -> None:
    assert body(anonymous.get("person/content", person_id=NO_SUCH_ID))["items"] == []
    both = body(anonymous.get("person", person_id=alice.id, username=bob.name))
    assert both["person_view"]["person"]["id"] == bob.id
    assert body(anonymous.get("post/list", multi_community_id=NO_SUCH_ID))["items"] == []
    for handle in (f"@{alice.name}", alice.name):
        answer = warden.get("resolve_object", q=handle)
        assert (refusal(answer), answer.json()["message"]) == (
            (400, "resolve_object_failed"),
            "Failed to resolve actor via webfinger",
        )
    assert refusal(anonymous.get("image/proxy", url="x")) == (400, "unknown")
    assert body(anonymous.get("image/health")) == {"success": True}
    found = body(anonymous.get("search", search_term="no such words", type_="posts"))
    assert (found["next_page"], found["prev_page"]) == (None, None)


def test_pictures_of_people_do_not_move(alice: Person) -> None:
    gif = bytes.fromhex("47494638396101000100800000ff0000ffffff21f90400000000002c00000000010001000002024401003b")
    files = {"images[]": ("x.gif", gif, "image/gif")}
    answer = alice.client.post("/api/v4/account/avatar", files=files, headers=LAST)
    assert refusal(answer) == (400, "pictrs_invalid_image_upload")
    assert answer.json()["message"] == "Media type wasn't allowed for this upload"


def test_copies_that_cannot_be_read(stage: Stage, alice: Person, anonymous: Person) -> None:
    alias = stage.picture(alice).alias
    answer = anonymous.fetch(alias, max_size=-1)
    assert (answer.status_code, answer.json()["code"]) == (500, "invalid-process-path")
    headers = {"Range": "bytes=0-1,3-4"}
    answer = anonymous.client.get(f"/api/v4/image/{alias}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (416, "range-not-satisfiable")
    assert alias in answer.headers["content-disposition"]


def test_an_author_reads_no_more_of_what_was_removed(
    stage: Stage, alice: Person, warden: Person, community: int
) -> None:
    number = stage.post(alice, community, body="words")["post"]["id"]
    body(warden.post("post/remove", post_id=number, removed=True, **REASON))
    assert body(alice.get("post", id=number))["post_view"]["post"]["body"] == ""
    assert body(warden.get("post", id=number))["post_view"]["post"]["body"] == "words"
    assert refusal(alice.post("post/report", post_id=number, **REASON)) == (400, "deleted")
    assert refusal(warden.post("post/report", post_id=number, **REASON)) == (404, "not_found")


def test_what_is_locked_or_gone_is_not_answered(
    stage: Stage, alice: Person, bob: Person, warden: Person, community: int
) -> None:
    post = stage.post(alice, community)["post"]["id"]
    comment = stage.comment(alice, post, "a remark")["comment"]["id"]
    body(warden.post("comment/lock", comment_id=comment, locked=True, **REASON))
    answer = {"post_id": post, "parent_id": comment, "content": "an answer"}
    assert refusal(bob.post("comment", **answer)) == (400, "locked")
    body(warden.post("comment", **answer))
    body(warden.post("comment/lock", comment_id=comment, locked=False, **REASON))
    body(alice.delete("comment", comment_id=comment, deleted=True))
    assert refusal(bob.post("comment", **answer)) == (400, "deleted")


def test_the_banned_change_nothing_of_their_own(stage: Stage, alice: Person, warden: Person, community: int) -> None:
    banned = stage.register("banned")
    body(warden.post("admin/ban", person_id=banned.id, ban=True, **REASON))
    number = stage.post(alice, community)["post"]["id"]
    for answer in (
        banned.put("account/settings/save", bio="words"),
        banned.post("post/hide", post_id=number, hide=True),
        banned.post("account/block/person", person_id=alice.id, block=True),
        banned.post("account/block/community", community_id=community, block=True),
        banned.post("community/follow", community_id=community, follow=True),
        banned.post("account/auth/totp/generate"),
    ):
        assert refusal(answer) == (400, "site_ban")


def test_the_mod_log_forgets_what_is_purged(stage: Stage, alice: Person, warden: Person, community: int) -> None:
    post = stage.post(alice, community)["post"]["id"]
    comment = stage.comment(alice, post, "a remark")["comment"]["id"]
    body(warden.post("comment/remove", comment_id=comment, removed=True, **REASON))
    body(warden.post("post/remove", post_id=post, removed=True, **REASON))
    here = {"community_id": community, "limit": 3}
    assert kinds(warden, **here)[:2] == ["mod_remove_post", "mod_remove_comment"]
    body(warden.post("admin/purge/comment", comment_id=comment, **REASON))
    assert kinds(warden, **here)[:2] == ["admin_purge_comment", "mod_remove_post"]
    body(warden.post("admin/purge/post", post_id=post, **REASON))
    assert kinds(warden, **here)[0] == "admin_purge_post"
    assert kinds(warden, post_id=post) == []


def test_votes_messages_and_applications_one_by_one(
    stage: Stage, alice: Person, bob: Person, warden: Person, community: int
) -> None:
    post = stage.post(alice, community)["post"]["id"]
    [vote] = body(warden.get("post/like/list", post_id=post))["items"]
    assert (vote["creator"]["id"], vote["is_upvote"], vote["creator_banned"]) == (alice.id, True, False)
    assert refusal(alice.get("post/like/list", post_id=post)) == (400, "not_a_mod_or_admin")
    comment = stage.comment(alice, post, "a remark")["comment"]["id"]
    [vote] = body(warden.get("comment/like/list", comment_id=comment))["items"]
    assert vote["creator"]["id"] == alice.id
    assert refusal(alice.post("comment/distinguish", comment_id=comment, distinguished=True))[1] == "not_a_mod_or_admin"
    assert refusal(warden.get("admin/registration_application", person_id=alice.id)) == (404, "not_found")
    made = body(alice.post("private_message", recipient_id=bob.id, content="words"))
    number = made["private_message_view"]["private_message"]["id"]
    assert refusal(warden.delete("private_message", private_message_id=number, deleted=True))[0] == 400
    for person, told in ((bob, (False, True)), (alice, (True, False))):
        view = body(person.delete("private_message", private_message_id=number, deleted=True))
        message = view["private_message_view"]["private_message"]
        assert (message["deleted"], message["deleted_by_recipient"], message["content"]) == (*told, "words")


def test_rows_that_lead_nowhere(stage: Stage, bob: Person, warden: Person, admin: Person, community: int) -> None:
    for answer in (
        bob.post("post/mark_as_read", post_id=NO_SUCH_ID, read=True),
        bob.post("post/hide", post_id=NO_SUCH_ID, hide=True),
        bob.post("account/block/community", community_id=NO_SUCH_ID, block=True),
        bob.put("account/settings/save", discussion_languages=[NO_SUCH_ID]),
        admin.put("site", discussion_languages=[NO_SUCH_ID]),
        admin.post("community/ban_user", community_id=community, person_id=NO_SUCH_ID, ban=True, **REASON),
    ):
        assert refusal(answer) == (400, "couldnt_update")
        assert "violates foreign key constraint" in answer.json()["cause"]
    assert refusal(bob.post("account/block/person", person_id=NO_SUCH_ID, block=True)) == (400, "already_exists")
    assert refusal(bob.post("private_message", recipient_id=NO_SUCH_ID, content="x")) == (400, "couldnt_create")
    nowhere = bob.post("community/ban_user", community_id=NO_SUCH_ID, person_id=bob.id, ban=True, **REASON)
    assert refusal(nowhere) == (404, "not_found")


def test_titles_keywords_and_pages_that_are_none(bob: Person, admin: Person, community: int) -> None:
    for title in ("x", "x" * 51, "@handle"):
        assert refusal(admin.put("community", community_id=community, title=title)) == (400, "invalid_display_name")
    for settings, code in (
        ({"blocking_keywords": ["ab"]}, "block_keyword_too_short"),
        ({"blocking_keywords": ["x" * 51]}, "block_keyword_too_long"),
        ({"default_items_per_page": 0}, "invalid_fetch_limit"),
        ({"default_items_per_page": 51}, "invalid_fetch_limit"),
    ):
        assert refusal(bob.put("account/settings/save", **settings)) == (400, code)
    early = {"name": "A post", "community_id": community, "scheduled_publish_time_at": 1}
    assert refusal(bob.post("post", **early)) == (400, "post_schedule_time_must_be_in_future")
    tagged = {"name": "A post", "community_id": community, "tags": [NO_SUCH_ID]}
    assert refusal(bob.post("post", **tagged)) == (400, "tag_not_in_community")
