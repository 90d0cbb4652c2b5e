"""Counts how a purged file came back. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.content import Alias

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from bot.domain.content import Name, Upload
    from bot.ports import NameRecord


CLOCKS = timedelta(minutes=1)
"""By how much the clocks of a server and of the bot may differ: the one dates uploads, the other purges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Returns:
    """``uploaded``: by accounts, as far as their server lists it. ``fetched``: by a server of ours, for its proxy."""

    purged_at: datetime | None = None  # for the first time; ``None``: never
    uploaded: int = 0
    fetched: int = 0

    @property
    def times(self) -> int:
        """All together."""
        return self.uploaded + self.fetched


def returns(
    records: Sequence[NameRecord], uploads: Sequence[Upload], *, shown: Collection[Name], purged_at: datetime | None
) -> Returns:
    """``shown``: names under which posts show the file; what is none of these, and nobody's upload, is a copy."""
    if purged_at is None:
        return Returns()
    stored = {upload.name for upload in uploads}
    late = {record.name for record in records if record.first_seen > purged_at}
    copies = [
        record
        for record in records
        if isinstance(record.name, Alias) and record.name not in stored and record.name not in shown
    ]
    return Returns(
        purged_at=purged_at,
        uploaded=sum(upload.name in late and upload.uploaded_at > purged_at - CLOCKS for upload in uploads),
        fetched=sum(record.name in late for record in copies),
    )
