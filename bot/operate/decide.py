"""What humans decide about what is held. Written to the ledger; whoever holds the lease carries it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.decisions import HoldReason, IntentState
from bot.domain.errors import FediwardenError, SupersededError
from bot.enforce.late import may_be_done
from bot.enforce.undo import what_is_lost

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bot.pipeline.protection import Protection
    from bot.policy import Guard
    from bot.ports import IntentRecord, Ledger


IF_NOT_DONE = "not tried again; if it is done already, nothing takes it back"


class NoSuchError(FediwardenError):
    """The case or intent that was named does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a decision came to for one intent."""

    record: IntentRecord
    ok: bool
    detail: str


def approve(ledger: Ledger, guard: Guard, records: Iterable[IntentRecord], *, by: str) -> Sequence[Result]:
    """Release held intents. Approval overrules everything but *protected*, *stopped* and *no evidence policy*."""
    from bot.pipeline.protection import Protection

    results = []
    protected = Protection(ledger, lambda: guard)
    stop = ledger.stopped()
    stopped = None if stop is None else f"acting was stopped by {stop.by}: `fediwarden start-acting` goes on"
    for record in records:
        stays = _not_held(record) or stopped or _stays_held(guard, protected, record)
        if stays is None:
            stays = move(ledger, record, IntentState.READY, by=by, approve=True, detail="approved")
        results.append(Result(record=record, ok=stays is None, detail=stays or "released"))
    return results


def _not_held(record: IntentRecord) -> str | None:
    return None if record.state is IntentState.HELD else f"is {record.state.value}, not held"


def move(
    ledger: Ledger,
    record: IntentRecord,
    state: IntentState,
    *,
    by: str,
    detail: str,
    reasons: Sequence[HoldReason] = (),
    approve: bool = False,
) -> str | None:
    """Write a decision; why not, where something happened to the intent since it was looked at."""
    try:
        ledger.set_state(record.id, state, reasons=reasons, by=by, approve=approve, detail=detail, seen=record)
    except SupersededError as error:
        return str(error)
    return None


def _stays_held(guard: Guard, protected: Protection, record: IntentRecord) -> str | None:
    if guard.no_evidence_policy(record.intent):
        return "no evidence policy: set `evidence: none` in the configuration if no copy is to be kept"
    if protected(record):
        return "protected: staff, or listed under `protected` in the configuration"
    return None


def dismiss_intents(ledger: Ledger, records: Iterable[IntentRecord], *, by: str) -> Sequence[Result]:
    """End single holds; nothing else of their cases changes.

    What may have been done is taken back: *dismissed* means that the server is as if the bot had never wanted it.
    """
    results = []
    for record in records:
        begun = may_be_done(record, ledger)
        goal = IntentState.UNDOING if begun else IntentState.DISMISSED
        told = (IF_NOT_DONE if what_is_lost(record.intent) else "to be undone") if begun else "dismissed"
        stays = _not_held(record) or move(ledger, record, goal, by=by, detail="dismissed")
        results.append(Result(record=record, ok=stays is None, detail=stays or told))
    return results


def case_or_error(ledger: Ledger, number: int) -> None:
    """Raises ``NoSuchError`` when there is no such case."""
    if ledger.case(number) is None:
        raise NoSuchError(f"there is no case {number}; `fediwarden cases` lists them")


def intents_or_error(ledger: Ledger, numbers: Iterable[int]) -> Sequence[IntentRecord]:
    """The intents of these numbers. Raises ``NoSuchError`` for one that does not exist."""
    records = []
    for number in numbers:
        record = ledger.intent(number)
        if record is None:
            raise NoSuchError(f"there is no intent {number}; `fediwarden held` lists those that wait")
        records.append(record)
    return records


def needs(record: IntentRecord) -> str:
    """Why an intent waits, in words."""
    return in_words(record.reasons, record.detail)


def in_words(reasons: Sequence[HoldReason], detail: str) -> str:
    """What the guard says, for people."""
    words = "; ".join(_REASONS[reason] for reason in reasons)
    return f"{words} ({detail})" if detail and words else words or detail


_REASONS = {
    HoldReason.STAGE: "the rule's stage does not go so far",
    HoldReason.UNCALIBRATED: "its threshold was not measured for this revision of the detector",
    HoldReason.NEEDS_APPROVAL: "a score alone does not do this",
    HoldReason.IRREVERSIBLE_OFF: "irreversible, and not switched on",
    HoldReason.NO_EVIDENCE_POLICY: "no choice about evidence was made",
    HoldReason.QUOTA: "over a quota",
    HoldReason.FIRST_DEEDS: "the rule is new, and its first deeds are yours to approve",
    HoldReason.BREAKER: "its rule flagged far more than was expected",
    HoldReason.STOPPED: "acting was stopped",
    HoldReason.PROTECTED: "protected",
    HoldReason.SHARED_FILE: "others show this file too",
    HoldReason.RETURNS: "the server has fetched it anew each time",
    HoldReason.LIST_CONFLICT: "on an allow list and on a block list",
    HoldReason.WEAK_ATTRIBUTION: "who uploaded it is not certain enough",
    HoldReason.NOT_OFFERED: "the server has no way to do it so far",
    HoldReason.UNKNOWN_STATE: "nobody can tell whether it happened",
}
