"""Remote accounts and their statuses: what arrives, what is kept, what goes and does not come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from adapters.sandbox.mastodon.bridging import connect
from adapters.sandbox.mastodon.federation import Carried
from adapters.sandbox.mastodon.moderation import act_on_report

from .square import png

if TYPE_CHECKING:
    from collections.abc import Callable

    from .square import Square


def _shown(square: Square, number: int) -> Any:
    return square.get("bob", f"/api/v1/statuses/{number}")


def test_file_that_is_not_kept_is_unknown_and_its_proxy_fails(square: Square) -> None:
    federation = square.box.federation
    status = federation.status(federation.account("rita"), "far", pictures=[png()], cached=False)
    media = _shown(square, status.id)["media_attachments"][0]
    assert media["type"] == "unknown"
    assert media["url"] == f"{square.box.url}/media_proxy/{media['id']}/original"
    assert media["preview_url"] == f"{square.box.url}/media_proxy/{media['id']}/small"
    assert media["remote_url"].startswith("https://remote.test/")
    assert media["meta"] is None
    assert square.file(media["url"]).status_code == 500


def test_proxy_fetches_what_is_not_kept_when_its_server_is_there(newer: Square, older: Square) -> None:
    theirs = older.upload("alice")["url"]
    data = older.file(theirs).content
    federation = newer.box.federation
    sent = Carried(data=b"", address=theirs, description=None, blurhash=None)
    status = federation.status(federation.account("rita"), "far", pictures=[sent], cached=False)
    proxied = _shown(newer, status.id)["media_attachments"][0]["url"]
    assert newer.file(proxied).status_code == 500
    older.box.start()
    answer = newer.file(proxied)
    assert answer.status_code == 302
    assert newer.file(answer.headers["location"]).content == data
    assert _shown(newer, status.id)["media_attachments"][0]["type"] == "image"


def test_kept_file_is_the_origins_byte_for_byte(square: Square) -> None:
    federation, data = square.box.federation, png()
    status = federation.status(federation.account("rita"), "far", pictures=[data])
    media = _shown(square, status.id)["media_attachments"][0]
    assert "/system/cache/media_attachments/files/" in media["url"]
    assert [square.file(media[key]).content for key in ("url", "preview_url")] == [data, data]


def test_moderator_sees_nothing_of_a_remote_login(square: Square) -> None:
    rita = square.box.federation.account("rita")
    shown = square.get("warden/bot", f"/api/v1/admin/accounts/{rita.id}")
    login = ("email", "ip", "confirmed", "disabled", "approved", "locale", "invite_request", "ips", "role")
    assert shown["domain"] == "remote.test"
    assert {shown[key] for key in login} == {None}


def test_disabling_a_remote_account_crashes(square: Square) -> None:
    rita = square.box.federation.account("rita")
    answer = square.call("warden/bot", "POST", f"/api/v1/admin/accounts/{rita.id}/action", json={"type": "disable"})
    assert (answer.status_code, answer.content) == (500, b"")


@pytest.mark.parametrize(("forward", "told"), [(None, None), (False, False), (True, True)])
def test_report_is_forwarded_only_when_asked(square: Square, forward: bool | None, told: bool | None) -> None:
    rita = square.box.federation.account("rita")
    asked = {} if forward is None else {"forward": forward}
    report = square.send("warden/bot", "/api/v1/reports", account_id=str(rita.id), **asked)
    assert report["forwarded"] is told
    assert len(square.box.federation.forwarded) == (1 if forward else 0)


def test_suspended_account_posts_into_the_void(square: Square) -> None:
    federation = square.box.federation
    rita = federation.account("rita")
    before = federation.status(rita, "before", pictures=[png()])
    media = _shown(square, before.id)["media_attachments"][0]
    square.act(str(rita.id), "suspend")
    federation.status(rita, "meanwhile")
    proxy = f"{square.box.url}/media_proxy/{media['id']}/original"
    assert square.file(proxy).status_code == 404
    square.undo(str(rita.id), "unsuspend")
    assert square.feed() == ["before"]


def test_remote_post_that_a_moderator_removed_leaves_nothing_and_stays_away(square: Square) -> None:
    federation, state = square.box.federation, square.box.state
    rita = federation.account("rita")
    status = federation.status(rita, "gone", pictures=[png()])
    media = _shown(square, status.id)["media_attachments"][0]
    report = square.send("warden/bot", "/api/v1/reports", account_id=str(rita.id), status_ids=[str(status.id)])
    act_on_report(state, state.reports[int(report["id"])], "delete", square.account("warden"))
    assert square.file(media["url"]).status_code == 404
    assert square.get("warden/bot", f"/api/v1/admin/reports/{report['id']}")["statuses"] == []
    federation.edit(status, "edited afterwards")
    assert square.get("warden/bot", "/api/v2/search", q=status.url, resolve="true")["statuses"] == []
    assert square.feed() == []


def test_reported_remote_post_that_its_author_deletes_vanishes_from_the_report(square: Square) -> None:
    federation = square.box.federation
    rita = federation.account("rita")
    status = federation.status(rita, "gone", pictures=[png()])
    report = square.send("warden/bot", "/api/v1/reports", account_id=str(rita.id), status_ids=[str(status.id)])
    federation.delete(status)
    assert square.get("warden/bot", f"/api/v1/admin/reports/{report['id']}")["statuses"] == []


@pytest.fixture
def two(opened: Callable[..., Square]) -> tuple[Square, Square]:
    """Two servers that federate; the warden of the first follows dave of the second."""
    here, there = opened("4.3"), opened("4.6")
    connect(here.box.federation, there.box.federation)
    dave = here.get("warden", "/api/v2/search", q=f"dave@{there.box.state.host}", resolve="true")["accounts"][0]
    here.send("warden", f"/api/v1/accounts/{dave['id']}/follow")
    return here, there


def test_post_of_a_followed_account_arrives_with_its_file(two: tuple[Square, Square]) -> None:
    here, there = two
    sent = there.post("dave", "across", pictures=1)
    arrived = here.get("bob", "/api/v1/timelines/public")[0]
    assert (arrived["uri"], arrived["url"]) == (sent["uri"], sent["url"])
    assert arrived["account"]["acct"] == f"dave@{there.box.state.host}"
    assert arrived["created_at"] == f"{sent['created_at'][:19]}.000Z"
    theirs, ours = sent["media_attachments"][0], arrived["media_attachments"][0]
    assert ours["remote_url"] == theirs["url"]
    assert here.file(ours["url"]).content == there.file(theirs["url"]).content


def test_follower_is_known_there_until_he_goes(two: tuple[Square, Square]) -> None:
    here, there = two
    place = f"/api/v1/accounts/{there.id('dave')}"
    dave = here.get("warden", "/api/v2/search", q=f"dave@{there.box.state.host}", resolve="true")["accounts"][0]
    assert there.get(None, place)["followers_count"] == 1
    here.send("warden", f"/api/v1/accounts/{dave['id']}/unfollow")
    assert there.get(None, place)["followers_count"] == 0


def test_deletion_of_a_remote_account_ends_the_following_and_nothing_else_there(two: tuple[Square, Square]) -> None:
    here, there = two
    there.post("dave", "stays")
    dave = here.get("bob", "/api/v1/timelines/public")[0]["account"]["id"]
    here.act(dave, "suspend")
    assert here.call("warden/bot", "DELETE", f"/api/v1/admin/accounts/{dave}").status_code == 200
    shown = there.get(None, f"/api/v1/accounts/{there.id('dave')}")
    assert (shown["followers_count"], shown["statuses_count"]) == (0, 1)
    assert here.get("bob", f"/api/v1/accounts/{dave}")["statuses_count"] == 0


def test_post_that_nobody_here_follows_comes_only_when_it_is_looked_up(two: tuple[Square, Square]) -> None:
    here, there = two
    sent = there.post("erin", "unfollowed")
    assert here.feed() == []
    here.get("warden", "/api/v2/search", q=sent["url"], resolve="true")
    assert here.feed() == ["unfollowed"]


def test_edit_and_deletion_come_across(two: tuple[Square, Square]) -> None:
    here, there = two
    sent = there.post("dave", "first", pictures=1)
    arrived = here.get("bob", "/api/v1/timelines/public")[0]
    there.send("dave", f"/api/v1/statuses/{sent['id']}", "PUT", status="second")
    assert here.feed() == ["second"]
    history = here.get("bob", f"/api/v1/statuses/{arrived['id']}/history")
    assert [line["content"] for line in history] == ["<p>first</p>", "<p>second</p>"]
    assert here.file(arrived["media_attachments"][0]["url"]).status_code == 200
    there.call("dave", "DELETE", f"/api/v1/statuses/{sent['id']}")
    assert here.feed() == []


def test_forwarded_report_is_filed_there_by_the_server_with_our_words(two: tuple[Square, Square]) -> None:
    here, there = two
    sent = there.post("dave", "across")
    arrived = here.get("bob", "/api/v1/timelines/public")[0]
    fields = {"account_id": arrived["account"]["id"], "status_ids": [arrived["id"]], "category": "spam"}
    here.send("warden/bot", "/api/v1/reports", **fields, comment="unseen")
    assert there.get("mod/bot", "/api/v1/admin/reports") == []
    here.send("warden/bot", "/api/v1/reports", **fields, comment="word for word", forward=True)
    filed = there.get("mod/bot", "/api/v1/admin/reports")[0]
    assert filed["account"]["account"]["acct"] == f"mastodon.internal@{here.box.state.host}"
    assert (filed["comment"], filed["category"], filed["forwarded"]) == ("word for word", "other", False)
    assert [status["id"] for status in filed["statuses"]] == [sent["id"]]


def test_removal_here_changes_nothing_there(two: tuple[Square, Square]) -> None:
    here, there = two
    sent = there.post("dave", "across")
    arrived = here.get("bob", "/api/v1/timelines/public")[0]
    report = here.report("warden/bot", arrived["account"]["id"], arrived)
    state = here.box.state
    act_on_report(state, state.reports[int(report["id"])], "delete", here.account("warden"))
    assert there.get(None, f"/api/v1/statuses/{sent['id']}")["content"] == "<p>across</p>"
    assert here.get("warden", "/api/v2/search", q=sent["url"], resolve="true")["statuses"] == []
