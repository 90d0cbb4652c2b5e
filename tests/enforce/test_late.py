"""Two cases want the same, and a call of one of them got no answer: until it can have arrived, the other one waits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from unittest import mock

import pytest

from bot.domain.decisions import BanAccount, IntentState, SetSwitch, Switch
from bot.enforce.late import LATE
from bot.operate import undo
from making import HERE, NOW

from .platform import US
from .test_apply import BAN, REPORT, World
from .test_interrupted import Bans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.domain.decisions import Outcome

CLOSED = SetSwitch(instance=HERE, switch=Switch.REGISTRATION, value="closed")
OPEN = SetSwitch(instance=HERE, switch=Switch.REGISTRATION, value="open")


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.ledger.close()


def lose_the_first(world: World, first: object, second: object) -> int:
    """The number of the second case; the call for the first one is on its way."""
    world.plan(first)
    world.platform.faults = ["lost before"]
    world.work(1)
    return world.plan(second, number=2)


@pytest.mark.parametrize(("first", "second"), [(BAN, BAN), (CLOSED, OPEN)], ids=["same ban", "same page of switches"])
def test_what_another_case_has_under_way_is_not_done_beside_it(world: World, first: object, second: object) -> None:
    case = lose_the_first(world, first, second)
    progress = world.work(case)
    assert progress.again_at == NOW + LATE
    assert world.platform.done == {}
    world.settle(1)
    world.settle(case)
    assert [record.state for record in world.ledger.intents()] == [IntentState.DONE, IntentState.DONE]


def test_what_arrived_late_is_found_and_not_done_again(world: World) -> None:
    case = lose_the_first(world, BAN, BAN)
    world.work(case)
    world.platform.so["ban_account", BAN.target] = US
    world.settle(case)
    world.settle(1)
    assert world.platform.done == {}
    assert [record.state for record in world.ledger.intents()] == [IntentState.DONE, IntentState.DONE]


def test_a_shorter_ban_that_arrives_late_does_not_replace_one_for_good(world: World) -> None:
    bans = Bans()
    world.platform = bans
    world.restart()
    apply = bans.apply

    def lose(intent: BanAccount) -> Outcome:
        from bot.domain.decisions import Failed

        return apply(intent) if intent.days is None else Failed(note="time-out", unknown=True)

    bans.apply = lose  # type: ignore[method-assign]
    world.plan(replace(BAN, days=3))
    world.work(1)
    second = world.plan(BAN, number=2)
    world.work(second)
    bans.until, bans.by = "3 days", US  # it arrives
    world.settle(second)
    assert bans.until == "for good"
    assert world.states(second) == {"ban_account": "done"}


def test_an_undo_that_arrives_late_does_not_take_back_what_another_case_has_found_done(world: World) -> None:
    world.plan(BAN)
    world.settle(1)
    world.platform.faults = ["lost before"]
    undo.undo_case(world.ledger, 1, by="mod", list_id="confirmed")
    world.work(1)
    second = world.plan(BAN, number=2)
    began = world.clock.now()
    assert world.work(second).again_at == began + LATE
    world.platform.so.clear()  # it arrives
    world.settle(second)
    assert world.states(second) == {"ban_account": "done"}
    assert world.platform.so == {("ban_account", BAN.target): US}


def test_in_a_crowd_a_ban_that_waits_for_such_a_report_lets_others_have_their_turn(world: World) -> None:
    lose_the_first(world, REPORT, REPORT)
    case = world.plan(BAN, number=3)
    (report,) = world.ledger.intents(case=2)
    with mock.patch("bot.enforce.rounds.CROWD", 0), mock.patch("bot.enforce.rounds.SLICE_SECONDS", 1e9):
        assert world.work(case).first == [2], "the case whose report comes before the ban"
        assert world.work(2).again_at is not None, "and it comes to an end"
    assert world.ledger.attempts(report.id) == []
