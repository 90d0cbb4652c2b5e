"""A file that got new names is judged before it goes, under whichever of its names."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

import making
from bot.domain.decisions import HoldReason, IntentState, PurgeFile
from bot.domain.errors import UnreachableError
from bot.enforce import Enforcement
from bot.pipeline import Pipeline, Strangers
from bot.pipeline.aftermath import APPROVED, ASKED_AGAIN
from bot.ports import Lane, TaskKind
from enforce.platform import Platform

from .test_examine import BAD, World

NAMES = ("a.png", "b.png")
NEW = "c.png"


class Store(World):
    """A listed file under two names of one account, whose purge is ready; the store knows a third."""

    def __init__(self) -> None:
        super().__init__()
        self.platform = Platform()
        self.told = [*NAMES]
        real = self.platform.verify
        self.platform.verify = lambda intent: replace(real(intent), state={"names": self.told})
        for name in (*NAMES, NEW):
            self.uploads[making.alias(name)] = making.upload(making.alias(name))
            self.files[making.address(making.alias(name))] = BAD
        self.restart()
        for number, name in enumerate(NAMES, 1):
            self.examine(self.see(BAD, name=name, post=number))
        for task in self.ledger.take([TaskKind.JUDGE], limit=10, lease_seconds=60):
            self.ledger.finish(task)
        self.told.append(NEW)

    def restart(self) -> None:
        """As a new process begins: what was kept in mind is lost."""
        stages = self.pipeline._s
        self.strangers = Strangers(self.ledger, stages.index, self.clock)
        acting = Enforcement(
            self.ledger,
            {making.HERE: self.platform},
            self.clock,
            confirmed=lambda _: None,
            strangers=self.strangers,
            unjudged=self.strangers.unjudged,
        )
        self.pipeline = Pipeline(replace(stages, enforcement=acting, judged=self.strangers.judged))

    def names(self, name):
        if self.trouble is not None:
            raise self.trouble
        return [making.alias(one) for one in self.told if making.alias(one) != name]

    def act(self) -> list[str]:
        """A round over the case; the files that were purged so far."""
        lease = self.ledger.acquire("tester", seconds=10**6)
        self.pipeline._s.enforcement.work(1, lease.fence)
        return [one.intent.name.value for one in self.purges(IntentState.DONE)]

    def purges(self, *states: IntentState) -> list:
        return list(self.ledger.intents(case=1, kind=PurgeFile.kind, states=states))

    def judge(self) -> None:
        for task in self.ledger.take([TaskKind.JUDGE], limit=10, lease_seconds=60):
            asyncio.run(self.pipeline.run(task, None))


@pytest.fixture
def store():
    made = Store()
    assert len(made.purges(IntentState.READY)) == len(NAMES)
    yield made
    made.ledger.close()


def test_no_name_of_it_goes_before_it_was_judged(store: Store) -> None:
    assert store.act() == []
    store.clock.pass_(seconds=60)
    assert store.act() == [], "time alone changes nothing"
    store.judge()
    assert set(store.act()) == {*NAMES, NEW}


def test_what_could_not_be_asked_keeps_it(store: Store) -> None:
    store.trouble = UnreachableError("down", sent=False)
    assert store.act() == []
    for _ in range(3):
        store.clock.pass_(seconds=ASKED_AGAIN.total_seconds())
        store.judge()
        assert store.act() == []


def test_a_crash_in_the_middle_forgets_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    real = store.pipeline._s.index.asking.complete

    def crash(file_id: int) -> None:
        real(file_id)
        raise KeyboardInterrupt

    monkeypatch.setattr(store.pipeline._s.index.asking, "complete", crash)
    with pytest.raises(KeyboardInterrupt):
        store.act()
    monkeypatch.undo()
    store.restart()
    assert store.act() == []
    store.judge()
    assert set(store.act()) == {*NAMES, NEW}


def test_where_it_is_asked_for_again_and_again_one_judging_is_enough(store: Store) -> None:
    file_id = store.ledger.name(str(making.alias())).file_id
    assert store.act() == []
    store.clock.pass_(seconds=1)
    store.judge()
    store.ledger.enqueue(TaskKind.JUDGE, str(file_id), Lane.DEEDS)
    assert set(store.act()) == {*NAMES, NEW}


def test_what_a_human_approved_waits_no_longer_than_that(store: Store) -> None:
    for record in store.purges():
        store.ledger.set_state(record.id, IntentState.HELD, reasons=[HoldReason.NEEDS_APPROVAL], seen=record)
    for record in store.purges():
        store.ledger.set_state(record.id, IntentState.READY, by="admin", approve=True, seen=record)
    store.trouble = UnreachableError("down", sent=False)
    assert store.act() == []
    store.clock.pass_(seconds=APPROVED.total_seconds() - 1)
    assert store.act() == []
    store.clock.pass_(seconds=1)
    assert set(store.act()) >= set(NAMES)
