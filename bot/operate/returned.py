"""How often what a case is about came back after it was purged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.attribution.returns import Returns, returns
from bot.domain.decisions import PurgeFile

if TYPE_CHECKING:
    from bot.ports import Ledger


def returned(ledger: Ledger, case: int) -> Returns:
    """Over all files of the case, by what the ledger knows."""
    purged_at = ledger.first_done(case, PurgeFile.kind)
    record = ledger.case(case)
    if purged_at is None or record is None:
        return Returns()
    found = [
        returns(
            ledger.names_of(file_id),
            ledger.uploads_of(file_id),
            ledger.sightings_of(file_id),
            purged_at=purged_at,
        )
        for file_id in record.files
    ]
    return Returns(
        purged_at=purged_at,
        uploaded=sum(one.uploaded for one in found),
        fetched=sum(one.fetched for one in found),
        unknown=sum(one.unknown for one in found),
    )


def in_words(found: Returns) -> str:
    """For people; empty where nothing was purged."""
    if found.purged_at is None:
        return ""
    if not found.times:
        return f"purged {found.purged_at:%Y-%m-%d %H:%M}, and not seen again"
    ways = [
        *([f"{found.uploaded} by uploads"] if found.uploaded else []),
        *([f"{found.fetched} by the image proxy of the server"] if found.fetched else []),
        *([f"{found.unknown} in a way that is not known"] if found.unknown else []),
    ]
    times = "once" if found.times == 1 else f"{found.times} times"
    return f"purged {found.purged_at:%Y-%m-%d %H:%M}, and came back {times} since: {', '.join(ways)}"


def ways_back(found: Returns) -> dict[str, int]:
    """For programs."""
    return {"by_uploads": found.uploaded, "by_image_proxy": found.fetched, "unknown": found.unknown}
