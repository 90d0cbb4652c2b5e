"""What was seen: cursor, sightings and tasks together."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.content import MediaRef, RemoteUrl, Role, Sighting, StoredFile
from bot.domain.errors import LedgerError
from bot.domain.evidence import Unscannable, UnscannableKind
from bot.ports import Batch, Lane, TaskKind
from making import NOW, account, address, alias, evidence, post, sighting, upload

if TYPE_CHECKING:
    from bot.ledger import SqlLedger
    from making import StillClock


def record(ledger: SqlLedger, *seen: Sighting, source: str = "here/posts", **more: object) -> int:
    return ledger.record(source, Batch(sightings=seen, **more), examine_uploads=False)  # type: ignore[arg-type]


def work_off(ledger: SqlLedger) -> list[tuple[str, Lane]]:
    """What there was to do, done."""
    tasks = ledger.take([TaskKind.EXAMINE], limit=100, lease_seconds=60)
    for task in tasks:
        ledger.finish(task)
    return [(task.target, task.lane) for task in tasks]


def test_source_has_no_cursor_before_its_first_poll(ledger: SqlLedger) -> None:
    assert ledger.cursor("here/posts") is None


def test_cursor_comes_back_as_it_was(ledger: SqlLedger) -> None:
    cursor = {"page": 3, "deep": {"list": [1, None, "x"], "$": "not a tag"}}
    record(ledger, cursor=cursor)
    assert ledger.cursor("here/posts") == cursor
    assert ledger.cursor("here/comments") is None


def test_batch_without_cursor_leaves_the_cursor(ledger: SqlLedger) -> None:
    record(ledger, cursor={"page": 1})
    record(ledger)
    assert ledger.cursor("here/posts") == {"page": 1}


def test_batch_without_source_has_no_cursor(ledger: SqlLedger) -> None:
    assert record(ledger, sighting(), source="", cursor={"page": 1}) == 1
    assert ledger.cursor("") is None


def test_new_sighting_is_counted_and_examined(ledger: SqlLedger) -> None:
    assert record(ledger, sighting(), sighting(post(2), alias("b.png"))) == 2
    assert work_off(ledger) == [(str(alias()), Lane.NEW), (str(alias("b.png")), Lane.NEW)]


def test_same_picture_in_two_roles_is_two_sightings_and_one_task(ledger: SqlLedger) -> None:
    assert record(ledger, sighting(), sighting(role=Role.THUMBNAIL)) == 2
    assert len(work_off(ledger)) == 1


def test_known_sighting_is_not_new_and_not_examined(ledger: SqlLedger) -> None:
    record(ledger, sighting())
    work_off(ledger)
    assert record(ledger, sighting()) == 0
    assert work_off(ledger) == []


def test_known_sighting_keeps_its_place_and_takes_the_newest_subject(ledger: SqlLedger, clock: StillClock) -> None:
    record(ledger, sighting(), sighting(post(2)))
    clock.pass_(minutes=15)
    later = replace(sighting(post(author=account(is_staff=True))), seen_at=clock.now())
    record(ledger, later)
    name = ledger.name(str(alias()))
    assert name is not None
    first, second = ledger.sightings_of(name.file_id)
    assert first == later
    assert second.subject.local_id == "2"


def test_edited_subject_is_examined_again(ledger: SqlLedger) -> None:
    record(ledger, sighting())
    work_off(ledger)
    assert record(ledger, sighting(post(revision="r2"))) == 0
    assert work_off(ledger) == [(str(alias()), Lane.NEW)]


def test_url_that_means_another_name_by_now_is_examined_again(ledger: SqlLedger) -> None:
    record(ledger, sighting())
    work_off(ledger)
    record(ledger, replace(sighting(), name=RemoteUrl(value=address(alias()))))
    assert work_off(ledger) == [(str(RemoteUrl(value=address(alias()))), Lane.NEW)]


def test_file_is_judged_when_what_was_outdated_about_it_is_seen_again(ledger: SqlLedger, clock: StillClock) -> None:
    far = RemoteUrl(value="https://far.example/a.png")
    seen = replace(sighting(), name=far, media=MediaRef(url=far.value, role=Role.ATTACHMENT))
    record(ledger, seen)
    for sha in ("ab" * 32, "cd" * 32):
        clock.pass_(seconds=2)
        file_id = ledger.bind(far, sha)
        ledger.save_scan(file_id, replace(evidence(), sha256=sha))
        record(ledger, seen)  # a page that was read before
    clock.pass_(seconds=2)
    work_off(ledger)
    for task in ledger.take([TaskKind.JUDGE], limit=9, lease_seconds=60):
        ledger.finish(task)
    told = []
    for _ in range(2):
        record(ledger, replace(seen, seen_at=clock.now()))
        judged = ledger.take([TaskKind.JUDGE], limit=9, lease_seconds=60)
        for task in judged:
            ledger.finish(task)
        told.append([(task.target, task.lane) for task in judged])
    assert told == [[(str(file_id), Lane.DEEDS)], []], "once, and not with every page"
    assert work_off(ledger) == [], "its bytes are known"


def test_backlog_has_its_own_lane_and_stays_backlog(ledger: SqlLedger) -> None:
    record(ledger, sighting(backlog=True))
    assert work_off(ledger) == [(str(alias()), Lane.BACKLOG)]
    record(ledger, sighting(post(revision="r2")))
    name = ledger.name(str(alias()))
    assert name is not None
    assert [one.backlog for one in ledger.sightings_of(name.file_id)] == [True]


def test_name_is_backlog_until_something_new_shows_it(ledger: SqlLedger) -> None:
    record(ledger, sighting(backlog=True))
    assert ledger.name(str(alias())).backlog  # type: ignore[union-attr]
    record(ledger, sighting(post(2)))
    assert not ledger.name(str(alias())).backlog  # type: ignore[union-attr]


@pytest.mark.parametrize("wanted", [True, False])
def test_upload_that_nobody_posted_is_examined_if_wanted(ledger: SqlLedger, wanted: bool) -> None:
    batch = Batch(uploads=[upload()])
    assert ledger.record("here/uploads", batch, examine_uploads=wanted) == 0
    assert work_off(ledger) == ([(str(alias()), Lane.NEW)] if wanted else [])
    ledger.record("here/uploads", batch, examine_uploads=wanted)
    assert work_off(ledger) == []


def test_parked_picture_that_is_seen_again_is_examined_again(ledger: SqlLedger) -> None:
    record(ledger, sighting())
    (task,) = ledger.take([TaskKind.EXAMINE], limit=1, lease_seconds=60)
    ledger.park(task, "gone")
    record(ledger, sighting(post(2)))
    (task,) = ledger.take([TaskKind.EXAMINE], limit=1, lease_seconds=60)
    assert task.attempts == 1


def test_hostile_texts_do_not_stop_a_feed(ledger: SqlLedger) -> None:
    nasty = RemoteUrl(value="https://x.example/\ud800\0" + "long" * 5000)
    seen = sighting(post(local_id="\0\udfff", revision="json:\0"))
    seen = replace(seen, name=nasty, media=replace(seen.media, url=nasty.value))
    assert record(ledger, seen, cursor={"\ud800": "\0"}) == 1
    assert work_off(ledger) == [(str(nasty), Lane.NEW)]
    assert list(ledger.sightings_in(seen.subject.key)) == [seen]
    assert ledger.name(str(nasty)).name == nasty  # type: ignore[union-attr]
    assert ledger.cursor("here/posts") == {"\ud800": "\0"}


def test_fault_in_a_batch_leaves_nothing_of_it(ledger: SqlLedger) -> None:
    broken = replace(sighting(post(2)), seen_at=NOW.replace(tzinfo=None))
    with pytest.raises(LedgerError):
        record(ledger, sighting(), broken, cursor={"page": 1})
    assert ledger.cursor("here/posts") is None
    assert ledger.name(str(alias())) is None
    assert ledger.backlog_size() == {}
    assert ledger.counts()["seen"] == 0


def test_holes_are_kept_with_how_often_they_were_met(ledger: SqlLedger, clock: StillClock) -> None:
    record(ledger, holes=["a", "b"], cursor={})
    clock.pass_(minutes=5)
    record(ledger, holes=["a"], cursor={})
    record(ledger, source="here/comments", holes=["c"], cursor={})
    record(ledger, source="", holes=["nobody's"])
    found = ledger.holes()
    assert [(hole.text, hole.times, hole.first, hole.last) for hole in found["here/posts"]] == [
        ("a", 2, NOW, clock.now()),
        ("b", 1, NOW, NOW),
    ]
    assert {source: len(holes) for source, holes in found.items()} == {"here/posts": 2, "here/comments": 1}
    clock.pass_(days=30, minutes=-2)
    assert [hole.text for hole in ledger.holes()["here/posts"]] == ["a"]
    clock.pass_(days=1)
    assert ledger.holes() == {}


def test_only_the_newest_holes_are_kept(ledger: SqlLedger, clock: StillClock) -> None:
    for number in range(25):
        clock.pass_(seconds=1)
        record(ledger, holes=[f"hole {number}"])
    assert [hole.text for hole in ledger.holes()["here/posts"]] == [f"hole {number}" for number in range(24, 4, -1)]


def look_at(ledger: SqlLedger, *values: str) -> None:
    for value in values:
        record = ledger.name(str(alias(value)))
        assert record is not None
        ledger.save_scan(record.file_id, Unscannable(kind=UnscannableKind.GONE, detail="404"))


def stored(value: str, **more: object) -> StoredFile:
    return StoredFile(
        name=alias(value),
        url=address(alias(value)),
        sha256="ab" * 32,
        stored_at=NOW,
        **more,  # type: ignore[arg-type]
    )


def test_stored_file_that_nothing_else_brought_is_examined(ledger: SqlLedger) -> None:
    record(ledger, sighting())
    work_off(ledger)
    look_at(ledger, "a.png")
    files = [stored("a.png"), stored("orphan.png"), stored("old.png", backlog=True)]
    ledger.record("here/files", Batch(files=files), examine_uploads=True)
    ledger.record("here/files", Batch(files=files), examine_uploads=True)
    assert work_off(ledger) == [(str(alias("orphan.png")), Lane.NEW), (str(alias("old.png")), Lane.BACKLOG)]
    look_at(ledger, "orphan.png", "old.png")
    ledger.record("here/files", Batch(files=files), examine_uploads=True)
    assert work_off(ledger) == []
    found = ledger.name(str(alias("orphan.png")))
    assert found is not None
    assert (found.url, found.backlog) == (address(alias("orphan.png")), False)


@pytest.mark.parametrize("backlog", [False, True])
def test_stored_file_whose_name_somebody_asked_about_is_examined_all_the_same(
    ledger: SqlLedger, *, backlog: bool
) -> None:
    ledger.add_name(alias("asked.png"), "")
    files = [stored("asked.png", backlog=backlog)]
    ledger.record("here/files", Batch(files=files), examine_uploads=True)
    assert work_off(ledger) == [(str(alias("asked.png")), Lane.BACKLOG if backlog else Lane.NEW)]
    look_at(ledger, "asked.png")
    ledger.record("here/files", Batch(files=files), examine_uploads=True)
    assert work_off(ledger) == []
    found = ledger.name(str(alias("asked.png")))
    assert found is not None
    assert found.backlog is backlog


def test_stored_files_are_left_alone_where_uploads_are(ledger: SqlLedger) -> None:
    ledger.record("here/files", Batch(files=[stored("orphan.png")]), examine_uploads=False)
    old = [stored("old.png", backlog=True)]
    ledger.record("here/files", Batch(files=old), examine_uploads=True, backlog_from=NOW + timedelta(days=1))
    assert work_off(ledger) == []
    assert ledger.name(str(alias("orphan.png"))) is None
