"""The local block list fills itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.decisions import IntentState, PurgeFile, Remove
from bot.domain.evidence import Evidence, ListMode, MatchedBy
from bot.matching.matcher import PDQ_MIN_QUALITY
from bot.ports import Filter, ListEntry

if TYPE_CHECKING:
    from collections.abc import Collection

    from bot.ports import IntentRecord, Ledger

PAGE = 100


def remember_confirmed(ledger: Ledger, record: IntentRecord, list_id: str) -> None:
    """What a confirmed case removed is known at once when it returns: its fingerprints join a block list."""
    if not confirms(record) or _taken_back(ledger, record):
        return
    case = ledger.case(record.case)
    for file_id in case.files if case is not None else ():
        file = ledger.file(file_id)
        if file is None or not isinstance(file.scan, Evidence):
            continue
        prints = {
            MatchedBy.SHA256: file.scan.sha256,
            MatchedBy.PIXELS: file.scan.pixels,
            MatchedBy.PDQ: file.scan.pdq if (file.scan.pdq_quality or 0) >= PDQ_MIN_QUALITY else None,
        }
        entries = [
            ListEntry(list_id=list_id, mode=ListMode.BLOCK, by=by, digest=digest, case=record.case)
            for by, digest in prints.items()
            if digest is not None
        ]
        ledger.add_entries(entries)


def forget_taken_back(ledger: Ledger, record: IntentRecord, list_id: str) -> None:
    """The removal was undone: the fingerprints of its case leave the list, unless another removal of it stands.

    A purge does not keep them there: it stands because nothing brings a file back, not because anybody wants it.
    """
    if isinstance(record.intent, Remove) and not removals_that_stand(ledger, record.case, without={record.id}):
        ledger.remove_entries(list_id=list_id, case=record.case)


def confirms(record: IntentRecord) -> bool:
    """Whether this deed, once done, makes its file a confirmed one."""
    return isinstance(record.intent, Remove | PurgeFile) and bool(record.because.exact or record.approved_by)


def removals_that_stand(ledger: Ledger, case: int, *, without: Collection[int]) -> bool:
    """Whether a removal that confirmed the case's files is done, besides these intents."""
    done = Filter(case=case, states=(IntentState.DONE,), kind=Remove.kind)
    last = 0
    while page := ledger.find(done, limit=PAGE, after=last):
        if any(confirms(record) and record.id not in without for record in page):
            return True
        last = page[-1].id
    return False


def _taken_back(ledger: Ledger, record: IntentRecord) -> bool:
    """A human was faster: decided otherwise while the call was under way."""
    now = ledger.intent(record.id)
    case = ledger.case(record.case)
    if now is None or now.state is not IntentState.READY:
        return True
    return case is not None and case.state in {"undone", "dismissed"} and record.approved_by is None
