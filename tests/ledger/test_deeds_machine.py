"""Any sequence of attempts, ends, decisions and changes of the actor: nobody acts without the right to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot.domain.decisions import Attempt, Done, Failed, IntentState, Outcome
from bot.domain.errors import LeaseLostError, SupersededError
from bot.ledger import open_ledger
from ledger.backends import BACKENDS
from ledger.docket import deeds, one
from making import StillClock

if TYPE_CHECKING:
    from bot.ports import Lease

ENDS: list[tuple[Outcome, IntentState]] = [
    (Done(), IntentState.DONE),
    (Done(), IntentState.UNDONE),
    (Failed(note="busy"), IntentState.READY),
]


class Deeds(RuleBasedStateMachine):
    backend = "sqlite-memory"

    def __init__(self) -> None:
        super().__init__()
        self.clock = StillClock()
        self.place = BACKENDS[self.backend].url(Path())
        self.ledger = open_ledger(self.place.__enter__(), clock=self.clock)
        self.intent = one(self.ledger).id
        self.state = IntentState.READY
        self.turn = 0
        self.tries = 0
        self.leases: list[Lease] = []
        self.acting: Lease | None = None
        self.begun: list[tuple[Attempt, int]] = []  # with the turn in which it was begun
        self.outcomes: dict[int, Outcome] = {}

    def teardown(self) -> None:
        self.ledger.close()
        self.place.__exit__(None, None, None)

    @rule(holder=st.sampled_from("xy"), later=st.sampled_from([0, 10, 60]))
    def acquire(self, holder: str, later: int) -> None:
        self.clock.pass_(seconds=later)
        lease = self.ledger.acquire(holder, seconds=30)
        held = self.acting is not None and self.acting.expires > self.clock.now()
        if held and self.acting is not None and self.acting.holder != holder:
            assert lease is None
            return
        assert lease is not None
        if self.acting is not None and self.acting.holder != holder:
            assert lease.fence > self.acting.fence
        self.acting = lease
        self.leases.append(lease)

    @precondition(lambda self: self.leases)
    @rule(which=st.integers(0, 9), reverting=st.booleans())
    def begin(self, which: int, reverting: bool) -> None:
        lease = self.leases[-1 - which % len(self.leases)]
        wanted = IntentState.UNDOING if reverting else IntentState.READY
        try:
            attempt = self.ledger.begin(self.intent, reverting=reverting, before={}, fence=lease.fence)
        except LeaseLostError:
            assert self.acting is not None
            assert lease.fence != self.acting.fence
        except SupersededError:
            assert self.state is not wanted
        else:
            assert self.acting is not None
            assert lease.fence == self.acting.fence
            assert self.state is wanted
            self.begun.append((attempt, self.turn))
            self.tries += 1

    @precondition(lambda self: self.begun)
    @rule(which=st.integers(0, 9), end=st.sampled_from(ENDS))
    def end(self, which: int, end: tuple[Outcome, IntentState]) -> None:
        """By whoever began it, however late: a call that went out has an outcome worth knowing."""
        attempt, turn = self.begun[-1 - which % len(self.begun)]
        outcome, state = end
        self.ledger.end(attempt, outcome, state=state)
        if attempt.id not in self.outcomes:
            self.outcomes[attempt.id] = outcome
            if turn == self.turn and attempt.id == self.begun[-1][0].id:
                self.state = state

    @rule(state=st.sampled_from([IntentState.READY, IntentState.UNDOING, IntentState.DISMISSED, IntentState.HELD]))
    def decide(self, state: IntentState) -> None:
        self.ledger.set_state(self.intent, state, by="mod")
        self.state = state
        self.turn += 1
        if state in {IntentState.READY, IntentState.UNDOING}:
            self.tries = 0
            assert self.ledger.backlog_size().keys() & {"waiting/enforce", "running/enforce"}

    @rule()
    def work(self) -> None:
        for task in deeds(self.ledger):
            self.ledger.finish(task)

    @invariant()
    def the_ledger_says_the_same(self) -> None:
        record = self.ledger.intent(self.intent)
        assert record is not None
        assert (record.state, record.attempts) == (self.state, self.tries)
        found = {attempt.id: attempt.outcome for attempt in self.ledger.attempts(self.intent)}
        assert found == {attempt.id: self.outcomes.get(attempt.id) for attempt, _ in self.begun}


class DeedsOnPostgresql(Deeds):
    backend = "postgresql"


Deeds.TestCase.settings = settings(max_examples=15, stateful_step_count=30)
DeedsOnPostgresql.TestCase.settings = settings(max_examples=8, stateful_step_count=30)
TestDeeds = Deeds.TestCase
TestDeedsOnPostgresql = DeedsOnPostgresql.TestCase
