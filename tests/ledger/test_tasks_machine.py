"""Any sequence of wishes, workers and accidents: no task is lost, and none is run by two at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot.ledger import open_ledger
from bot.ports import Lane, Task, TaskKind
from ledger.backends import BACKENDS
from making import StillClock

NAMES = st.sampled_from("abc")
SECONDS = st.integers(0, 90)


class Tasks(RuleBasedStateMachine):
    backend = "sqlite-memory"

    def __init__(self) -> None:
        super().__init__()
        self.clock = StillClock()
        self.place = BACKENDS[self.backend].url(Path())
        self.ledger = open_ledger(self.place.__enter__(), clock=self.clock)
        self.owed: set[str] = set()  # wished for, and not done since
        self.parked: set[str] = set()
        self.running: dict[str, tuple[Task, datetime]] = {}
        self.again: dict[str, datetime] = {}  # wished for while it ran, and from when on
        self.void: list[Task] = []  # leases of the past

    def teardown(self) -> None:
        """Whatever happened: every wish is granted in the end."""
        for _ in range(2):  # the second time for what is to be done once more
            self.clock.pass_(days=1)
            for task in self.take(10, 3600):
                self.end(task, parks=False)
        assert self.owed == set()
        self.ledger.close()
        self.place.__exit__(None, None, None)

    @rule(name=NAMES, lane=st.sampled_from(Lane), delay=SECONDS)
    def wish(self, name: str, lane: Lane, delay: int) -> None:
        when = self.clock.now() + timedelta(seconds=delay)
        self.ledger.enqueue(TaskKind.EXAMINE, name, lane, not_before=when)
        self.owed.add(name)
        self.parked.discard(name)
        if name in self.running:
            self.again[name] = min(when, self.again.get(name, when))

    @rule(limit=st.integers(1, 3), seconds=st.integers(1, 60))
    def work(self, limit: int, seconds: int) -> None:
        self.take(limit, seconds)

    def take(self, limit: int, seconds: int) -> list[Task]:
        now = self.clock.now()
        tasks = list(self.ledger.take([TaskKind.EXAMINE], limit=limit, lease_seconds=seconds))
        for task in tasks:
            assert task.target in self.owed
            if task.target in self.running:
                before, until = self.running[task.target]
                assert until <= now, "two at once"
                self.void.append(before)
            self.running[task.target] = (task, now + timedelta(seconds=seconds))
            if self.again.get(task.target, now + timedelta(1)) <= now:
                del self.again[task.target]
        return tasks

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0, 9), parks=st.booleans())
    def stop(self, which: int, parks: bool) -> None:
        self.end(self.one(which), parks=parks)

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0, 9), delay=SECONDS, count=st.booleans())
    def postpone(self, which: int, delay: int, count: bool) -> None:
        task = self.one(which)
        self.ledger.postpone(task, until=self.clock.now() + timedelta(seconds=delay), reason="busy", count=count)
        self.gone(task)
        self.again.pop(task.target, None)

    @rule()
    def reclaim(self) -> None:
        assert self.ledger.reclaim([TaskKind.EXAMINE]) == len(self.running)
        for task, _ in list(self.running.values()):
            self.gone(task)
        self.again.clear()

    @precondition(lambda self: self.void)
    @rule(which=st.integers(0, 99), parks=st.booleans())
    def wake_up_late(self, which: int, parks: bool) -> None:
        """A worker that lost its lease ends its task all the same; the invariant sees whether that did anything."""
        task = self.void[which % len(self.void)]
        self.ledger.park(task, "late") if parks else self.ledger.finish(task)
        self.ledger.postpone(task, until=self.clock.now(), reason="late")

    @rule(seconds=SECONDS)
    def pass_time(self, seconds: int) -> None:
        self.clock.pass_(seconds=seconds)

    @invariant()
    def the_table_holds_what_is_owed(self) -> None:
        sizes = {
            "waiting/examine": len(self.owed - self.running.keys()),
            "running/examine": len(self.running),
            "parked/examine": len(self.parked),
        }
        assert self.ledger.backlog_size() == {state: size for state, size in sizes.items() if size}

    def one(self, which: int) -> Task:
        return list(self.running.values())[which % len(self.running)][0]

    def gone(self, task: Task) -> None:
        del self.running[task.target]
        self.void.append(task)

    def end(self, task: Task, *, parks: bool) -> None:
        self.ledger.park(task, "gone") if parks else self.ledger.finish(task)
        self.gone(task)
        if self.again.pop(task.target, None) is None:
            self.owed.discard(task.target)
            if parks:
                self.parked.add(task.target)


class TasksOnPostgresql(Tasks):
    backend = "postgresql"


Tasks.TestCase.settings = settings(max_examples=15, stateful_step_count=30)
TasksOnPostgresql.TestCase.settings = settings(max_examples=8, stateful_step_count=30)
TestTasks = Tasks.TestCase
TestTasksOnPostgresql = TasksOnPostgresql.TestCase
