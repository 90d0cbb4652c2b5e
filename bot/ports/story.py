"""The story of a case: every row that has a part of it. What was erased is ``None`` and keeps its time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from bot.domain.content import Name, Sighting, Upload
    from bot.domain.decisions import Because, HoldReason, Intent, IntentState, Outcome
    from bot.domain.evidence import Scan


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTold:
    """One file of the case."""

    id: int
    sha256: str | None
    met_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NameTold:
    """A name, and from when on it stood for a file of the case."""

    name: Name
    file: int
    since: datetime
    still: bool  # stands for it now


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenTold:
    """The file was shown somewhere."""

    first: datetime
    last: datetime
    sighting: Sighting


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanTold:
    """Somebody looked at a file."""

    id: int
    file: int
    at: datetime
    scan: Scan


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictTold:
    """A rule fired."""

    id: int
    file: int
    at: datetime
    rule_id: str
    rule_digest: str
    rule_text: str | None  # the wording at that time, where it was kept
    because: Because
    scan: int | None  # the scan that it rests on, where that was noted


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentTold:
    """A deed that a verdict wants."""

    id: int
    verdict: int
    at: datetime
    kind: str
    intent: Intent | None
    planned: str  # what the guard said first, in words
    state: IntentState
    reasons: Sequence[HoldReason]
    detail: str
    approved_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptTold:
    """A try, and what came of it."""

    id: int
    intent: int
    reverting: bool
    at: datetime
    before: Mapping[str, Any] | None
    outcome: Outcome | None  # ``None``: nobody wrote down how it ended
    ended: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionTold:
    """Somebody, or the bot by a rule of its own, decided something."""

    at: datetime
    intent: int | None
    who: str | None
    what: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureTold:
    """Something of the case was erased."""

    at: datetime
    who: str
    scope: str  # "case" or "account"
    counts: Mapping[str, int]
    first_seen: datetime | None  # of the sightings that are gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything about one case. Every part in the order in which it was written."""

    files: Sequence[FileTold]
    names: Sequence[NameTold]
    uploads: Sequence[Upload]
    seen: Sequence[SeenTold]
    scans: Sequence[ScanTold]
    verdicts: Sequence[VerdictTold]
    intents: Sequence[IntentTold]
    attempts: Sequence[AttemptTold]
    decisions: Sequence[DecisionTold]
    erasures: Sequence[ErasureTold]
