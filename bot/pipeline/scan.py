"""From a URL to what is known of its bytes: fetch, decode, match, score; nothing twice."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.domain.content import Alias
from bot.domain.evidence import Evidence, Unscannable, failed
from bot.media.structure import declared_type_finding
from bot.pipeline.stages import in_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.content import Name
    from bot.domain.evidence import Hit, Scan
    from bot.pipeline.stages import Stages
    from bot.ports import Decoder, Fetched, FileRecord, Matcher, Scorer

AS_SHOWN = "not seen yet as our server shows it"
"""The gap of a file that only its origin gave, for now: users may be shown other bytes."""


def transient(gap: str) -> bool:
    """A gap that may close by itself: a detector or our server was down. Others belong to the file."""
    return detector_out(gap) or gap == AS_SHOWN


def detector_out(gap: str) -> bool:
    """The gap of a file that a detector could not look at, which is no fault of the file."""
    return gap.endswith(": unavailable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Blind:
    """Bytes that nobody could look into."""

    sha256: str
    size: int
    why: Unscannable


class Scanner:
    """Media, matching and classification of one file at a time; the detectors batch across those at work."""

    def __init__(self, stages: Stages) -> None:
        """``stages``: the furnished rooms."""
        self._s = stages

    def fresh(self, file: FileRecord) -> Evidence | None:
        """The scan we have, with hits by today's lists, unless a detector has changed or was missing.

        A gap that names no revision, from before gaps did, settles nothing: the file is looked at once more.
        """
        scan = file.scan
        if not isinstance(scan, Evidence) or any(transient(gap) for gap in scan.gaps):
            return None
        scored = {(score.detector, score.revision) for score in scan.scores}
        for detector, revision in self._s.scorer.revisions.items():
            settled = {failed(detector, revision), self._s.scorer.passed_over.get(detector)}
            if (detector, revision) not in scored and settled.isdisjoint(scan.gaps):
                return None
        return self._matched(file.id, scan)

    async def scan(self, name: Name, urls: Sequence[str]) -> tuple[Scan, int]:
        """What the first of ``urls`` that answers serves, and the file that it turned out to be.

        Known bytes are not looked at again. Where an address before it may answer later, that is a gap of this scan and
        not of the file.
        """
        fetched, missed = await self._first_of(urls)
        if isinstance(fetched, Unscannable):
            return fetched, await in_thread(self._not_there, name, urls[0], fetched)
        sha256 = hashlib.sha256(fetched.data).hexdigest()
        seen: Evidence | Blind | None = None
        before = await in_thread(self._another_before, name, sha256)
        if before is not None:
            seen = await self._look(fetched, sha256)
            if isinstance(seen, Blind) and isinstance(page := matched(seen, self._s.matcher), Unscannable):
                return page, before
        file_id, scan = await in_thread(self._bind, name, sha256)
        if scan is None:
            scan = await in_thread(self._keep, file_id, seen or await self._look(fetched, sha256))
        if missed and isinstance(scan, Evidence):
            scan = replace(scan, gaps=(*scan.gaps, AS_SHOWN))
        return scan, file_id

    async def _first_of(self, urls: Sequence[str]) -> tuple[Fetched | Unscannable, bool]:
        """The first that can be had, and whether one before it may be had later; else the one worth waiting for."""
        failed_so_far: list[Unscannable] = []
        for url in urls:
            fetched = await self._s.fetcher.fetch(url)
            if not isinstance(fetched, Unscannable):
                return fetched, any(one.retry_at is not None for one in failed_so_far)
            failed_so_far.append(fetched)
        return next((one for one in failed_so_far if one.retry_at is not None), failed_so_far[0]), False

    async def _look(self, fetched: Fetched, sha256: str) -> Evidence | Blind:
        return await look(
            fetched.data,
            sha256=sha256,
            declared_type=fetched.declared_type,
            decoder=self._s.decoder,
            scorer=self._s.scorer,
        )

    def _another_before(self, name: Name, sha256: str) -> int | None:
        """The file that an alias is known to stand for, where these are other bytes: perhaps a page of errors."""
        record = self._s.ledger.name(str(name)) if isinstance(name, Alias) else None
        file = self._s.ledger.file(record.file_id) if record is not None else None
        known = file is not None and isinstance(file.scan, Evidence) and file.scan.sha256 != sha256
        return file.id if file is not None and known else None

    def _bind(self, name: Name, sha256: str) -> tuple[int, Scan | None]:
        file_id = self._s.ledger.bind(name, sha256)
        file = self._s.ledger.file(file_id)
        return file_id, self.fresh(file) if file is not None else None

    def _not_there(self, name: Name, url: str, why: Unscannable) -> int:
        record = self._s.ledger.add_name(name, url)
        before = self._s.ledger.file(record.file_id)
        if before is None or not isinstance(before.scan, Evidence):  # what is known of bytes outlives their address
            self._s.ledger.save_scan(record.file_id, why)
        return record.file_id

    def _keep(self, file_id: int, seen: Evidence | Blind) -> Scan:
        scan = matched(seen, self._s.matcher)
        if isinstance(scan, Evidence) and any(detector_out(gap) for gap in scan.gaps):
            before = self._s.ledger.file(file_id)
            if before is not None and before.scan == scan:
                return scan  # as an hour ago, and in a long outage the ledger would grow by every hour
        self._s.ledger.save_scan(file_id, scan)
        return scan

    def _matched(self, file_id: int, scan: Evidence) -> Evidence:
        hits = hits_of(scan, self._s.matcher)
        if hits != tuple(scan.hits):
            scan = replace(scan, hits=hits)
            self._s.ledger.save_scan(file_id, scan)
        return scan


async def look(
    data: bytes, *, sha256: str, declared_type: str | None, decoder: Decoder, scorer: Scorer
) -> Evidence | Blind:
    """Decode and score. ``declared_type``: what a server said that it is, if one did."""
    decoded = await decoder.decode(data, scorer.views)
    if isinstance(decoded, Unscannable):
        return Blind(sha256=sha256, size=len(data), why=decoded)
    lie = declared_type_finding(declared_type, decoded.media_type)
    scores, gaps = await scorer.score(decoded)
    return Evidence(
        sha256=sha256,
        media_type=decoded.media_type,
        size=len(data),
        width=decoded.width,
        height=decoded.height,
        pixels=decoded.pixels,
        pdq=decoded.pdq,
        pdq_quality=decoded.pdq_quality,
        looks=tuple(decoded.looks) if len(decoded.looks) > 1 else (),
        findings=(*decoded.findings, *([lie] if lie is not None else [])),
        scores=tuple(scores),
        gaps=(*decoded.gaps, *gaps),
    )


def matched(seen: Evidence | Blind, matcher: Matcher) -> Scan:
    """A hit on the bytes stands although nobody could look at them; without one there is no evidence at all."""
    if isinstance(seen, Evidence):
        return replace(seen, hits=hits_of(seen, matcher))
    gap = f"decode: {seen.why.kind.value}: {seen.why.detail}"
    blind = Evidence(sha256=seen.sha256, media_type="", size=seen.size, gaps=(gap,))
    hits = hits_of(blind, matcher)
    return replace(blind, hits=hits) if hits else seen.why


def hits_of(scan: Evidence, matcher: Matcher) -> tuple[Hit, ...]:
    """What the lists of this moment say of a scan."""
    return tuple(
        matcher.match(
            sha256=scan.sha256, pixels=scan.pixels, pdq=scan.pdq, pdq_quality=scan.pdq_quality, looks=scan.looks
        )
    )
