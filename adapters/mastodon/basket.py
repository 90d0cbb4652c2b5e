"""What one look at a server has gathered so far."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.ports import Batch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from bot.domain.content import Sighting


@dataclass(slots=True)
class Basket:
    """Pages of authors come with every post and are kept once."""

    sightings: dict[object, Sighting] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    holes: list[str] = field(default_factory=list)
    newest_last: bool = False  # letters come in this order, listings in the other

    def add(self, sightings: Iterable[Sighting]) -> None:
        """What was seen; the newest word about a place counts."""
        for one in sightings:
            place = (one.subject.key, one.media.url, one.media.role)
            if self.newest_last or place not in self.sightings:
                self.sightings[place] = one

    def drop(self, reason: str) -> None:
        """Something that was left out on purpose."""
        self.dropped[reason] += 1

    def batch(self, cursor: Mapping[str, Any] | None, *, more: bool) -> Batch:
        """All of it."""
        return Batch(
            sightings=list(self.sightings.values()),
            cursor=cursor,
            more=more,
            dropped=dict(self.dropped),
            holes=self.holes,
        )
