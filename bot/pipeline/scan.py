"""From a URL to what is known of its bytes: fetch, decode, match, score; nothing twice."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.evidence import Evidence, Unscannable
from bot.media.structure import declared_type_finding
from bot.pipeline.stages import in_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.content import Name
    from bot.domain.evidence import Hit, Scan
    from bot.pipeline.stages import Stages
    from bot.ports import Fetched, FileRecord


def transient(gap: str) -> bool:
    """A gap that may close by itself: a detector that was down. Others belong to the file."""
    return gap.endswith(": unavailable")


class Scanner:
    """Media, matching and classification of one file at a time; the detectors batch across those at work."""

    def __init__(self, stages: Stages) -> None:
        """``stages``: the furnished rooms."""
        self._s = stages

    async def fresh(self, file: FileRecord) -> Evidence | None:
        """The scan we have, with hits by today's lists, unless a detector has changed or was missing."""
        scan = file.scan
        if not isinstance(scan, Evidence) or any(transient(gap) for gap in scan.gaps):
            return None
        known = {(score.detector, score.revision) for score in scan.scores}
        if not set(self._s.scorer.revisions.items()) <= known:
            return None
        hits = await self._match(scan)
        if tuple(hits) != tuple(scan.hits):
            scan = replace(scan, hits=tuple(hits))
            await in_thread(self._s.ledger.save_scan, file.id, scan)
        return scan

    async def _match(self, scan: Evidence) -> Sequence[Hit]:
        return await in_thread(
            lambda: self._s.matcher.match(
                sha256=scan.sha256, pixels=scan.pixels, pdq=scan.pdq, pdq_quality=scan.pdq_quality
            )
        )

    async def scan(self, name: Name, url: str) -> tuple[Scan, int]:
        """What ``url`` serves, and the file that it turned out to be. Known bytes are not looked at again."""
        fetched = await self._s.fetcher.fetch(url)
        if isinstance(fetched, Unscannable):
            record = await in_thread(self._s.ledger.add_name, name, url)
            before = await in_thread(self._s.ledger.file, record.file_id)
            if before is None or not isinstance(before.scan, Evidence):  # what is known of bytes outlives their address
                await in_thread(self._s.ledger.save_scan, record.file_id, fetched)
            return fetched, record.file_id
        sha256 = await in_thread(lambda: hashlib.sha256(fetched.data).hexdigest())
        file_id = await in_thread(self._s.ledger.bind, name, sha256)
        file = await in_thread(self._s.ledger.file, file_id)
        fresh = await self.fresh(file) if file is not None else None
        if fresh is not None:
            return fresh, file_id
        scan = await self._look(fetched, sha256)
        await in_thread(self._s.ledger.save_scan, file_id, scan)
        return scan, file_id

    async def _look(self, fetched: Fetched, sha256: str) -> Scan:
        data = fetched.data
        decoded = await self._s.decoder.decode(data, self._s.scorer.views)
        if isinstance(decoded, Unscannable):
            blind = Evidence(
                sha256=sha256, media_type="", size=len(data), gaps=(f"decode: {decoded.kind.value}: {decoded.detail}",)
            )
            hits = await self._match(blind)
            # A hit on the bytes stands although nobody could look at them; without one there is no evidence at all.
            return replace(blind, hits=tuple(hits)) if hits else decoded
        lie = declared_type_finding(fetched.declared_type, decoded.media_type)
        scores, gaps = await self._s.scorer.score(decoded)
        scan = Evidence(
            sha256=sha256,
            media_type=decoded.media_type,
            size=len(data),
            width=decoded.width,
            height=decoded.height,
            pixels=decoded.pixels,
            pdq=decoded.pdq,
            pdq_quality=decoded.pdq_quality,
            findings=(*decoded.findings, *([lie] if lie is not None else [])),
            scores=tuple(scores),
            gaps=(*decoded.gaps, *gaps),
        )
        return replace(scan, hits=tuple(await self._match(scan)))
