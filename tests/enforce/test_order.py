from dataclasses import replace

import pytest

import making
from bot.domain.decisions import BanAccount, HoldReason, IntentState, PurgeFile, Remove, Report
from bot.enforce.order import blocker
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


def test_where_purges_fail_a_ban_does_not_wait_for_the_others():
    tried, fresh, ban = record(3, PURGE, attempts=1), record(4, PURGE), record(5, BAN)
    assert blocker(ban, [fresh, ban]) == fresh
    assert blocker(ban, [tried, fresh, ban]) is None
    assert blocker(ban, [replace(tried, case=2), fresh, ban]) == fresh
    report = record(1, REPORT)
    assert blocker(ban, [report, tried, fresh, ban]) == report


def about(number, *, account="alice", case=2, state=READY, attempts=0):
    """A report on another post."""
    subject = making.post(number, making.account(account))
    return record(number, replace(REPORT, subject=subject), state, attempts=attempts, case=case)


@pytest.mark.parametrize("crowded", [False, True])
@pytest.mark.parametrize("in_case", [1, 2])
def test_a_ban_never_overtakes_an_allowed_report_on_that_account(in_case, crowded):
    ban, report = record(4, BAN), about(3, case=in_case)
    assert blocker(ban, [report], crowded=crowded) == report
    assert blocker(ban, [about(3, case=in_case, attempts=1)], crowded=crowded) is None
    assert blocker(ban, [about(3, case=in_case, state=HELD)], crowded=crowded) is None
    assert blocker(ban, [report], stuck={3}, crowded=crowded) is None


def test_a_ban_does_not_wait_for_reports_on_others_in_other_cases():
    assert blocker(record(4, BAN), [about(3, account="bob")]) is None


def test_whoever_posts_faster_than_the_bot_reports_is_banned_all_the_same():
    ban, later = record(4, BAN), about(9)
    assert blocker(ban, [later]) == later
    assert blocker(ban, [later], crowded=True) is None


@pytest.mark.parametrize("first", ["report", "remove", "purge"])
def test_in_a_crowd_a_ban_does_not_wait_for_the_rest_of_its_case(first):
    others = case(**{first: READY}) | {"report": about(1, account="bob", case=1)}
    assert blocker(others["ban"], list(others.values()), crowded=True) is None
    assert blocker(others["ban"], list(others.values())) is not None


@pytest.mark.parametrize(("later", "first"), [("remove", "report"), ("purge", "report"), ("purge", "remove")])
@pytest.mark.parametrize("state", [READY, HELD])
def test_in_a_crowd_nothing_is_made_impossible(later, first, state):
    records = case(**{first: state, later: READY})
    assert blocker(records[later], list(records.values()), crowded=True) == records[first]


def test_in_a_crowd_a_removal_waits_for_no_other_post():
    assert blocker(record(5, REMOVE), [about(3, case=1)], crowded=True) is None
    assert blocker(record(5, REMOVE), [about(3, case=1)]) is not None


@pytest.mark.parametrize("crowded", [False, True])
def test_a_removal_waits_for_the_allowed_report_of_another_case_on_the_same_post(crowded):
    report = record(3, REPORT, case=2)
    assert blocker(record(5, REMOVE), [report], crowded=crowded) == report
    assert blocker(record(5, REMOVE), [replace(report, state=HELD)], crowded=crowded) is None
