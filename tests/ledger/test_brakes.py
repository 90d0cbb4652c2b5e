"""The kill switch, the breakers, and what the limits count."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.decisions import HoldReason, IntentState, Report, SetSwitch, Switch
from bot.domain.errors import StoppedError
from bot.ports import Batch, Trip
from ledger.docket import ALLOW, BAN, BY_SCORE, HOLD, PURGE, REMOVE, REPORT, one, plan, seen_file, verdict
from making import HERE, NOW, SHA, account, alias, comment, community, post, sighting, upload

if TYPE_CHECKING:
    from bot.ledger import SqlLedger
    from making import StillClock


def test_no_attempt_begins_while_acting_is_stopped(ledger: SqlLedger) -> None:
    lease = ledger.acquire("x", seconds=60)
    assert lease is not None
    record = one(ledger)
    ledger.begin(record.id, reverting=False, before={}, fence=lease.fence)
    ledger.stop_acting(by="ann", why="too fast")
    with pytest.raises(StoppedError, match="start-acting"):
        ledger.begin(record.id, reverting=False, before={}, fence=lease.fence)
    assert len(ledger.attempts(record.id)) == 1


def test_what_is_to_be_undone_begins_although_acting_is_stopped(ledger: SqlLedger) -> None:
    lease = ledger.acquire("x", seconds=60)
    assert lease is not None
    record = one(ledger)
    ledger.set_state(record.id, IntentState.UNDOING)
    ledger.stop_acting(by="ann", why="")
    assert ledger.begin(record.id, reverting=True, before={}, fence=lease.fence).reverting


def test_stopping_holds_what_is_ready_and_not_begun(ledger: SqlLedger) -> None:
    lease = ledger.acquire("x", seconds=60)
    assert lease is not None
    begun, ready = plan(ledger, REPORT, REMOVE)
    held = one(ledger, BAN, HOLD)
    ledger.begin(begun.id, reverting=False, before={}, fence=lease.fence)
    assert ledger.stop_acting(by="ann", why="too fast") == 1
    states = {record.id: (record.state, tuple(record.reasons)) for record in ledger.intents()}
    assert states[begun.id] == (IntentState.READY, ())
    assert states[ready.id] == (IntentState.HELD, (HoldReason.STOPPED,))
    assert states[held.id] == (IntentState.HELD, HOLD.reasons)
    assert ledger.timeline(1)[-1].detail == "ann: held: remove (stopped)"


def test_the_first_word_about_a_stop_stands(ledger: SqlLedger, clock: StillClock) -> None:
    assert ledger.stopped() is None
    ledger.stop_acting(by="ann", why="too fast")
    clock.pass_(seconds=10)
    ledger.stop_acting(by="bob", why="me too")
    stop = ledger.stopped()
    assert stop is not None
    assert (stop.at, stop.by, stop.why) == (NOW, "ann", "too fast")
    assert ledger.start_acting(by="ann")
    assert not ledger.start_acting(by="ann")
    assert ledger.stopped() is None


def test_trip_holds_what_rests_on_scores_of_its_rule(ledger: SqlLedger) -> None:
    (by_score,) = plan(ledger, REPORT, because=BY_SCORE)
    (exact,) = plan(ledger, REMOVE)
    trip = Trip(rule_id="known", at=NOW, flagged=40, scanned=100)
    assert ledger.trip(Trip(rule_id="other", at=NOW, flagged=1, scanned=1)) == 0
    assert ledger.trip(trip) == 1
    assert ledger.trip(Trip(rule_id="known", at=NOW, flagged=50, scanned=100)) == 0
    assert trip in ledger.trips()
    records = {record.id: record for record in ledger.intents()}
    assert records[by_score.id].reasons == (HoldReason.BREAKER,)
    assert records[by_score.id].detail == "40 of 100 files"
    assert records[exact.id].state is IntentState.READY


def test_closed_breaker_counts_anew(ledger: SqlLedger) -> None:
    assert not ledger.close_breaker("known", by="ann")
    assert ledger.counting_since("known") is None
    ledger.trip(Trip(rule_id="known", at=NOW, flagged=40, scanned=100))
    assert ledger.close_breaker("known", by="ann")
    assert (ledger.trips(), ledger.counting_since("known")) == ([], NOW)


def test_quotas_count_what_was_allowed_by_account_and_community(ledger: SqlLedger, clock: StillClock) -> None:
    plan(ledger, REPORT, REMOVE, BAN)
    by_bob = Report(instance=HERE, subject=post(2, account("bob")), text="t")
    elsewhere = Report(instance=HERE, subject=post(3, community=None), text="t")
    clock.pass_(seconds=100)
    plan(ledger, by_bob, elsewhere)
    plan(ledger, Report(instance=HERE, subject=post(4), text="t"), decision=HOLD)
    hour_ago = clock.now() - timedelta(hours=1)
    assert ledger.used("report", hour_ago) == 3
    assert ledger.used("report", NOW + timedelta(seconds=1)) == 2
    assert ledger.used("report", hour_ago, account=account()) == 2
    assert ledger.used("report", hour_ago, account=account("bob")) == 1
    assert ledger.used("report", hour_ago, community=community()) == 2
    assert ledger.used("ban_account", hour_ago, account=account()) == 1


def test_purge_counts_for_who_uploaded_the_file(ledger: SqlLedger) -> None:
    plan(ledger, type(PURGE)(instance=HERE, name=PURGE.name, url=PURGE.url, uploader=account("carl")))
    assert ledger.used("purge_file", NOW, account=account("carl")) == 1


def test_approvals_of_a_rule_are_counted(ledger: SqlLedger) -> None:
    first, second = plan(ledger, REPORT, REMOVE, decision=HOLD)
    ledger.set_state(first.id, IntentState.READY, by="ann", approve=True)
    ledger.set_state(second.id, IntentState.DISMISSED, by="ann")
    assert (ledger.approvals("known"), ledger.approvals("other")) == (1, 0)


def test_files_flagged_without_exact_hits_are_counted_once(ledger: SqlLedger) -> None:
    file_id = seen_file(ledger)
    case = ledger.open_case(file_id).number
    for one_verdict in (verdict(), verdict(BY_SCORE), verdict(BY_SCORE, digest="d2")):
        ledger.add_verdict(case, file_id, one_verdict, [])
    assert ledger.flagged("known", NOW) == 1
    assert ledger.flagged("known", NOW + timedelta(seconds=1)) == 0
    assert (ledger.scanned_since(NOW), ledger.scanned_since(NOW + timedelta(seconds=1))) == (1, 0)


def test_items_of_an_account_are_its_subjects(ledger: SqlLedger) -> None:
    bob = account("bob")
    seen = [
        sighting(post(1), alias("a.png")),
        sighting(post(2, bob), alias("b.png")),
        sighting(post(2, bob), alias("c.png")),
        sighting(comment(3, bob), alias("b.png")),
    ]
    ledger.record("", Batch(sightings=seen, uploads=[upload()]), examine_uploads=False)
    assert [ledger.items_of(bob, most=most) for most in (10, 1)] == [2, 1]
    assert ledger.items_of(account("nobody"), most=10) == 0


def test_wording_of_a_rule_is_kept_by_its_digest(ledger: SqlLedger) -> None:
    ledger.keep_rule("d1", "known", "the rule")
    ledger.keep_rule("d1", "known", "something else")
    assert (ledger.rule_text("d1"), ledger.rule_text("d2")) == ("the rule", None)


def test_switch_is_about_nobody(ledger: SqlLedger) -> None:
    switch = SetSwitch(instance=HERE, switch=Switch.REGISTRATION, value="closed")
    assert one(ledger, switch, ALLOW).intent == switch
    assert ledger.bind(alias(), SHA)
