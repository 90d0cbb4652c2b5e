"""Everything together: the town, its books, one ledger, the processes that come and go, and what interrupts them."""

from __future__ import annotations

import itertools
from collections import deque
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING
from unittest import mock

from bot.domain.decisions import Allow, Hold, HoldReason, IntentState, Verdict
from bot.enforce import Enforcement
from bot.policy import Guard, Limits
from bot.ports import Batch
from making import NOW, StillClock, evidence, sighting, upload

from . import ending
from .books import SOMEBODY, TIME, US, Books, Change, key_of
from .moments import CrashError, Moments
from .process import BrokenError, Process, broken
from .tally import TALLY
from .town import FILES, SHOWN, Town, on_our_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from adapters.http import Answer
    from bot.domain.decisions import Because, Decision, Intent
    from bot.ledger import SqlLedger

    from .books import Deed

QUIET = 80
"""Looks at the task table in which a quiet world has to come to rest: ten minutes lie between two."""


class World:
    """``ledgers``: one or more connections to the same, empty ledger."""

    def __init__(
        self, ledgers: Sequence[SqlLedger], clock: StillClock, enforcement: type[Enforcement] = Enforcement
    ) -> None:
        self._ledgers = itertools.cycle(ledgers)
        self.ledger = ledgers[0]  # the humans' one
        self.clock = clock
        self.clock.time = NOW
        self.enforcement = enforcement
        self._stack = ExitStack()
        self._stack.enter_context(on_our_clock(clock))
        self.crowded = False  # whether more deeds queue up than the bot does in order
        self.town = Town(clock)
        self.books = Books(self.town)
        self.guard = Guard(limits=Limits(evidence="none"))
        self.faults: deque[str] = deque()
        self.deaf = 0  # reads that fail from now on
        self.dark_until = clock.now()  # all reads fail until then
        self.allowed: set[int] = set()  # intents that may be carried out
        self.approved_at: dict[int, int] = {}  # intent to the length of the books when a human approved it
        self.begun_at: dict[int, int] = {}  # intent to the length of the books when its last attempt began
        self.under_way: list[tuple[float, Callable[[], Answer]]] = []  # requests nobody waits for any more
        self.purging: dict[str, Deed] = {}
        self.moments = Moments(self)
        self._runs = itertools.count(1)
        self.process: Process | None = None
        self._know_the_files()

    def make_crowded(self) -> None:
        """From now on two deeds are a crowd."""
        self.crowded = True
        self._stack.enter_context(mock.patch("bot.enforce.rounds.CROWD", 2))

    def close(self) -> None:
        """The clock is real again."""
        self._stack.close()

    def _know_the_files(self) -> None:
        """Everything that is shown was seen, scanned and belongs to a case."""
        self.cases: list[int] = []
        self.file_ids: list[int] = []
        for number in range(FILES):
            name = self.town.alias(number)
            batch = Batch(
                sightings=[sighting(self.town.subject(key), name) for key in SHOWN[number]],
                uploads=[upload(name, self.town.account("alice"))],
            )
            self.ledger.record("", batch, examine_uploads=False)
            file_id = self.ledger.bind(name, f"{number + 1:064x}")
            self.ledger.save_scan(file_id, evidence())
            self.file_ids.append(file_id)
            self.cases.append(self.ledger.open_case(file_id).number)

    # -------------------------------------------------------------------------------------------------- the bot decides

    def judge(
        self, number: int, rule_id: str, because: Because, intents: Sequence[Intent], held: Sequence[Intent]
    ) -> None:
        """A verdict on a file; what was undone waits for a human, as ``Judge`` has it."""
        case = self.cases[number]
        record = self.ledger.case(case)
        assert record is not None
        waits = Hold(reasons=(HoldReason.NEEDS_APPROVAL,))
        decisions: list[tuple[Intent, Decision]] = [
            (intent, waits if intent in held or record.state == "undone" else Allow()) for intent in intents
        ]
        verdict = Verdict(rule_id=rule_id, rule_digest=f"{rule_id} 1", because=because, intents=intents)
        for new in self.ledger.add_verdict(case, self.file_ids[number], verdict, decisions):
            TALLY.count("deeds", "planned")
            if new.state is IntentState.READY:
                self.allowed.add(new.id)

    # ---------------------------------------------------------------------------------------------------- the bot works

    def work(self) -> None:
        """The daemon has its turn, and may die of it."""
        with told(), suppress(CrashError):
            (self.process or self.start()).work()
        self.note_holds()

    def start(self) -> Process:
        """Another process; it is the one that counts from now on."""
        self.process = None
        self.process = Process(self, next(self._ledgers), f"run {next(self._runs)}")
        return self.process

    def unfinished(self, key: str) -> bool:
        """Whether an attempt at this has no end yet."""
        return any(
            attempt.outcome is None
            for record in self.ledger.intents()
            if key_of(record.intent) == key
            for attempt in self.ledger.attempts(record.id)
        )

    def note_holds(self) -> None:
        """What is held may not be carried out any more."""
        held = self.ledger.intents(states=(IntentState.HELD,))
        self.allowed -= {record.id for record in held}

    def send_later(self, seconds: float, act: Callable[[], Answer]) -> None:
        """A request that nobody waits for any more arrives after so many seconds."""
        self.under_way.append((self.clock.time.timestamp() + seconds, act))

    def arrive(self, *, at_once: bool = False) -> None:
        """What is due by now happens: requests arrive (or all of them do), files go, bans end."""
        self._watch(self.books.note(TIME))
        now = self.clock.time.timestamp()
        due = [act for at, act in self.under_way if at <= now or at_once]
        self.under_way = [(at, act) for at, act in self.under_way if at > now and not at_once]
        for act in due:
            TALLY.count("faults", "a request arrived late")
            act()
        for job in self.town.state.due():
            job()
        self._watch(self.books.note(TIME))

    def noted(self, deed: Deed | None, path: str, answer: Answer) -> None:
        """The bot has called: what did that change?"""
        if answer.status >= 400:
            TALLY.count("faults", "calls that the server refused")
            return
        if deed is not None and deed.key.startswith("file/"):
            self.purging.setdefault(deed.key, deed)
        changes = self.books.note(US, deed)
        self._watch(changes)
        if deed is None or deed.key.startswith("file/"):
            return
        if not any(change.key == deed.key for change in changes):
            broken(f"{path} was called for intent {deed.intent}, and it had been so already")

    def _watch(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.who == TIME:
                deed = self.purging.pop(change.key, None)
                if deed is not None:
                    self.books.history[change.number] = Change(
                        change.number, change.key, change.before, change.after, US, deed
                    )
            elif change.to_the_point and change.deed is not None:
                self._watch_deed(change, change.deed)

    def _watch_deed(self, change: Change, deed: Deed) -> None:
        if deed.undoing:
            TALLY.count("undo", "changed the server")
            earlier = [one for one in self.books.of(change.key) if one.number < change.number]
            if not earlier or earlier[-1].who == SOMEBODY:
                broken(f"undo of intent {deed.intent} changed {change.key} from {change.before} after a human had")
            return
        TALLY.count("deeds", "changed the server")
        since = self.approved_at.get(deed.intent, 0)  # a human may want again what somebody has put back
        if sum(one.number >= since for one in self.books.forwards(deed.intent)) > 1:
            broken(f"intent {deed.intent} was carried out twice on {change.key}")

    def pass_time(self, seconds: float) -> None:
        """Nothing but time."""
        self.clock.pass_(seconds=seconds)
        with told():
            self.arrive()

    def by_hand(self, act: Callable[[], object]) -> None:
        """Somebody who is no bot does something on the server.

        Not in the very seconds in which a lost request is on its way: a log of what came last cannot tell about that.
        """
        with told():
            self.arrive(at_once=True)
        act()
        if self.books.note(SOMEBODY):
            TALLY.count("humans", "changed the server")

    # ---------------------------------------------------------------------------------------------------------- the end

    def come_to_rest(self) -> None:
        """Faults are over and acting is not stopped: everything that is left is worked off."""
        self.faults.clear()
        self.deaf = 0
        self.dark_until = self.clock.now()
        self.moments.clear()
        self.ledger.start_acting(by="operator")
        for _ in range(QUIET):
            self.work()
            if not any(key.endswith("/enforce") for key in self.ledger.backlog_size()):
                break
            self.pass_time(600)
        else:
            raise AssertionError(f"it never comes to rest: {self.ledger.troubles()}")
        self.pass_time(600)
        ending.check(self)


@contextmanager
def told() -> Iterator[None]:
    """Outside the bot, a broken promise is a failed test like any other."""
    try:
        yield
    except BrokenError as error:
        raise AssertionError(str(error)) from None
