"""Which Lemmy a server runs, and the parts that speak to that one.

0.19 and 1.0 speak different APIs. 1.0 still answers some calls of API v3, without any moderation among them and with
listings that cannot be paged (LemmyNet/lemmy 1.0.0-beta.1, crates/api/routes_v3): it is never spoken to that way. A
server may be upgraded while the bot runs, so it is asked again from time to time, and where it lacks a call.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adapters.lemmy.errors import unrouted
from adapters.outcome import before_deed, outcome_of
from bot.domain.errors import BadAnswerError, PlatformError
from bot.ports import Batch

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from adapters.http import Answer, Transport
    from bot.domain.content import Name, Subject, SubjectKey, Upload
    from bot.domain.decisions import Intent, LastWord, Offer, Outcome, Report, Verification
    from bot.ports import CheckResult, Cursor, Enforcer, Gone, Inspector, OwnAccount, Resolver, Source

KEPT = 120.0
"""Seconds for which the answer holds: as long as what ``GET /site`` says of the server."""

DOUBTED = 5.0
"""Seconds for which it is not asked again, whatever route it lacks: an old 0.19 lacks some for good."""

NODEINFO = "/nodeinfo/2.1"
SITE = "/api/v4/site"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """All that speaks to one generation. ``sources`` by the last part of their names.

    ``silent``: those of them that bring nothing new, as this server is.
    """

    sources: Mapping[str, Source]
    resolver: Resolver
    enforcer: Enforcer
    inspector: Inspector
    account: OwnAccount
    silent: Callable[[], Collection[str]] = tuple


class Generations:
    """Finds out which parts are the right ones, and makes them when they are needed. Thread-safe."""

    def __init__(
        self,
        transport: Transport,
        *,
        old: Callable[[], Parts],
        new: Callable[[], Parts],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``old``: makes the parts for API v3; ``new``: for v4. Contacts nobody."""
        self._transport = transport
        self._make = {False: old, True: new}
        self._made: dict[bool, Parts] = {}
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._chosen: bool | None = None
        self._asked_at = 0.0
        self._doubted = False

    def parts(self) -> Parts:
        """Those for the server as it is now. Raises ``PlatformError`` as long as it has never said what it is."""
        with self._lock:
            if self._chosen is None:
                self._chosen, self._asked_at = self._speaks_v4(), self._monotonic()
            doubted, self._doubted = self._doubted, False
            stale = doubted or self._monotonic() - self._asked_at > KEPT
            if stale:  # one asks, and the others go on meanwhile
                self._asked_at = self._monotonic()
        if stale:
            # What was so a moment ago most likely is so still, whatever keeps the server from saying it again.
            with suppress(PlatformError):
                self._chosen = self._speaks_v4(doubted=doubted)
        with self._lock:
            if self._chosen not in self._made:
                self._made[self._chosen] = self._make[self._chosen]()
            return self._made[self._chosen]

    def doubt(self) -> None:
        """The server lacks a route of the generation that it was: whoever wants the parts next asks what it is."""
        with self._lock:
            if self._monotonic() - self._asked_at > DOUBTED:
                self._doubted = True

    def silent(self) -> Collection[str]:
        """Sources that bring nothing new on this server, by the last part of their names. Asks nobody, never waits.

        None as long as it is not known what the server is: then nothing was read of it either.
        """
        chosen = self._chosen
        made = None if chosen is None else self._made.get(chosen)
        return () if made is None else made.silent()

    def _speaks_v4(self, *, doubted: bool = False) -> bool:
        """By nodeinfo; where something in front of the server keeps that back, by whether it knows API v4.

        That is asked, too, where nodeinfo says something new, or the old that is ``doubted``: Lemmy lets caches keep
        nodeinfo for an hour. Raises ``BadAnswerError`` where neither is Lemmy's own word: a page that a proxy puts
        before everybody for a while must not send calls of API v3 to a server that has none.
        """
        told = self._by_nodeinfo()
        if told is not None and not doubted and self._chosen in {None, told}:
            return told
        site = self._transport.read(lambda: self._transport.call("GET", SITE, whole=False))
        number = _number(_object(site).get("version"))
        if number is not None:
            return number >= 1
        if told is not None:
            return told
        if unrouted(site) and not self._chosen:  # what stands before a 1.0 may answer everything so for a while
            return False
        raise BadAnswerError(
            f"{self._transport.base_url} does not say which Lemmy it is: neither {NODEINFO} nor {SITE} was answered by "
            "Lemmy; check the configured URL and what stands in front of the server"
        )

    def _by_nodeinfo(self) -> bool | None:
        told = _object(self._transport.read(lambda: self._transport.call("GET", NODEINFO, whole=False)))
        software = told.get("software")
        if not isinstance(software, dict) or software.get("name") != "lemmy":
            return None
        number = _number(software.get("version"))
        return None if number is None else number >= 1


def _object(answer: Answer) -> dict[str, Any]:
    try:
        found = answer.json() if answer.status < 300 else None
    except BadAnswerError:
        return {}
    return found if isinstance(found, dict) else {}


def _number(version: object) -> int | None:
    first = str(version).split(".")[0]
    return int(first) if first.isdecimal() else None


class EitherSource:
    """One feed of whichever generation answers."""

    def __init__(self, name: str, word: str, generations: Generations) -> None:
        """``word``: under which the parts have it."""
        self._name = name
        self._word = word
        self._generations = generations

    @property
    def name(self) -> str:
        """Key of the cursor: ``lemmy-main/posts``."""
        return self._name

    def poll(self, after: Cursor | None) -> Batch:
        """As the right one does; what only the other has brings nothing."""
        source = self._generations.parts().sources.get(self._word)
        return Batch() if source is None else source.poll(after)

    def read(self, what: SubjectKey) -> Batch | Gone:
        """One subject again, by whichever feed there is: all of them read the same."""
        sources = self._generations.parts().sources
        return sources.get(self._word, next(iter(sources.values()))).read(what)


class EitherResolver:
    """The resolver of whichever generation answers."""

    def __init__(self, generations: Generations, named: Callable[[str], Name]) -> None:
        """``named``: what an address stands for, which is the same for all generations. Contacts nobody."""
        self._generations = generations
        self._named = named

    def names(self, name: Name) -> Sequence[Name]:
        """As the right one says."""
        return self._generations.parts().resolver.names(name)

    def uses(self, name: Name) -> Sequence[Subject]:
        """As the right one says."""
        return self._generations.parts().resolver.uses(name)

    def uploader(self, name: Name) -> Upload | None:
        """As the right one says."""
        return self._generations.parts().resolver.uploader(name)

    def lists_all_uploads(self) -> bool:
        """As the right one says."""
        return self._generations.parts().resolver.lists_all_uploads()

    def staff(self) -> Collection[str]:
        """As the right one says."""
        return self._generations.parts().resolver.staff()

    def address(self, name: Name) -> str:
        """As the right one says; raises ``PlatformError`` until it is known which one that is."""
        return self._generations.parts().resolver.address(name)

    def digest(self, name: Name) -> str | None:
        """As the right one says."""
        return self._generations.parts().resolver.digest(name)

    def named(self, url: str) -> Name:
        """By its host and path."""
        return self._named(url)

    def locate(self, text: str) -> Name | SubjectKey | None:
        """As the right one says."""
        return self._generations.parts().resolver.locate(text)


class EitherEnforcer:
    """The enforcer of whichever generation answers."""

    def __init__(self, generations: Generations) -> None:
        """Contacts nobody."""
        self._generations = generations

    def offers(self, intent: Intent) -> Offer:
        """As the right one says."""
        return self._generations.parts().enforcer.offers(intent)

    def apply(self, intent: Intent) -> Outcome:
        """By the right one."""
        return self._by(lambda enforcer: enforcer.apply(intent))

    def verify(self, intent: Intent) -> Verification:
        """By the right one."""
        return self._generations.parts().enforcer.verify(intent)

    def revert(self, intent: Intent, before: Mapping[str, Any]) -> Outcome:
        """By the right one."""
        return self._by(lambda enforcer: enforcer.revert(intent, before))

    def last_word(self, intent: Intent, since: datetime) -> LastWord:
        """By the right one."""
        return self._generations.parts().enforcer.last_word(intent, since)

    def reopen(self, report: Report) -> Outcome:
        """By the right one."""
        return self._by(lambda enforcer: enforcer.reopen(report))

    def _by(self, deed: Callable[[Enforcer], Outcome]) -> Outcome:
        try:
            enforcer = before_deed(self._generations.parts).enforcer
        except PlatformError as error:
            return outcome_of(error)
        return deed(enforcer)


class EitherInspector:
    """The inspector of whichever generation answers."""

    def __init__(self, generations: Generations, unknown: Callable[[PlatformError], Sequence[CheckResult]]) -> None:
        """``unknown``: the lines to print where the server does not say what it is."""
        self._generations = generations
        self._unknown = unknown

    def check(self) -> Sequence[CheckResult]:
        """The lines of the right one."""
        try:
            inspector = self._generations.parts().inspector
        except PlatformError as error:
            return self._unknown(error)
        return inspector.check()

    def repair(self) -> None:
        """By the right one. Raises ``PlatformError``."""
        self._generations.parts().inspector.repair()


class EitherAccount:
    """The bot's account, looked at as whichever generation answers wants it."""

    def __init__(self, generations: Generations, unknown: Callable[[PlatformError], Sequence[CheckResult]]) -> None:
        """``unknown`` as in ``EitherInspector``."""
        self._generations = generations
        self._unknown = unknown

    def look(self, *, mend: bool) -> Sequence[CheckResult]:
        """The lines of the right one."""
        try:
            account = self._generations.parts().account
        except PlatformError as error:
            return self._unknown(error)
        return account.look(mend=mend)
