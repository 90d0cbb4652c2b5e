"""Attempts and outcomes: before the call, and after."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.decisions import AlreadyDone, Done, Failed, HoldReason, IntentState, Refused
from bot.domain.errors import LeaseLostError, LedgerError, SupersededError
from ledger.docket import BAN, HOLD, PURGE, REMOVE, REPORT, one, plan
from making import NOW

if TYPE_CHECKING:
    from bot.domain.decisions import Attempt, Outcome
    from bot.ledger import SqlLedger
    from making import StillClock


def fence(ledger: SqlLedger, holder: str = "me") -> int:
    lease = ledger.acquire(holder, seconds=30)
    assert lease is not None
    return lease.fence


def begin(ledger: SqlLedger, intent_id: int = 1, *, reverting: bool = False) -> Attempt:
    return ledger.begin(intent_id, reverting=reverting, before={"removed": False}, fence=fence(ledger))


def state(ledger: SqlLedger, intent_id: int = 1) -> IntentState:
    record = ledger.intent(intent_id)
    assert record is not None
    return record.state


def test_attempt_is_there_before_its_end(ledger: SqlLedger) -> None:
    record = one(ledger)
    attempt = begin(ledger)
    assert (attempt.intent_id, attempt.started_at, attempt.before) == (record.id, NOW, {"removed": False})
    assert ledger.attempts(record.id) == [attempt]
    assert attempt.outcome is None
    assert ledger.intent(record.id).attempts == 1  # type: ignore[union-attr]
    assert ledger.attempts(99) == []


def test_tries_of_whatever_case_are_found_by_kind_target_and_time(ledger: SqlLedger, clock: StillClock) -> None:
    one(ledger)
    first = begin(ledger)
    clock.pass_(seconds=10)
    second = begin(ledger)
    kind, target = REMOVE.kind, REMOVE.target
    assert ledger.tries(kind, target=target, since=NOW - timedelta(seconds=1)) == [first, second]
    assert ledger.tries(kind, target=target, since=NOW) == [second], "begun after then"
    assert ledger.tries(kind, since=NOW) == [second]
    assert ledger.tries(kind, target=BAN.target, since=NOW) == []
    assert ledger.tries(BAN.kind, since=NOW) == []
    ledger.end(second, Done(note="so"), state=IntentState.DONE)
    assert [attempt.outcome for attempt in ledger.tries(kind, target=target, since=NOW)] == [Done(note="so")]


@pytest.mark.parametrize(
    "outcome",
    [
        Done(note="2 names"),
        AlreadyDone(by_us=True),
        Refused(code="not_offered"),
        Failed(note="\0", retry_after=1.5, unknown=True),
    ],
    ids=lambda outcome: type(outcome).__name__,
)
def test_every_outcome_comes_back(ledger: SqlLedger, outcome: Outcome) -> None:
    one(ledger)
    ledger.end(begin(ledger), outcome, state=IntentState.DONE)
    assert [attempt.outcome for attempt in ledger.attempts(1)] == [outcome]


def test_end_moves_the_intent(ledger: SqlLedger) -> None:
    one(ledger)
    again = NOW + timedelta(minutes=1)
    ledger.end(begin(ledger), Failed(note="busy"), state=IntentState.READY, not_before=again)
    record = ledger.intent(1)
    assert record is not None
    assert (record.state, record.not_before, record.attempts) == (IntentState.READY, again, 1)
    ledger.end(begin(ledger), Done(), state=IntentState.DONE)
    record = ledger.intent(1)
    assert record is not None
    assert (record.state, record.not_before, record.attempts) == (IntentState.DONE, None, 2)


@pytest.mark.parametrize(
    ("outcome", "to", "detail"),
    [
        (Refused(code="not_permitted", note="not an admin"), IntentState.REFUSED, "not an admin"),
        (Done(note="interrupted, and found done"), IntentState.DONE, ""),
        (AlreadyDone(note="done by somebody else"), IntentState.DONE, ""),
    ],
)
def test_an_end_says_why_it_was_refused_and_not_why_it_had_waited(
    ledger: SqlLedger, outcome: Outcome, to: IntentState, detail: str
) -> None:
    one(ledger)
    ledger.set_state(1, IntentState.HELD, reasons=(HoldReason.STAGE,))
    ledger.set_state(1, IntentState.READY, by="mod", approve=True, detail="approved")
    ledger.end(begin(ledger), outcome, state=to)
    record = ledger.intent(1)
    assert record is not None
    assert (record.state, record.detail) == (to, detail)


def test_decision_starts_counting_anew(ledger: SqlLedger) -> None:
    one(ledger)
    ledger.end(begin(ledger), Failed(note="busy"), state=IntentState.READY, not_before=NOW + timedelta(minutes=1))
    ledger.set_state(1, IntentState.UNDOING, by="mod")
    record = ledger.intent(1)
    assert record is not None
    assert (record.attempts, record.not_before) == (0, None)


def test_older_fence_is_refused_and_nothing_written(ledger: SqlLedger, clock: StillClock) -> None:
    one(ledger)
    old = fence(ledger, "me")
    clock.pass_(seconds=31)
    fence(ledger, "you")
    with pytest.raises(LeaseLostError):
        ledger.begin(1, reverting=False, before={}, fence=old)
    assert ledger.attempts(1) == []
    assert ledger.intent(1).attempts == 0  # type: ignore[union-attr]


def test_lease_that_ran_out_and_nobody_took_is_still_the_newest(ledger: SqlLedger, clock: StillClock) -> None:
    one(ledger)
    mine = fence(ledger)
    clock.pass_(minutes=5)
    assert ledger.begin(1, reverting=False, before={}, fence=mine)


def test_who_gave_the_lease_back_acts_no_more(ledger: SqlLedger) -> None:
    one(ledger)
    lease = ledger.acquire("me", seconds=30)
    assert lease is not None
    ledger.release(lease)
    with pytest.raises(LeaseLostError):
        ledger.begin(1, reverting=False, before={}, fence=lease.fence)


def test_without_any_lease_nobody_acts(ledger: SqlLedger) -> None:
    one(ledger)
    with pytest.raises(LeaseLostError):
        ledger.begin(1, reverting=False, before={}, fence=0)


def test_deed_that_is_not_wanted_any_more_is_not_begun(ledger: SqlLedger) -> None:
    one(ledger)
    with pytest.raises(SupersededError):
        begin(ledger, reverting=True)
    ledger.set_state(1, IntentState.DISMISSED, by="mod")
    with pytest.raises(SupersededError):
        begin(ledger)
    assert ledger.attempts(1) == []
    with pytest.raises(LedgerError, match="no intent 9"):
        begin(ledger, 9)


def test_decision_made_during_a_call_stands_and_the_outcome_is_written(ledger: SqlLedger) -> None:
    one(ledger)
    attempt = begin(ledger)
    ledger.set_state(1, IntentState.UNDOING, by="mod")
    ledger.end(attempt, Done(), state=IntentState.DONE)
    assert state(ledger) is IntentState.UNDOING
    assert ledger.attempts(1)[0].outcome == Done()
    ledger.end(begin(ledger, reverting=True), Done(), state=IntentState.UNDONE)
    assert state(ledger) is IntentState.UNDONE


def test_late_end_from_before_a_decision_does_not_count_for_what_came_after(ledger: SqlLedger) -> None:
    one(ledger)
    late = begin(ledger)
    ledger.set_state(1, IntentState.UNDOING, by="mod")
    ledger.end(begin(ledger, reverting=True), Done(), state=IntentState.UNDONE)
    ledger.set_state(1, IntentState.READY, by="mod", approve=True)
    ledger.end(late, Done(), state=IntentState.DONE)
    assert state(ledger) is IntentState.READY


def test_first_end_of_an_attempt_stands(ledger: SqlLedger) -> None:
    one(ledger)
    attempt = begin(ledger)
    ledger.end(attempt, Done(note="found done"), state=IntentState.DONE)
    ledger.end(attempt, Failed(note="late"), state=IntentState.READY)
    assert state(ledger) is IntentState.DONE
    assert ledger.attempts(1)[0].outcome == Done(note="found done")


def test_counts_of_deeds(ledger: SqlLedger) -> None:
    plan(ledger, REPORT, REMOVE, PURGE)
    plan(ledger, BAN, decision=HOLD)
    for intent_id in (1, 2):
        ledger.end(begin(ledger, intent_id), Done(), state=IntentState.DONE)
    ledger.end(begin(ledger, 3), Refused(code="gone"), state=IntentState.REFUSED)
    ledger.set_state(2, IntentState.UNDOING, by="mod")
    ledger.end(begin(ledger, 2, reverting=True), Done(), state=IntentState.UNDONE)
    assert dict(ledger.counts()) | {"waiting": 1} == ledger.counts()
    ledger.set_state(4, IntentState.DISMISSED, by="mod")
    assert {key: value for key, value in ledger.counts().items() if value} == {
        "files": 1,
        "reported": 1,
        "removed": 1,
        "verified": 2,
        "held": 1,
        "dismissed": 1,
        "undone": 1,
        "refused": 1,
    }
