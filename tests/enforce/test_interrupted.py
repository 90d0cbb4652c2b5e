"""What no other test of enforcement looks at: calls that arrive late, people and processes in between."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import making
from bot.domain.decisions import (
    Allow,
    AlreadyDone,
    BanAccount,
    Because,
    Failed,
    Hold,
    HoldReason,
    IntentState,
    LastWord,
    PurgeFile,
    Remove,
    Report,
    Verdict,
    Verification,
)
from bot.enforce.undo import LATE
from bot.operate import undo
from bot.ports import Trip

from .platform import THEM, US, Crash
from .test_apply import BAN, PURGE, REMOVE, REPORT, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.domain.decisions import Intent, Outcome
    from bot.ports import IntentRecord


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.ledger.close()


def only(world: World) -> IntentRecord:
    (record,) = world.ledger.intents()
    return record


# --------------------------------------------------------------------------------------------------- the kill switch


@pytest.mark.parametrize("tries", [0, 1])
def test_what_is_ready_when_acting_is_stopped_waits_for_a_human(world: World, tries: int) -> None:
    world.plan(REMOVE)
    world.platform.faults = ["fail"] * tries
    for _ in range(tries):
        world.work()
    world.ledger.stop_acting(by="operator", why="a bad night")
    world.clock.pass_(minutes=5)
    world.settle()
    assert (only(world).state, tuple(only(world).reasons)) == (IntentState.HELD, (HoldReason.STOPPED,))
    assert world.platform.done == {}


def test_what_is_planned_while_acting_is_stopped_is_held_at_its_turn(world: World) -> None:
    world.ledger.stop_acting(by="operator", why="a bad night")
    world.plan(REMOVE)
    world.settle()
    assert tuple(only(world).reasons) == (HoldReason.STOPPED,)


@pytest.mark.parametrize(("fault", "state"), [("crash after", IntentState.DONE), ("crash before", IntentState.HELD)])
def test_an_interrupted_deed_is_asked_about_and_not_done_while_acting_is_stopped(
    world: World, fault: str, state: IntentState
) -> None:
    world.plan(REMOVE)
    world.platform.faults = [fault]
    with pytest.raises(Crash):
        world.work()
    world.ledger.stop_acting(by="operator", why="a bad night")
    world.restart()
    world.settle()
    assert only(world).state is state
    assert world.platform.done == ({"remove": 1} if state is IntentState.DONE else {})


def test_no_report_is_opened_again_while_acting_is_stopped(world: World) -> None:
    world.plan(REPORT, REMOVE, BAN, hold=(BAN,))
    world.platform.faults = ["", "crash after"]
    with pytest.raises(Crash):
        world.work()
    world.ledger.stop_acting(by="operator", why="a bad night")
    world.restart()
    world.settle()
    assert world.states()["remove"] == "done"
    assert world.platform.reopened == []


def test_the_breaker_holds_nothing_that_a_human_approved(world: World) -> None:
    world.plan(REMOVE, BAN, hold=(REMOVE,), because=making.BY_SCORE)
    held = next(record for record in world.ledger.intents() if record.state is IntentState.HELD)
    world.ledger.set_state(held.id, IntentState.READY, by="mod", approve=True)
    trip = Trip(rule_id="known", at=world.clock.now(), flagged=9, scanned=10)
    assert world.ledger.trip(trip) == 1
    assert world.states() == {"remove": "ready", "ban_account": "held"}


# ------------------------------------------------------------------------------------------- calls without an answer


def test_a_call_without_an_answer_has_time_to_arrive_before_it_is_made_again(world: World) -> None:
    world.plan(BAN)
    world.platform.faults = ["lost before"]
    world.work()
    world.clock.pass_(seconds=3)
    progress = world.work()
    assert progress.again_at == making.NOW + LATE
    world.platform.so["ban_account", BAN.target] = US  # it arrives
    world.settle()
    assert world.states() == {"ban_account": "done"}
    assert world.platform.done == {}


def test_what_somebody_has_put_back_after_a_crash_is_not_done_again(world: World) -> None:
    world.plan(REMOVE)
    world.platform.faults = ["crash after"]
    with pytest.raises(Crash):
        world.work()
    world.platform.by_hand(REMOVE, None)
    world.restart()
    world.settle()
    assert (only(world).state, tuple(only(world).reasons)) == (IntentState.HELD, (HoldReason.UNKNOWN_STATE,))
    assert "somebody else" in only(world).detail
    assert world.platform.done == {"remove": 1}
    assert world.platform.so == {}


def test_what_somebody_has_put_back_before_it_was_verified_is_not_done_again(world: World) -> None:
    world.plan(REMOVE)
    apply = world.platform.apply

    def put_back_at_once(intent: Intent) -> Outcome:
        outcome = apply(intent)
        world.platform.by_hand(intent, None)
        return outcome

    world.platform.apply = put_back_at_once  # type: ignore[method-assign]
    world.settle()
    assert only(world).state is IntentState.HELD
    assert world.platform.done == {"remove": 1}


@pytest.mark.parametrize(
    ("word", "state", "done"),
    [
        (LastWord.NOBODYS, IntentState.DONE, 1),
        (LastWord.OURS, IntentState.DONE, 0),  # it was done, and has run out
        (LastWord.ANOTHERS, IntentState.HELD, 0),
        (LastWord.UNKNOWN, IntentState.HELD, 0),
    ],
)
def test_the_log_decides_whether_a_lost_deed_is_done_again(
    world: World, word: LastWord, state: IntentState, done: int
) -> None:
    world.plan(BAN)
    world.platform.faults = ["lost before"]
    world.platform.words["ban_account", BAN.target] = word
    world.settle()
    assert only(world).state is state
    assert world.platform.done["ban_account"] == done


def test_what_is_so_and_nobody_can_say_by_whom_waits_for_a_human(world: World) -> None:
    world.plan(BAN)
    world.platform.faults = ["lost after"]
    world.work()
    verify = world.platform.verify
    world.platform.verify = lambda intent: replace(verify(intent), by_us=None)  # type: ignore[method-assign]
    world.settle()
    assert tuple(only(world).reasons) == (HoldReason.UNKNOWN_STATE,)
    assert "who did it" in only(world).detail


def test_a_crash_between_finding_it_done_and_writing_that_makes_it_no_deed_of_ours(world: World) -> None:
    world.platform.by_hand(BAN, US)
    world.plan(BAN)
    end = world.ledger.end

    def die(*_: object, **__: object) -> None:
        raise Crash

    world.ledger.end = die  # type: ignore[method-assign]
    with pytest.raises(Crash):
        world.work()
    world.ledger.end = end  # type: ignore[method-assign]
    world.restart()
    world.settle()
    assert isinstance(world.ledger.attempts(1)[-1].outcome, AlreadyDone)


def test_giving_up_is_written_at_once(world: World) -> None:
    """Between two writes a process can die, and the next one would try what nobody knows the end of."""
    world.plan(BAN)
    world.platform.faults = ["lost after"]
    world.work()
    world.platform.blind = True
    set_state = world.ledger.set_state

    def die(*_: object, **__: object) -> None:
        raise Crash

    world.ledger.set_state = die  # type: ignore[method-assign]
    world.settle()
    world.ledger.set_state = set_state  # type: ignore[method-assign]
    assert only(world).state is IntentState.HELD
    assert [event.detail for event in world.ledger.timeline(1) if event.what == "decision"] == [
        "fediwarden: held: ban_account (unknown_state, gave up after 1 try: the mod log is switched off)"
    ]


# ------------------------------------------------------------------------------------------------------------- order


def test_a_ban_does_not_wait_for_what_waits_for_a_human(world: World) -> None:
    world.plan(REPORT, REMOVE, PURGE, BAN, hold=(REPORT,))
    assert world.work().again_at is None, "deciding about the report wakes the case up"
    assert world.states() == {"report": "held", "remove": "ready", "purge_file": "ready", "ban_account": "done"}


def test_two_cases_do_not_meet_at_one_post() -> None:
    world = World()
    first, second = world.plan(REMOVE), world.plan(REMOVE, number=2)
    inside, most, verify = [0], [0], world.platform.verify
    both = threading.Barrier(2)

    def slowly(intent: Intent) -> Verification:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        with suppress(threading.BrokenBarrierError):
            both.wait(0.3)  # passes only if the other one is here as well
        inside[0] -= 1
        return verify(intent)

    world.platform.verify = slowly  # type: ignore[method-assign]
    threads = [threading.Thread(target=world.work, args=(case,)) for case in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert world.platform.done == {"remove": 1}
    assert [record.state for record in world.ledger.intents()] == [IntentState.DONE, IntentState.DONE]
    world.ledger.close()


# -------------------------------------------------------------------------------------------------------------- undo


class Bans:
    """Bans with an end, which one ban can replace by another."""

    def __init__(self) -> None:
        self.until: str | None = None  # "for good", or a day
        self.by = THEM

    def offers(self, intent: BanAccount) -> object:
        return making_offer()

    def verify(self, intent: BanAccount) -> Verification:
        so = self.until == "for good" or (intent.days is not None and self.until is not None)
        by_us = None if self.until is None else self.by == US
        return Verification(so=so, by_us=by_us, state={"until": self.until})

    def apply(self, intent: BanAccount) -> Outcome:
        from bot.domain.decisions import Done

        self.until, self.by = "for good" if intent.days is None else f"{intent.days} days", US
        return Done()

    def revert(self, intent: BanAccount, before: dict[str, str | None]) -> Outcome:
        from bot.domain.decisions import Done

        self.until, self.by = before["until"], US
        return Done()

    def last_word(self, intent: BanAccount, since: object) -> LastWord:
        return LastWord.NOBODYS


def making_offer() -> object:
    from bot.domain.decisions import Offer

    return Offer(supported=True, reversible=True, route="memory")


@pytest.fixture
def bans(world: World) -> Bans:
    made = Bans()
    world.platform = made  # type: ignore[assignment]
    world.restart()
    return made


def undo_now(world: World, case: int) -> None:
    undo.undo_case(world.ledger, case, by="mod", list_id="confirmed")
    world.settle(case)


def test_undo_brings_back_the_ban_that_a_human_gave_between_two_of_ours(world: World, bans: Bans) -> None:
    world.plan(BAN)
    world.settle(1)
    undo_now(world, 1)
    assert bans.until is None
    bans.until, bans.by = "friday", THEM
    second = world.plan(BAN, number=2)
    world.settle(second)
    assert bans.until == "for good"
    undo_now(world, second)
    assert bans.until == "friday", "not what was so before the first of our bans, which is over and forgotten"


def test_undo_does_not_bring_back_a_ban_that_its_human_lifted(world: World, bans: Bans) -> None:
    bans.until = "friday"
    world.plan(BAN)
    world.settle(1)
    bans.until = None  # a human lifts the ban for good, and with it his own
    second = world.plan(replace(BAN, days=3), number=2)
    world.settle(second)
    assert bans.until == "3 days"
    undo_now(world, 1)
    undo_now(world, second)
    assert bans.until is None


def test_undo_of_two_bans_of_ours_goes_back_to_before_the_first(world: World, bans: Bans) -> None:
    world.plan(replace(BAN, days=3))
    world.settle(1)
    second = world.plan(BAN, number=2)
    world.settle(second)
    undo_now(world, second)
    assert bans.until == "for good", "the first case still wants the account banned"
    undo_now(world, 1)
    assert bans.until is None


def test_undo_reverts_a_deed_that_was_done_although_nobody_could_tell(world: World) -> None:
    world.plan(BAN)
    world.platform.faults = ["lost after"]
    world.work()
    world.platform.blind = True
    world.clock.pass_(minutes=5)
    world.settle()
    assert only(world).state is IntentState.HELD
    world.platform.blind = False
    undo_now(world, 1)
    assert world.states() == {"ban_account": "undone"}
    assert world.platform.so == {}


def test_dismissing_a_case_takes_back_what_may_have_been_done(world: World) -> None:
    world.plan(BAN)
    world.platform.faults = ["lost after"]
    world.work()
    world.platform.blind = True
    world.clock.pass_(minutes=5)
    world.settle()
    world.platform.blind = False
    undo.dismiss_case(world.ledger, 1, by="mod", list_id="confirmed")
    world.settle()
    assert world.platform.so == {}


@pytest.mark.parametrize("take_back", [undo.undo_case, undo.dismiss_case])
def test_a_purge_that_failed_once_is_not_tried_again_after_an_undo(world: World, take_back: object) -> None:
    world.plan(PURGE)
    world.platform.faults = ["fail"]
    world.work()
    take_back(world.ledger, 1, by="mod", list_id="confirmed")  # type: ignore[operator]
    world.clock.pass_(minutes=5)
    world.settle()
    assert world.states() == {"purge_file": "undone"}
    assert world.platform.done == {}
    assert world.ledger.attempts(1)[-1].outcome == AlreadyDone(note="it had not been done")


def test_an_undo_without_an_answer_has_time_to_arrive(world: World) -> None:
    world.plan(BAN)
    world.settle()
    revert = world.platform.revert
    world.platform.revert = lambda *_: Failed(note="time-out", unknown=True)  # type: ignore[method-assign,misc,assignment]
    undo.undo_case(world.ledger, 1, by="mod", list_id="confirmed")
    world.work()
    world.platform.revert = revert  # type: ignore[method-assign]
    world.clock.pass_(seconds=3)
    progress = world.work()
    assert progress.again_at == making.NOW + LATE
    assert world.platform.reverted == {}
    world.settle()
    assert world.platform.reverted == {"ban_account": 1}


def test_a_process_that_was_overtaken_does_not_overrule_its_successor(world: World) -> None:
    """Its undo was begun first and ends last, when the other one has taken the deed back already."""
    world.plan(BAN)
    world.settle()
    undo.undo_case(world.ledger, 1, by="mod", list_id="confirmed")
    late = world.ledger.begin(1, reverting=True, before={}, fence=world.fence)
    world.clock.pass_(minutes=1)
    world.settle()
    assert world.states() == {"ban_account": "undone"}
    world.ledger.end(late, AlreadyDone(note="late"), state=IntentState.DONE)
    assert world.states() == {"ban_account": "undone"}


__all__ = ["Allow", "Because", "Hold", "PurgeFile", "Remove", "Report", "Verdict", "timedelta"]
