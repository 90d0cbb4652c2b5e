"""Everything policy may look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from bot.domain.content import InstanceId, Name, Sighting
    from bot.domain.evidence import Attribution, Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A thumbnail that the server made, in the thumbnail slot of a post that shows the file.

    ``looks_alike``: its PDQ lies near the file's. Without that it might be anything, a custom thumbnail for instance.
    """

    name: Name
    url: str
    looks_alike: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One file: what it is, who put it there, where it is shown."""

    evidence: Evidence
    attributions: Mapping[Name, Attribution]  # one for each name of the bytes
    addresses: Mapping[Name, str]  # public URL of each name
    sightings: Sequence[Sighting]  # under any of the names
    derived: Sequence[Derived]
    platforms: Mapping[InstanceId, str]
    backlog: bool  # everything that is known of the file was there before the bot started
    now: datetime
    items: Mapping[str, int] = field(default_factory=dict)  # account, by its ActivityPub id, to subjects of it seen
