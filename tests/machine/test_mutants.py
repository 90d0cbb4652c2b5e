"""The machine can fail: bots with one thing wrong with them, each of which it has to catch."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

from bot.domain.decisions import Done, Failed, HoldReason, IntentState
from bot.enforce import Enforcement
from bot.enforce.rounds import Progress

from .running import on, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bot.domain.decisions import Attempt, Intent, Outcome, Verification
    from bot.ports import Enforcer, IntentRecord

    from .machine import Bot

EXAMPLES = 100
"""At most: each of them is caught by the first few."""


class ActsFirst(Enforcement):
    """Calls the server before it has written that it will."""

    def _do(self, record: IntentRecord, enforcer: Enforcer, fence: int) -> Progress:
        enforcer.apply(record.intent)
        return super()._do(record, enforcer, fence)


class AsksNobody(Enforcement):
    """Tries again what was interrupted, as if it had not been begun."""

    def _recover(self, record: IntentRecord, enforcer: Enforcer, attempt: Attempt) -> Progress:
        self._docket.end(attempt, Failed(note="interrupted"), state=IntentState.READY)
        return Progress(again_at=self._clock.now())


class TrustsItself(Enforcement):
    """Takes what was interrupted for done."""

    def _recover(self, record: IntentRecord, enforcer: Enforcer, attempt: Attempt) -> Progress:
        self._docket.end(attempt, Done(), state=IntentState.DONE)
        return Progress()


class ForgetsFailures(Enforcement):
    """Takes every answer for a yes."""

    def _finish(self, record: IntentRecord, enforcer: Enforcer, attempt: Attempt, outcome: Outcome) -> Progress:
        return super()._finish(record, enforcer, attempt, Done() if isinstance(outcome, Failed) else outcome)


class UndoesOnPaper(Enforcement):
    """Writes that it was undone."""

    def _undo(self, record: IntentRecord, enforcer: Enforcer, fence: int) -> Progress:
        attempt = self._docket.begin(record.id, reverting=True, before={}, fence=fence)
        self._docket.end(attempt, Done(), state=IntentState.UNDONE)
        return Progress()


class _OursAlone:
    """A server on which everything was done by the bot."""

    def __init__(self, real: Enforcer) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def verify(self, intent: Intent) -> Verification:
        return replace(self._real.verify(intent), by_us=True)


class _WithoutEnds(_OursAlone):
    """An adapter that forgets how long a ban was to last."""

    def verify(self, intent: Intent) -> Verification:
        return self._real.verify(intent)

    def revert(self, intent: Intent, before: Mapping[str, Any]) -> Outcome:
        forgotten = {key: value for key, value in before.items() if key != "ban_expires"}
        return self._real.revert(intent, {**forgotten, "ban_expires": None} if "banned" in before else before)


class ForgetsAField(Enforcement):
    """Puts back less than it found."""

    def _undo(self, record: IntentRecord, enforcer: Enforcer, fence: int) -> Progress:
        return super()._undo(record, _WithoutEnds(enforcer), fence)  # type: ignore[arg-type]


class OverrulesHumans(Enforcement):
    """Takes back what others have done since."""

    def _undo(self, record: IntentRecord, enforcer: Enforcer, fence: int) -> Progress:
        return super()._undo(record, _OursAlone(enforcer), fence)  # type: ignore[arg-type]


def _first_of_all(record: IntentRecord, others: list[IntentRecord], docket: Any) -> Any:
    tries = [attempt for one in [record, *others] for attempt in docket.attempts(one.id) if not attempt.reverting]
    return min(tries, key=lambda attempt: attempt.id).before if tries else None


def _whatever(*_: object, **__: object) -> None:
    return None


@contextmanager
def _blind_to_fences() -> Iterator[None]:
    """Whoever was overtaken goes on."""
    with mock.patch("bot.ledger.deeds.newest_fence") as newest:
        newest.return_value.__ne__ = lambda *_: False
        yield


def patched(where: str, with_: Any) -> Callable[[], AbstractContextManager[Any]]:
    return lambda: mock.patch(where, with_)


DIES = {"interruptions": ("die",), "moments": ("after begin", "before a call", "after a call")}
TWO = {"kinds": ("remove", "ban_account")}
CALM = {"moments": ("before add_entries",), "spans": (5.0,)}
UNDONE = {"decisions": ("undo since",), "acts": "ban-for-days alice"}


def _wants(bot: Bot, number: int, kind: str, *, held: bool = False) -> None:
    bot.verdict(number=number, kinds={kind}, held={kind} if held else set(), days=None, exact=True, rule_id="known")


def _a_ban_arrives_late(bot: Bot) -> None:
    _wants(bot, 0, "ban_account")
    bot.trouble(faults=["late"], reads=0, dark=0)
    bot.work()
    for seconds in (5.0, 1.0):
        bot.time_passes(seconds=seconds)
        bot.work()


def _another_case_bans_meanwhile(bot: Bot) -> None:
    _wants(bot, 0, "ban_account")
    bot.trouble(faults=["late"], reads=0, dark=0)
    bot.work()
    _wants(bot, 1, "ban_account")
    bot.work()


def _a_human_bans_between_two_bans_of_ours(bot: Bot) -> None:
    _wants(bot, 0, "ban_account")
    bot.work()
    bot.human_decides(number=0, which=0)
    bot.work()
    bot.human_acts(which=0)
    _wants(bot, 1, "ban_account")
    bot.work()


def _a_human_bans_for_days_before_we_ban_for_good(bot: Bot) -> None:
    bot.human_acts(which=0)
    _wants(bot, 0, "ban_account")
    bot.work()
    bot.human_decides(number=0, which=0)
    bot.work()


def _interrupted(bot: Bot, where: str) -> None:
    bot.work_interrupted(where=where, times=0, what="a human decides", which=0, number=0)


def _approved_while_the_round_ends(bot: Bot) -> None:
    _wants(bot, 0, "report")
    _wants(bot, 0, "ban_account", held=True)
    _interrupted(bot, "before finish")


def _dismissed_while_the_purge_is_under_way(bot: Bot) -> None:
    _wants(bot, 0, "purge_file")
    _interrupted(bot, "after begin")


def _nobody_knows_whether(bot: Bot, kind: str, decided: int) -> None:
    """A deed is done, its answer is lost and the server away until the deed waits for a human, who decides so much."""
    _wants(bot, 0, kind)
    bot.work_interrupted(where="after a call", times=0, what="die", which=0, number=0)
    bot.trouble(faults=[], reads=0, dark=3 * 3600)
    for _ in range(6):
        bot.time_passes(seconds=1800.0)
        bot.work()
    (record,) = bot.world.ledger.intents()
    assert (record.state, record.reasons) == (IntentState.HELD, (HoldReason.UNKNOWN_STATE,))
    for which in range(decided):
        bot.human_decides(number=0, which=which)


def _by_the_record_alone(record: IntentRecord, _: object) -> bool:
    if record.state is IntentState.READY:
        return record.attempts > 0
    return record.state is IntentState.HELD and HoldReason.UNKNOWN_STATE in record.reasons


def _ready_and_begun(record: IntentRecord, _: object) -> bool:
    return record.state is IntentState.READY and record.attempts > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """``focus``: where the machine looks more closely, because there it shows.

    ``story``: what happens, where it takes the machine hundreds of examples to come upon it.
    """

    bot: type[Enforcement] = Enforcement
    part: Callable[[], AbstractContextManager[Any]] = nullcontext
    focus: Mapping[str, Any] = field(default_factory=dict)
    story: Callable[[Bot], None] | None = None


MUTANTS = {
    "acts before it has written that it will": Mutant(bot=ActsFirst),
    "takes what was interrupted for never begun": Mutant(bot=AsksNobody, focus=TWO | DIES),
    "takes what was interrupted for done": Mutant(bot=TrustsItself, focus=TWO | DIES),
    "takes every answer for a yes": Mutant(
        bot=ForgetsFailures, focus=TWO | CALM | {"faults": ("overloaded", "limited")}
    ),
    "undoes on paper": Mutant(bot=UndoesOnPaper),
    "forgets a field when it undoes": Mutant(
        bot=ForgetsAField, focus=UNDONE, story=_a_human_bans_for_days_before_we_ban_for_good
    ),
    "takes back what humans have done": Mutant(bot=OverrulesHumans, focus=TWO),
    "restores what was so before anything": Mutant(
        part=patched("bot.enforce.undo._before", _first_of_all),
        focus=UNDONE,
        story=_a_human_bans_between_two_bans_of_ours,
    ),
    "does not wait for what may still arrive": Mutant(
        part=patched("bot.enforce.proof.LATE", timedelta(0)), story=_a_ban_arrives_late
    ),
    "does not wait for what another case has under way": Mutant(
        part=patched("bot.enforce.apply.quiet_at", _whatever), story=_another_case_bans_meanwhile
    ),
    "keeps no order": Mutant(part=patched("bot.enforce.rounds.blocker", _whatever)),
    "forgets what it was asked while it worked": Mutant(
        part=patched("bot.ledger.work.WorkPart._start_again", _whatever),
        focus={"decisions": ("approve",)},
        story=_approved_while_the_round_ends,
    ),
    "does not see the kill switch": Mutant(
        part=patched("bot.ledger.deeds.stop_in", _whatever),
        focus={"interruptions": ("a human decides",), "decisions": ("stop",), "moments": ("before begin",)},
    ),
    "does not look at the lease": Mutant(
        part=_blind_to_fences,
        focus={"interruptions": ("overtaken",), "moments": ("before begin",), "faults": ("overloaded", "limited")},
    ),
    "purges what was dismissed": Mutant(
        part=patched("bot.operate.undo.may_be_done", _whatever),
        focus={"decisions": ("dismiss",)},
        story=_dismissed_while_the_purge_is_under_way,
    ),
    "forgets with an approval what may be done": Mutant(
        part=patched("bot.operate.undo.may_be_done", _by_the_record_alone),
        focus={"decisions": ("approve", "undo")},
        story=lambda bot: _nobody_knows_whether(bot, "remove", decided=2),
    ),
    "forgets with the kill switch what may be done": Mutant(
        part=patched("bot.operate.undo.may_be_done", _by_the_record_alone),
        focus={"decisions": ("approve", "stop", "undo", "start")},
        story=lambda bot: _nobody_knows_whether(bot, "remove", decided=4),
    ),
    "leaves a switch that may be turned": Mutant(
        part=patched("bot.operate.raid.may_be_done", _ready_and_begun),
        focus={"decisions": ("raid undo",)},
        story=lambda bot: _nobody_knows_whether(bot, "set_switch", decided=1),
    ),
    "dismisses what may be done": Mutant(
        part=patched("bot.operate.decide.may_be_done", _whatever),
        focus={"decisions": ("dismiss intents",)},
        story=lambda bot: _nobody_knows_whether(bot, "remove", decided=1),
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_bot_with_one_thing_wrong_is_caught(name: str, tmp_path: Path) -> None:
    mutant = MUTANTS[name]
    with focused(mutant, tmp_path) as machine, mutant.part():
        machine.enforcement = mutant.bot
        with pytest.raises(AssertionError) as caught:
            tell(mutant.story, machine) if mutant.story else run(machine, EXAMPLES, like_always=True)
    assert str(caught.value), "a promise was broken; nothing else went wrong"


@pytest.mark.parametrize("name", [name for name, mutant in MUTANTS.items() if mutant.story is not None])
def test_the_same_story_ends_well_with_the_right_bot(name: str, tmp_path: Path) -> None:
    mutant = MUTANTS[name]
    assert mutant.story is not None
    with focused(mutant, tmp_path) as machine:
        tell(mutant.story, machine)


@contextmanager
def focused(mutant: Mutant, folder: Path) -> Iterator[type[Bot]]:
    with on("sqlite-memory", folder) as machine:
        for what, some in mutant.focus.items():
            setattr(machine, what, some)
        yield machine


def tell(story: Callable[[Bot], None], machine: type[Bot]) -> None:
    bot = machine()
    try:
        story(bot)
        bot.teardown()
    finally:
        bot.world.close()
