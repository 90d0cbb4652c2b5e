from dataclasses import replace

import pytest

import making
from bot.domain.decisions import BanAccount, HoldReason, IntentState, PurgeFile, Remove, Report
from bot.enforce.order import blocker, waits_for_reports
from bot.ports import IntentRecord

READY, HELD, DONE, REFUSED = IntentState.READY, IntentState.HELD, IntentState.DONE, IntentState.REFUSED


def record(number, intent, state=READY, *, attempts=0, case=1):
    return IntentRecord(
        file=1,
        rule_digest="0",
        id=number,
        case=case,
        intent=intent,
        state=state,
        reasons=(HoldReason.QUOTA,) if state is HELD else (),
        detail="",
        rule_id="known",
        because=making.EXACT,
        approved_by=None,
        attempts=attempts,
        not_before=None,
        created_at=making.NOW,
    )


REPORT = Report(instance=making.HERE, subject=making.post(), text="t")
REMOVE = Remove(instance=making.HERE, subject=making.post(), text="t")
PURGE = PurgeFile(instance=making.HERE, name=making.alias(), url="u")
BAN = BanAccount(instance=making.HERE, account=making.account())


def case(report=DONE, remove=DONE, purge=DONE, ban=READY, **attempts):
    states = {"report": report, "remove": remove, "purge": purge, "ban": ban}
    deeds = {"report": REPORT, "remove": REMOVE, "purge": PURGE, "ban": BAN}
    return {
        name: record(number, deeds[name], state, attempts=attempts.get(name, 0))
        for number, (name, state) in enumerate(states.items(), 1)
    }


@pytest.mark.parametrize("later", ["remove", "purge", "ban"])
def test_what_was_never_tried_goes_first(later):
    records = case(report=READY, remove=READY, purge=READY, ban=READY)
    found = blocker(records[later], list(records.values()))
    assert found is not None
    assert found.intent.rank < records[later].intent.rank


def test_the_first_deed_waits_for_nothing():
    records = case(report=READY, remove=READY, purge=READY, ban=READY)
    assert blocker(records["report"], list(records.values())) is None


@pytest.mark.parametrize("state", [DONE, REFUSED, IntentState.DISMISSED, IntentState.UNDONE])
def test_what_is_over_blocks_nothing(state):
    records = case(report=state, remove=state, purge=state)
    assert blocker(records["ban"], list(records.values())) is None


@pytest.mark.parametrize(("report", "tries"), [(HELD, 0), (READY, 3)])
def test_held_or_retrying_report_holds_the_removal_that_would_make_it_impossible(report, tries):
    records = case(report=report, remove=READY, report_tries=0) | {"report": record(1, REPORT, report, attempts=tries)}
    assert blocker(records["remove"], list(records.values())) == records["report"]


def test_held_report_on_another_post_does_not_hold_a_removal():
    other = record(1, replace(REPORT, subject=making.post(2)), HELD)
    assert blocker(record(2, REMOVE), [other, record(2, REMOVE)]) is None


@pytest.mark.parametrize("held", ["report", "remove"])
def test_a_file_is_not_purged_while_something_about_its_posts_waits(held):
    records = case(**{held: HELD}, purge=READY)
    assert blocker(records["purge"], list(records.values())) == records[held]


@pytest.mark.parametrize(("purge", "tries"), [(HELD, 0), (READY, 2)])
def test_a_purge_that_waits_or_fails_does_not_keep_the_uploader_in(purge, tries):
    records = case() | {"purge": record(3, PURGE, purge, attempts=tries)}
    assert blocker(records["ban"], list(records.values())) is None


def test_a_ban_never_overtakes_an_allowed_report_on_that_account_in_another_case():
    other = record(9, replace(REPORT, subject=making.post(2)), case=2)
    assert waits_for_reports(record(4, BAN), [other])
    assert not waits_for_reports(record(4, BAN), [replace(other, attempts=1)])
    theirs = record(9, replace(REPORT, subject=making.post(2, making.account("bob"))), case=2)
    assert not waits_for_reports(record(4, BAN), [theirs])
