"""Purges files through pict-rs: the bytes with all their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.outcome import outcome_of
from adapters.public import CACHED
from bot.domain.content import Alias
from bot.domain.decisions import AlreadyDone, Done, LastWord, Offer, PurgeFile, Refused, Verification
from bot.domain.errors import NotFoundError, PlatformError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from adapters.pictrs.client import PictrsClient
    from adapters.public import Look
    from bot.domain.content import InstanceId, Name
    from bot.domain.decisions import Intent, Outcome, Report

ROUTE = "pict-rs internal API"
NAMED = 100
"""Names of one file that are written down before it is purged, and after: in a raid it may have ten thousand."""

_ELSEWHERE = "pict-rs does nothing but purge files"


class PictrsEnforcer:
    """Purges files of one instance, and refuses every other deed."""

    def __init__(self, instance: InstanceId, client: PictrsClient, look: Callable[[Name], Look]) -> None:
        """``look``: asks for a file at the instance's public address, as anybody does."""
        self._instance = instance
        self._client = client
        self._look = look

    def offers(self, intent: Intent) -> Offer:
        """Files stored on this instance."""
        why_not = ""
        if not isinstance(intent, PurgeFile):
            why_not = _ELSEWHERE
        elif not isinstance(intent.name, Alias) or intent.name.instance != self._instance:
            why_not = "the file is not stored on this server"
        return Offer(supported=not why_not, reversible=False, route=ROUTE, why_not=why_not)

    def apply(self, intent: Intent) -> Outcome:
        """Purge it. pict-rs answers before the file is gone; ``verify`` says when it is."""
        offer = self.offers(intent)
        if not offer.supported or not isinstance(intent, PurgeFile):
            return Refused(code="not_offered", note=offer.why_not)
        try:
            return self._apply(intent)
        except PlatformError as error:
            return outcome_of(error)

    def verify(self, intent: Intent) -> Verification:
        """Gone is what pict-rs has no name for and the public does not get. Raises ``PlatformError``.

        While it is there, ``state`` has its names, which nobody can ask for once it is gone.
        """
        if not isinstance(intent, PurgeFile):
            return Verification(so=None, detail=_ELSEWHERE)
        names = self._client.aliases(_alias(intent))
        if names:
            told = {"names": list(names[:NAMED]), "number": len(names)}
            return Verification(so=False, detail=f"pict-rs has the file under {_count(names)}", state=told)
        look = self._look(intent.name)
        detail = CACHED if look.shown else look.detail
        return Verification(so=None if look.shown is None else not look.shown, detail=detail)

    def revert(self, intent: Intent, before: Mapping[str, Any]) -> Outcome:  # noqa: ARG002 - the promise of an enforcer
        """Impossible."""
        return Refused(code="irreversible", note="a purged file does not come back")

    def last_word(self, intent: Intent, since: datetime) -> LastWord:  # noqa: ARG002 - the promise of an enforcer
        """Nobody puts a file back."""
        return LastWord.NOBODYS

    def reopen(self, report: Report) -> Outcome:  # noqa: ARG002 - the promise of an enforcer
        """Not here."""
        return Refused(code="not_offered", note=_ELSEWHERE)

    def _apply(self, intent: PurgeFile) -> Outcome:
        try:
            names = self._client.purge(_alias(intent))
        except NotFoundError:
            return AlreadyDone(note="pict-rs has no such name (any more)")
        if not names:  # how older versions say that there is no such name
            return AlreadyDone(note="pict-rs has no such name")
        return Done(note=f"by the {ROUTE}, {_count(names)}", names=tuple(names[:NAMED]))


def _count(names: Sequence[str]) -> str:
    return "1 name" if len(names) == 1 else f"{len(names)} names"


def _alias(intent: PurgeFile) -> str:
    return intent.name.value
