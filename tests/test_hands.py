import pytest

import making
from bot.hands import acting, judging, looking
from bot.ledger import open_ledger
from bot.ports import Lane, TaskKind


@pytest.fixture
def ledger():
    made = open_ledger("sqlite://", clock=making.StillClock())
    yield made
    made.close()


def want(ledger, lane, number, kind=TaskKind.EXAMINE):
    for one in range(number):
        ledger.enqueue(kind, f"{lane.name} {one}", lane)


def lanes(tasks):
    return [task.lane for task in tasks]


def test_what_was_there_before_the_bot_gets_half_of_the_hands(ledger):
    want(ledger, Lane.BACKLOG, 20)
    assert lanes(looking(8).fill(ledger, ())) == [Lane.BACKLOG] * 4


def test_a_new_item_finds_a_hand_while_the_backlog_is_slow(ledger):
    hands = looking(8)
    want(ledger, Lane.BACKLOG, 20)
    busy = [*hands.fill(ledger, ())]
    assert hands.fill(ledger, busy) == []
    want(ledger, Lane.NEW, 1)
    assert lanes(hands.fill(ledger, busy)) == [Lane.NEW]


def test_looking_again_and_the_backlog_share_their_half(ledger):
    hands = looking(8)
    want(ledger, Lane.BACKLOG, 2)
    busy = [*hands.fill(ledger, ())]
    want(ledger, Lane.REVISIT, 20, TaskKind.REVISIT)
    busy += hands.fill(ledger, busy)
    assert lanes(busy).count(Lane.REVISIT) == 2
    want(ledger, Lane.NEW, 20)
    assert lanes(hands.fill(ledger, busy)) == [Lane.NEW] * 4


def test_new_items_may_have_all_hands(ledger):
    want(ledger, Lane.BACKLOG, 20)
    want(ledger, Lane.NEW, 20)
    assert lanes(looking(8).fill(ledger, ())) == [Lane.NEW] * 8


def test_files_that_are_judged_anew_keep_no_hand_from_new_ones_and_new_ones_none_from_them(ledger):
    want(ledger, Lane.DEEDS, 20, TaskKind.JUDGE)
    want(ledger, Lane.NEW, 20)
    assert lanes(looking(8).fill(ledger, ())) == [Lane.NEW] * 8
    assert lanes(judging(8).fill(ledger, ())) == [Lane.DEEDS] * 4


def test_judging_the_backlog_leaves_hands_for_what_is_new(ledger):
    hands = judging(8)
    want(ledger, Lane.BACKLOG, 20, TaskKind.JUDGE)
    busy = [*hands.fill(ledger, ())]
    assert lanes(busy) == [Lane.BACKLOG] * 2
    want(ledger, Lane.DEEDS, 20, TaskKind.JUDGE)
    assert lanes(hands.fill(ledger, busy)) == [Lane.DEEDS] * 2


def test_a_ban_finds_a_hand_while_all_other_deeds_wait_for_their_servers(ledger):
    hands = acting(8)
    want(ledger, Lane.DEEDS, 20, TaskKind.ENFORCE)
    busy = [*hands.fill(ledger, ())]
    assert lanes(busy) == [Lane.DEEDS] * 3
    assert hands.fill(ledger, busy) == []
    want(ledger, Lane.BANS, 1, TaskKind.ENFORCE)
    assert lanes(hands.fill(ledger, busy)) == [Lane.BANS]


def test_other_deeds_step_back_while_there_are_bans_to_do(ledger):
    hands = acting(8)
    want(ledger, Lane.BANS, 1, TaskKind.ENFORCE)
    want(ledger, Lane.DEEDS, 20, TaskKind.ENFORCE)
    busy = [*hands.fill(ledger, ())]
    assert lanes(busy) == [Lane.BANS, Lane.DEEDS]
    assert hands.fill(ledger, busy) == []
    assert lanes(hands.fill(ledger, busy[1:])) == [Lane.DEEDS, Lane.DEEDS]


def test_hands_that_look_and_hands_that_act_do_not_count_each_other(ledger):
    want(ledger, Lane.NEW, 20)
    busy = looking(8).fill(ledger, ())
    want(ledger, Lane.BANS, 20, TaskKind.ENFORCE)
    assert lanes(acting(8).fill(ledger, busy)) == [Lane.BANS] * 4


@pytest.mark.parametrize("at_once", [1, 2])
def test_few_hands_do_everything_all_the_same(ledger, at_once):
    want(ledger, Lane.BACKLOG, 1)
    want(ledger, Lane.DEEDS, 1, TaskKind.ENFORCE)
    assert len(looking(at_once).fill(ledger, ())) == 1
    assert len(acting(at_once).fill(ledger, ())) == 1
