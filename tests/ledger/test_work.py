"""The task table, one worker at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from bot.ports import Lane, Task, TaskKind
from making import NOW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.ledger import SqlLedger
    from making import StillClock

EXAMINE, ENFORCE = TaskKind.EXAMINE, TaskKind.ENFORCE


def take(ledger: SqlLedger, *kinds: TaskKind, limit: int = 10, seconds: float = 60) -> Sequence[Task]:
    return ledger.take(kinds or (EXAMINE, ENFORCE), limit=limit, lease_seconds=seconds)


def test_nothing_to_do(ledger: SqlLedger) -> None:
    assert take(ledger) == ()
    assert ledger.backlog_size() == {}


def test_best_lane_first_then_oldest(ledger: SqlLedger, clock: StillClock) -> None:
    for target, lane in (("old", Lane.BACKLOG), ("c", Lane.NEW), ("a", Lane.NEW)):
        ledger.enqueue(EXAMINE, target, lane)
        clock.pass_(seconds=1)
    ledger.enqueue(ENFORCE, "7", Lane.DEEDS)
    ledger.enqueue(ENFORCE, "8", Lane.BANS)
    assert [task.target for task in take(ledger, limit=4)] == ["8", "7", "c", "a"]
    assert [task.target for task in take(ledger)] == ["old"]


def test_only_the_wanted_kinds_are_taken(ledger: SqlLedger) -> None:
    ledger.enqueue(EXAMINE, "a", Lane.NEW)
    ledger.enqueue(ENFORCE, "1", Lane.DEEDS)
    assert [task.target for task in take(ledger, ENFORCE)] == ["1"]
    assert [task.target for task in take(ledger, EXAMINE)] == ["a"]


def test_taken_task_is_not_taken_again(ledger: SqlLedger) -> None:
    ledger.enqueue(EXAMINE, "a", Lane.NEW)
    (task,) = take(ledger)
    assert (task.attempts, task.created_at) == (1, NOW)
    assert take(ledger) == ()
    assert ledger.backlog_size() == {"running/examine": 1}


def test_finished_task_is_gone(ledger: SqlLedger) -> None:
    ledger.enqueue(EXAMINE, "a", Lane.NEW)
    ledger.finish(take(ledger)[0])
    assert ledger.backlog_size() == {}


def test_task_waits_for_its_time(ledger: SqlLedger, clock: StillClock) -> None:
    ledger.enqueue(EXAMINE, "a", Lane.NEW, not_before=NOW + timedelta(minutes=5))
    assert take(ledger) == ()
    clock.pass_(minutes=5)
    assert len(take(ledger)) == 1


def test_one_row_for_each_kind_and_target_with_the_better_lane_and_time(ledger: SqlLedger) -> None:
    ledger.enqueue(EXAMINE, "a", Lane.BACKLOG, not_before=NOW + timedelta(minutes=5))
    ledger.enqueue(EXAMINE, "a", Lane.NEW)
    ledger.enqueue(EXAMINE, "a", Lane.REVISIT, not_before=NOW + timedelta(hours=1))
    assert [(task.target, task.lane) for task in take(ledger)] == [("a", Lane.NEW)]


def test_task_whose_lease_ran_out_is_taken_by_another(ledger: SqlLedger, clock: StillClock) -> None:
    ledger.enqueue(EXAMINE, "a", Lane.NEW)
    (mine,) = take(ledger, seconds=60)
    clock.pass_(seconds=60)
    (theirs,) = take(ledger)
    assert (theirs.id, theirs.attempts) == (mine.id, 2)


def test_troubles_are_told_of_all_or_of_those_asked_for(ledger: SqlLedger) -> None:
    for target in "ab":
        ledger.enqueue(EXAMINE, target, Lane.NEW)
    for task in take(ledger):
        ledger.postpone(task, until=NOW + timedelta(hours=1), reason=f"{task.target} is busy")
    assert {one.target for one in ledger.troubles()} == {"a", "b"}
    assert [one.reason for one in ledger.troubles(targets=["a", "c"])] == ["a is busy"]
    assert ledger.troubles(targets=[]) == []


def test_lost_lease_can_end_nothing(ledger: SqlLedger, clock: StillClock) -> None:
    ledger.enqueue(EXAMINE, "a", Lane.NEW)
    (mine,) = take(ledger)
    clock.pass_(minutes=2)
    (theirs,) = take(ledger)
    ledger.finish(mine)
    ledger.postpone(mine, until=NOW, reason="mine")
    ledger.park(mine, "mine")
    assert ledger.backlog_size() == {"running/examine": 1}
    ledger.finish(theirs)
    assert ledger.backlog_size() == {}


def test_lost_lease_is_not_mistaken_for_a_later_one_with_as_many_tries(ledger: SqlLedger, clock: StillClock) -> None:
    ledger.enqueue(EXAMINE, "a", Lane.NEW)
    (mine,) = take(ledger)
    clock.pass_(minutes=2)
    (theirs,) = take(ledger)
    ledger.enqueue(EXAMINE, "a", Lane.NEW)
    ledger.finish(theirs)
    (anew,) = take(ledger)
    assert anew.attempts == mine.attempts
    ledger.finish(mine)
    assert ledger.backlog_size() == {"running/examine": 1}


def test_lease_that_ran_out_unnoticed_still_counts(ledger: SqlLedger, clock: StillClock) -> None:
    ledger.enqueue(EXAMINE, "a", Lane.NEW)
    (task,) = take(ledger)
    clock.pass_(minutes=2)
    ledger.finish(task)
    assert ledger.backlog_size() == {}


def test_postponed_task_comes_back_and_counts_its_tries(ledger: SqlLedger, clock: StillClock) -> None:
    ledger.enqueue(EXAMINE, "a", Lane.NEW)
    ledger.postpone(take(ledger)[0], until=NOW + timedelta(seconds=10), reason="busy")
    assert take(ledger) == ()
    clock.pass_(seconds=10)
    (task,) = take(ledger)
    assert task.attempts == 2
    ledger.postpone(task, until=NOW, reason="not my turn", count=False)
    assert take(ledger)[0].attempts == 2


def test_parked_task_waits_until_it_is_asked_for(ledger: SqlLedger, clock: StillClock) -> None:
    ledger.enqueue(EXAMINE, "a", Lane.NEW)
    ledger.park(take(ledger)[0], "not media")
    clock.pass_(days=30)
    assert take(ledger) == ()
    assert ledger.backlog_size() == {"parked/examine": 1}
    ledger.enqueue(EXAMINE, "a", Lane.NEW)
    assert take(ledger)[0].attempts == 1


def test_running_task_that_is_asked_for_is_done_once_more(ledger: SqlLedger) -> None:
    ledger.enqueue(EXAMINE, "a", Lane.NEW)
    for ending in ("finish", "park"):
        (task,) = take(ledger)
        ledger.enqueue(EXAMINE, "a", Lane.NEW)
        ledger.enqueue(EXAMINE, "a", Lane.NEW, not_before=NOW + timedelta(hours=1))
        ledger.finish(task) if ending == "finish" else ledger.park(task, "gone")
        assert ledger.backlog_size() == {"waiting/examine": 1}
    (task,) = take(ledger)
    ledger.finish(task)
    assert ledger.backlog_size() == {}


def test_running_task_that_is_asked_for_is_postponed_no_longer_than_that(ledger: SqlLedger) -> None:
    ledger.enqueue(EXAMINE, "a", Lane.NEW)
    (task,) = take(ledger)
    ledger.enqueue(EXAMINE, "a", Lane.NEW)
    ledger.postpone(task, until=NOW + timedelta(hours=1), reason="busy")
    assert len(take(ledger)) == 1


def test_wish_for_later_outlives_a_lost_lease(ledger: SqlLedger, clock: StillClock) -> None:
    ledger.enqueue(EXAMINE, "a", Lane.NEW)
    take(ledger)
    ledger.enqueue(EXAMINE, "a", Lane.NEW, not_before=NOW + timedelta(hours=1))
    clock.pass_(minutes=2)
    ledger.finish(take(ledger)[0])
    assert take(ledger) == ()
    clock.pass_(hours=1)
    assert len(take(ledger)) == 1


def test_reclaimed_task_is_free_at_once_and_its_old_lease_void(ledger: SqlLedger) -> None:
    ledger.enqueue(ENFORCE, "1", Lane.DEEDS)
    ledger.enqueue(EXAMINE, "a", Lane.NEW)
    dead, _ = take(ledger)
    assert ledger.reclaim([ENFORCE]) == 1
    assert ledger.reclaim([ENFORCE]) == 0
    (task,) = take(ledger)
    assert task.id == dead.id
    ledger.finish(dead)
    assert ledger.backlog_size() == {"running/enforce": 1, "running/examine": 1}


def test_clock_that_was_set_back_makes_nothing_wait_for_years(ledger: SqlLedger, clock: StillClock) -> None:
    clock.pass_(days=365)
    ledger.enqueue(EXAMINE, "waiting", Lane.NEW, not_before=clock.now() + timedelta(minutes=1))
    ledger.enqueue(EXAMINE, "running", Lane.NEW)
    take(ledger)
    clock.pass_(days=-365)
    assert {task.target for task in take(ledger)} == {"waiting", "running"}


def test_long_wait_on_purpose_is_kept(ledger: SqlLedger, clock: StillClock) -> None:
    ledger.enqueue(EXAMINE, "a", Lane.REVISIT, not_before=NOW + timedelta(days=30))
    clock.pass_(days=29)
    assert take(ledger) == ()
