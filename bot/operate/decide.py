"""What humans decide: approve, dismiss, undo. Written to the ledger; whoever holds the lease carries it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.decisions import HoldReason, IntentState, PurgeFile
from bot.domain.errors import FediwardenError, SupersededError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bot.domain.content import Account
    from bot.policy import Guard
    from bot.ports import IntentRecord, Ledger


class NoSuchError(FediwardenError):
    """The case or intent that was named does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a decision came to for one intent."""

    record: IntentRecord
    ok: bool
    detail: str


def approve(ledger: Ledger, guard: Guard, records: Iterable[IntentRecord], *, by: str) -> Sequence[Result]:
    """Release held intents. Approval overrules everything but *protected* and *no evidence policy*."""
    results = []
    for record in records:
        stays = _not_held(record) or _stays_held(ledger, guard, record)
        if stays is None:
            stays = _move(ledger, record, IntentState.READY, by=by, approve=True, detail="approved")
        results.append(Result(record=record, ok=stays is None, detail=stays or "released"))
    return results


def _not_held(record: IntentRecord) -> str | None:
    return None if record.state is IntentState.HELD else f"is {record.state.value}, not held"


def _move(
    ledger: Ledger, record: IntentRecord, state: IntentState, *, by: str, detail: str, approve: bool = False
) -> str | None:
    """Write a decision; why not, where something happened to the intent since it was looked at."""
    try:
        ledger.set_state(record.id, state, by=by, approve=approve, detail=detail, seen=record)
    except SupersededError as error:
        return str(error)
    return None


def _stays_held(ledger: Ledger, guard: Guard, record: IntentRecord) -> str | None:
    if guard.no_evidence_policy(record.intent):
        return "no evidence policy: set `evidence: none` in the configuration if no copy is to be kept"
    if guard.protects(record.intent, _uploaders(ledger, record)):
        return "protected: staff, or listed under `protected` in the configuration"
    return None


def _uploaders(ledger: Ledger, record: IntentRecord) -> Sequence[Account]:
    if not isinstance(record.intent, PurgeFile):
        return ()
    case = ledger.case(record.case)
    files = case.files if case is not None else ()
    return [upload.uploader for file_id in files for upload in ledger.uploads_of(file_id)]


def dismiss_intents(ledger: Ledger, records: Iterable[IntentRecord], *, by: str) -> Sequence[Result]:
    """End single holds; nothing else of their cases changes."""
    results = []
    for record in records:
        stays = _not_held(record) or _move(ledger, record, IntentState.DISMISSED, by=by, detail="dismissed")
        results.append(Result(record=record, ok=stays is None, detail=stays or "dismissed"))
    return results


def dismiss_case(ledger: Ledger, number: int, *, by: str, list_id: str) -> Sequence[Result]:
    """The flag was wrong: end every hold, take back what was done, and forget the fingerprints of the case.

    ``list_id``: the block list that confirmed cases fill.
    """
    return _take_back(ledger, number, by=by, list_id=list_id, state="dismissed")


def undo_case(ledger: Ledger, number: int, *, by: str, list_id: str) -> Sequence[Result]:
    """Take back what was done. What is still held stays held."""
    return _take_back(ledger, number, by=by, list_id=list_id, state="undone")


def _take_back(ledger: Ledger, number: int, *, by: str, list_id: str, state: str) -> Sequence[Result]:
    case_or_error(ledger, number)
    ledger.set_case(number, state, by=by)  # first, so that nothing more is planned
    ledger.remove_entries(list_id=list_id, case=number)
    results = []
    for record in ledger.intents(case=number):
        result = _take_one_back(ledger, record, by=by, state=state)
        if result is not None:
            results.append(result)
    return results


def _take_one_back(ledger: Ledger, record: IntentRecord | None, *, by: str, state: str) -> Result | None:
    """Look again whenever whoever acts was faster: what is done by now is to be undone, not dismissed."""
    while record is not None:
        begun = record.state is IntentState.READY and record.attempts > 0  # a call may have gone out already
        if isinstance(record.intent, PurgeFile) and (record.state is IntentState.DONE or begun):
            return Result(record=record, ok=True, detail="nothing brings a purged file back")
        if record.state is IntentState.DONE or begun:
            goal, detail = IntentState.UNDOING, "to be undone"
        elif record.state is IntentState.READY or (record.state is IntentState.HELD and state == "dismissed"):
            goal, detail = IntentState.DISMISSED, "dismissed"
        else:
            return None
        if _move(ledger, record, goal, by=by, detail=f"case {state}") is None:
            return Result(record=record, ok=True, detail=detail)
        record = ledger.intent(record.id)
    return None


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
    words = ", ".join(_REASONS[reason] for reason in record.reasons)
    return f"{words} ({record.detail})" if record.detail and words else words or record.detail


_REASONS = {
    HoldReason.STAGE: "the rule's stage does not go so far",
    HoldReason.NEEDS_APPROVAL: "a score alone does not do this",
    HoldReason.IRREVERSIBLE_OFF: "irreversible, and not switched on",
    HoldReason.NO_EVIDENCE_POLICY: "no choice about evidence was made",
    HoldReason.QUOTA: "over the hourly quota",
    HoldReason.PROTECTED: "protected",
    HoldReason.SHARED_FILE: "others show this file too",
    HoldReason.LIST_CONFLICT: "on an allow list and on a block list",
    HoldReason.WEAK_ATTRIBUTION: "who uploaded it is not certain enough",
    HoldReason.UNKNOWN_STATE: "nobody can tell whether it happened",
}
