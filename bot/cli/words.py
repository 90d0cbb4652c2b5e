"""Numbers and scans in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.evidence import Evidence, Unscannable

if TYPE_CHECKING:
    from bot.domain.evidence import Scan, Score


def several(number: int, one: str, many: str) -> str:
    """``1 entry``, ``2 entries``: both are given, with what follows the number."""
    return f"{number} {one if number == 1 else many}"


def describe_scan(scan: Scan | None) -> str:
    """What is known of a file's contents, in one line."""
    match scan:
        case None:
            return "not scanned yet"
        case Unscannable():
            return f"could not be scanned ({scan.kind.value}): {scan.detail}"
        case Evidence():
            size = f"{scan.width}x{scan.height} " if scan.width else ""
            hits = [
                f"{hit.mode.value} list {hit.list_id} ({hit.by.value}{f', {hit.where}' if hit.where else ''})"
                for hit in scan.hits
            ]
            scores = [f"{score.detector}/{score.label} {score.value:.3f}{_frames(score)}" for score in scan.scores]
            odd = [finding.detail for finding in scan.findings]
            return "; ".join([f"{size}{scan.media_type}", *hits, *scores, *odd, *scan.gaps])


def _frames(score: Score) -> str:
    """What a rule that wants two frames goes by."""
    if not score.frames:
        return ""
    return f" ({score.agreed(2):.3f} in two of {len(score.frames)} frames)"
