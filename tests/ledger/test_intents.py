"""Verdicts and intents: kept once, moved by decisions."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.decisions import BanAccount, HoldReason, IntentState, Remove, Scope
from bot.domain.errors import LedgerError
from bot.ports import Lane
from ledger.docket import ALLOW, BAN, BY_SCORE, EXACT, HOLD, PURGE, REMOVE, REPORT, deeds, one, plan, verdict
from making import NOW, SHA, account, alias, post

if TYPE_CHECKING:
    from bot.domain.decisions import Intent
    from bot.ledger import SqlLedger
    from making import StillClock


@pytest.mark.parametrize(
    "intent",
    [REPORT, REMOVE, PURGE, BAN, BanAccount(instance=BAN.instance, account=account(), scope=Scope.COMMUNITY, days=3)],
    ids=lambda intent: intent.kind,
)
def test_intent_of_every_kind_comes_back(ledger: SqlLedger, intent: Intent) -> None:
    record = one(ledger, intent)
    assert (record.intent, record.state, record.case, record.attempts) == (intent, IntentState.READY, 1, 0)
    assert (record.rule_id, record.because, record.created_at) == ("known", EXACT, NOW)
    assert (record.approved_by, record.not_before, record.reasons) == (None, None, ())
    assert ledger.intent(record.id) == record
    assert ledger.intent(99) is None


def test_held_intent_says_why(ledger: SqlLedger) -> None:
    record = one(ledger, decision=HOLD)
    assert (record.state, record.reasons, record.detail) == (IntentState.HELD, HOLD.reasons, "listed")
    assert deeds(ledger) == ()


def test_intent_that_exists_keeps_its_state(ledger: SqlLedger) -> None:
    held = one(ledger, decision=HOLD)
    assert plan(ledger, REMOVE, REPORT, because=BY_SCORE)[0].intent == REPORT
    assert ledger.intent(held.id) == held
    assert plan(ledger, REMOVE, REPORT) == []
    assert len(ledger.intents()) == 2


def test_same_verdict_is_kept_once(ledger: SqlLedger) -> None:
    file_id = ledger.bind(alias(), SHA)
    case = ledger.open_case(file_id).number
    for one_verdict in (verdict(), verdict(), verdict(BY_SCORE), verdict(digest="d2")):
        ledger.add_verdict(case, file_id, one_verdict, [])
    assert len([event for event in ledger.timeline(case) if event.what == "verdict"]) == 3


def test_same_verdict_may_bring_new_intents(ledger: SqlLedger) -> None:
    one(ledger)
    elsewhere = Remove(instance=REMOVE.instance, subject=post(2), text=REMOVE.text)
    assert [record.intent for record in plan(ledger, REMOVE, elsewhere)] == [elsewhere]


def test_allowed_intents_make_a_task_and_bans_go_first(ledger: SqlLedger) -> None:
    plan(ledger, REMOVE)
    (task,) = deeds(ledger)
    assert (task.target, task.lane) == ("1", Lane.DEEDS)
    ledger.finish(task)
    plan(ledger, REMOVE, BAN)
    (task,) = deeds(ledger)
    assert task.lane is Lane.BANS
    ledger.finish(task)
    plan(ledger, BAN, REMOVE)
    assert deeds(ledger) == ()


def test_intents_are_found_by_every_filter(ledger: SqlLedger) -> None:
    plan(ledger, REPORT, REMOVE)
    plan(ledger, BAN, decision=HOLD)
    file_id = ledger.bind(alias("b.png"), "cd" * 32)
    other = ledger.open_case(file_id).number
    ledger.add_verdict(other, file_id, verdict(), [(REMOVE, ALLOW)])

    def ids(**filters: object) -> list[int]:
        return [record.id for record in ledger.intents(**filters)]  # type: ignore[arg-type]

    assert ids() == [1, 2, 3, 4]
    assert ids(limit=2) == [1, 2]
    assert ids(case=1) == [1, 2, 3]
    assert ids(states=[IntentState.HELD, IntentState.DONE]) == [3]
    assert ids(states=[IntentState.READY, IntentState.HELD], case=other) == [4]
    assert ids(kind="remove") == [2, 4]
    assert ids(kind="remove", target=REMOVE.target, case=1) == [2]
    assert ids(target="nothing") == []


def test_quota_counts_what_was_allowed_and_not_what_is_held(ledger: SqlLedger, clock: StillClock) -> None:
    plan(ledger, REMOVE)
    held = plan(ledger, BAN, decision=HOLD)[0]
    hour_ago = NOW - timedelta(hours=1)
    assert (ledger.used("remove", hour_ago), ledger.used("ban_account", hour_ago)) == (1, 0)
    clock.pass_(minutes=30)
    ledger.set_state(held.id, IntentState.READY, by="mod", approve=True)
    ledger.set_state(held.id, IntentState.HELD)
    assert ledger.used("ban_account", NOW + timedelta(minutes=30)) == 1
    assert ledger.used("remove", NOW + timedelta(minutes=1)) == 0


def test_approval_releases_and_is_remembered(ledger: SqlLedger) -> None:
    held = one(ledger, decision=HOLD)
    ledger.set_state(held.id, IntentState.READY, by="mod", approve=True, detail="seen it")
    record = ledger.intent(held.id)
    assert record is not None
    assert (record.state, record.approved_by, record.reasons) == (IntentState.READY, "mod", ())
    assert [task.target for task in deeds(ledger)] == ["1"]
    assert ledger.timeline(1)[-1].detail == "mod: approved: remove (seen it)"


def test_undo_makes_a_task(ledger: SqlLedger) -> None:
    record = one(ledger)
    ledger.finish(deeds(ledger)[0])
    ledger.set_state(record.id, IntentState.UNDOING, by="mod")
    assert len(deeds(ledger)) == 1


def test_dismissing_what_others_waited_for_wakes_the_case(ledger: SqlLedger) -> None:
    held = plan(ledger, REPORT, decision=HOLD)[0]
    plan(ledger, REMOVE)
    ledger.finish(deeds(ledger)[0])
    ledger.set_state(held.id, IntentState.DISMISSED, by="mod")
    assert len(deeds(ledger)) == 1


def test_decision_in_a_case_with_nothing_to_do_makes_no_task(ledger: SqlLedger) -> None:
    held = one(ledger, decision=HOLD)
    ledger.set_state(held.id, IntentState.DISMISSED, by="mod")
    assert deeds(ledger) == ()


def test_hold_after_the_fact_says_why(ledger: SqlLedger) -> None:
    record = one(ledger)
    ledger.set_state(record.id, IntentState.HELD, reasons=(HoldReason.UNKNOWN_STATE,), detail="no answer")
    moved = ledger.intent(record.id)
    assert moved is not None
    assert (moved.reasons, moved.detail) == ((HoldReason.UNKNOWN_STATE,), "no answer")
    assert ledger.timeline(1)[-1].detail == "fediwarden: held: remove (unknown_state, no answer)"


def test_unknown_intent_is_refused(ledger: SqlLedger) -> None:
    with pytest.raises(LedgerError, match="no intent 9"):
        ledger.set_state(9, IntentState.READY)


def test_fault_while_planning_leaves_nothing(ledger: SqlLedger) -> None:
    file_id = ledger.bind(alias(), SHA)
    case = ledger.open_case(file_id).number
    alien: object = object()
    with pytest.raises((AttributeError, TypeError)):
        ledger.add_verdict(case, file_id, verdict(), [(REMOVE, ALLOW), (alien, ALLOW)])  # type: ignore[list-item]
    assert ledger.intents() == []
    assert ledger.timeline(case) == []


def test_case_that_nobody_was_to_look_at_any_more_is_roused_and_no_other(ledger: SqlLedger) -> None:
    one(ledger)
    assert ledger.rouse() == 0, "its task is there"
    (task,) = deeds(ledger)
    assert ledger.rouse() == 0
    ledger.finish(task)
    assert deeds(ledger) == ()
    assert ledger.rouse() == 1
    assert [again.target for again in deeds(ledger)] == ["1"]


def test_case_in_which_everything_waits_for_a_human_is_not_roused(ledger: SqlLedger) -> None:
    one(ledger, decision=HOLD)
    assert ledger.rouse() == 0
