from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from mastodon_reading import connect, drained, seen, sightings
from mastodon_square import both

from adapters.sandbox.faults import respond
from bot.domain.content import InstanceId, SubjectKey, Visibility

if TYPE_CHECKING:
    from mastodon_reading import Reading
    from mastodon_square import Square

    from bot.ports import Batch, Cursor

SWEEPS = "main/sweeps"


def swept(reading: Reading, cursor: Cursor | None, *, polls: int = 8) -> tuple[list[Batch], Any]:
    """Several polls, with time between them for looks to be saved up."""
    batches = []
    for _ in range(polls):
        batch = reading.source("sweeps").poll(cursor)
        cursor = json.loads(json.dumps(batch.cursor))
        batches.append(batch)
        reading.clock.offset += timedelta(minutes=5)
    return batches, cursor


@both
def test_replies_and_unlisted_posts_are_found_where_no_timeline_has_them(square: Square) -> None:
    reading = connect(square)
    _, timeline = drained(reading.source("local"), None)
    _, cursor = swept(reading, None, polls=1)
    public = square.status("carol")
    reply = square.status("alice", in_reply_to_id=public["id"])
    unlisted = square.status("bob", visibility="unlisted")
    for who in ("alice", "bob"):
        square.status(who, visibility="private")
    assert seen(drained(reading.source("local"), timeline)[0]) == {public["id"]}
    reading.clock.offset += timedelta(hours=2)
    batches, _ = swept(reading, cursor)
    assert {reply["id"], unlisted["id"]} <= seen(batches)
    kinds = {one.subject.visibility for one in sightings(batches)}
    assert kinds == {Visibility.PUBLIC, Visibility.UNLISTED}
    assert not any(one.backlog for one in sightings(batches))


def test_what_was_there_before_is_backlog_and_only_if_it_is_wanted(square: Square) -> None:
    old = square.status(visibility="unlisted")
    assert seen(swept(connect(square), None)[0]) == set()
    wanted = sightings(swept(connect(square, start_from=None), None)[0])
    assert {one.subject.local_id for one in wanted} == {old["id"]}
    assert all(one.backlog for one in wanted)


def test_a_reported_account_is_looked_through_first_and_again_later(square: Square) -> None:
    reading = connect(square)
    _, cursor = swept(reading, None, polls=2)
    erin = square.box.people["erin"].id
    first = square.status("erin", visibility="unlisted")
    reading.inbox.deliver(SWEEPS, {"account": erin, "why": "reported"})
    batches, cursor = swept(reading, cursor, polls=1)
    assert seen(batches) == {first["id"]}
    (waiting,) = cursor["queue"]
    assert (waiting["account"], waiting["looks"]) == (erin, 1)
    second = square.status("erin", visibility="unlisted")
    reading.clock.offset += timedelta(minutes=15)
    batches, cursor = swept(reading, cursor, polls=1)
    assert second["id"] in seen(batches)
    swept(reading, cursor, polls=1)
    assert reading.inbox.letters(SWEEPS) == []


def test_a_post_that_is_read_again_has_its_author_looked_through(square: Square) -> None:
    reading = connect(square)
    _, cursor = swept(reading, None, polls=2)
    status = square.status()
    hidden = square.status(visibility="unlisted")
    key = SubjectKey(instance=InstanceId("main"), kind="post", local_id=status["id"])
    for _ in range(3):
        reading.source("local").read(key)
    (letter,) = reading.inbox.letters(SWEEPS)
    assert letter.payload == {"account": square.box.people["alice"].id, "why": "flagged"}
    assert hidden["id"] in seen(swept(reading, cursor, polls=1)[0])


def test_the_budget_holds(square: Square) -> None:
    reading = connect(square, sweeps={"per_hour": 6})
    calls: list[str] = []
    client = reading.source("sweeps")._client  # type: ignore[attr-defined]
    listing = client.listing

    def counted(path: str, *args: Any, **kwargs: Any) -> Any:
        calls.append(path)
        return listing(path, *args, **kwargs)

    client.listing = counted
    cursor: Any = None
    for who in square.box.people.values():
        reading.inbox.deliver(SWEEPS, {"account": who.id, "why": "reported"})
    for _ in range(60):
        cursor = json.loads(json.dumps(reading.source("sweeps").poll(cursor).cursor))
        reading.clock.offset += timedelta(minutes=1)
    looks = [path for path in calls if path.endswith("/statuses")]
    assert 5 <= len(looks) <= 7
    off = connect(square, sweeps={"per_hour": 0})
    assert off.source("sweeps").poll(None).sightings == []


def test_an_account_that_is_gone_is_passed_over(square: Square) -> None:
    reading = connect(square)
    _, cursor = swept(reading, None, polls=2)
    reading.inbox.deliver(SWEEPS, {"account": "1", "why": "reported"})
    status = square.status("bob", visibility="unlisted")
    reading.inbox.deliver(SWEEPS, {"account": square.box.people["bob"].id, "why": "reported"})
    batches, _ = swept(reading, cursor, polls=2)
    assert seen(batches) == {status["id"]}


def test_without_the_permission_to_list_accounts_the_rest_goes_on(square: Square) -> None:
    reading = connect(square, who="alice", token="full")
    _, cursor = swept(reading, None, polls=2)
    status = square.status("bob", visibility="unlisted")
    reading.inbox.deliver(SWEEPS, {"account": square.box.people["bob"].id, "why": "reported"})
    assert seen(swept(reading, cursor, polls=1)[0]) == {status["id"]}


def test_accounts_of_the_list_show_their_pages(square: Square) -> None:
    from lemmy_town import picture

    sent = {"avatar": ("a.png", picture(), "image/png")}
    square.client("grace").patch("/api/v1/accounts/update_credentials", files=sent).raise_for_status()
    found = sightings(swept(connect(square, start_from=None), None, polls=2)[0], "profile")
    assert {one.subject.local_id for one in found} == {square.box.people["grace"].id}
    assert all(one.backlog for one in found)


@pytest.mark.parametrize("flood", [250])
def test_many_letters_are_taken_in_one_after_the_other(square: Square, flood: int) -> None:
    reading = connect(square, sweeps={"per_hour": 0})
    for number in range(flood):
        reading.inbox.deliver(SWEEPS, {"account": str(number), "why": "new"})
    _, cursor = swept(reading, None, polls=2)
    assert len(cursor["queue"]) == flood


@pytest.mark.parametrize("what", ["statuses", "history"])
def test_an_account_that_the_server_fails_to_show_is_tried_some_times_and_stops_nothing(
    square: Square, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr("adapters.http.nap", lambda _: None)
    reading = connect(square)
    _, cursor = swept(reading, None, polls=2)
    erin, bob = (square.box.people[who].id for who in ("erin", "bob"))
    broken, fine = (square.status(who, visibility="unlisted") for who in ("erin", "bob"))
    media = [one["id"] for one in broken["media_attachments"]]
    square.call("erin", "PUT", f"/api/v1/statuses/{broken['id']}", status="x", media_ids=media)
    path = f"accounts/{erin}/statuses" if what == "statuses" else f"statuses/{broken['id']}/history"
    square.box.faults.before("GET", path, respond(500, b"broken"), times=1000)
    for account in (erin, bob):
        reading.inbox.deliver(SWEEPS, {"account": account, "why": "reported"})
    batches, cursor = swept(reading, cursor, polls=1)
    assert fine["id"] in seen(batches)
    assert (erin, 1) in {(one["account"], one.get("tries")) for one in cursor["queue"]}
    holes: list[str] = []
    for _ in range(8):
        reading.clock.offset += timedelta(hours=1)
        batches, cursor = swept(reading, cursor, polls=1)
        holes += [hole for batch in batches for hole in batch.holes]
        if holes:
            break
    assert [erin in hole and "500" in hole for hole in holes] == [True]
    assert (erin, 1) in {(one["account"], one["looks"]) for one in cursor["queue"]}


def test_an_account_of_the_list_that_cannot_be_shown_is_put_off(
    square: Square, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.http.nap", lambda _: None)
    reading = connect(square, start_from=None)
    alice = square.box.people["alice"].id
    square.status("alice"), square.status("bob")
    square.box.faults.before("GET", f"accounts/{alice}/statuses", respond(500, b"broken"), times=1000)
    batches, cursor = swept(reading, None, polls=3)
    assert len(seen(batches)) == 1
    assert alice not in cursor["todo"]
    assert [one["account"] for one in cursor["queue"] if one["why"] == "failed"] == [alice]
