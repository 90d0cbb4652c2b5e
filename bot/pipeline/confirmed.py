"""The local block list fills itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.decisions import IntentState, PurgeFile, Remove
from bot.domain.evidence import Evidence, ListMode, MatchedBy
from bot.matching.matcher import PDQ_MIN_QUALITY
from bot.ports import Filter, ListEntry

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from bot.domain.decisions import Because
    from bot.ports import IntentRecord, Ledger

PAGE = 100

_SIDE_BY_SIDE = "image/jpeg"
"""The further pictures of a JPEG stand beside the first, and move nothing."""


def remember_confirmed(ledger: Ledger, record: IntentRecord, list_id: str) -> None:
    """What a confirmed case removed is known at once when it returns: its fingerprints join a block list."""
    if not confirms(record) or _taken_back(ledger, record):
        return
    case = ledger.case(record.case)
    for file_id in case.files if case is not None else ():
        file = ledger.file(file_id)
        if file is None or not isinstance(file.scan, Evidence):
            continue
        prints = [
            (MatchedBy.SHA256, file.scan.sha256),
            (MatchedBy.PIXELS, file.scan.pixels),
            *((MatchedBy.PDQ, pdq) for pdq in _pdqs(file.scan, record.because)),
        ]
        entries = [
            ListEntry(list_id=list_id, mode=ListMode.BLOCK, by=by, digest=digest, case=record.case)
            for by, digest in prints
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


def _pdqs(scan: Evidence, because: Because) -> Sequence[str]:
    """That of a picture. Of what moves those of the frames that were flagged, and none where that is not known: it may
    begin like a thousand harmless films.
    """
    frames = list(dict.fromkeys(look.frame for look in scan.looks))
    if len(frames) <= 1 or scan.media_type == _SIDE_BY_SIDE:
        found = [(scan.pdq, scan.pdq_quality)]
    else:
        flagged = _frames_that_reached(scan, because, frames)
        near = [hit.where for hit in scan.hits if hit.by is MatchedBy.PDQ and hit.mode is ListMode.BLOCK]
        found = [
            (look.pdq, look.pdq_quality)
            for look in scan.looks
            # A hit without a place is one of the file's own PDQ.
            if look.frame in flagged or look.where in near or ("" in near and look.pdq == scan.pdq)
        ]
    return [*dict.fromkeys(pdq for pdq, quality in found if pdq is not None and (quality or 0) >= PDQ_MIN_QUALITY)]


def _frames_that_reached(scan: Evidence, because: Because, frames: Sequence[int]) -> Collection[int]:
    """Those that reached the rule's threshold for the score that made it fire."""
    if because.threshold is None:
        return ()
    return {
        frame
        for score in scan.scores
        if score.value == because.score and len(score.frames) == len(frames)
        for frame, value in zip(frames, score.frames, strict=True)
        if value >= because.threshold
    }


def _taken_back(ledger: Ledger, record: IntentRecord) -> bool:
    """A human was faster: decided otherwise while the call was under way."""
    now = ledger.intent(record.id)
    case = ledger.case(record.case)
    if now is None or now.state is not IntentState.READY:
        return True
    return case is not None and case.state in {"undone", "dismissed"} and record.approved_by is None
