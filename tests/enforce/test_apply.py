import pytest

import making
from bot.domain.decisions import (
    Allow,
    BanAccount,
    Done,
    Failed,
    Hold,
    HoldReason,
    IntentState,
    PurgeFile,
    Remove,
    Report,
    Verdict,
)
from bot.domain.errors import LeaseLostError
from bot.enforce import Enforcement
from bot.ledger import open_ledger
from bot.ports import Batch

from .platform import THEM, Crash, Platform

REPORT = Report(instance=making.HERE, subject=making.post(), text="t")
REMOVE = Remove(instance=making.HERE, subject=making.post(), text="t")
PURGE = PurgeFile(instance=making.HERE, name=making.alias(), url="u")
BAN = BanAccount(instance=making.HERE, account=making.account())
ALL = (REPORT, REMOVE, PURGE, BAN)


class World:
    """A ledger, a platform, and whoever acts between them; ``restart`` is a new process."""

    def __init__(self):
        self.clock = making.StillClock()
        self.ledger = open_ledger("sqlite://", clock=self.clock)
        self.platform = Platform()
        self.confirmed = []
        self.restart()

    def restart(self):
        self.acting = Enforcement(
            self.ledger,
            {making.HERE: self.platform},
            self.clock,
            confirmed=self.confirmed.append,
            sleep=lambda seconds: self.clock.pass_(seconds=seconds),
        )
        self.fence = self.ledger.acquire("tester", seconds=1e6).fence

    def plan(self, *intents, hold=(), number=1, because=making.EXACT):
        """A case about one file."""
        name = making.alias(f"{number}.png")
        sighting = making.sighting(making.post(number), name)
        self.ledger.record("", Batch(sightings=[sighting]), examine_uploads=False)
        file_id = self.ledger.bind(name, f"{number:064x}")
        case = self.ledger.open_case(file_id).number
        verdict = Verdict(rule_id="known", rule_digest="d", because=because, intents=intents)
        decisions = [
            (intent, Hold(reasons=(HoldReason.NEEDS_APPROVAL,)) if intent in hold else Allow()) for intent in intents
        ]
        self.ledger.add_verdict(case, file_id, verdict, decisions)
        return case

    def work(self, case=1):
        return self.acting.work(case, self.fence)

    def settle(self, case=1):
        for _ in range(40):
            progress = self.work(case)
            if progress.again_at is None:
                return
            self.clock.time = max(self.clock.time, progress.again_at)
        raise AssertionError("it never comes to an end")

    def states(self, case=1):
        return {record.intent.kind: record.state.value for record in self.ledger.intents(case=case)}


@pytest.fixture
def world():
    made = World()
    yield made
    made.ledger.close()


def test_everything_is_done_once_and_verified(world):
    world.plan(*ALL)
    world.settle()
    assert world.states() == dict.fromkeys(("report", "remove", "purge_file", "ban_account"), "done")
    assert set(world.platform.done.values()) == {1}
    world.settle()
    assert set(world.platform.done.values()) == {1}


def test_deed_on_an_instance_that_is_configured_no_more_waits_and_says_so(world):
    world.plan(ALL[0])
    world.acting._enforcers = {}
    progress = world.work()
    assert "has no instance 'here' any more: put it back, or dismiss" in progress.why
    assert progress.again_at > world.clock.now()
    assert world.states() == {ALL[0].kind: "ready"}
    assert not world.platform.done


@pytest.mark.parametrize("fault", ["crash before", "crash after"])
@pytest.mark.parametrize("deed", ALL, ids=lambda deed: deed.kind)
def test_a_crash_around_a_call_loses_nothing_and_doubles_nothing(world, deed, fault):
    world.plan(deed)
    world.platform.faults = [fault]
    with pytest.raises(Crash):
        world.work()
    (record,) = world.ledger.intents(case=1)
    (attempt,) = world.ledger.attempts(record.id)
    assert attempt.outcome is None, "the attempt was written before the call"
    world.restart()
    world.settle()
    assert world.states() == {deed.kind: "done"}
    assert world.platform.done == {deed.kind: 1}


@pytest.mark.parametrize("fault", ["lost before", "lost after", "lie"])
def test_an_answer_that_got_lost_is_asked_about(world, fault):
    world.plan(BAN)
    world.platform.faults = [fault]
    world.settle()
    assert world.states() == {"ban_account": "done"}
    assert world.platform.done == {"ban_account": 1}


def test_a_server_that_cannot_tell_leaves_the_deed_to_a_human(world):
    world.plan(BAN)
    world.platform.faults = ["lost after"]
    world.work()
    world.platform.blind = True
    world.clock.pass_(minutes=5)
    world.settle()
    (record,) = world.ledger.intents(case=1)
    assert (record.state, tuple(record.reasons)) == (IntentState.HELD, (HoldReason.UNKNOWN_STATE,))
    assert world.platform.done == {"ban_account": 1}


def test_a_failing_server_is_tried_again_and_given_up_in_the_end(world):
    world.plan(REMOVE)
    world.platform.faults = ["fail"] * 100
    world.settle()
    (record,) = world.ledger.intents(case=1)
    assert record.state is IntentState.HELD
    assert "503" in record.detail
    outcomes = [attempt.outcome for attempt in world.ledger.attempts(record.id)]
    assert len(outcomes) == 8
    assert all(isinstance(outcome, Failed) for outcome in outcomes)


def test_a_server_that_cannot_be_asked_first_is_not_acted_on(world):
    world.plan(REMOVE)
    world.platform.deaf = 3
    progress = world.work()
    assert progress.again_at is not None
    assert world.ledger.attempts(1) == []
    world.settle()
    assert world.states() == {"remove": "done"}


def test_a_refusal_is_final_and_lets_the_others_pass(world):
    world.plan(*ALL)
    world.platform.refuses = {"report"}
    world.settle()
    assert world.states() == {"report": "refused", "remove": "done", "purge_file": "done", "ban_account": "done"}


def test_what_a_platform_does_not_offer_is_recorded_and_skipped(world):
    world.plan(REMOVE, BAN)
    world.platform.lacks = {"remove"}
    world.settle()
    assert world.states() == {"remove": "refused", "ban_account": "done"}


def test_a_removal_by_somebody_else_is_already_done_and_never_undone(world):
    world.platform.by_hand(REMOVE)
    world.plan(REMOVE)
    world.settle()
    assert world.states() == {"remove": "done"}
    assert world.platform.done == {}
    undo(world)
    assert world.platform.so == {("remove", REMOVE.target): THEM}
    assert world.states() == {"remove": "done"}


def test_a_held_report_holds_the_removal(world):
    world.plan(REPORT, REMOVE, hold=(REPORT,))
    world.settle()
    assert world.states() == {"report": "held", "remove": "ready"}
    world.ledger.set_state(1, IntentState.READY, by="human", approve=True)
    world.settle()
    assert world.states() == {"report": "done", "remove": "done"}


def test_report_is_reopened_after_the_removal_while_a_human_has_to_decide(world):
    world.plan(REPORT, REMOVE, BAN, hold=(BAN,))
    world.settle()
    assert world.platform.reopened == [REPORT.target]
    told = [line for line in world.ledger.timeline(1) if "opened again" in line.detail]
    assert [line.detail for line in told] == ["fediwarden: opened again: report, for a human has to decide yet"]


def test_report_stays_resolved_when_nothing_waits(world):
    world.plan(*ALL)
    world.settle()
    assert world.platform.reopened == []


def test_without_the_lease_nothing_is_written_or_done(world):
    world.plan(BAN)
    world.clock.pass_(days=30)
    world.ledger.acquire("another", seconds=1e6)
    with pytest.raises(LeaseLostError):
        world.work()
    assert world.platform.done == {}
    assert world.ledger.attempts(1) == []


def test_confirmed_is_told_of_what_was_done(world):
    world.plan(REMOVE, BAN)
    world.settle()
    assert [record.intent.kind for record in world.confirmed] == ["remove", "ban_account"]


# ------------------------------------------------------------------------------------------------------------- undo


def undo(world, case=1):
    for record in world.ledger.intents(case=case, states=(IntentState.DONE,)):
        world.ledger.set_state(record.id, IntentState.UNDOING, by="human")
    world.settle(case)


def test_undo_takes_back_what_can_be_and_says_what_cannot(world):
    world.plan(*ALL)
    world.settle()
    undo(world)
    assert world.states() == {
        "report": "undone",
        "remove": "undone",
        "purge_file": "done",
        "ban_account": "undone",
    }
    purge = next(record for record in world.ledger.intents(case=1) if record.intent.kind == "purge_file")
    assert world.ledger.attempts(purge.id)[-1].outcome.note == "nothing brings this back"


@pytest.mark.parametrize("fault", ["crash before", "crash after", "fail"])
def test_an_interrupted_undo_goes_on(world, fault):
    world.plan(BAN)
    world.settle()
    world.platform.faults = [fault]
    try:
        undo(world)
    except Crash:
        world.restart()
        world.settle()
    assert world.states() == {"ban_account": "undone"}
    assert world.platform.so == {}


def test_undo_leaves_alone_what_a_human_put_back(world):
    world.plan(REMOVE)
    world.settle()
    world.platform.by_hand(REMOVE, None)
    undo(world)
    assert world.platform.reverted == {}
    assert world.states() == {"remove": "undone"}


def test_undo_leaves_alone_what_a_human_did_again(world):
    world.plan(REMOVE)
    world.settle()
    world.platform.by_hand(REMOVE, THEM)
    undo(world)
    assert world.platform.so == {("remove", REMOVE.target): THEM}


def test_undo_waits_for_the_last_case_that_wants_the_same(world):
    first = world.plan(BAN)
    second = world.plan(BAN, number=2)
    world.settle(first)
    world.settle(second)
    undo(world, first)
    assert world.platform.so, "the second case still wants the ban"
    undo(world, second)
    assert world.platform.so == {}
    assert world.platform.reverted == {"ban_account": 1}


def test_undone_deeds_are_not_done_again_when_the_file_is_seen_again(world):
    world.plan(REMOVE)
    world.settle()
    undo(world)
    world.plan(REMOVE)
    world.settle()
    assert world.states() == {"remove": "undone"}
    assert world.platform.done == {"remove": 1}


def test_outcomes_are_kept_for_the_timeline(world):
    world.plan(BAN)
    world.platform.faults = ["fail"]
    world.settle()
    outcomes = [attempt.outcome for attempt in world.ledger.attempts(1)]
    assert isinstance(outcomes[0], Failed)
    assert isinstance(outcomes[1], Done)
