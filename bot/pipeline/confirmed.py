"""The local block list fills itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.decisions import PurgeFile, Remove
from bot.domain.evidence import Evidence, ListMode, MatchedBy
from bot.matching.matcher import PDQ_MIN_QUALITY
from bot.ports import ListEntry

if TYPE_CHECKING:
    from bot.ports import IntentRecord, Ledger


def remember_confirmed(ledger: Ledger, record: IntentRecord, list_id: str) -> None:
    """What a confirmed case removed is known at once when it returns: its fingerprints join a block list."""
    if not isinstance(record.intent, Remove | PurgeFile) or not (record.because.exact or record.approved_by):
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
