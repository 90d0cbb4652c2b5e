"""What an undo would come to is said beforehand, by the very judgement that the undo makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.domain.decisions import HoldReason, IntentState, Notify
from bot.domain.errors import UnreachableError
from bot.enforce.undo import Prospect, foresee
from making import HERE

from .platform import THEM, Crash
from .test_apply import ALL, BAN, PURGE, REMOVE, REPORT, World, undo

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.ledger.close()


def foreseen(world: World, case: int = 1, *, along: set[int] = frozenset()) -> dict[str, tuple[str, str]]:  # type: ignore[assignment]
    records = world.ledger.intents(case=case)
    found = {record.intent.kind: foresee(record, world.platform, world.ledger, along=along) for record in records}
    return {kind: (one.prospect.value, one.why) for kind, one in found.items()}


def test_what_can_be_restored_what_cannot_and_what_remains(world: World) -> None:
    world.plan(*ALL)
    world.settle()
    said = foreseen(world)
    assert {kind: prospect for kind, (prospect, _) in said.items()} == {
        "report": "restored",
        "remove": "restored",
        "ban_account": "restored",
        "purge_file": "cannot be undone",
    }
    assert "mod log" in said["remove"][1]
    assert "cannot report it again" in said["report"][1]
    assert "log in again" in said["ban_account"][1]
    assert world.platform.reverted == {}, "asking changes nothing"
    undo(world)
    assert world.states() == {"report": "undone", "remove": "undone", "ban_account": "undone", "purge_file": "done"}


@pytest.mark.parametrize(
    ("who", "why"),
    [(None, "somebody has put it back already"), (THEM, "left alone: by a moderator")],
    ids=["put back", "done again"],
)
def test_what_a_human_did_meanwhile_is_left_alone(world: World, who: str | None, why: str) -> None:
    world.plan(REMOVE)
    world.settle()
    world.platform.by_hand(REMOVE, who)
    assert foreseen(world) == {"remove": (Prospect.LEFT_ALONE.value, why)}
    undo(world)
    (record,) = world.ledger.intents()
    assert world.ledger.attempts(record.id)[-1].outcome.note == why, "and that is what the undo says"
    assert world.platform.reverted == {}


def test_what_was_so_before_the_bot_came_is_left_alone(world: World) -> None:
    world.platform.by_hand(BAN)
    world.plan(BAN)
    world.settle()
    assert foreseen(world)["ban_account"] == ("left alone", "left alone: by a moderator")


def test_another_case_keeps_its_ban_unless_it_is_undone_too(world: World) -> None:
    first, second = world.plan(BAN), world.plan(BAN, number=2)
    world.settle(first)
    world.settle(second)
    assert foreseen(world, first) == {"ban_account": ("left alone", f"left as it is: case {second} still wants it")}
    both = {record.id for record in world.ledger.intents()}
    assert {foreseen(world, case, along=both)["ban_account"][0] for case in (first, second)} == {"restored"}
    for record in world.ledger.intents():
        world.ledger.set_state(record.id, IntentState.UNDOING)
    world.settle(first)
    world.settle(second)
    assert world.platform.reverted == {"ban_account": 1}
    assert world.platform.so == {}
    notes = [world.ledger.attempts(number)[-1].outcome.note for number in sorted(both)]
    assert notes[1] == f"put back together with case {first}"


def test_a_server_that_cannot_be_asked_leaves_it_open(world: World) -> None:
    world.plan(REMOVE)
    world.settle()
    world.platform.deaf = 1
    prospect, why = foreseen(world)["remove"]
    assert prospect == "not known yet"
    assert "no answer" in why


def test_a_sent_message_stays_sent(world: World) -> None:
    world.plan(Notify(instance=HERE, text="rule known fired"))
    (record,) = world.ledger.intents()
    found = foresee(record, world.platform, world.ledger, along=())
    assert (found.prospect, found.why) == (Prospect.LOST, "a message that was sent stays sent")


def test_a_deed_under_way_is_undone_once_its_end_is_known(world: World) -> None:
    """The call went out and its answer got lost: the server may act on it after we asked."""
    world.plan(BAN)
    world.platform.faults = ["lost before"]
    world.work()
    (record,) = world.ledger.intents()
    assert foreseen(world)["ban_account"][0] == "not known yet"
    world.ledger.set_state(record.id, IntentState.UNDOING, by="human", seen=record)
    first = world.work()
    assert first.again_at is not None
    assert world.states() == {"ban_account": "undoing"}, "too early to say that nothing happened"
    world.platform.so["ban_account", BAN.target] = "us"  # the late call arrives
    world.clock.time = first.again_at
    world.settle()
    assert world.states() == {"ban_account": "undone"}
    assert world.platform.so == {}
    assert world.platform.reverted == {"ban_account": 1}


def test_a_call_that_never_arrived_leaves_nothing_to_undo(world: World) -> None:
    world.plan(BAN)
    world.platform.faults = ["crash before"]
    with pytest.raises(Crash):
        world.work()
    world.restart()
    (record,) = world.ledger.intents()
    world.ledger.set_state(record.id, IntentState.UNDOING, by="human", seen=record)
    world.settle()
    assert world.states() == {"ban_account": "undone"}
    assert world.platform.done == {}
    assert world.ledger.attempts(record.id)[-1].outcome.note == "it had not been done"


def test_undo_works_while_acting_is_stopped(world: World) -> None:
    world.plan(REMOVE)
    world.settle()
    world.ledger.stop_acting(by="human", why="something is odd")
    undo(world)
    assert world.states() == {"remove": "undone"}


# --------------------------------------------------------------------------------------- before the first try


def approved(world: World, *intents: object) -> None:
    world.plan(*intents, hold=intents)
    for record in world.ledger.intents():
        world.ledger.set_state(record.id, IntentState.READY, by="human", approve=True)


def test_what_was_approved_is_looked_at_again_and_skipped_if_it_changed(world: World) -> None:
    asked = []

    def recheck(record: object) -> str | None:
        asked.append(record.intent.kind)  # type: ignore[attr-defined]
        return "the post is gone" if record.intent == REMOVE else None  # type: ignore[attr-defined]

    world.acting._recheck = recheck
    approved(world, REPORT, REMOVE, PURGE)
    world.settle()
    assert asked == ["report", "remove", "purge_file"]
    assert world.states() == {"report": "done", "remove": "refused", "purge_file": "done"}
    skipped = world.ledger.intents(kind="remove")[0]
    assert skipped.detail == "changed: the post is gone"
    assert world.ledger.attempts(skipped.id) == [], "nothing was tried"
    told = [event.detail for event in world.ledger.timeline(1)]
    assert "fediwarden: refused: remove (changed: the post is gone)" in told


def test_what_changed_is_not_called_refused_when_an_earlier_try_may_have_done_it(world: World) -> None:
    world.plan(REMOVE)
    world.platform.faults = ["lost after"]
    world.work()
    world.platform.blind = True
    world.settle()
    (record,) = world.ledger.intents()
    assert record.state is IntentState.HELD
    world.acting._recheck = lambda record: "the post is gone"
    world.ledger.set_state(record.id, IntentState.READY, by="human", approve=True)
    world.settle()
    (record,) = world.ledger.intents()
    assert (record.state, record.reasons) == (IntentState.HELD, (HoldReason.UNKNOWN_STATE,))
    assert record.detail == "changed: the post is gone; an earlier try may have been carried out"
    assert world.platform.done == {"remove": 1}


def test_what_a_rule_allows_itself_is_not_looked_at_again(world: World) -> None:
    world.acting._recheck = lambda record: "everything is gone"
    world.plan(REMOVE)
    world.settle()
    assert world.states() == {"remove": "done"}


def test_only_the_first_try_after_an_approval_looks_again(world: World) -> None:
    asked = []
    world.acting._recheck = lambda record: asked.append(record.id)
    approved(world, REMOVE)
    world.platform.faults = ["fail", "fail"]
    world.settle()
    assert world.states() == {"remove": "done"}
    assert len(asked) == 1


def test_a_server_that_cannot_be_asked_whether_it_changed_postpones(world: World) -> None:
    def recheck(record: object) -> str | None:
        raise UnreachableError("no answer", sent=False)

    world.acting._recheck = recheck
    approved(world, REMOVE)
    progress = world.work()
    assert progress.again_at is not None
    assert world.states() == {"remove": "ready"}
    assert world.ledger.attempts(1) == []


def test_a_decision_made_while_it_was_looked_at_again_stands(world: World) -> None:
    def recheck(record: object) -> str | None:
        world.ledger.set_state(1, IntentState.HELD, reasons=(HoldReason.STAGE,), by="human")
        return "the post is gone"

    world.acting._recheck = recheck
    approved(world, REMOVE)
    world.work()
    assert world.states() == {"remove": "held"}
