"""A night is taken back: what was done in it, whatever was done for the same cases before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.decisions import (
    Allow,
    BanAccount,
    Because,
    Hold,
    HoldReason,
    IntentState,
    PurgeFile,
    Remove,
    Report,
    SetSwitch,
    Switch,
    Verdict,
)
from bot.enforce import Enforcement
from bot.enforce.late import LATE
from bot.ledger import open_ledger
from bot.operate import decide, raid, undo
from bot.operate.undo import Span
from bot.pipeline import forget_taken_back, remember_confirmed
from bot.policy import Guard, Limits
from bot.ports import Batch
from enforce.platform import THEM, Platform
from making import BY_SCORE, EXACT, HERE, NOW, StillClock, account, address, alias, evidence, post, sighting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bot.domain.content import Account
    from bot.domain.decisions import Intent
    from bot.operate.decide import Result

LIST = "confirmed"


class World:
    """A ledger, a platform, and whoever acts between them."""

    def __init__(self) -> None:
        self.clock = StillClock()
        self.ledger = open_ledger("sqlite://", clock=self.clock)
        self.platform = Platform()
        self.acting = Enforcement(
            self.ledger,
            {HERE: self.platform},
            self.clock,
            confirmed=lambda record: remember_confirmed(self.ledger, record, LIST),
            taken_back=lambda record: forget_taken_back(self.ledger, record, LIST),
            sleep=lambda seconds: self.clock.pass_(seconds=seconds),
        )
        lease = self.ledger.acquire("tester", seconds=1e6)
        assert lease is not None
        self.fence = lease.fence

    def plan(
        self, number: int, *intents: Intent, rule: str = "known", because: Because = EXACT, hold: bool = False
    ) -> int:
        """A case about a file of this number."""
        name = alias(f"{number}.png")
        self.ledger.record("", Batch(sightings=[sighting(post(number), name)]), examine_uploads=False)
        sha256 = f"{number:064x}"
        file_id = self.ledger.bind(name, sha256)
        self.ledger.save_scan(file_id, replace(evidence(), sha256=sha256))
        case = self.ledger.open_case(file_id).number
        verdict = Verdict(rule_id=rule, rule_digest="d", because=because, intents=())
        decision = Hold(reasons=(HoldReason.STAGE,)) if hold else Allow()
        self.ledger.add_verdict(case, file_id, verdict, [(intent, decision) for intent in intents])
        return case

    def settle(self) -> None:
        for case in self.ledger.cases():
            for _ in range(40):
                progress = self.acting.work(case.number, self.fence)
                if progress.again_at is None:
                    break
                self.clock.time = max(self.clock.time, progress.again_at)

    def do(self, number: int, *intents: Intent, rule: str = "known", because: Because = EXACT) -> int:
        case = self.plan(number, *intents, rule=rule, because=because)
        self.settle()
        return case

    def undo(self, **span: object) -> list[tuple[int, str]]:
        results = undo.undo_span(self.ledger, Span(**span), by="human", list_id=LIST)  # type: ignore[arg-type]
        self.settle()
        return [(result.record.id, result.detail) for result in results]

    def states(self) -> list[str]:
        return [record.state.value for record in self.ledger.intents()]

    @property
    def fingerprints(self) -> set[int | None]:
        """Cases whose files are on the list."""
        return {entry.case for entry in self.ledger.entries(LIST)}


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.ledger.close()


def remove(number: int, author: Account | None = None) -> Remove:
    return Remove(instance=HERE, subject=post(number, author), text="t")


def report(number: int) -> Report:
    return Report(instance=HERE, subject=post(number), text="t")


def ban(name: str) -> BanAccount:
    return BanAccount(instance=HERE, account=account(name))


PURGE = PurgeFile(instance=HERE, name=alias("3.png"), url=address(alias("3.png")))
LATER = NOW + timedelta(hours=1)


def test_only_what_was_done_then_is_taken_back(world: World) -> None:
    """The case is old; tonight only its ban was added."""
    world.do(1, report(1), remove(1))
    world.clock.pass_(hours=1)
    world.do(1, ban("alice"))
    world.do(2, remove(2))
    assert world.undo(since=LATER) == [(3, "to be undone"), (4, "to be undone")]
    assert world.states() == ["done", "done", "undone", "undone"]
    assert set(world.platform.so) == {("report", report(1).target), ("remove", remove(1).target)}
    assert world.undo(since=LATER) == [], "twice is harmless"


def test_until_rule_and_account_narrow_it_down(world: World) -> None:
    world.do(1, remove(1, account("alice")), rule="low", because=BY_SCORE)
    world.do(2, remove(2, account("bob")), rule="low", because=BY_SCORE)
    world.do(3, remove(3, account("bob")))
    world.clock.pass_(hours=1)
    world.do(4, remove(4, account("bob")), rule="low", because=BY_SCORE)
    assert world.undo(since=NOW, until=LATER, rule="low", account="bob@here.example") == [(2, "to be undone")]
    assert world.undo(since=NOW, rule="low", account=account("bob").uri) == [(4, "to be undone")]
    assert world.states() == ["done", "undone", "done", "undone"]


def test_what_would_be_done_next_waits_for_a_human_instead(world: World) -> None:
    world.do(1, remove(1))
    world.plan(2, remove(2), ban("bob"))
    world.plan(3, remove(3), rule="another")
    assert world.undo(since=NOW, rule="known") == [
        (1, "to be undone"),
        (2, "waits for you"),
        (3, "waits for you"),
    ]
    assert world.states() == ["undone", "held", "held", "done"]
    assert world.platform.done == {"remove": 2}, "the first, and that of the other rule"


def test_with_an_end_what_would_be_done_next_is_another_matter(world: World) -> None:
    world.do(1, remove(1))
    world.clock.pass_(hours=1)
    world.plan(2, remove(2))
    assert world.undo(since=NOW, until=LATER) == [(1, "to be undone")]
    assert world.states() == ["undone", "done"]


def test_what_is_held_stays_held_and_nothing_new_is_done_without_a_human(world: World) -> None:
    case = world.do(1, remove(1))
    world.plan(1, ban("alice"), hold=True)
    world.undo(since=NOW)
    assert world.states() == ["undone", "held"]
    assert world.ledger.case(case).state == "undone"  # type: ignore[union-attr]


def test_a_dismissed_case_stays_dismissed(world: World) -> None:
    case = world.do(1, remove(1))
    undo.dismiss_case(world.ledger, case, by="human", list_id=LIST)
    world.settle()
    undo.undo_case(world.ledger, case, by="human", list_id=LIST)
    assert world.ledger.case(case).state == "dismissed"  # type: ignore[union-attr]


def test_fingerprints_leave_with_the_removal_that_confirmed_them(world: World) -> None:
    first = world.do(1, remove(1))
    world.clock.pass_(hours=1)
    second = world.do(2, remove(2))
    assert world.fingerprints == {first, second}
    world.undo(since=LATER)
    assert world.fingerprints == {first}


def test_fingerprints_stay_while_another_removal_of_the_case_stands(world: World) -> None:
    case = world.do(1, remove(1))
    world.clock.pass_(hours=1)
    world.do(1, remove(11))
    world.undo(since=LATER)
    assert world.states() == ["done", "undone"]
    assert world.fingerprints == {case}
    world.undo(since=NOW)
    assert world.fingerprints == set()


def test_undo_in_the_middle_of_a_deed_takes_it_back_and_keeps_no_fingerprint(world: World) -> None:
    """The human is faster than the server's answer: what the bot learns afterwards changes nothing."""
    case = world.plan(3, remove(3), PURGE)
    apply = world.platform.apply

    def answered_late(intent: Intent) -> object:
        outcome = apply(intent)
        undo.undo_case(world.ledger, case, by="human", list_id=LIST)
        return outcome

    world.platform.apply = answered_late  # type: ignore[assignment,method-assign]
    world.acting.work(case, world.fence)
    world.platform.apply = apply  # type: ignore[method-assign]
    world.settle()
    assert world.states() == ["undone", "dismissed"]
    assert world.platform.so == {}
    assert world.fingerprints == set()


def test_a_purge_in_the_middle_of_an_undo_confirms_nothing(world: World) -> None:
    case = world.plan(3, PURGE)
    apply = world.platform.apply

    def answered_late(intent: Intent) -> object:
        outcome = apply(intent)
        (told,) = undo.undo_case(world.ledger, case, by="human", list_id=LIST)
        assert told.detail == "not tried again; if it is done already, nothing takes it back"
        return outcome

    world.platform.apply = answered_late  # type: ignore[assignment,method-assign]
    world.acting.work(case, world.fence)
    world.platform.apply = apply  # type: ignore[method-assign]
    world.settle()
    assert world.states() == ["done"]
    assert world.fingerprints == set()


def test_undo_while_acting_is_stopped(world: World) -> None:
    world.do(1, remove(1))
    world.ledger.stop_acting(by="human", why="a bad night")
    assert world.undo(since=NOW) == [(1, "to be undone")]
    assert world.states() == ["undone"]


def test_preview_says_of_each_deed_what_would_come_of_it(world: World) -> None:
    world.do(1, remove(1))
    world.do(2, remove(2))
    world.do(3, remove(3), PURGE)
    world.do(4, ban("bob"))
    world.plan(5, remove(5))
    world.platform.by_hand(remove(2), None)
    world.platform.by_hand(remove(3), THEM)
    records = undo.of_span(world.ledger, Span(since=NOW))
    said = list(undo.preview(world.ledger, {HERE: world.platform}, records, ask=4))
    assert [(one.record.id, str(one.prospect), one.why) for one in said] == [
        (1, "restored", "shown again; the mod log keeps both entries"),
        (2, "left alone", "somebody has put it back already"),
        (3, "left alone", "left alone: by a moderator"),
        (4, "cannot be undone", "nothing brings a purged file back"),
        (5, "restored", "ban lifted; the mod log keeps both entries, and the account has to log in again"),
        (6, "not begun", "it is not done yet, and will not be without you"),
    ]
    assert world.states() == ["done"] * 5 + ["ready"], "it changes nothing"
    unasked = list(undo.preview(world.ledger, {HERE: world.platform}, records, ask=0))
    assert [str(one.prospect) for one in unasked].count("not known yet") == 4
    world.undo(since=NOW)
    assert world.states() == ["undone", "undone", "done", "done", "undone", "held"], "and that is what came of it"
    assert world.platform.so == {("remove", remove(3).target): THEM, ("purge_file", PURGE.target): "us"}


def test_what_began_between_the_look_and_the_decision_is_undone(world: World) -> None:
    world.plan(1, remove(1))
    set_state = world.ledger.set_state

    def slow(*args: object, **kwargs: object) -> None:
        world.ledger.set_state = set_state  # type: ignore[method-assign]
        world.settle()
        set_state(*args, **kwargs)  # type: ignore[arg-type]

    world.ledger.set_state = slow  # type: ignore[method-assign,assignment]
    assert world.undo(since=NOW) == [(1, "to be undone")]
    assert world.states() == ["undone"]
    assert world.ledger.intents()[0].state is IntentState.UNDONE


@pytest.fixture
def lost(world: World) -> World:
    """A removal was done, its answer was lost, and the server could not tell until a human was asked."""
    world.plan(1, remove(1))
    _lose(world)
    return world


def _lose(world: World) -> None:
    world.platform.faults = ["lost after"]
    world.acting.work(1, world.fence)
    world.platform.blind = True
    world.clock.pass_(hours=3)
    world.settle()
    world.platform.blind = False
    (record,) = world.ledger.intents()
    assert (record.state, record.reasons) == (IntentState.HELD, (HoldReason.UNKNOWN_STATE,))


def _approve(world: World) -> None:
    guard = Guard(limits=Limits(evidence="none"))
    (told,) = decide.approve(world.ledger, guard, world.ledger.intents(), by="human")
    assert told.ok


def _in_words(results: Sequence[Result]) -> list[str]:
    return [result.detail for result in results]


@pytest.mark.parametrize("take_back", [undo.undo_case, undo.dismiss_case])
@pytest.mark.parametrize("stop", [False, True])
def test_what_may_be_done_is_taken_back_although_it_was_approved_since(
    lost: World, take_back: Callable[..., Sequence[Result]], stop: bool
) -> None:
    """An approval counts the tries anew, the kill switch holds for another reason; it may be done all the same."""
    _approve(lost)
    if stop:
        lost.ledger.stop_acting(by="human", why="a bad night")
    assert undo.of_case(lost.ledger, 1) == lost.ledger.intents()
    (outlook,) = undo.preview(lost.ledger, {HERE: lost.platform}, lost.ledger.intents(), ask=1)
    assert outlook.prospect == "restored"
    assert _in_words(take_back(lost.ledger, 1, by="human", list_id=LIST)) == ["to be undone"]
    lost.settle()
    assert lost.states() == ["undone"]
    assert lost.platform.so == {}


@pytest.mark.parametrize("stop", [False, True])
def test_an_undo_of_a_night_takes_back_what_may_have_been_done_in_it(lost: World, stop: bool) -> None:
    _approve(lost)
    if stop:
        lost.ledger.stop_acting(by="human", why="a bad night")
    assert lost.undo(since=NOW) == [(1, "to be undone")]
    assert lost.states() == ["undone"]
    assert lost.platform.so == {}


def test_what_was_approved_and_had_not_been_done_is_not_done_after_an_undo(lost: World) -> None:
    lost.platform.so.clear()
    lost.platform.done.clear()
    _approve(lost)
    undo.undo_case(lost.ledger, 1, by="human", list_id=LIST)
    lost.settle()
    assert lost.states() == ["undone"]
    assert lost.platform.done == {}


def test_a_hold_that_may_be_done_is_taken_back_when_it_is_dismissed(lost: World) -> None:
    results = decide.dismiss_intents(lost.ledger, lost.ledger.intents(), by="human")
    assert _in_words(results) == ["to be undone"]
    lost.settle()
    assert lost.states() == ["undone"]
    assert lost.platform.so == {}


def test_a_purge_that_may_be_done_is_not_tried_again_when_it_is_dismissed(world: World) -> None:
    world.plan(3, PURGE)
    _lose(world)
    results = decide.dismiss_intents(world.ledger, world.ledger.intents(), by="human")
    assert _in_words(results) == ["not tried again; if it is done already, nothing takes it back"]
    world.settle()
    assert world.states() == ["done"], "it is, and the ledger says so"
    assert world.platform.done == {"purge_file": 1}


def test_a_switch_that_may_be_turned_is_turned_back(world: World) -> None:
    closed = SetSwitch(instance=HERE, switch=Switch.REGISTRATION, value="closed")
    world.ledger.order(closed, by="human")
    _lose(world)
    assert _in_words(raid.take_back(world.ledger, raid.switches(world.ledger), by="human")) == ["to be undone"]
    assert [record.state for record in raid.switches(world.ledger)] == [IntentState.UNDOING], "shown until it is"
    world.settle()
    assert world.states() == ["undone"]
    assert world.platform.so == {}


def test_an_undo_of_what_nobody_can_tell_waits_for_the_call_that_was_lost(world: World) -> None:
    """A human was asked at once, and answered before the call has arrived."""
    world.plan(1, remove(1))
    world.platform.faults = ["lost before"]
    world.acting.work(1, world.fence)
    world.platform.blind = True
    world.acting.work(1, world.fence)
    world.platform.blind = False
    assert world.states() == ["held"]
    undo.undo_case(world.ledger, 1, by="human", list_id=LIST)
    assert world.acting.work(1, world.fence).again_at == NOW + LATE
    world.platform.so["remove", remove(1).target] = "us"
    world.settle()
    assert world.states() == ["undone"]
    assert world.platform.so == {}
