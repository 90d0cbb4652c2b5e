"""Marking a post, limiting an account, and a platform on which a ban makes reports impossible."""

from dataclasses import replace

import pytest

import making
from bot.domain.decisions import (
    BanAccount,
    Done,
    HoldReason,
    IntentState,
    Limit,
    LimitAccount,
    MarkSensitive,
    Remove,
    Report,
)
from bot.enforce import Enforcement
from bot.enforce.order import CROWD, blocker
from bot.enforce.undo import Prospect, foresee

from .platform import Crash, Platform
from .test_apply import World
from .test_order import about, record

REPORT = Report(instance=making.HERE, subject=making.post(), text="t")
REMOVE = Remove(instance=making.HERE, subject=making.post(), text="t")
MARK = MarkSensitive(instance=making.HERE, subject=making.post(), text="t")
LIMIT = LimitAccount(instance=making.HERE, account=making.account(), how=Limit.SILENCE)
BAN = BanAccount(instance=making.HERE, account=making.account())
READY, HELD = IntentState.READY, IntentState.HELD
UNREPORTABLE = frozenset({making.HERE})


class Town(World):
    """A platform that takes no report on a banned account."""

    def restart(self):
        self.order = []
        super().restart()
        self.acting = Enforcement(
            self.ledger,
            {making.HERE: self.platform},
            self.clock,
            confirmed=self.confirmed.append,
            sleep=lambda seconds: self.clock.pass_(seconds=seconds),
            unreportable=UNREPORTABLE,
        )
        real = Platform.apply

        def apply(intent):
            self.order.append(intent.kind)
            return real(self.platform, intent)

        self.platform.apply = apply


@pytest.fixture
def town():
    made = Town()
    yield made
    made.ledger.close()


@pytest.mark.parametrize("deed", [BAN, LIMIT], ids=lambda deed: deed.kind)
@pytest.mark.parametrize("crowded", [False, True])
def test_a_held_or_retrying_report_holds_what_would_make_it_impossible(deed, crowded):
    later = record(9, deed)
    held, retrying = about(3, case=1, state=HELD), about(3, case=1, attempts=2)
    for report in (held, retrying):
        assert blocker(later, [report], crowded=crowded, unreportable=UNREPORTABLE) == report
        assert blocker(later, [report], crowded=crowded) is None, "elsewhere a ban makes no report impossible"
    elsewhere = replace(held, case=2)
    assert blocker(later, [elsewhere], crowded=crowded, unreportable=UNREPORTABLE) is None
    assert blocker(later, [replace(retrying, case=2)], crowded=crowded, unreportable=UNREPORTABLE) is not None
    assert blocker(later, [about(3, case=1, account="bob", state=HELD)], unreportable=UNREPORTABLE) is None


def test_in_a_crowd_a_ban_waits_for_no_held_report_that_was_planned_after_it():
    assert blocker(record(2, BAN), [about(3, case=1, state=HELD)], crowded=True, unreportable=UNREPORTABLE) is None


def test_a_post_in_a_joint_report_waits_for_it():
    joint = record(1, replace(REPORT, subject=making.post(5), also=(making.post(1),)), HELD)
    for deed in (REMOVE, MARK):
        assert blocker(record(2, deed), [joint]) == joint
    assert blocker(record(2, replace(REMOVE, subject=making.post(7))), [joint]) is None


def test_a_mark_waits_for_the_removal_of_its_post_and_for_no_other():
    mark, removal = record(1, MARK), record(2, REMOVE)
    assert blocker(mark, [mark, removal]) == removal
    assert blocker(removal, [mark, removal]) is None
    assert blocker(mark, [removal], stuck={2}) is None
    assert blocker(mark, [replace(removal, state=HELD)]) is None
    assert blocker(mark, [record(2, replace(REMOVE, subject=making.post(2)))]) is None


def test_everything_is_done_in_order(town):
    town.plan(BAN, LIMIT, MARK, REPORT)
    town.settle()
    assert town.order == ["report", "mark_sensitive", "ban_account", "limit_account"]
    assert set(town.states().values()) == {"done"}


def test_what_was_removed_is_not_marked_as_well(town):
    town.plan(MARK, REMOVE)
    town.settle()
    assert town.order == ["remove"]
    (mark,) = town.ledger.intents(kind=MARK.kind)
    assert (mark.state, mark.detail) == (
        IntentState.REFUSED,
        "changed: the post is removed, so there is nothing to mark",
    )
    assert town.ledger.attempts(mark.id) == []


def test_a_post_whose_removal_fails_is_marked_meanwhile(town):
    town.plan(REMOVE, MARK)
    town.platform.faults = ["fail"]
    town.work()
    assert town.order == ["remove", "mark_sensitive"]
    assert town.states() == {"remove": "ready", "mark_sensitive": "done"}
    town.settle()
    assert town.states() == {"remove": "done", "mark_sensitive": "done"}


def test_what_cannot_be_removed_is_marked(town):
    town.platform.refuses = {"remove"}
    town.plan(MARK, REMOVE)
    town.settle()
    assert town.states() == {"mark_sensitive": "done", "remove": "refused"}


def test_a_held_report_holds_ban_and_limit_until_somebody_decides(town):
    town.plan(REPORT, LIMIT, BAN, hold=(REPORT,))
    town.settle()
    assert town.states() == {"report": "held", "limit_account": "ready", "ban_account": "ready"}
    (held,) = town.ledger.intents(states=(HELD,))
    town.ledger.set_state(held.id, READY, by="ann", approve=True)
    town.settle()
    assert town.order == ["report", "limit_account", "ban_account"]


def test_a_report_that_is_tried_again_holds_the_ban_of_another_case(town):
    first = town.plan(REPORT)
    second = town.plan(BAN, number=2)
    town.platform.faults = ["fail"]
    assert town.work(first).again_at is not None
    assert town.work(second).why == "waiting for report"
    assert town.states(second) == {"ban_account": "ready"}
    town.settle(first)
    town.settle(second)
    assert town.order == ["report", "report", "ban_account"]


def test_in_a_crowd_too_held_reports_hold_the_ban_on_their_account(town):
    mine = [replace(REPORT, subject=making.post(number)) for number in range(1, 4)]
    others = [replace(REPORT, subject=making.post(n, making.account(f"other{n}"))) for n in range(10, 10 + CROWD)]
    marks = [replace(MARK, subject=report.subject) for report in others]
    town.plan(*mine, *others, *marks, BAN, LIMIT, hold=(mine[1],))
    town.settle()
    states = {(one.intent.kind, one.state.value) for one in town.ledger.intents(case=1)}
    assert states == {
        ("report", "done"),
        ("report", "held"),
        ("mark_sensitive", "done"),
        ("ban_account", "ready"),
        ("limit_account", "ready"),
    }


def test_our_reports_stay_open_while_a_human_has_to_decide(town):
    joint = replace(REPORT, also=(making.post(2),))
    town.plan(joint, replace(MARK, subject=making.post(2)), LIMIT, BAN, hold=(BAN,))
    town.settle()
    assert town.platform.reopened == [joint.target, joint.target], "by the mark, and by the limit"


def test_an_undo_says_what_stays_in_the_words_of_the_platform(town):
    town.plan(LIMIT, BAN)
    town.settle()
    limit, ban = town.ledger.intents(case=1)
    found = foresee(limit, town.platform, town.ledger, along=())
    assert (found.prospect, found.why) == (
        Prospect.RESTORED,
        "limit lifted; the account's record keeps both entries",
    )
    real = town.platform.offers
    town.platform.offers = lambda intent: replace(real(intent), undone="files of removed posts are public again")
    assert foresee(ban, town.platform, town.ledger, along=()).why == "files of removed posts are public again"


def test_what_an_operator_could_give_a_way_is_held_until_there_is_one(town):
    real = town.platform.offers
    lacking = {"supported": False, "hold": True, "why_not": "configure `removal.web`"}
    town.platform.offers = lambda intent: replace(real(intent), **lacking)
    town.plan(REMOVE)
    town.settle()
    (held,) = town.ledger.intents(case=1)
    assert (held.state, held.reasons, held.detail) == (HELD, (HoldReason.NOT_OFFERED,), "configure `removal.web`")
    assert town.ledger.attempts(held.id) == []
    town.platform.offers = real
    town.ledger.set_state(held.id, READY, by="ann", approve=True)
    town.settle()
    assert town.states() == {"remove": "done"}


@pytest.mark.parametrize("fault", ["crash before", "crash after"])
@pytest.mark.parametrize("first", [LIMIT, REMOVE], ids=lambda deed: deed.kind)
def test_nothing_is_done_to_an_account_until_it_is_known_how_an_interrupted_deed_ended(town, first, fault):
    town.plan(first, BAN)
    town.platform.faults = [fault]
    with pytest.raises(Crash):
        town.work()
    town.restart()
    town.platform.deaf = 1  # it cannot be asked about, and the ban could be done
    town.work()
    assert town.states() == {first.kind: "ready", "ban_account": "ready"}
    town.settle()
    assert town.states() == {first.kind: "done", "ban_account": "done"}
    assert town.platform.done == {first.kind: 1, "ban_account": 1}


def test_a_post_is_not_marked_while_nobody_knows_whether_it_was_removed(town):
    town.plan(REMOVE, MARK)
    town.platform.faults = ["crash before"]
    with pytest.raises(Crash):
        town.work()
    town.restart()
    town.settle()
    assert town.order == ["remove"]
    assert town.states() == {"remove": "done", "mark_sensitive": "refused"}


def test_a_report_is_closed_after_what_opens_it_again_is_taken_back(town):
    town.plan(REPORT, LIMIT)
    town.settle()
    taken_back = []
    real = Platform.revert

    def revert(intent, before):
        outcome = real(town.platform, intent, before)
        if isinstance(outcome, Done):
            taken_back.append(intent.kind)
        return outcome

    town.platform.revert = revert
    for done in town.ledger.intents(case=1):
        town.ledger.set_state(done.id, IntentState.UNDOING, by="ann")
    town.platform.faults = ["fail"]  # the limit is not taken back at the first try
    town.settle()
    assert taken_back == ["limit_account", "report"]
    assert set(town.states().values()) == {"undone"}
