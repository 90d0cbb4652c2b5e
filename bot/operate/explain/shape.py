"""What an explanation consists of. Its JSON has these very names (docs/audit.md); what goes, gets another format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

FORMAT = "fediwarden-case/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class NameLine:
    """What a file is or was called. No address to follow: of ours the name, of foreign ones the text."""

    name: str
    since: datetime
    still: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLine:
    """One file of the case."""

    file: int
    sha256: str | None
    media_type: str
    size: int | None  # bytes
    width: int | None
    height: int | None
    oddities: Sequence[str]
    names: Sequence[NameLine]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreLine:
    """What a detector gave, by the revision that it had then. ``frames``: of what moves, in the order of showing."""

    detector: str
    revision: str
    label: str
    value: float
    frames: Sequence[float] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HitLine:
    """A match with a list. Its entry is the list's own and is not told."""

    list_id: str
    mode: str
    by: str
    where: str = ""  # which frame, where it was not the file as a whole


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictLine:
    """A rule that fired, as it was then, and what it rested on."""

    at: datetime
    file: int
    rule: str
    rule_digest: str
    rule_text: str | None
    because: str
    exact: bool
    score: float | None
    threshold: float | None
    scores: Sequence[ScoreLine]
    hits: Sequence[HitLine]


@dataclass(frozen=True, slots=True, kw_only=True)
class TryLine:
    """One try to do or to undo a deed, and the answer."""

    at: datetime
    ended: datetime | None
    undo: bool
    before: Mapping[str, Any]  # what the server said just before
    outcome: str  # done, already_done, refused, failed, unknown
    code: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeedLine:
    """One deed, from plan to end. Spans are in seconds."""

    intent: int
    deed: str
    on: str
    account: str  # whom it concerns
    because: str
    rule: str
    planned_at: datetime
    planned: str
    state: str
    waits_for: Sequence[str]
    detail: str
    approved_by: str | None
    tries: Sequence[TryLine]
    done_at: datetime | None
    from_seen: float | None
    from_flagged: float | None
    held: float
    restored: str  # what an undo came to
    erased: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """From the first sight of a file to what was done about it. Spans are in seconds."""

    first_seen: datetime | None
    flagged: datetime | None
    first_deed: datetime | None
    last_deed: datetime | None
    seen_to_flagged: float | None
    flagged_to_first_deed: float | None
    seen_to_first_deed: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the timeline."""

    at: datetime
    what: str  # uploaded, seen, scanned, verdict, planned, attempt, outcome, decision, erased
    who: str
    text: str
    facts: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything about one case."""

    format: str
    version: str
    case: int
    state: str
    headline: str
    opened: datetime
    written: datetime
    names_withheld: bool
    times: Times
    files: Sequence[FileLine]
    verdicts: Sequence[VerdictLine]
    deeds: Sequence[DeedLine]
    timeline: Sequence[Line]
