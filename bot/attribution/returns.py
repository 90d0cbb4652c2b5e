"""Counts how a purged file came back. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.attribution.addresses import by_proxy
from bot.domain.content import Alias, Role

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.domain.content import Sighting, Upload
    from bot.ports import NameRecord


CLOCKS = timedelta(minutes=1)
"""By how much the clocks of a server and of the bot may differ: the one dates uploads, the other purges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Returns:
    """``uploaded``: by accounts, as far as their server lists it. ``fetched``: by a server of ours, for its proxy.

    ``unknown``: stored again, and nothing tells how. Most uploads on Lemmy 1.0 are, for its list does not reach them.
    """

    purged_at: datetime | None = None  # for the first time; ``None``: never
    uploaded: int = 0
    fetched: int = 0
    unknown: int = 0

    @property
    def times(self) -> int:
        """All together."""
        return self.uploaded + self.fetched + self.unknown


def returns(
    records: Sequence[NameRecord],
    uploads: Sequence[Upload],
    sightings: Sequence[Sighting],
    *,
    purged_at: datetime | None,
) -> Returns:
    """All of one file.

    A name of a server that shows the file by its proxy is the proxy's copy, if nothing shows it and nobody is listed
    for it. A server's own thumbnail comes with a picture, and is not counted.
    """
    if purged_at is None:
        return Returns()
    stored = {upload.name for upload in uploads}
    shown = {sighting.name for sighting in sightings}
    thumbnails = shown - {sighting.name for sighting in sightings if sighting.media.role is not Role.THUMBNAIL}
    proxying = {sighting.subject.instance for sighting in sightings if by_proxy(sighting)}
    late = {record.name for record in records if record.first_seen > purged_at}
    others = [name for name in late - stored - thumbnails if isinstance(name, Alias)]
    fetched = sum(name not in shown and name.instance in proxying for name in others)
    return Returns(
        purged_at=purged_at,
        uploaded=sum(upload.name in late and upload.uploaded_at > purged_at - CLOCKS for upload in uploads),
        fetched=fetched,
        unknown=len(others) - fetched,
    )
