"""Protocol of erasing: what the ledger lets go of, after some time or because somebody asked for it.

Never erased: digests and newest scans of files, list entries, cursors, intents that still wait or run, and the audit
chain. What was done stays countable: rows of a case keep their times and kinds, and lose whom and what they name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """How much of what is gone: ``{"sightings": 3, "deeds": 2}``. Nothing that is zero is named."""

    counts: Mapping[str, int]

    def __bool__(self) -> bool:
        return bool(self.counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """What the ledger knows of an account."""

    uris: Sequence[str]  # its ActivityPub ids; several where a name was given away again
    handles: Sequence[str]
    sightings: int
    uploads: Sequence[int]  # their keys in the ledger
    deeds: int  # intents about it
    cases: Sequence[int]  # that name it
    waiting: Sequence[int]  # cases in which something about it still waits or runs


class Retention(Protocol):
    """Each call is one short transaction, and says what it did; zero: nothing is left to do.

    ``by``: who erases, for the audit trail. ``limit``: rows at most.
    """

    def erase_sightings(self, before: datetime, *, limit: int, by: str) -> Erased:
        """Sightings that were last seen before then, of files in no case; names that nothing else needs; older scans.

        Letters too that came before then, read or not.
        The file's digests and its newest evidence stay, so that it is known when it comes back.
        """
        ...

    def erase_uploads(self, before: datetime, *, limit: int, by: str) -> Erased:
        """Who stored files that are in no case, where that became known before then."""
        ...

    def stale_cases(self, before: datetime, *, limit: int) -> Sequence[int]:
        """Cases of which nothing waits, in which nothing has happened since then, and that name somebody still."""
        ...

    def erase_case(self, number: int, *, limit: int, by: str) -> Erased:
        """Whom and what a case names, a part at a time. Raises ``StillWaitingError`` while anything waits or runs."""
        ...

    def traces_of(self, who: str) -> Traces:
        """What is known of an account, by handle (``name@host``) or ActivityPub id. Reads everything: slow."""
        ...

    def erase_account(self, traces: Traces, *, limit: int, by: str) -> Erased:
        """All that ``traces_of`` found, a part at a time.

        Raises ``StillWaitingError`` while anything about the account waits or runs.
        """
        ...
