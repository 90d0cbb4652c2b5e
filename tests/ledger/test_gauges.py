"""The numbers behind alarms and metrics."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.decisions import GONE_AT_STORE, Done, Failed, HoldReason, IntentState
from bot.ports import Batch, Lane, TaskKind
from ledger.docket import HOLD, PURGE, REMOVE, REPORT, one, seen_file
from making import NOW, alias, post, sighting, upload

if TYPE_CHECKING:
    from bot.ledger import SqlLedger
    from making import StillClock


def read(ledger: SqlLedger, number: int | None = None, *, uploads: bool = False) -> None:
    name = alias(f"{number}.png")
    sightings = [sighting(post(number), name)] if number is not None and not uploads else []
    stored = [upload(name)] if uploads else []
    ledger.record("here/posts", Batch(sightings=sightings, uploads=stored, cursor={}), examine_uploads=False)


def test_feed_tells_when_it_was_read_and_when_something_came(ledger: SqlLedger, clock: StillClock) -> None:
    assert ledger.feeds() == []
    read(ledger)
    (feed,) = ledger.feeds()
    assert (feed.name, feed.read_at, feed.news_at, feed.usual_gap) == ("here/posts", NOW, NOW, None)
    clock.pass_(minutes=10)
    read(ledger, 1)
    clock.pass_(minutes=20)
    read(ledger, 1)  # known already
    (feed,) = ledger.feeds()
    assert feed.read_at == NOW + timedelta(minutes=30)
    assert (feed.news_at, feed.usual_gap) == (NOW + timedelta(minutes=10), timedelta(minutes=10))
    clock.pass_(minutes=80)
    read(ledger, 2, uploads=True)
    (feed,) = ledger.feeds()
    assert feed.news_at == clock.now()
    assert feed.usual_gap == timedelta(minutes=19)  # a tenth of the way from 10 to 100


def test_queue_tells_how_long_the_first_has_waited_untouched(ledger: SqlLedger, clock: StillClock) -> None:
    ledger.enqueue(TaskKind.EXAMINE, "a", Lane.NEW)
    clock.pass_(minutes=1)
    ledger.enqueue(TaskKind.EXAMINE, "b", Lane.NEW)
    ledger.enqueue(TaskKind.EXAMINE, "c", Lane.BACKLOG)
    (task,) = ledger.take([TaskKind.EXAMINE], limit=1, lease_seconds=60)
    queues = {(queue.state, queue.lane): queue for queue in ledger.queues()}
    assert queues["running", Lane.NEW].oldest == NOW
    assert queues["waiting", Lane.NEW].untried_since == NOW + timedelta(minutes=1)
    assert queues["waiting", Lane.BACKLOG].size == 1
    ledger.park(task, "too large")
    assert ledger.parked_since(NOW) == 1
    assert ledger.parked_since(clock.now() + timedelta(seconds=1)) == 0
    clock.pass_(days=9)
    ledger.enqueue(TaskKind.EXAMINE, "a", Lane.NEW)  # given up long ago, and wanted again now
    untried = [queue.untried_since for queue in ledger.queues() if queue.lane is Lane.NEW]
    assert untried == [NOW + timedelta(minutes=1)]


def test_detector_that_is_down_is_known_by_what_waits_for_it(ledger: SqlLedger) -> None:
    assert ledger.detectors_out() == {}
    for name, reason in (("a", "nsfw: unavailable; other: unavailable"), ("b", "nsfw: unavailable"), ("c", "fetch")):
        ledger.enqueue(TaskKind.EXAMINE, name, Lane.NEW)
        (task,) = ledger.take([TaskKind.EXAMINE], limit=1, lease_seconds=60)
        ledger.postpone(task, until=NOW + timedelta(hours=1), reason=reason)
    assert ledger.detectors_out() == {"nsfw": 2, "other": 1}


def test_held_intents_by_time_and_reason(ledger: SqlLedger, clock: StillClock) -> None:
    seen_file(ledger)
    first = one(ledger, REPORT, HOLD)
    clock.pass_(minutes=5)
    one(ledger, REMOVE, HOLD)
    assert [held.intent for held in ledger.held_since(NOW)] == [first.id, first.id + 1]
    (late,) = ledger.held_since(NOW + timedelta(minutes=1))
    assert (late.case, late.kind, late.rule_id, late.at) == (1, "remove", "known", clock.now())
    assert set(late.reasons) == {HoldReason.STAGE, HoldReason.PROTECTED}
    assert ledger.held_by_reason() == {HoldReason.STAGE: 2, HoldReason.PROTECTED: 2}
    ledger.set_state(first.id, IntentState.DISMISSED)
    assert len(ledger.held_since(NOW)) == 1


def test_outcomes_are_counted_by_what_they_were(ledger: SqlLedger) -> None:
    seen_file(ledger)
    record = one(ledger, REMOVE)
    lease = ledger.acquire("me", seconds=1000)
    assert lease is not None
    attempt = ledger.begin(record.id, reverting=False, before={}, fence=lease.fence)
    ledger.end(attempt, Failed(note="503"), state=IntentState.READY)
    attempt = ledger.begin(record.id, reverting=False, before={}, fence=lease.fence)
    ledger.end(attempt, Done(), state=IntentState.DONE)
    assert ledger.outcomes() == {("remove", "failed"): 1, ("remove", "done"): 1}
    assert ledger.intents_by_state() == {("remove", "done"): 1}


def test_purge_that_caches_outlive_is_known_until_it_is_done(ledger: SqlLedger) -> None:
    seen_file(ledger)
    record = one(ledger, PURGE)
    lease = ledger.acquire("me", seconds=1000)
    assert lease is not None
    assert ledger.left_in_caches() == []
    attempt = ledger.begin(record.id, reverting=False, before={}, fence=lease.fence)
    ledger.end(attempt, Failed(note=f"it is not so: {GONE_AT_STORE}, still served"), state=IntentState.READY)
    assert ledger.left_in_caches() == [1]
    ledger.set_state(record.id, IntentState.HELD, detail=f"gave up: {GONE_AT_STORE}")
    assert ledger.left_in_caches() == [1]
    ledger.set_state(record.id, IntentState.READY)
    attempt = ledger.begin(record.id, reverting=False, before={}, fence=lease.fence)
    ledger.end(attempt, Done(), state=IntentState.DONE)
    assert ledger.left_in_caches() == []
