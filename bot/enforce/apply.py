"""Carries out the ready deeds of a case, one after the other.

An attempt is in the ledger before a call goes out, with what undo would have to restore; its outcome follows only when
the server has been asked whether it is so. Where an attempt has no outcome (the process died, the answer was lost), the
server is asked what happened, never guessed; if it cannot tell, the deed waits for a human.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, assert_never

import structlog

from bot.domain.decisions import (
    AlreadyDone,
    Done,
    Failed,
    HoldReason,
    IntentState,
    PurgeFile,
    Refused,
    Remove,
    Report,
    Verification,
)
from bot.domain.errors import NotLoggedInError, NotPermittedError, PlatformError, RateLimitedError, SupersededError
from bot.enforce.back_off import back_off
from bot.enforce.order import blocker, waits_for_reports
from bot.enforce.undo import revert

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bot.domain.content import InstanceId
    from bot.domain.decisions import Attempt, Outcome
    from bot.ports import Clock, Docket, Enforcer, IntentRecord

log = structlog.get_logger(__name__)

TRIES = 8
"""Failed tries after which a deed is held for a human: with the back-off below, about two hours."""

GIVE_UP = timedelta(hours=2)
"""How long the server is asked about an attempt without an end before a human is."""

LOCKED_OUT = 30.0
"""Seconds between looks while the bot's account may not act: an operator who has mended that should see it soon."""

VERIFY_FOR = 15.0
"""Seconds to wait for an asynchronous deed: pict-rs answers a purge before the file is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a pass over a case came to: when to come again, if anything is left."""

    again_at: datetime | None = None
    why: str = ""


class Enforcement:
    """Acts on instances through their enforcers, for whoever holds the lease."""

    def __init__(
        self,
        docket: Docket,
        enforcers: Mapping[InstanceId, Enforcer],
        clock: Clock,
        *,
        confirmed: Callable[[IntentRecord], None],
        look: Callable[[], None] = lambda: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``confirmed`` is told of every deed that was done on an exact hit or a human's word.

        ``look`` is called before every deed, to pull the kill switch if it has to be.
        """
        self._docket = docket
        self._enforcers = enforcers
        self._clock = clock
        self._confirmed = confirmed
        self._look = look
        self._sleep = sleep

    def work(self, case: int, fence: int) -> Progress:
        """Go through a case once: finish what was interrupted, undo what is to be undone, do what is ready.

        ``fence``: of the lease under which this acts. Raises ``LeaseLostError`` when it is not ours any more, and
        ``LedgerError``; both leave everything as it was.
        """
        progress = Progress()
        stuck: set[int] = set()
        undoing = self._docket.intents(case=case, states=(IntentState.UNDOING,))
        for record in sorted(undoing, key=lambda r: -r.intent.rank):
            progress = _sooner(progress, self._guarded(record, fence, stuck, self._undo))
        for record in sorted(self._ready(case), key=lambda r: (r.intent.rank, r.id)):
            progress = _sooner(progress, self._turn(record, fence, stuck))
        return progress

    def _ready(self, case: int) -> Sequence[IntentRecord]:
        return self._docket.intents(case=case, states=(IntentState.READY,))

    def _turn(self, record: IntentRecord, fence: int, stuck: set[int]) -> Progress:
        now = self._clock.now()
        if record.not_before is not None and record.not_before > now:
            return Progress(again_at=record.not_before, why="waiting to try again")
        siblings = self._docket.intents(case=record.case)
        before = blocker(record, siblings, stuck)
        if before is not None:
            if before.state is IntentState.HELD:
                return Progress()  # approving or dismissing it wakes the case up
            return Progress(again_at=now + timedelta(seconds=1), why=f"waiting for {before.intent.kind}")
        if waits_for_reports(record, self._docket.intents(states=(IntentState.READY,), kind=Report.kind)):
            return Progress(again_at=now + timedelta(seconds=1), why="waiting for reports on the same account")
        return self._guarded(record, fence, stuck, self._do)

    def _guarded(
        self,
        record: IntentRecord,
        fence: int,
        stuck: set[int],
        deed: Callable[[IntentRecord, Enforcer, int], Progress],
    ) -> Progress:
        """A server that cannot even be asked postpones a deed; nothing is written, for nothing was tried."""
        enforcer = self._enforcers[record.intent.instance]
        try:
            return deed(record, enforcer, fence)
        except SupersededError:
            return Progress(again_at=self._clock.now(), why="decided otherwise meanwhile")
        except PlatformError as error:
            stuck.add(record.id)
            return self._later(record, error, _patience(error, record.attempts))

    def _later(self, record: IntentRecord, error: PlatformError, seconds: float) -> Progress:
        log.warning("deed postponed", case=record.case, deed=record.intent.kind, seconds=seconds, error=str(error))
        return Progress(again_at=self._clock.now() + timedelta(seconds=seconds), why=str(error))

    def _do(self, record: IntentRecord, enforcer: Enforcer, fence: int) -> Progress:
        interrupted = _unfinished(self._docket.attempts(record.id))
        if interrupted is not None:
            return self._recover(record, enforcer, interrupted)
        offer = enforcer.offers(record.intent)
        found = enforcer.verify(record.intent) if offer.supported else None
        self._look()
        attempt = self._docket.begin(
            record.id, reverting=False, before=dict(found.state) if found is not None else {}, fence=fence
        )
        if found is None:
            return self._finish(record, enforcer, attempt, Refused(code="not_offered", note=offer.why_not))
        if found.so:
            return self._finish(record, enforcer, attempt, AlreadyDone(note=found.detail, by_us=bool(found.by_us)))
        outcome = enforcer.apply(record.intent)
        if isinstance(outcome, Done | AlreadyDone):
            outcome = self._proved(record, enforcer, outcome)
        return self._finish(record, enforcer, attempt, outcome)

    def _proved(self, record: IntentRecord, enforcer: Enforcer, outcome: Done | AlreadyDone) -> Outcome:
        """A deed is done when the server says so, not when a call came back."""
        try:
            found = self._settled(record, enforcer)
        except PlatformError as error:
            return Failed(note=f"done, but the server could not be asked whether it is so: {error}", unknown=True)
        if found.so:
            return outcome
        return Failed(note=f"the server took it, but it is not so: {found.detail}", unknown=found.so is None)

    def _settled(self, record: IntentRecord, enforcer: Enforcer) -> Verification:
        """What the server says, once an asynchronous deed has had its time."""
        deadline = self._clock.now() + timedelta(seconds=VERIFY_FOR)
        wait = 0.1
        while True:
            found = enforcer.verify(record.intent)
            if found.so is not False or not isinstance(record.intent, PurgeFile) or self._clock.now() >= deadline:
                return found
            self._sleep(wait)
            wait = min(wait * 2, 2.0)

    def _recover(self, record: IntentRecord, enforcer: Enforcer, attempt: Attempt) -> Progress:
        """Nobody wrote down how this attempt ended: ask the server."""
        try:
            found = self._settled(record, enforcer)
        except PlatformError as error:
            if self._clock.now() - attempt.started_at < GIVE_UP:
                raise
            found = Verification(so=None, detail=str(error))
        if found.so is None:
            return self._give_up(record, attempt, Failed(note=found.detail, unknown=True))
        if not found.so:
            outcome: Outcome = Failed(note="interrupted, and the server had not acted", retry_after=0.0)
        elif found.by_us or (found.by_us is None and isinstance(record.intent, PurgeFile)):
            outcome = Done(note="interrupted, and found done")
        else:
            outcome = AlreadyDone(note=found.detail or "done by somebody else")
        return self._finish(record, enforcer, attempt, outcome)

    def _finish(self, record: IntentRecord, enforcer: Enforcer, attempt: Attempt, outcome: Outcome) -> Progress:
        match outcome:
            case Done() | AlreadyDone():
                self._keep_report_open(record, enforcer)
                if isinstance(outcome, Done):
                    self._confirmed(record)
                self._docket.end(attempt, outcome, state=IntentState.DONE)
                return Progress()
            case Refused():
                self._docket.end(attempt, outcome, state=IntentState.REFUSED)
                return Progress()
            case Failed():
                return self._failed(record, attempt, outcome)
            case _:
                assert_never(outcome)

    def _failed(self, record: IntentRecord, attempt: Attempt, outcome: Failed) -> Progress:
        again = self._next_try(record, outcome)
        log.warning("deed failed", case=record.case, deed=record.intent.kind, error=outcome.note)
        if outcome.unknown:
            # Without an outcome the attempt stays open, and the next pass asks the server what became of it.
            return Progress(again_at=again, why=outcome.note)
        if record.attempts + 1 >= TRIES:
            return self._give_up(record, attempt, outcome)
        self._docket.end(attempt, outcome, state=IntentState.READY, not_before=again)
        return Progress(again_at=again, why=outcome.note)

    def _next_try(self, record: IntentRecord, outcome: Failed) -> datetime:
        wait = outcome.retry_after if outcome.retry_after is not None else back_off(record.attempts + 1)
        return self._clock.now() + timedelta(seconds=wait)

    def _give_up(self, record: IntentRecord, attempt: Attempt, outcome: Failed) -> Progress:
        self._docket.end(attempt, outcome, state=IntentState.READY)
        now = self._docket.intent(record.id)
        if now is not None and now.state is IntentState.READY:
            detail = f"gave up after {now.attempts} tries: {outcome.note}"
            reasons = (HoldReason.UNKNOWN_STATE,)
            self._docket.set_state(record.id, IntentState.HELD, reasons=reasons, detail=detail, seen=now)
        return Progress()

    def _keep_report_open(self, removal: IntentRecord, enforcer: Enforcer) -> None:
        """Removal resolves reports; while something of the case waits for a human, ours belongs in the open queue."""
        if not isinstance(removal.intent, Remove):
            return
        records = self._docket.intents(case=removal.case)
        if not any(record.state is IntentState.HELD for record in records):
            return
        for record in records:
            if (
                isinstance(record.intent, Report)
                and record.state is IntentState.DONE
                and record.intent.subject.key == removal.intent.subject.key
            ):
                enforcer.reopen(record.intent)

    def _undo(self, record: IntentRecord, enforcer: Enforcer, fence: int) -> Progress:
        attempt, outcome = revert(record, enforcer, self._docket, fence)
        match outcome:
            case Done() | AlreadyDone():
                self._docket.end(attempt, outcome, state=IntentState.UNDONE)
                return Progress()
            case Refused():
                self._docket.end(attempt, outcome, state=IntentState.DONE)
                return Progress()
            case Failed():
                again = self._next_try(record, outcome)
                self._docket.end(attempt, outcome, state=IntentState.UNDOING, not_before=again)
                return Progress(again_at=again, why=outcome.note)
            case _:
                assert_never(outcome)


def _patience(error: PlatformError, tries: int) -> float:
    """Seconds until a server that could not be asked is asked again."""
    match error:
        case RateLimitedError():
            return error.retry_after
        case NotLoggedInError() | NotPermittedError():
            return LOCKED_OUT
        case _:
            return back_off(tries)


def _unfinished(attempts: Sequence[Attempt]) -> Attempt | None:
    forward = [attempt for attempt in attempts if not attempt.reverting]
    return forward[-1] if forward and forward[-1].outcome is None else None


def _sooner(one: Progress, other: Progress) -> Progress:
    if one.again_at is None or other.again_at is None:
        return other if one.again_at is None else one
    return min(one, other, key=lambda progress: progress.again_at or datetime.max.replace(tzinfo=UTC))
