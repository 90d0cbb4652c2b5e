"""Carries out the ready deeds of a case.

An attempt is in the ledger before a call goes out, with what undo would have to restore; its outcome follows only when
the server has been asked whether it is so. Where an attempt has no outcome (the process died, the answer was lost), the
server is asked what happened, never guessed; if it cannot tell, the deed waits for a human.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from typing import TYPE_CHECKING, assert_never

import structlog

from bot.domain.decisions import (
    GONE_AT_STORE,
    AlreadyDone,
    BanAccount,
    Done,
    Failed,
    HoldReason,
    IntentState,
    LimitAccount,
    MarkSensitive,
    PurgeFile,
    Refused,
    Remove,
    Report,
    Verification,
)
from bot.domain.errors import (
    NotLoggedInError,
    NotPermittedError,
    PlatformError,
    RateLimitedError,
    StoppedError,
    SupersededError,
)
from bot.enforce.absent import Absent
from bot.enforce.alone import Alone
from bot.enforce.attempts import before, ended_unknown, left_for_caches, unfinished
from bot.enforce.back_off import back_off
from bot.enforce.late import LATE, UNANSWERED, quiet_at
from bot.enforce.proof import Proof
from bot.enforce.rounds import PAGE, Progress, Round
from bot.enforce.undo import revert

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from bot.domain.content import InstanceId
    from bot.domain.decisions import Attempt, Offer, Outcome
    from bot.ports import Clock, Enforcer, IntentRecord, Lane, Ledger

log = structlog.get_logger(__name__)

TRIES = 8
"""Failed tries after which a deed is held for a human: with the back-off below, about two hours."""

CACHE_TRIES = 20
"""The same where nothing but a cache is left of a purged file: about eleven hours."""

GIVE_UP = timedelta(hours=2)
"""How long the server is asked about an attempt without an end before a human is."""

LOCKED_OUT = 30.0
"""Seconds between looks while the bot's account may not act: an operator who has mended that should see it soon."""

NEW_NAMES = 2.0
"""Seconds for which a purge waits while its file is judged with the names that it turned out to have."""


class Enforcement:
    """Acts on instances through their enforcers, for whoever holds the lease."""

    def __init__(
        self,
        docket: Ledger,
        enforcers: Mapping[InstanceId, Enforcer],
        clock: Clock,
        *,
        confirmed: Callable[[IntentRecord], None],
        taken_back: Callable[[IntentRecord], None] = lambda _: None,
        recheck: Callable[[IntentRecord], str | None] = lambda _: None,
        protected: Callable[[IntentRecord], bool] = lambda _: False,
        mistaken: Callable[[IntentRecord], bool] = lambda _: False,
        strangers: Callable[[IntentRecord, Verification], bool] = lambda *_: False,
        gone_with: Callable[[IntentRecord, Sequence[str]], None] = lambda *_: None,
        unjudged: Callable[[IntentRecord], bool] = lambda _: False,
        look: Callable[[], None] = lambda: None,
        sleep: Callable[[float], None] = time.sleep,
        hands: int = 1,
        unreportable: Collection[InstanceId] = (),
    ) -> None:
        """``confirmed`` is told of every deed that was done on an exact hit or a human's word, ``taken_back`` of every
        one that was undone. ``recheck`` says why what a human approved must not be done any more, if anything does,
        and ``protected`` whether it is about somebody who became protected since it was allowed; ``mistaken``, whether
        what was to be purged as a thumbnail has turned out to be something else. ``strangers`` says whether a file that
        is about to be purged has names that were not known when that was planned, and has it judged anew with them;
        ``unjudged``, whether that has still to be done; ``gone_with`` is told which names the file store says it had.

        ``look`` is called before every deed, to pull the kill switch if it has to be. ``hands``: how many deeds of a
        case are done at a time when they queue up. ``unreportable``: instances that take no report on an account that
        is banned, and where what is done to an account closes the reports on it.
        """
        self._docket = docket
        self._enforcers = enforcers
        self._clock = clock
        self._confirmed = confirmed
        self._taken_back = taken_back
        self._recheck = recheck
        self._protected = protected
        self._mistaken = mistaken
        self._strangers = strangers
        self._gone_with = gone_with
        self._unjudged = unjudged
        self._look = look
        self._proof = Proof(clock, sleep)
        self._unreportable = unreportable
        self._absent = Absent()
        self._alone = Alone()
        # One server answers several calls at a time, and a raid leads to thousands of them.
        self._hands = ThreadPoolExecutor(hands, "deeds") if hands > 1 else None

    def work(self, case: int, fence: int, *, lane: Lane | None = None) -> Progress:
        """A round over a case: finish what was interrupted, undo what is to be undone, do what is ready.

        It ends when others should have their turn, and then asks to be called again at once. ``lane``: of the task that
        asks for it. ``fence``: of the lease under which this acts. Raises ``LeaseLostError`` when it is not ours any
        more, and ``LedgerError``; both leave everything as it was.
        """
        return Round(
            self._docket,
            self._clock,
            case,
            absent=self._absent,
            lane=lane,
            unreportable=self._unreportable,
            do=lambda record: self._guarded(record, fence, self._do),
            undo=lambda record: self._guarded(record, fence, self._undo),
            spread=self._spread,
        ).go()

    def _spread(self, deeds: Sequence[Callable[[], None]]) -> None:
        """All of them, ``hands`` at a time; nothing runs any more when this returns or raises."""
        if self._hands is None or len(deeds) == 1:
            for deed in deeds:
                deed()
            return
        running = [self._hands.submit(deed) for deed in deeds]
        wait(running)
        for one in running:
            one.result()

    def _guarded(
        self, record: IntentRecord, fence: int, deed: Callable[[IntentRecord, Enforcer, int], Progress]
    ) -> Progress:
        """A server that cannot even be asked postpones a deed; nothing is written, for nothing was tried."""
        enforcer = self._enforcers.get(record.intent.instance)
        if enforcer is None:
            return self._later(record, PlatformError(_unknown(record.intent.instance)), LOCKED_OUT)
        try:
            with self._alone.with_(record.intent):
                quiet = quiet_at(record, self._docket, self._clock.now())
                if quiet is not None:
                    return Progress(again_at=quiet, why=UNANSWERED, tried=False)
                progress = deed(record, enforcer, fence)
        except SupersededError:
            return Progress(again_at=self._clock.now(), why="decided otherwise meanwhile")
        except StoppedError:
            return self._stopped(record)
        except PlatformError as error:
            return self._later(record, error, _patience(error, max(record.attempts, self._absent.times(record.id) + 1)))
        self._absent.forget(record.id)
        return progress

    def _stopped(self, record: IntentRecord) -> Progress:
        """The kill switch was pulled: what was ready waits for a human, like all that was ready at that moment."""
        try:
            self._docket.set_state(record.id, IntentState.HELD, reasons=(HoldReason.STOPPED,), seen=record)
        except SupersededError:
            return Progress(again_at=self._clock.now(), why="decided otherwise meanwhile")
        return Progress()

    def _later(self, record: IntentRecord, error: PlatformError, seconds: float) -> Progress:
        log.warning("deed postponed", case=record.case, deed=record.intent.kind, seconds=seconds, error=str(error))
        until = self._clock.now() + timedelta(seconds=seconds)
        self._absent.note(record.id, record.case, until)
        return Progress(again_at=until, why=str(error))

    def _do(self, record: IntentRecord, enforcer: Enforcer, fence: int) -> Progress:
        tried = self._docket.attempts(record.id)
        interrupted = unfinished(tried)
        if interrupted is not None:
            return self._recover(record, enforcer, interrupted)
        if self._unsettled_beside(record):
            until = self._clock.now() + timedelta(seconds=1)
            return Progress(again_at=until, why="another deed on this account was interrupted")
        if self._removed_instead(record):
            return self._skip(record, "the post is removed, so there is nothing to mark", tried)
        forbidden = None if left_for_caches(tried) else self._forbidden(record)
        if forbidden is not None:
            self._docket.set_state(record.id, IntentState.HELD, reasons=(forbidden,), seen=record)
            return Progress()
        changed = self._recheck(record) if record.approved_by is not None and record.attempts == 0 else None
        if changed is not None:
            return self._skip(record, changed, tried)
        offer = enforcer.offers(record.intent)
        if offer.hold:
            return self._wait_for_a_way(record, offer)
        if not left_for_caches(tried) and self._unjudged(record):
            return self._judged_first("the file is judged anew first")
        found = enforcer.verify(record.intent) if offer.supported else None
        if found is not None and isinstance(record.intent, PurgeFile) and self._strangers(record, found):
            return self._judged_first("the file has names that were not known: who stored them is asked first")
        self._look()
        attempt = self._docket.begin(
            record.id, reverting=False, before=before(found) if found is not None else {}, fence=fence
        )
        if found is None:
            return self._finish(record, enforcer, attempt, Refused(code="not_offered", note=offer.why_not))
        if found.so and left_for_caches(tried):
            return self._finish(record, enforcer, attempt, Done(note=f"purged earlier; {found.detail}"))
        if found.so:
            return self._finish(record, enforcer, attempt, AlreadyDone(note=found.detail, by_us=bool(found.by_us)))
        outcome = enforcer.apply(record.intent)
        if isinstance(outcome, Done) and outcome.names:
            self._gone_with(record, outcome.names)
        if isinstance(outcome, AlreadyDone) and left_for_caches(tried):
            outcome = Done(note=outcome.note)
        if isinstance(outcome, Done | AlreadyDone):
            outcome = self._proof.of(record.intent, enforcer, outcome)
        return self._finish(record, enforcer, attempt, outcome)

    def _forbidden(self, record: IntentRecord) -> HoldReason | None:
        """Why what was allowed is not done after all: by what is known now it would not be allowed."""
        if self._protected(record):
            return HoldReason.PROTECTED
        return HoldReason.WEAK_ATTRIBUTION if self._mistaken(record) else None

    def _judged_first(self, why: str) -> Progress:
        return Progress(again_at=self._clock.now() + timedelta(seconds=NEW_NAMES), why=why, tried=False)

    def _unsettled_beside(self, record: IntentRecord) -> bool:
        """Where reports are all that tells who acted, a second deed on an account wipes out the traces of the first."""
        intent = record.intent
        traced = isinstance(intent, Remove | MarkSensitive | LimitAccount | BanAccount)
        if not traced or intent.about is None or intent.instance not in self._unreportable:
            return False
        others = self._docket.interrupted_on(intent.about, limit=PAGE)
        return any(other.id != record.id and other.intent.instance == intent.instance for other in others)

    def _removed_instead(self, record: IntentRecord) -> bool:
        """A rule lists both, for platforms that offer only one of them; the author is told once."""
        intent = record.intent
        return isinstance(intent, MarkSensitive) and bool(
            self._docket.intents(
                case=record.case, states=(IntentState.DONE,), kind=Remove.kind, target=intent.target, limit=1
            )
        )

    def _skip(self, record: IntentRecord, changed: str, tried: Sequence[Attempt]) -> Progress:
        """What was judged is not there any more. Nothing was tried this time, so no attempt is written."""
        log.info("deed skipped", case=record.case, deed=record.intent.kind, changed=changed)
        if ended_unknown(tried):
            detail = f"changed: {changed}; an earlier try may have been carried out"
            reasons = (HoldReason.UNKNOWN_STATE,)
            self._docket.set_state(record.id, IntentState.HELD, reasons=reasons, detail=detail, seen=record)
        else:
            self._docket.set_state(record.id, IntentState.REFUSED, detail=f"changed: {changed}", seen=record)
        return Progress()

    def _wait_for_a_way(self, record: IntentRecord, offer: Offer) -> Progress:
        """Nothing was tried, so no attempt is written."""
        reasons = (HoldReason.NOT_OFFERED,)
        self._docket.set_state(record.id, IntentState.HELD, reasons=reasons, detail=offer.why_not, seen=record)
        return Progress()

    def _recover(self, record: IntentRecord, enforcer: Enforcer, attempt: Attempt) -> Progress:
        """Nobody wrote down how this attempt ended: ask the server."""
        try:
            outcome = self._proof.what_became_of(record.intent, enforcer, attempt)
        except PlatformError as error:
            if self._clock.now() - attempt.started_at < GIVE_UP:
                raise
            outcome = Failed(note=str(error), unknown=True)
        if outcome is None:
            return Progress(again_at=attempt.started_at + LATE, why=UNANSWERED)
        if isinstance(outcome, Failed) and outcome.unknown:
            return self._give_up(record, attempt, outcome)
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
        if record.attempts + 1 >= (CACHE_TRIES if GONE_AT_STORE in outcome.note else TRIES):
            return self._give_up(record, attempt, outcome)
        self._docket.end(attempt, outcome, state=IntentState.READY, not_before=again)
        return Progress(again_at=again, why=outcome.note)

    def _next_try(self, record: IntentRecord, outcome: Failed) -> datetime:
        wait = outcome.retry_after if outcome.retry_after is not None else back_off(record.attempts + 1)
        return self._clock.now() + timedelta(seconds=wait)

    def _give_up(self, record: IntentRecord, attempt: Attempt, outcome: Failed) -> Progress:
        tries = sum(not one.reverting for one in self._docket.attempts(record.id))
        detail = f"gave up after {tries} {'try' if tries == 1 else 'tries'}: {outcome.note}"
        reasons = (HoldReason.UNKNOWN_STATE,)
        self._docket.end(attempt, outcome, state=IntentState.HELD, reasons=reasons, detail=detail)
        return Progress()

    def _keep_report_open(self, record: IntentRecord, enforcer: Enforcer) -> None:
        """Some deeds resolve reports; while something of the case waits for a human, ours belong in the open queue."""
        intent = record.intent
        closes = isinstance(intent, Remove | MarkSensitive) or (
            isinstance(intent, LimitAccount | BanAccount) and intent.instance in self._unreportable
        )
        if not closes or not self._docket.any_held(record.case) or self._docket.stopped() is not None:
            return
        for report in self._docket.reports_done(record.case, intent):
            if isinstance(report.intent, Report) and isinstance(enforcer.reopen(report.intent), Done):
                self._docket.tell(report.id, "opened again: report, for a human has to decide yet")

    def _undo(self, record: IntentRecord, enforcer: Enforcer, fence: int) -> Progress:
        attempt, outcome = revert(record, enforcer, self._docket, fence)
        match outcome:
            case Done() | AlreadyDone():
                self._taken_back(record)
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


def _unknown(instance: InstanceId) -> str:
    return f"the configuration has no instance {instance!r} any more: put it back, or dismiss what waits for it"


def _patience(error: PlatformError, tries: int) -> float:
    """Seconds until a server that could not be asked is asked again."""
    match error:
        case RateLimitedError():
            return error.retry_after
        case NotLoggedInError() | NotPermittedError():
            return LOCKED_OUT
        case _:
            return back_off(tries)
