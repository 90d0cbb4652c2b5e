"""Any sequence of verdicts, deeds, faults, crashes, human acts and decisions."""

from __future__ import annotations

import functools
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from hypothesis import currently_in_test_context, note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from bot.domain.decisions import BanAccount, IntentState, PurgeFile, Remove, Report, Scope, SetSwitch, Switch
from bot.enforce import Enforcement
from bot.operate import decide, raid, undo
from bot.ports import Trip
from making import BY_SCORE, EXACT, HERE

from . import ending
from .ledgers import empty
from .line import FAULTS
from .moments import INTERRUPTIONS, MOMENTS
from .people import by_hand, possible
from .process import BLOCK_LIST
from .tally import TALLY
from .town import FILES, PEOPLE, SHOWN
from .world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.domain.decisions import Intent
    from bot.ledger import SqlLedger
    from bot.operate.decide import Result
    from bot.ports import IntentRecord
    from making import StillClock

RULES = ("known", "nsfw")
SPANS = (1.0, 5.0, 20.0, 90.0, 1800.0, 3 * 3600.0, 4 * 86400.0)  # seconds
KINDS = ("report", "remove", "purge_file", "ban_account", "ban_from_community", "set_switch")
DECISIONS = (
    *("approve", "undo", "stop", "release", "dismiss", "undo since", "approve", "undo", "stop", "release", "undo"),
    *("dismiss intents", "start", "open breaker", "close breaker", "dismiss", "raid undo"),
)


def act(**draws: Any) -> Callable[[Callable[..., None]], Any]:
    """A rule that is counted."""

    def made(deed: Callable[..., None]) -> Any:
        @functools.wraps(deed)
        def counted(self: Bot, **drawn: Any) -> None:
            TALLY.count("rules", deed.__name__.replace("_", " "))
            deed(self, **drawn)

        return rule(**draws)(counted)

    return made


def one_of(name: str) -> st.SearchStrategy[Any]:
    """Anything of what a machine looks at."""
    return st.runner().flatmap(lambda bot: st.sampled_from(getattr(bot, name)))


def some_kinds(*, least: int = 0, most: int = len(KINDS)) -> st.SearchStrategy[set[str]]:
    """Of deeds."""
    return st.runner().flatmap(
        lambda bot: st.sets(st.sampled_from(bot.kinds), min_size=min(least, len(bot.kinds)), max_size=most)
    )


class Bot(RuleBasedStateMachine):
    """Subclasses say on which ledger, and with which enforcement; and may look more closely at less."""

    ledgers: ClassVar[Sequence[SqlLedger]]
    clock: ClassVar[StillClock]
    enforcement: ClassVar[type[Enforcement]] = Enforcement

    kinds: ClassVar[Sequence[str]] = KINDS
    faults: ClassVar[Sequence[str]] = FAULTS
    moments: ClassVar[Sequence[str]] = MOMENTS
    interruptions: ClassVar[Sequence[str]] = INTERRUPTIONS
    decisions: ClassVar[Sequence[str]] = DECISIONS
    spans: ClassVar[Sequence[float]] = SPANS
    acts: ClassVar[str] = ""  # how the only acts of humans begin

    def __init__(self) -> None:
        super().__init__()
        empty(self.ledgers[0])
        self.world = World(self.ledgers, self.clock, self.enforcement)

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self.world.come_to_rest()
                self._take_everything_back()
                self.world.come_to_rest()
                ending.check_all_taken_back(self.world)
        finally:
            self.world.close()

    def _take_everything_back(self) -> None:
        for number in dict.fromkeys(self.world.cases):
            undo.undo_case(self.world.ledger, number, by="mod", list_id=BLOCK_LIST)

    # --------------------------------------------------------------------------------------------------------- verdicts

    @initialize(
        number=st.integers(0, FILES - 1),
        kinds=some_kinds(least=2),
        held=some_kinds(most=1),
        crowded=st.sampled_from((False, False, False, True)),
    )
    def first_verdict(self, number: int, kinds: set[str], held: set[str], crowded: bool) -> None:
        if crowded:
            self.world.make_crowded()
        TALLY.count("rules", "first verdict")
        self._judge(number, kinds, held, days=None, exact=True, rule_id="known")

    @act(
        number=st.integers(0, FILES - 1),
        kinds=some_kinds(least=1),
        held=some_kinds(most=2),
        days=st.sampled_from([None, None, 3]),
        exact=st.booleans(),
        rule_id=st.sampled_from(RULES),
    )
    def verdict(
        self, number: int, kinds: set[str], held: set[str], days: int | None, exact: bool, rule_id: str
    ) -> None:
        self._judge(number, kinds, held, days=days, exact=exact, rule_id=rule_id)

    def _judge(
        self, number: int, kinds: set[str], held: set[str], *, days: int | None, exact: bool, rule_id: str
    ) -> None:
        wanted = {kind: self._wanted(kind, number, days) for kind in KINDS if kind in kinds}
        intents = [intent for wishes in wanted.values() for intent in wishes]
        waits = [intent for kind, wishes in wanted.items() if kind in held for intent in wishes]
        self.world.judge(number, rule_id, EXACT if exact else BY_SCORE, intents, waits)

    def _wanted(self, kind: str, number: int, days: int | None) -> list[Intent]:
        town = self.world.town
        subjects = [town.subject(key) for key in SHOWN[number] if self.world.books.now[key] != "erased"]
        match kind:
            case "report":
                return [Report(instance=HERE, subject=subject, text="please look") for subject in subjects]
            case "remove":
                return [Remove(instance=HERE, subject=subject, text="against the rules") for subject in subjects]
            case "purge_file":
                return [PurgeFile(instance=HERE, name=town.alias(number), url=town.address(number))]
            case "set_switch":
                return [SetSwitch(instance=HERE, switch=Switch.REGISTRATION, value="closed")]
            case "ban_account":
                return [BanAccount(instance=HERE, account=town.account("alice"), days=days)]
            case _:
                return [
                    BanAccount(
                        instance=HERE,
                        account=town.account(PEOPLE[number % 2]),
                        scope=Scope.COMMUNITY,
                        community_id=str(town.community_id),
                        days=days,
                    )
                ]

    # ---------------------------------------------------------------------------------------------------------- the bot

    @act()
    def work(self) -> None:
        self.world.work()

    @act(
        where=one_of("moments"),
        times=st.integers(0, 3),
        what=one_of("interruptions"),
        which=st.integers(0, 99),
        number=st.integers(0, FILES - 1),
    )
    def work_interrupted(self, where: str, times: int, what: str, which: int, number: int) -> None:
        self.world.moments.plan(where, times, what, lambda: self._interfere(what, which, number))
        self.world.work()

    @act(
        where=one_of("moments"),
        what=st.sampled_from(("die", "die", "overtaken")),
        fault=one_of("faults"),
        contrary=st.booleans(),
        seconds=one_of("spans"),
    )
    def work_goes_wrong(self, where: str, what: str, fault: str, contrary: bool, seconds: float) -> None:
        """Much at once: a fault, a crash, somebody who takes back what was done, and another try."""
        self.world.faults.append(fault)
        self.world.moments.plan(where, 0, what, lambda: None)
        self.world.work()
        if contrary:
            self._act(0)
        self.world.pass_time(seconds)
        self.world.work()

    @act(
        faults=st.lists(one_of("faults"), min_size=1, max_size=3),
        reads=st.sampled_from((0, 0, 0, 1, 4)),
        dark=st.sampled_from((0, 0, 0, 0, 60, 3 * 3600)),
    )
    def trouble(self, faults: list[str], reads: int, dark: int) -> None:
        self.world.faults.extend(faults)
        self.world.deaf = reads
        self.world.dark_until = self.world.clock.now() + timedelta(seconds=dark)

    @act(seconds=one_of("spans"))
    def time_passes(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    # ----------------------------------------------------------------------------------------------------------- people

    @act(which=st.integers(0, 99))
    def human_acts(self, which: int) -> None:
        self._act(which)

    @act(which=st.integers(0, 99), number=st.integers(0, FILES - 1))
    def human_decides(self, which: int, number: int) -> None:
        self._decide(self.decisions[which % len(self.decisions)], number)

    def _interfere(self, what: str, which: int, number: int) -> None:
        if what == "a human acts":
            self._act(which)
        elif what == "a human decides":
            self._decide(self.decisions[which % len(self.decisions)], number)

    def _trip(self, rule_id: str) -> None:
        world = self.world
        approved = {r.id for r in world.ledger.intents(states=(IntentState.READY,)) if r.approved_by is not None}
        world.ledger.trip(Trip(rule_id=rule_id, at=world.clock.now(), flagged=50, scanned=100))
        held = {record.id for record in world.ledger.intents(states=(IntentState.HELD,))}
        assert not approved & held, "the breaker overruled a human"

    def _act(self, which: int) -> None:
        acts = possible(self.world)
        acts = [act for act in acts if act.startswith(self.acts)] or acts
        what, _, target = acts[which % len(acts)].rpartition(" ")
        if currently_in_test_context():
            note(f"a human: {what} {target}")
        self.world.by_hand(lambda: by_hand(self.world.town, what, target))

    def _decide(self, decision: str, number: int) -> None:
        world, ledger = self.world, self.world.ledger
        case = world.cases[number]
        TALLY.count("decided", decision)
        match decision:
            case "approve":
                self._approve(ledger.intents(case=case, states=(IntentState.HELD,)))
            case "dismiss intents":
                decide.dismiss_intents(ledger, ledger.intents(case=case, states=(IntentState.HELD,))[:1], by="mod")
            case "dismiss":
                self._taken_back(undo.dismiss_case(ledger, case, by="mod", list_id=BLOCK_LIST), case)
            case "undo":
                self._taken_back(undo.undo_case(ledger, case, by="mod", list_id=BLOCK_LIST), case)
            case "undo since":
                span = undo.Span(since=world.clock.now() - timedelta(hours=1))
                self._taken_back(undo.undo_span(ledger, span, by="mod", list_id=BLOCK_LIST))
            case "raid undo":
                self._taken_back(raid.take_back(ledger, raid.switches(ledger), by="mod"))
            case "stop":
                ledger.stop_acting(by="operator", why="a test")
            case "open breaker":
                self._trip(RULES[number % 2])
            case "close breaker":
                ledger.close_breaker(RULES[number % 2], by="operator")
            case _:
                ledger.start_acting(by="operator")
                if decision == "release":
                    self._approve(ledger.intents(states=(IntentState.HELD,)))
        world.note_holds()

    def _taken_back(self, results: Sequence[Result], case: int | None = None) -> None:
        """Nothing of it may be begun from now on, unless a human says so."""
        self.world.allowed -= {result.record.id for result in results}
        if case is not None:
            self.world.allowed -= {record.id for record in self.world.ledger.intents(case=case)}

    def _approve(self, records: Sequence[IntentRecord]) -> None:
        results = decide.approve(self.world.ledger, self.world.guard, records, by="mod")
        released = {result.record.id for result in results if result.ok}
        self.world.allowed |= released
        self.world.approved_at |= dict.fromkeys(released, len(self.world.books.history))
