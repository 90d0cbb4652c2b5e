"""Protocols towards the servers: reading, resolving, acting, checking."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from bot.domain.content import InstanceId, Name, Sighting, StoredFile, Subject, SubjectKey, Upload
    from bot.domain.decisions import (
        Intent,
        LastWord,
        Offer,
        Outcome,
        Report,
        Verification,
    )


Cursor: TypeAlias = "Mapping[str, Any]"
"""Where a source stopped reading. JSON values only; opaque to everybody but its source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one poll brought. It is committed together with its cursor, or not at all.

    With ``trouble`` it has no cursor, unless that keeps nothing new waiting: what was met before is told, for it may be
    gone by the next poll.
    """

    sightings: Sequence[Sighting] = ()
    uploads: Sequence[Upload] = ()
    files: Sequence[StoredFile] = ()  # what a file store holds, whoever put it there and wherever it is shown
    cursor: Cursor | None = None
    more: bool = False  # the source has more to give right now
    dropped: Mapping[str, int] = field(default_factory=dict)  # reason -> items left out on purpose
    holes: Sequence[str] = ()  # what could not be read, in words
    trouble: str = ""  # what kept the poll from going on, in words
    withdrawn: bool = False  # of ``read``: its author has deleted it, and only admins are still shown it


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """A subject that is not there (any more), or that we may not see."""

    detail: str


class Source(Protocol):
    """A feed of one instance."""

    @property
    def name(self) -> str:
        """Key of the cursor: ``lemmy-main/posts``."""
        ...

    def poll(self, after: Cursor | None) -> Batch:
        """What is new since ``after`` (``None``: the first time).

        Raises ``PlatformError``; then nothing is committed, and the next poll starts from the same cursor, as it does
        where a batch has ``trouble`` and no cursor.
        """
        ...

    def read(self, what: SubjectKey) -> Batch | Gone:
        """One subject again, as it is now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One thing that a server sent us by itself. ``payload``: JSON values only."""

    id: int  # grows with every letter; what a cursor remembers
    received_at: datetime
    payload: Mapping[str, Any]


class Inbox(Protocol):
    """Where pushes put what came, before they answer; sources read it from there. Thread-safe."""

    def deliver(self, source: str, payload: Mapping[str, Any]) -> int:
        """Keep a letter; its id. When this returns, the letter survives a crash, and the sender may be answered.

        Private posts never come here: whoever receives them drops and counts them (``dropped``).
        Raises ``LedgerError``; then nothing was kept.
        """
        ...

    def letters(self, source: str, *, after: int = 0, limit: int = 100) -> Sequence[Letter]:
        """Letters that came after the one with that id, oldest first. They stay until they are discarded."""
        ...

    def discard(self, source: str, *, upto: int) -> int:
        """Forget letters whose cursor was committed, up to and with that id; how many there were."""
        ...

    def drop(self, source: str, reason: str) -> None:
        """Count something that was left out on purpose and not kept. ``reason`` names a kind: ``private post``."""
        ...


class Push(Protocol):
    """What a server sends us by itself: a stream, a webhook."""

    @property
    def name(self) -> str:
        """For people: ``mastodon-main/webhook``."""
        ...

    async def run(self) -> None:
        """Until it is cancelled. Puts into the inbox what comes before it answers. Never raises ``PlatformError``."""
        ...

    def trouble(self) -> str:
        """What is wrong now, in words for ``status`` and alarms; empty when all is well."""
        ...


class Resolver(Protocol):
    """Answers about names of files: what else they are called, who stored them, where they are shown."""

    def names(self, name: Name) -> Sequence[Name]:
        """Every other name of the same bytes that the platform knows."""
        ...

    def uses(self, name: Name) -> Sequence[Subject]:
        """Ask the platform where a file is shown. May miss places that cannot be searched (see the adapter)."""
        ...

    def uploader(self, name: Name) -> Upload | None:
        """Ask the platform's own upload list who stored this file."""
        ...

    def lists_all_uploads(self) -> bool:
        """Whether that list has all that anybody stored, so that nobody stored what is not on it.

        Raises ``PlatformError`` when the platform cannot be asked.
        """
        ...

    def staff(self) -> Collection[str]:
        """Local ids of the accounts that are staff of the instance at this moment; empty where nobody tells.

        Raises ``PlatformError`` when the platform cannot be asked.
        """
        ...

    def address(self, name: Name) -> str:
        """The public URL at which our server shows the file of this name."""
        ...

    def digest(self, name: Name) -> str | None:
        """SHA-256 of the stored bytes (64 hexadecimal digits), by our own server's word only; ``None``: unknown."""
        ...

    def named(self, url: str) -> Name:
        """What an address stands for, by how it is written: a file of this instance, or what lies elsewhere.

        Contacts nobody, and never raises.
        """
        ...

    def locate(self, text: str) -> Name | SubjectKey | None:
        """What an operator's text (an alias, a URL of a post or of an image) means on this instance, if anything."""
        ...


class Enforcer(Protocol):
    """Acts on one instance. A remote "no" is an ``Outcome``, not an exception."""

    def offers(self, intent: Intent) -> Offer:
        """Whether the platform offers the deed at all, as the server stands now."""
        ...

    def apply(self, intent: Intent) -> Outcome:
        """Do it. Idempotent: what is so already is ``AlreadyDone``."""
        ...

    def verify(self, intent: Intent) -> Verification:
        """Ask the server whether it is so, who did it, and what undo would have to restore. Changes nothing."""
        ...

    def revert(self, intent: Intent, before: Mapping[str, Any]) -> Outcome:
        """Put back what ``before`` says was so. Never deletes anything."""
        ...

    def last_word(self, intent: Intent, since: datetime) -> LastWord:
        """Who did something last about it since then: what is not so may have been so meanwhile.

        Asked where an answer got lost, so that nothing is done twice and nobody overruled. Raises ``PlatformError``.
        """
        ...

    def reopen(self, report: Report) -> Outcome:
        """Open a report again that a removal resolved, because something of its case still waits for a human."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One line of ``fediwarden check``."""

    what: str
    ok: bool
    detail: str
    remedy: str = ""


class Inspector(Protocol):
    """Looks at one instance before anything is switched on."""

    def check(self) -> Sequence[CheckResult]:
        """Credentials, permissions, settings of the account, reachability. Never raises ``PlatformError``."""
        ...

    def repair(self) -> None:
        """Put right what is the bot's own: settings of its account. Raises ``PlatformError``."""
        ...


class OwnAccount(Protocol):
    """Watches over the bot's own account on one instance while the bot runs: it must see everything."""

    def look(self, *, mend: bool) -> Sequence[CheckResult]:
        """How the account stands; with ``mend`` after what is its own to put right was put right.

        Never raises ``PlatformError``: what cannot be asked is a line, too.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateHost:
    """A host and port that may have a private address although posts can name it: the instance's own.

    ``at``: where it is reached instead of under its name, such as ``http://127.0.0.1:3000``; ``headers`` go with it.
    """

    host: str
    port: int
    at: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One configured server, connected: what the composition root gets from a platform's builder."""

    id: InstanceId
    platform: str
    sources: Sequence[Source]
    resolver: Resolver
    enforcer: Enforcer
    inspector: Inspector
    hosts: Sequence[PrivateHost]
    pushes: Sequence[Push] = ()
    account: OwnAccount | None = None
    rare: Callable[[], frozenset[str]] = frozenset  # names of sources that may bring nothing for months, as it is now
