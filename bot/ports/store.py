"""Protocols of the one store, and the records that it gives out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from bot.ports.audit import Audit
from bot.ports.gauges import Gauges
from bot.ports.notify import Outbox
from bot.ports.platform import Inbox
from bot.ports.retention import Retention
from bot.ports.scans import Scans
from bot.ports.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from bot.domain.content import Account, Community, Name, Role, Sighting, SubjectKey, Upload
    from bot.domain.decisions import (
        Attempt,
        Because,
        Decision,
        HoldReason,
        Intent,
        IntentState,
        Outcome,
        Verdict,
    )
    from bot.domain.evidence import ListMode, MatchedBy, Scan
    from bot.ports.platform import Batch, Cursor
    from bot.ports.story import Story


class Lane(IntEnum):
    """Who goes first when there is more to do than hands."""

    GATE = 0
    BANS = 1
    DEEDS = 2
    NEW = 3
    REVISIT = 4
    BACKLOG = 5


ABSENT = "absent"
"""Why a task waits whose file is not there: it is asked for again, and is no trouble meanwhile."""

ORDERED = "by-order"
"""What stands in the place of a rule where a human ordered something."""


class TaskKind(StrEnum):
    """What there is to do."""

    EXAMINE = "examine"  # target: a name, as ``str(name)``
    JUDGE = "judge"  # target: the id of a file: it was seen again while it was judged, or shortly after
    REVISIT = "revisit"  # target: a subject, as ``str(key)``: read it again, for what its server adds late
    ENFORCE = "enforce"  # target: a case number: carry out what is ready, revert what is to be undone


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing to do, leased to whoever took it."""

    id: int
    kind: TaskKind
    target: str
    lane: Lane
    attempts: int  # how often it was taken, this time included
    created_at: datetime
    lease: int = 0  # which taking this is: after the next one, it is void


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A task that has not worked out so far, and why. ``again_at is None``: parked."""

    kind: TaskKind
    target: str
    reason: str
    again_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NameRecord:
    """A name, where it can be fetched, and the file it stood for when last looked at."""

    name: Name
    url: str
    file_id: int
    first_seen: datetime
    backlog: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A name that is shown in a subject together with a file."""

    record: NameRecord
    uploaded: bool  # somebody stored these bytes, as far as is known
    looked_at: bool  # there is a scan of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a file is shown, as what, and since when."""

    file_id: int
    subject: str  # a digest: the same for the same subject
    role: Role
    since: datetime  # aware, UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """Bytes we met. ``sha256`` is ``None`` until they were."""

    id: int
    sha256: str | None
    scan: Scan | None
    case: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentRecord:
    """An intent in the ledger."""

    id: int
    case: int
    file: int  # the file that was judged
    intent: Intent
    state: IntentState
    reasons: Sequence[HoldReason]
    detail: str
    rule_id: str
    rule_digest: str
    because: Because
    approved_by: str | None
    attempts: int  # tries so far, in the direction it is going now
    not_before: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which intents are meant: those for which everything that is given here is so."""

    states: Sequence[IntentState] = ()  # none: all
    case: int | None = None
    kind: str | None = None  # ``Intent.kind``
    rule: str | None = None
    reason: HoldReason | None = None  # held for this reason, among others
    account: str | None = None  # whom it concerns: ``name@host`` or ActivityPub id
    community: str | None = None  # where it is felt: ``name@host`` or ActivityPub id
    score_at_least: float | None = None  # what has no score does not fit either of these two
    score_below: float | None = None
    since: datetime | None = None  # planned at this time or later
    until: datetime | None = None  # planned before this time
    acted_since: datetime | None = None  # the newest try to do it ended (or, its end unknown, began) then or later
    acted_until: datetime | None = None  # the same, before this time


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRecord:
    """Everything about one file, or a cluster that are the same picture, as a human handles it."""

    number: int
    state: str  # "open", "closed" (nothing waits), "dismissed", "undone"
    opened_at: datetime
    files: Sequence[int]
    headline: str
    waiting: int  # held intents


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of a case's timeline."""

    at: datetime
    what: str  # "seen", "uploaded", "scanned", "verdict", "intent", "attempt", "outcome", "decision", "erased"
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEntry:
    """One fingerprint on one list."""

    list_id: str
    mode: ListMode
    by: MatchedBy
    digest: str  # hexadecimal, lower case
    note: str = ""
    case: int | None = None  # the case it came from, for the local lists


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """The kill switch is on: since when, by whom, why."""

    at: datetime
    by: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """The breaker of one rule is open: since when, and on what numbers."""

    rule_id: str
    at: datetime
    flagged: int  # files that the rule flagged on a score or a near match
    scanned: int  # files that were looked at in the same time


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to act. ``fence`` grows with every holder; a write with an old fence is refused."""

    holder: str
    fence: int
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """Something that a source could not read, in words; when it was first and last met, and how often."""

    text: str
    first: datetime
    last: datetime
    times: int


class Intake(Protocol):
    """What was seen."""

    def cursor(self, source: str) -> Cursor | None:
        """Where a source stopped, ``None`` before its first poll."""
        ...

    def record(self, source: str, batch: Batch, *, examine_uploads: bool, backlog_from: datetime | None = None) -> int:
        """Commit a batch, its cursor and the tasks that follow, in one transaction; the number of new sightings.

        A name gets an ``EXAMINE`` task when it has a sighting (subject, URL, role) that was not known or whose subject
        has another revision, and with ``examine_uploads`` also when its upload is new, or when a file store holds a
        file under a name that nothing else has brought. A file gets a ``JUDGE`` task when what is ``outdated`` about it
        is seen again.

        Backlog goes to its own lane; backlog uploads older than ``backlog_from`` are only remembered, for they tell who
        uploaded what. Holes are kept with the cursor that went past them. ``source=""`` records without a cursor.
        """
        ...

    def holes(self) -> Mapping[str, Sequence[Hole]]:
        """What could not be read lately: by source, the last met first."""
        ...


class Work(Protocol):
    """The task table."""

    def enqueue(self, kind: TaskKind, target: str, lane: Lane, *, not_before: datetime | None = None) -> None:
        """Want something done. One row per kind and target: an earlier time or better lane wins; a task that is
        running is done once more."""
        ...

    def enqueue_all(
        self, kind: TaskKind, targets: Sequence[str], lane: Lane, *, not_before: datetime | None = None
    ) -> None:
        """The same for several targets at once."""
        ...

    def take(
        self, kinds: Iterable[TaskKind], *, limit: int, lease_seconds: float, worst: Lane = Lane.BACKLOG
    ) -> Sequence[Task]:
        """Lease up to ``limit`` tasks, best lane first, oldest first; among them those whose lease ran out.

        ``worst``: nothing from the lanes behind this one.
        """
        ...

    def reclaim(self, kinds: Iterable[TaskKind]) -> int:
        """Free the running tasks of these kinds, whose worker is known to be dead; how many there were."""
        ...

    def rouse(self) -> int:
        """An ``ENFORCE`` task for each case that has a deed to do or to take back and no such task; how many."""
        ...

    def finish(self, task: Task) -> None:
        """It is done. Does nothing if the lease was lost meanwhile."""
        ...

    def postpone(
        self, task: Task, *, until: datetime, reason: str, count: bool = True, lane: Lane | None = None
    ) -> None:
        """Try again later. ``count=False``: waiting for others, not a failed try. ``lane``: where it goes on."""
        ...

    def park(self, task: Task, reason: str) -> None:
        """Give up until a human or a new sighting asks again; shown by ``status``."""
        ...

    def troubles(self, *, limit: int = 20, targets: Collection[str] | None = None) -> Sequence[Trouble]:
        """Waiting and parked tasks that have a reason, the last changed first. ``targets``: only those about these."""
        ...

    def wanted(self, kind: TaskKind, target: str) -> bool:
        """Whether there is such a task: waiting, running or parked."""
        ...

    def backlog_size(self) -> Mapping[str, int]:
        """State and kind to number of tasks: ``{"waiting/examine": 3, "parked/examine": 1}``. ``ABSENT`` is a state."""
        ...


class Library(Protocol):
    """Files, their names, who stored them, where they are shown."""

    def name(self, key: str) -> NameRecord | None:
        """By ``str(name)``."""
        ...

    def names_ending(self, value: str) -> Sequence[NameRecord]:
        """Names whose value (alias, key or URL) is ``value``, on any instance."""
        ...

    def names_of(self, file_id: int) -> Sequence[NameRecord]:
        """All names that stand for a file."""
        ...

    def add_name(self, name: Name, url: str) -> NameRecord:
        """Know a name without a sighting (an alias that the file store told us). Keeps what is known already."""
        ...

    def bind(self, name: Name, sha256: str) -> int:
        """This name stands for these bytes now; the id of their file. Files of the same bytes become one."""
        ...

    def file(self, file_id: int) -> FileRecord | None:
        """One file with its newest scan."""
        ...

    def file_by_sha256(self, sha256: str) -> FileRecord | None:
        """The file of these bytes."""
        ...

    def save_scan(self, file_id: int, scan: Scan) -> None:
        """Keep a scan; older ones stay for the timeline."""
        ...

    def sightings_of(self, file_id: int) -> Sequence[Sighting]:
        """Everywhere a file is shown, under any of its names, oldest first; without what is ``outdated``."""
        ...

    def outdated(self, file_id: int) -> Sequence[Sighting]:
        """Where an address of another server was last seen before it stood for this file, while it stood for others.

        It may have been edited away since: only once it is seen there again, it is shown there.
        """
        ...

    def sightings_under(self, name: Name) -> Sequence[Sighting]:
        """Everywhere one name is shown, oldest first."""
        ...

    def sightings_besides(self, file_id: int, names: Sequence[Name]) -> Sequence[Sighting]:
        """Everywhere those of these names are shown that do not stand for this file."""
        ...

    def sightings_in(self, subject: SubjectKey) -> Sequence[Sighting]:
        """Everything ever seen in a subject: replaced thumbnails too."""
        ...

    def beside(self, file_id: int, *, own: Role, theirs: Role) -> Sequence[Beside]:
        """Names of other files that are shown as ``theirs`` in the subjects that show this file as ``own``."""
        ...

    def places(self, file_ids: Collection[int]) -> Sequence[Place]:
        """Everywhere these files are shown, under any of their names."""
        ...

    def strangers(self, file_id: int, names: Sequence[Name]) -> Sequence[Name]:
        """Those of these names that do not stand for this file, as far as is known."""
        ...

    def uploads_of(self, file_id: int) -> Sequence[Upload]:
        """Who stored these bytes, once for every name."""
        ...

    def uploaded(self, file_id: int) -> bool:
        """Whether it is known of anybody that he stored these bytes."""
        ...

    def upload(self, name: Name) -> Upload | None:
        """Who stored a file under this very name, if that is known."""
        ...

    def add_upload(self, upload: Upload) -> None:
        """Know an upload that was asked for, outside any poll."""
        ...

    def items_of(self, account: Account, *, most: int) -> int:
        """Different subjects of an account that were seen with media, counted up to ``most``."""
        ...

    def unexplained(self, file_ids: Sequence[int]) -> Sequence[NameRecord]:
        """Aliases of those of these files that nobody is known to have stored, and that nothing was seen to show."""
        ...

    def prints(self, *, after: int, limit: int) -> Sequence[tuple[int, int, str]]:
        """PDQ hashes of scans with a higher id than ``after``, the newest first: scan, file, 64 hexadecimal digits."""
        ...

    def scanned_since(self, since: datetime) -> int:
        """Files that were looked at since then."""
        ...


class Docket(Turns, Protocol):
    """Cases, verdicts, intents, attempts, outcomes."""

    def open_case(self, file_id: int) -> CaseRecord:
        """The case of this file, or of one with the same pixels; a new one if there is none."""
        ...

    def case_for(self, file_id: int) -> CaseRecord | None:
        """The case that this file is in, or would join. Raises ``LedgerError`` for an unknown file."""
        ...

    def add_verdict(
        self, case: int, file_id: int, verdict: Verdict, decisions: Sequence[tuple[Intent, Decision]]
    ) -> Sequence[IntentRecord]:
        """Keep a verdict and its intents, with an ``ENFORCE`` task if any is allowed; all in one transaction.

        One intent per case, kind and target for ever: an intent that exists keeps its state, and the same verdict
        (file, rule digest, reason) is kept once. Returns the intents that are new.
        """
        ...

    def order(self, intent: Intent, *, by: str, why: str = "") -> IntentRecord:
        """Have something done that no file asks for: a case of its own, with an intent that ``by`` has approved."""
        ...

    def intent(self, intent_id: int) -> IntentRecord | None:
        """One intent."""
        ...

    def intents(
        self,
        *,
        case: int | None = None,
        states: Sequence[IntentState] = (),
        kind: str | None = None,
        target: str | None = None,
        limit: int | None = None,
    ) -> Sequence[IntentRecord]:
        """Intents in the order of their ids; filters are joined by *and*; no states: all.

        ``kind`` and ``target`` are those of the intent (``Intent.kind``, ``Intent.target``)."""
        ...

    def find(self, which: Filter, *, limit: int | None = None, after: int = 0) -> Sequence[IntentRecord]:
        """Intents that fit, in the order of their ids. ``after``: only those with a higher id, for the next page."""
        ...

    def first_done(self, case: int, kind: str) -> datetime | None:
        """When an intent of this kind was done for the first time in a case; ``None``: none is."""
        ...

    def tally(self, which: Filter) -> Mapping[str, int]:
        """How many intents of each kind fit."""
        ...

    def used(
        self, kind: str, since: datetime, *, account: Account | None = None, community: Community | None = None
    ) -> int:
        """Intents of a kind that were allowed since then: what a quota counts. Held ones do not count.

        ``account``, ``community``: only those about this account (of any instance), or in this community.
        """
        ...

    def approvals(self, rule_id: str) -> int:
        """How many deeds of a rule a human has approved so far."""
        ...

    def flagged(self, rule_id: str, since: datetime) -> int:
        """Files that a rule flagged since then, not counting exact hits."""
        ...

    def keep_rule(self, digest: str, rule_id: str, text: str) -> None:
        """Keep the wording of a rule, once for each digest: cases name it by that."""
        ...

    def rule_text(self, digest: str) -> str | None:
        """The wording that a verdict came from."""
        ...

    def set_state(
        self,
        intent_id: int,
        state: IntentState,
        *,
        reasons: Sequence[HoldReason] = (),
        detail: str = "",
        by: str = "fediwarden",
        approve: bool = False,
        seen: IntentRecord | None = None,
    ) -> None:
        """Move an intent, with a decision in the timeline saying who did it; ``READY`` and ``UNDOING`` make an
        ``ENFORCE`` task and start counting tries anew. ``approve`` notes ``by`` as the one who approved.

        ``seen``: what the decision was made upon. Raises ``SupersededError`` if the intent has another state by now, or
        was tried since.
        """
        ...

    def begin(self, intent_id: int, *, reverting: bool, before: Mapping[str, Any], fence: int) -> Attempt:
        """Write that a call is about to go out.

        Raises ``LeaseLostError`` if ``fence`` is not the newest lease, ``SupersededError`` if the intent is no longer
        ``READY`` (or, ``reverting``, ``UNDOING``), ``StoppedError`` while the kill switch is on (not when
        ``reverting``: what was done wrong may always be taken back).
        """
        ...

    def end(
        self,
        attempt: Attempt,
        outcome: Outcome,
        *,
        state: IntentState,
        not_before: datetime | None = None,
        reasons: Sequence[HoldReason] = (),
        detail: str = "",
    ) -> None:
        """Write what came of it, and where that leaves the intent; all in one transaction.

        Where a human has decided otherwise since ``begin``, the outcome is written and the decision stands.
        ``reasons``, ``detail``: for ``HELD``.
        """
        ...

    def tell(self, intent_id: int, what: str) -> None:
        """Write into the timeline of its case what the bot did on the way of a deed. Raises ``LedgerError``."""
        ...

    def attempts(self, intent_id: int) -> Sequence[Attempt]:
        """All tries, oldest first; ``outcome is None`` where the end is unknown."""
        ...

    def tries(self, kind: str, *, target: str | None = None, since: datetime) -> Sequence[Attempt]:
        """Tries at a kind of deed that began after then, of whatever case, oldest first.

        ``target``: those on this one only.
        """
        ...

    def case(self, number: int) -> CaseRecord | None:
        """One case."""
        ...

    def cases(self, *, limit: int = 50) -> Sequence[CaseRecord]:
        """Newest first."""
        ...

    def set_case(self, number: int, state: str, *, by: str, note: str = "") -> None:
        """Close, dismiss or reopen a case, with a decision in the timeline."""
        ...

    def timeline(self, number: int) -> Sequence[Event]:
        """Everything that happened, oldest first."""
        ...

    def story(self, number: int) -> Story:
        """The same, with everything that is known of each part."""
        ...


class Control(Protocol):
    """Who acts, and whether anybody may."""

    def acquire(self, holder: str, *, seconds: float) -> Lease | None:
        """Become (or stay) the one that acts; ``None`` while somebody else is."""
        ...

    def release(self, lease: Lease) -> None:
        """Stop being it."""
        ...

    def holder(self) -> Lease | None:
        """Who acts now."""
        ...

    def stopped(self) -> Stop | None:
        """Whether the kill switch is on."""
        ...

    def stop_acting(self, *, by: str, why: str) -> int:
        """Switch it on: no attempt begins from now on. What was ready and not begun is held; how many that were."""
        ...

    def start_acting(self, *, by: str) -> bool:
        """Switch it off; whether it was on. What was held stays held."""
        ...

    def trips(self) -> Sequence[Trip]:
        """Rules whose breaker is open."""
        ...

    def trip(self, trip: Trip) -> int:
        """Open the breaker of a rule. Its ready deeds that rest on scores or near matches and were not begun are held;
        how many those were. An open breaker stays as it was: 0."""
        ...

    def close_breaker(self, rule_id: str, *, by: str) -> bool:
        """Close it again, counting anew; whether it was open. What was held stays held."""
        ...

    def counting_since(self, rule_id: str) -> datetime | None:
        """When the breaker of a rule was last closed: flags before that do not count."""
        ...

    def flag(self, key: str) -> str | None:
        """A small fact that outlives the process: ``source/lemmy-main/posts``."""
        ...

    def flags(self, prefix: str) -> Sequence[str]:
        """Keys that begin so, in alphabetical order."""
        ...

    def set_flag(self, key: str, value: str | None) -> None:
        """Set or clear one."""
        ...

    def dropped(self) -> Mapping[str, Mapping[str, int]]:
        """What sources and pushes left out on purpose so far: by their name, then by reason."""
        ...

    def counts(self) -> Mapping[str, int]:
        """Cumulative: ``seen`` (sightings), ``files``, ``scanned``, ``matched`` (files with an exact block hit),
        ``partly_seen``, ``unscored`` (files among the scanned), ``unscannable`` (files), then intents: ``reported``,
        ``removed``, ``marked``, ``purged``, ``limited``, ``banned`` (done now or before an undo), ``verified`` (done
        and found to be so), ``held`` (ever), ``waiting`` (held now), ``dismissed``, ``undone``, ``refused``.
        """
        ...


class ListStore(Protocol):
    """The lists kept in the ledger: the operator's, and what confirmed cases removed."""

    def entries(self, list_id: str | None = None) -> Sequence[ListEntry]:
        """All entries, or those of one list."""
        ...

    def lists_version(self) -> int:
        """Grows with every change, so that a reader knows when to read again."""
        ...

    def add_entries(self, entries: Sequence[ListEntry], *, by: str = "fediwarden") -> int:
        """Add; what is there already is left as it is. The number added. ``by``: who did it, for the audit trail."""
        ...

    def remove_entries(
        self, *, list_id: str, digest: str | None = None, case: int | None = None, by: str = "fediwarden"
    ) -> int:
        """Take out by digest or by case. The number removed. ``by``: who did it, for the audit trail."""
        ...


class Ledger(
    Intake, Work, Library, Docket, Control, ListStore, Inbox, Outbox, Gauges, Audit, Retention, Scans, Protocol
):
    """The one store. Raises ``LedgerError`` and its kin for everything that goes wrong with it."""

    def close(self) -> None:
        """Let go of the database."""
        ...
