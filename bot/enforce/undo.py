"""Puts one deed back, from what was so before it, or says what would come of that. Never deletes anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from bot.domain.decisions import (
    AlreadyDone,
    BanAccount,
    Done,
    Failed,
    IntentState,
    LimitAccount,
    MarkSensitive,
    Notify,
    PurgeFile,
    Refused,
    Remove,
    Report,
    SetSwitch,
)
from bot.domain.errors import PlatformError
from bot.enforce.late import LATE, UNANSWERED, unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

    from bot.domain.decisions import Attempt, Intent, Outcome, Verification
    from bot.ports import Docket, Enforcer, IntentRecord

OURS = "ours"
"""Key in what an attempt found before: that was our own doing (a shorter ban, say), and not what undo is to restore."""


class Prospect(StrEnum):
    """What an undo would come to."""

    RESTORED = "restored"
    LEFT_ALONE = "left alone"  # somebody else, or another case, has a say
    LOST = "cannot be undone"
    UNCERTAIN = "not known yet"  # the server could not be asked, or the deed is under way


@dataclass(frozen=True, slots=True, kw_only=True)
class Foresight:
    """What an undo of one deed would come to, and why."""

    prospect: Prospect
    why: str


def foresee(record: IntentRecord, enforcer: Enforcer, docket: Docket, *, along: Collection[int]) -> Foresight:
    """What ``revert`` would do now; asks the server and changes nothing.

    ``along``: ids of the intents that are to be undone together with this one.
    """
    lost = what_is_lost(record.intent)
    if lost:
        return Foresight(prospect=Prospect.LOST, why=lost)
    if _under_way(docket.attempts(record.id)) is not None:
        return Foresight(prospect=Prospect.UNCERTAIN, why="under way: undone as soon as its end is known")
    try:
        offer = enforcer.offers(record.intent)
        found = enforcer.verify(record.intent)
    except PlatformError as error:
        return Foresight(prospect=Prospect.UNCERTAIN, why=f"the server could not be asked: {error}")
    match _plan(record, docket, reversible=offer.reversible, found=found, along=along):
        case Refused(code="irreversible") as refused:
            return Foresight(prospect=Prospect.LOST, why=refused.note)
        case Refused() | AlreadyDone() as other:
            return Foresight(prospect=Prospect.LEFT_ALONE, why=other.note)
        case _:
            prospect = Prospect.LEFT_ALONE if offer.by_hand else Prospect.RESTORED
            return Foresight(prospect=prospect, why=offer.undone or what_remains(record.intent))


def what_is_lost(intent: Intent) -> str:
    """Why no server brings this back; empty if one may."""
    match intent:
        case PurgeFile():
            return "nothing brings a purged file back"
        case Notify():
            return "a message that was sent stays sent"
        case Report() | Remove() | MarkSensitive() | LimitAccount() | BanAccount() | SetSwitch():
            return ""
        case _:
            assert_never(intent)


def what_remains(intent: Intent) -> str:
    """What is done, and what stays although it is undone."""
    match intent:
        case Report():
            return "resolved, not deleted: the bot cannot report it again"
        case Remove():
            return "shown again; the mod log keeps both entries"
        case MarkSensitive():
            return "shown without the warning again; what the author was told stays told"
        case LimitAccount():
            return "limit lifted; the account's record keeps both entries"
        case BanAccount():
            return "ban lifted; the mod log keeps both entries, and the account has to log in again"
        case SetSwitch():
            return "turned back"
        case PurgeFile() | Notify():
            return ""
        case _:
            assert_never(intent)


def revert(record: IntentRecord, enforcer: Enforcer, docket: Docket, fence: int) -> tuple[Attempt, Outcome]:
    """Undo a deed that was done; the attempt, still open, and what came of it.

    Left alone: what another case still wants, what somebody else has done since, and what nothing brings back.
    Raises ``PlatformError`` when the server cannot be asked.
    """
    offer = enforcer.offers(record.intent)
    found = enforcer.verify(record.intent)
    attempt = docket.begin(record.id, reverting=True, before=dict(found.state), fence=fence)
    return attempt, _revert(record, enforcer, docket, attempt, reversible=offer.reversible, found=found)


def _revert(
    record: IntentRecord,
    enforcer: Enforcer,
    docket: Docket,
    attempt: Attempt,
    *,
    reversible: bool,
    found: Verification,
) -> Outcome:
    tries = docket.attempts(record.id)
    lost_call = _lost_try(tries) if found.so is False else _lost_undo(tries, attempt)
    if lost_call is not None:
        left = LATE - (attempt.started_at - lost_call.started_at)
        if left > timedelta(0):
            return Failed(note=UNANSWERED, retry_after=left.total_seconds())
    before = _plan(record, docket, reversible=reversible, found=found)
    if isinstance(before, Refused | AlreadyDone):
        return before
    outcome = enforcer.revert(record.intent, before)
    if isinstance(outcome, Done | AlreadyDone) and not isinstance(record.intent, Report):  # a report stays, resolved
        now = enforcer.verify(record.intent)
        if now.so and now.state != before:
            return Failed(note=f"the server took it, but nothing changed: {now.detail}")
    return outcome


def _plan(
    record: IntentRecord, docket: Docket, *, reversible: bool, found: Verification, along: Collection[int] = ()
) -> Mapping[str, Any] | Refused | AlreadyDone:
    """What was so before and is to be restored; or why nothing is."""
    if not reversible and found.so is not False:
        return Refused(code="irreversible", note="nothing brings this back")
    others = _others(record, docket)
    still = [other.case for other in others if other.state is IntentState.DONE and other.id not in along]
    if still:
        return AlreadyDone(note=f"left as it is: case {still[0]} still wants it", by_us=True)
    own = [one.outcome for one in docket.attempts(record.id) if not one.reverting]
    if found.so is False and not any(isinstance(outcome, Done | AlreadyDone) for outcome in own):
        return AlreadyDone(note="it had not been done")
    if found.so is False:
        earlier = [other.case for other in others if other.state is IntentState.UNDONE]
        return AlreadyDone(
            note=f"put back together with case {earlier[0]}" if earlier else "somebody has put it back already"
        )
    if found.by_us is False:
        return Refused(code="not_ours", note=f"left alone: {found.detail or 'done by somebody else'}")
    before = _before(record, others, docket)
    if before is None:
        return Refused(code="not_ours", note="left alone: it was so before the bot came")
    if before == found.state:
        return AlreadyDone(note="it is as it was before")
    return before


def _others(record: IntentRecord, docket: Docket) -> list[IntentRecord]:
    """The same deed on the same target in other cases."""
    same = docket.intents(kind=record.intent.kind, target=record.intent.target)
    return [other for other in same if other.id != record.id]


def _before(record: IntentRecord, others: list[IntentRecord], docket: Docket) -> Mapping[str, Any] | None:
    """What was so before the first of our deeds on this target; ``None`` if none of them changed anything.

    Only those count that nobody took back since: what a human decided between two deeds of ours is what the second one
    found, and what is to be restored.
    """
    tries = [attempt for one in [record, *others] for attempt in docket.attempts(one.id)]
    before: Mapping[str, Any] | None = None
    for attempt in sorted(tries, key=lambda attempt: attempt.id, reverse=True):
        if attempt.reverting and _put_back(attempt.outcome):
            break
        if not attempt.reverting and _may_have_changed_it(attempt.outcome):
            before = {key: value for key, value in attempt.before.items() if key != OURS}
            if not attempt.before.get(OURS):
                break
    return before


def _put_back(outcome: Outcome | None) -> bool:
    """Whether it was not so any more at that moment. (``by_us``: left as it is, for another case wants it.)"""
    return isinstance(outcome, Done) or (isinstance(outcome, AlreadyDone) and not outcome.by_us)


def _may_have_changed_it(outcome: Outcome | None) -> bool:
    return isinstance(outcome, Done) or unknown(outcome)


def _lost_try(attempts: Collection[Attempt]) -> Attempt | None:
    """The newest try to do it, if nobody knows how it ended: a human may be asked before its call has had its time."""
    forward = [attempt for attempt in attempts if not attempt.reverting]
    return forward[-1] if forward and unknown(forward[-1].outcome) else None


def _lost_undo(attempts: Collection[Attempt], now: Attempt) -> Attempt | None:
    """The newest earlier try to take it back of which nobody knows how it ended."""
    lost = [one for one in attempts if one.reverting and one.id < now.id and unknown(one.outcome)]
    return lost[-1] if lost else None


def _under_way(attempts: Collection[Attempt]) -> Attempt | None:
    """The newest try to do it, if nobody knows how it ended."""
    forward = [attempt for attempt in attempts if not attempt.reverting]
    return forward[-1] if forward and forward[-1].outcome is None else None
