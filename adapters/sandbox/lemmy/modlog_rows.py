"""One entry of the mod log, of whichever kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from adapters.sandbox.lemmy.messages.choices import ModlogActionType


@dataclass(frozen=True, slots=True, kw_only=True)
class ModlogEntry:
    """What was done, by whom, to what. ``on`` is the flag of the kind: removed, locked, featured, banned, hidden."""

    id: int  # counted for each kind
    kind: ModlogActionType
    mod_person_id: int
    when: datetime
    reason: str | None = None
    on: bool = True
    other_person_id: int | None = None
    community_id: int | None = None
    post_id: int | None = None
    comment_id: int | None = None
    expires: datetime | None = None
    in_community: bool = False  # pinned in the community, not on the site
