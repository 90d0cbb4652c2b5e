"""One process of the bot: it holds the lease, carries out deeds, and may die or be overtaken at every step."""

from __future__ import annotations

import functools
import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from unittest import mock

from pydantic import SecretStr

from adapters.lemmy.switches import Switches
from adapters.pictrs.settings import PictrsSettings
from adapters.routing import LemmyWithPictrs, build_lemmy
from bot.domain.decisions import BanAccount, IntentState, PurgeFile, Remove, Report
from bot.domain.errors import LeaseLostError, PlatformError
from bot.enforce import become_actor
from bot.enforce.order import makes_impossible, report_on
from bot.pipeline.confirmed import forget_taken_back, remember_confirmed
from bot.ports import TaskKind
from making import HERE

from .books import Deed, key_of
from .line import Line
from .tally import TALLY
from .town import BOT, KEY, PASSWORD, PICTRS, URL

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime
    from typing import NoReturn

    from adapters.http import Answer
    from bot.domain.decisions import Attempt, Intent, LastWord, Offer, Outcome, Verification
    from bot.ledger import SqlLedger
    from bot.ports import Enforcer, Instance, IntentRecord, Task

    from .world import World

BLOCK_LIST = "confirmed"
WRITES = {
    "begin",
    "end",
    "set_state",
    "add_entries",
    "remove_entries",
    "finish",
    "postpone",
}


class BrokenError(BaseException):
    """A promise was broken. No part of the bot may catch this."""


def broken(what: str) -> NoReturn:
    raise BrokenError(what)


def _speak_v3(instance: Instance) -> None:
    """The town is a 0.19 for ever: asking it what it is would be a call that no story expects."""
    generations: Any = instance.sources[0]._generations  # type: ignore[attr-defined]
    generations._chosen, generations._asked_at = False, math.inf
    generations.parts()


class Process:
    """``run`` is what tells it from the last one; ``ledger``: its own connection."""

    def __init__(self, world: World, ledger: SqlLedger, run: str) -> None:
        self.world = world
        self.run = run
        self.acting: tuple[IntentRecord, Attempt] | None = None  # the last attempt that this process began
        self.called: set[int] = set()  # attempts that a call went out for
        self.unasked: set[str] = set()  # what the server could not be asked about at some time
        self.waiting: dict[int, IntentRecord] = {}  # how everything stood when this pass began
        self.ledger = _Ledger(self, ledger)
        line = functools.partial(Line, self)
        sleep = functools.partial(Switches, sleep=self._sleep)
        with (
            mock.patch("adapters.lemmy.builder.Transport", line),
            mock.patch("adapters.lemmy.builder.Switches", sleep),
            mock.patch("adapters.routing.Transport", line),
        ):
            settings = LemmyWithPictrs(
                id=str(HERE),
                url=URL,
                username=BOT,
                password=SecretStr(PASSWORD),
                token=SecretStr(world.town.tokens[BOT]),
                pictrs=PictrsSettings(url=PICTRS, api_key=SecretStr(KEY)),
            )
            instance = build_lemmy(settings, world.clock, None, ledger)
            _speak_v3(instance)
        self.enforcement = world.enforcement(
            self.ledger,  # type: ignore[arg-type]
            {HERE: _Enforcer(self, instance.enforcer)},
            world.clock,
            confirmed=lambda record: remember_confirmed(self.ledger, record, BLOCK_LIST),  # type: ignore[arg-type]
            taken_back=lambda record: forget_taken_back(self.ledger, record, BLOCK_LIST),  # type: ignore[arg-type]
            sleep=self._sleep,
        )
        self.lease = self.renew()

    def _sleep(self, seconds: float) -> None:
        self.world.clock.pass_(seconds=seconds)

    def renew(self) -> Any:
        """As the daemon does every few seconds. A process of this host that is gone is succeeded at once."""
        with mock.patch("bot.enforce.lease._RUN", self.run):
            return become_actor(self.ledger.real)

    def work(self, case: int | None = None) -> None:
        """Take what is due and do it, as ``Pipeline`` does."""
        self.lease = self.renew()
        for _ in range(60):
            tasks = self.ledger.take([TaskKind.ENFORCE], limit=1, lease_seconds=3600)
            if not tasks:
                return
            self._carry(tasks[0])
        broken("there is always something due: it runs in circles")

    def _carry(self, task: Task) -> None:
        now = self.world.clock.now()
        self.waiting = {record.id: record for record in self.ledger.intents()}
        TALLY.count("deeds", "rounds over a case")
        try:
            progress = self.enforcement.work(int(task.target), self.lease.fence)
        except LeaseLostError:
            TALLY.count("overtaken", "and lost the lease in the middle")
            self.ledger.postpone(task, until=now + timedelta(seconds=5), reason="somebody else acts", count=False)
            return
        if progress.again_at is None:
            self.ledger.finish(task)
        else:
            until = max(progress.again_at, self.world.clock.now() + timedelta(milliseconds=200))
            self.ledger.postpone(task, until=until, reason=progress.why, count=False)

    def step(self, where: str, *, resume: Callable[[], Answer] | None = None) -> None:
        """A moment at which the world may interrupt. ``resume``: what is under way, and may arrive by itself."""
        self.world.moments.step(self, where, resume)

    # -------------------------------------------------------------------------------------------- what must always hold

    def begun(self, intent_id: int, attempt: Attempt) -> None:
        """An attempt was written: may it be?"""
        record = self.ledger.real.intent(intent_id)
        assert record is not None
        self.acting = (record, attempt)
        if self.world.process is not self:
            broken(f"an overtaken process began deed {intent_id}")
        if attempt.reverting:
            TALLY.count("undo", "begun")
            return
        TALLY.count("deeds", "begun")
        self.world.begun_at[intent_id] = len(self.world.books.history)
        if record.attempts > 1:
            TALLY.count("deeds", "tried again")
        if self.ledger.real.stopped() is not None:
            broken(f"deed {intent_id} was begun while acting is stopped")
        if intent_id not in self.world.allowed:
            broken(f"deed {intent_id} was begun although nobody allowed it")
        self._in_order(record)

    def _in_order(self, record: IntentRecord) -> None:
        waiting = self.ledger.real.intents(states=(IntentState.READY, IntentState.HELD))
        for other in waiting:
            before = self.waiting.get(other.id)
            if before is None or other.id == record.id or before.state not in {IntentState.READY, IntentState.HELD}:
                continue  # it came up while this one was on its way
            if key_of(other.intent) in self.unasked:
                continue
            never_tried = before.state is other.state is IntentState.READY and before.attempts == other.attempts == 0
            if never_tried and (
                waits_for_others(other, waiting, self.unasked)
                or waits_for_others(before, list(self.waiting.values()), self.unasked)
            ):
                continue
            self._before(record, other, never_tried=never_tried)

    def _before(self, record: IntentRecord, other: IntentRecord, *, never_tried: bool) -> None:
        deed, first = record.intent, other.intent
        what = f"{deed.kind} of intent {record.id} went before {first.kind} of intent {other.id}"
        if other.case == record.case:
            if never_tried and first.rank < deed.rank and not self.world.crowded:
                broken(what)
            if isinstance(deed, PurgeFile) and isinstance(first, Report | Remove):
                broken(f"{what}, and leaves nothing to judge")
        if isinstance(deed, Remove) and isinstance(first, Report) and deed.subject.key == first.subject.key:
            reported = self.world.books.now[key_of(first)] != "none"
            if not reported and (other.case == record.case or other.state is IntentState.READY):
                broken(f"{what}, and makes it impossible")
        overtaken = other.id < record.id or not self.world.crowded
        if isinstance(deed, BanAccount) and never_tried and overtaken and report_on(deed.account.uri, first):
            broken(what)

    def about_to_call(self, path: str, content: Mapping[str, Any]) -> Deed | None:
        """A call that changes something is about to go out: is it written down? On whose behalf is it?"""
        if content.get("remove_data") or content.get("delete_content"):
            broken(f"{path} would delete what somebody posted")
        if path.endswith("/report/resolve") and not content["resolved"]:
            return self._reopening(content["report_id"], path)
        if self.acting is None:
            broken(f"{path} was called without an attempt")
        record, attempt = self.acting
        mine = next(one for one in self.ledger.real.attempts(record.id) if one.id == attempt.id)
        if mine.outcome is not None:
            broken(f"{path} was called after the attempt of intent {record.id} had ended")
        if attempt.id in self.called:
            broken(f"{path} was called a second time within one attempt of intent {record.id}")
        if attempt.reverting and ("purge" in path or "delete" in path):
            broken(f"undo called {path}")
        return Deed(intent=record.id, key=key_of(record.intent), undoing=attempt.reverting)

    def has_called(self, answer: Answer) -> None:
        """A refused call did nothing, and may be made once more with a new login."""
        if self.acting is not None and answer.status < 400:
            self.called.add(self.acting[1].id)

    def _reopening(self, report_id: int, path: str) -> None:
        """Only on the way of a removal, whose attempt is open still; and not while acting is stopped."""
        if self.ledger.real.stopped() is not None:
            broken("a report was opened again while acting is stopped")
        kind = path.split("/")[-3]
        reports = self.world.town.state.post_reports if kind == "post" else self.world.town.state.comment_reports
        key = f"{kind}/{getattr(reports[report_id], f'{kind}_id')}"
        for record in self.ledger.real.intents(kind=Remove.kind):
            tries = self.ledger.real.attempts(record.id)
            if key_of(record.intent) == key and tries and tries[-1].outcome is None:
                TALLY.count("deeds", "report opened again")
                return
        broken("a report was opened again without an attempt of the removal that had closed it")


def waits_for_others(record: IntentRecord, others: Sequence[IntentRecord], unasked: Collection[str] = ()) -> bool:
    """Whether it would make impossible what waits for a human, or for a server that cannot be asked."""
    return any(
        other.state is IntentState.HELD or key_of(other.intent) in unasked or waits_for_others(other, others, unasked)
        for other in others
        if other.case == record.case
        and other.state in {IntentState.HELD, IntentState.READY}
        and makes_impossible(record.intent, other.intent)
    )


class _Ledger:
    """The ledger, with a step before and after everything that is written to it."""

    def __init__(self, process: Process, real: SqlLedger) -> None:
        self._process = process
        self.real = real

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.real, name)
        if name not in WRITES:
            return call

        @functools.wraps(call)
        def stepped(*arguments: Any, **more: Any) -> Any:
            undoing = " of an undo" if more.get("reverting") else ""
            self._process.step(f"before {name}{undoing}")
            result = call(*arguments, **more)
            if name == "begin":
                self._process.begun(arguments[0], result)
            self._process.step(f"after {name}{undoing}")
            return result

        return stepped


class _Enforcer:
    """The adapters' enforcer; remembers what the server could not be asked about."""

    def __init__(self, process: Process, real: Enforcer) -> None:
        self._process = process
        self._real = real

    def offers(self, intent: Intent) -> Offer:
        return self._asking(intent, lambda: self._real.offers(intent))

    def verify(self, intent: Intent) -> Verification:
        return self._asking(intent, lambda: self._real.verify(intent))

    def apply(self, intent: Intent) -> Outcome:
        return self._real.apply(intent)

    def revert(self, intent: Intent, before: Mapping[str, Any]) -> Outcome:
        return self._real.revert(intent, before)

    def reopen(self, report: Report) -> Outcome:
        return self._real.reopen(report)

    def last_word(self, intent: Intent, since: datetime) -> LastWord:
        return self._real.last_word(intent, since)

    def _asking(self, intent: Intent, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except PlatformError:
            self._process.unasked.add(key_of(intent))
            raise
