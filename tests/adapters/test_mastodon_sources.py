from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from lemmy_town import picture
from mastodon_reading import connect, drained, seen, sightings
from mastodon_square import both

from adapters.mastodon import window
from adapters.sandbox.faults import drop, respond
from bot.attribution.origin import attribute
from bot.domain.content import Attachment, InstanceId, Role, StorageKey, SubjectKey, Visibility
from bot.domain.errors import NotLoggedInError, RateLimitedError, UnreachableError
from bot.domain.evidence import How
from bot.ports import Batch, Gone

if TYPE_CHECKING:
    from mastodon_square import Square

MAIN = InstanceId("main")


def key(status: dict[str, Any]) -> SubjectKey:
    return SubjectKey(instance=MAIN, kind="post", local_id=status["id"])


def read(square: Square, status: dict[str, Any]) -> Batch:
    found = connect(square).source("local").read(key(status))
    assert isinstance(found, Batch)
    return found


def test_names_of_cursors(square: Square) -> None:
    names = [source.name for source in connect(square).instance.sources]
    assert names == [
        *("main/local", "main/remote", "main/stream-local", "main/stream-remote"),
        *("main/sweeps", "main/emoji"),
    ]


@both
def test_a_new_post_has_its_pictures_and_they_are_its_authors(square: Square) -> None:
    reading = connect(square)
    source = reading.source("local")
    _, cursor = drained(source, None)
    status = square.status(pictures=2)
    found, _ = drained(source, cursor)
    (one, other) = sightings(found)
    assert not one.backlog
    assert [s.name for s in (one, other)] == [
        Attachment(instance=MAIN, value=media["id"]) for media in status["media_attachments"]
    ]
    assert one.media.url == status["media_attachments"][0]["url"]
    author = one.subject.author
    assert author is not None
    assert author.local_id == square.box.people["alice"].id
    assert (author.is_local, author.is_staff) == (True, False)
    attribution = attribute(one.name, uploads=(), sightings=[one])
    assert (attribution.uploader, attribution.how) == (author, How.ATTACHED)


def test_what_was_there_before_is_no_work_unless_it_is_wanted(square: Square) -> None:
    old = square.status()
    source = connect(square).source("local")
    batches, cursor = drained(source, None)
    assert seen(batches) == set()
    assert batches[0].dropped == {"older than start_from": 1}
    assert seen(drained(source, cursor)[0]) == set()
    wanted, _ = drained(connect(square, start_from=None).source("local"), None)
    assert seen(wanted) == {old["id"]}
    assert all(one.backlog for one in sightings(wanted))
    hour, _ = drained(connect(square, start_from=timedelta(hours=1)).source("local"), None)
    assert seen(hour) == {old["id"]}


def test_a_post_that_comes_late_is_found_below_what_was_read(square: Square) -> None:
    reading = connect(square)
    source = reading.source("remote")
    rita = square.box.federation.account("rita")
    reading.clock.offset = timedelta(hours=-2)
    _, cursor = drained(source, None)
    reading.clock.offset = timedelta(0)
    soon = square.box.federation.status(rita, "now", pictures=[picture()])
    batches, cursor = drained(source, cursor)
    assert seen(batches) == {str(soon.id)}
    written = reading.clock.now() - timedelta(minutes=15)
    late = square.box.federation.status(rita, "late", published=written, pictures=[picture()])
    assert late.id < soon.id
    reading.clock.offset += timedelta(minutes=6)
    batches, _ = drained(source, cursor)
    assert str(late.id) in seen(batches)


def test_what_comes_later_still_is_found_in_the_far_window(square: Square, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.mastodon.sources.LIMIT", 4)
    reading = connect(square)
    source = reading.source("remote")
    rita, federation = square.box.federation.account("rita"), square.box.federation
    shown = picture()
    for hours in range(24):
        published = reading.clock.now() - timedelta(hours=hours + 2)
        federation.status(rita, f"{hours} h", published=published, pictures=[shown])
    reading.clock.offset = timedelta(days=-2)
    _, cursor = drained(source, None)
    reading.clock.offset = timedelta(0)
    _, cursor = drained(source, cursor)
    for _ in range(20):  # the far window of the first day
        reading.clock.offset += window.LATE_PAUSE
        cursor = json.loads(json.dumps(source.poll(cursor).cursor))
    late = federation.status(rita, "late", published=reading.clock.now() - timedelta(hours=8), pictures=[shown])
    found: set[str] = set()
    for _ in range(3):
        batches, cursor = drained(source, cursor)
        found |= seen(batches)
        reading.clock.offset += timedelta(minutes=5)
    assert str(late.id) not in found  # nobody looks so far down yet
    reading.clock.offset += timedelta(hours=2)
    for _ in range(12):
        batch = source.poll(cursor)
        cursor = json.loads(json.dumps(batch.cursor))
        found |= seen([batch])
        reading.clock.offset += window.LATE_PAUSE
    assert str(late.id) in found


def test_a_flood_is_read_to_the_end_however_many_pages_it_takes(
    square: Square, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.mastodon.sources.LIMIT", 2)
    reading = connect(square)
    source = reading.source("remote")
    rita = square.box.federation.account("rita")
    _, cursor = drained(source, None)
    wanted = {str(square.box.federation.status(rita, str(n), pictures=[picture()]).id) for n in range(25)}
    batches, _ = drained(source, cursor)
    assert seen(batches) == wanted
    assert len(batches) == 3


def test_what_was_read_counts_though_a_limit_is_used_up_on_the_way(
    square: Square, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.mastodon.sources.LIMIT", 2)
    reading = connect(square)
    source = reading.source("remote")
    rita = square.box.federation.account("rita")
    _, cursor = drained(source, None)
    wanted = {str(square.box.federation.status(rita, str(n), pictures=[picture()]).id) for n in range(5)}
    buckets = source._feed._client.transport.buckets  # type: ignore[attr-defined]
    page, calls = source._feed.page, []  # type: ignore[attr-defined]

    def used_up_at_the_second(below: str | None) -> Any:
        calls.append(below)
        if len(calls) == 2:
            buckets.rest("paging", 0.0)
            raise RateLimitedError("our own share of the limit is used up", retry_after=60.0)
        return page(below)

    monkeypatch.setattr(source._feed, "page", used_up_at_the_second)  # type: ignore[attr-defined]
    first = source.poll(cursor)
    assert len(seen([first])) == 2
    assert first.more
    assert first.cursor is not None
    batches, _ = drained(source, first.cursor)
    assert seen([first, *batches]) == wanted


def test_a_post_dated_into_the_future_hides_nothing(square: Square) -> None:
    reading = connect(square)
    source = reading.source("remote")
    rita, federation = square.box.federation.account("rita"), square.box.federation
    federation.status(rita, "odd", published=reading.clock.now() + timedelta(days=300), pictures=[picture()])
    _, cursor = drained(source, None)
    new = federation.status(rita, "now", pictures=[picture()])
    assert str(new.id) in seen(drained(source, cursor)[0])


def test_a_mark_has_the_timeline_read_from_there(square: Square, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.mastodon.sources.LIMIT", 1)
    reading = connect(square)
    source = reading.source("local")
    _, cursor = drained(source, None)
    missed = square.status()
    newer = square.status()
    reading.clock.offset = timedelta(hours=1)
    batches, cursor = drained(source, {**cursor, "since": reading.clock.now().isoformat()})
    assert seen(batches) == {newer["id"]}
    since = (reading.clock.now() - timedelta(hours=1)).isoformat()
    reading.inbox.deliver("main/local", {"since": since})
    batches, cursor = drained(source, cursor)
    assert missed["id"] in seen(batches)
    drained(source, cursor)
    assert reading.inbox.letters("main/local") == []


def test_what_was_edited_out_is_seen_and_said_to_be_of_the_same_post(square: Square) -> None:
    status = square.status()
    before = read(square, status)
    first = status["media_attachments"][0]["id"]
    sent = {"file": ("b.png", picture(), "image/png")}
    second = square.client("alice").post("/api/v2/media", files=sent).json()["id"]
    edited = square.call("alice", "PUT", f"/api/v1/statuses/{status['id']}", status="edited", media_ids=[second])
    after = read(square, edited)
    posts = [one for one in after.sightings if one.subject.kind == "post"]
    assert {one.name for one in posts} == {Attachment(instance=MAIN, value=value) for value in (first, second)}
    assert {one.subject.revision for one in posts} != {one.subject.revision for one in sightings([before])}


@both
def test_a_post_edited_down_to_nothing_still_shows_what_was_there(square: Square) -> None:
    reading = connect(square)
    source = reading.source("local")
    _, cursor = drained(source, None)
    status = square.status()
    square.call("alice", "PUT", f"/api/v1/statuses/{status['id']}", status="nothing", media_ids=[])
    (one,) = sightings(drained(source, cursor)[0])
    assert one.name == Attachment(instance=MAIN, value=status["media_attachments"][0]["id"])


def test_avatar_and_header_come_with_a_post(square: Square) -> None:
    sent = {"avatar": ("a.png", picture(), "image/png"), "header": ("h.png", picture(), "image/png")}
    square.client("alice").patch("/api/v1/accounts/update_credentials", files=sent).raise_for_status()
    reading = connect(square)
    _, cursor = drained(reading.source("local"), None)
    square.status()
    found = sightings(drained(reading.source("local"), cursor)[0], "profile")
    assert {one.media.role for one in found} == {Role.AVATAR, Role.BANNER}
    for one in found:
        assert isinstance(one.name, StorageKey)
        assert one.subject.local_id == square.box.people["alice"].id
        known = attribute(one.name, uploads=(), sightings=[one])
        assert (known.uploader, known.how) == (one.subject.author, How.ATTACHED)


def test_who_links_somebody_elses_picture_did_not_upload_it(square: Square) -> None:
    hers = square.status("alice")
    url = hers["media_attachments"][0]["url"]
    his = square.call("bob", "POST", "/api/v1/statuses", status=f"see {url}")
    (link,) = sightings([read(square, his)])
    assert link.media.role is Role.LINK
    unseen = attribute(link.name, uploads=(), sightings=[link])
    assert (unseen.uploader, unseen.how) == (None, How.UNKNOWN)
    (picture_of_hers,) = sightings([read(square, hers)])
    assert link.name == picture_of_hers.name
    known = attribute(link.name, uploads=(), sightings=[link, picture_of_hers])
    assert (known.uploader, known.how) == (picture_of_hers.subject.author, How.ATTACHED)


@both
def test_what_only_some_may_see_is_gone_to_us(square: Square) -> None:
    source = connect(square).source("local")
    for visibility in ("private", "direct"):
        assert isinstance(source.read(key(square.status(visibility=visibility))), Gone)
    unlisted = square.status(visibility="unlisted")
    found = source.read(key(unlisted))
    assert isinstance(found, Batch)
    assert {one.subject.visibility for one in sightings([found])} == {Visibility.UNLISTED}


def test_what_is_not_there_is_gone(square: Square) -> None:
    source = connect(square).source("local")
    status = square.status()
    square.call("alice", "DELETE", f"/api/v1/statuses/{status['id']}")
    assert isinstance(source.read(key(status)), Gone)
    for kind in ("post", "profile", "community", "site", "comment"):
        assert isinstance(source.read(SubjectKey(instance=MAIN, kind=kind, local_id="emoji/x@y")), Gone)


def test_a_dead_token_is_said_and_not_read_as_a_stranger(square: Square) -> None:
    source = connect(square, token="gone" * 8).source("local")
    with pytest.raises(NotLoggedInError, match="make a new one"):
        source.poll(None)


@pytest.mark.parametrize("fault", [drop(), respond(502, "<html>", "text/html")])
def test_a_fault_costs_nothing_but_time(square: Square, fault: Any) -> None:
    reading = connect(square)
    source = reading.source("local")
    _, cursor = drained(source, None)
    status = square.status()
    square.box.faults.before("GET", "timelines/public", fault, times=2)
    assert seen(drained(source, cursor)[0]) == {status["id"]}
    square.box.faults.before("GET", "timelines/public", fault, times=4)
    with pytest.raises(UnreachableError):
        source.poll(cursor)
    assert seen(drained(source, cursor)[0]) == {status["id"]}


def test_one_odd_row_is_a_hole_and_the_others_are_read(square: Square) -> None:
    reading = connect(square)
    source = reading.source("local")
    _, cursor = drained(source, None)
    status = square.status()
    rows = [{"id": "1", "created_at": "yesterday"}, {**status, "id": "2", "uri": None, "account": None}, status]
    square.box.faults.before("GET", "timelines/public", respond(200, json.dumps(rows)))
    (batch,), _ = drained(source, cursor)
    assert seen([batch]) == {status["id"]}
    assert len(batch.holes) == 2


def test_a_post_whose_history_the_server_fails_to_show_stops_no_timeline(
    square: Square, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.http.nap", lambda _: None)
    reading = connect(square)
    source = reading.source("local")
    _, cursor = drained(source, None)
    broken, fine = square.status(), square.status("bob")
    media = [one["id"] for one in broken["media_attachments"]]
    square.call("alice", "PUT", f"/api/v1/statuses/{broken['id']}", status="x", media_ids=media)
    square.box.faults.before("GET", f"statuses/{broken['id']}/history", respond(500, b"broken"), times=1000)
    batches, _ = drained(source, cursor)
    assert seen(batches) == {broken["id"], fine["id"]}
    assert ["500" in hole for batch in batches for hole in batch.holes] == [True]
