"""What the rooms promise each other: Protocols, and the records that pass through them.

Everything that touches a platform or the store is synchronous and called in threads; what waits on many sockets or
processes (``Fetcher``, ``Decoder``) is async. Nothing exists twice.
"""

from bot.ports.clock import Clock
from bot.ports.media import Decoded, Decoder, Detector, Fetched, Fetcher, Matcher, Scorer, ViewSpec
from bot.ports.platform import (
    Batch,
    CheckResult,
    Cursor,
    Enforcer,
    Gone,
    Inspector,
    Instance,
    PrivateHost,
    Resolver,
    Source,
)
from bot.ports.store import (
    CaseRecord,
    Control,
    Docket,
    Event,
    FileRecord,
    Intake,
    IntentRecord,
    Lane,
    Lease,
    Ledger,
    Library,
    ListEntry,
    ListStore,
    NameRecord,
    Task,
    TaskKind,
    Work,
)

__all__ = [
    "Batch",
    "CaseRecord",
    "CheckResult",
    "Clock",
    "Control",
    "Cursor",
    "Decoded",
    "Decoder",
    "Detector",
    "Docket",
    "Enforcer",
    "Event",
    "Fetched",
    "Fetcher",
    "FileRecord",
    "Gone",
    "Inspector",
    "Instance",
    "Intake",
    "IntentRecord",
    "Lane",
    "Lease",
    "Ledger",
    "Library",
    "ListEntry",
    "ListStore",
    "Matcher",
    "NameRecord",
    "PrivateHost",
    "Resolver",
    "Scorer",
    "Source",
    "Task",
    "TaskKind",
    "ViewSpec",
    "Work",
]
