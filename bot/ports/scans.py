"""Protocol of looking back: what was scanned, and what was made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.domain.evidence import Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A file as it was last looked at, and what rules have made of it so far."""

    scan_id: int
    file: int
    at: datetime
    scan: Evidence
    case: int | None
    case_state: str  # that a human gave it: "dismissed", "undone"; else empty
    rules: Sequence[str]  # ids of those that fired, in alphabetical order
    planned: Sequence[tuple[str, str, bool]]  # kind and target of each deed, and whether it was allowed at first


class Scans(Protocol):
    """Stored scans."""

    def looked_at(
        self, *, since: datetime | None = None, case: int | None = None, before: int | None = None, limit: int
    ) -> Sequence[Looked]:
        """Files that could be read, by their newest scan, newest first.

        ``before``: only scans with a lower id, for the next page. ``case``: only the files of this case.
        """
        ...
