"""Acts on a Lemmy server."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, assert_never

from adapters.buckets import foremost
from adapters.lemmy.errors import MENDABLE
from adapters.outcome import outcome_of
from bot.domain.decisions import (
    BanAccount,
    LastWord,
    LimitAccount,
    MarkSensitive,
    Notify,
    Offer,
    PurgeFile,
    Refused,
    Remove,
    Report,
    SetSwitch,
    Verification,
)
from bot.domain.errors import PlatformError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime

    from adapters.lemmy.bans import Bans
    from adapters.lemmy.files import Files
    from adapters.lemmy.removals import Removals
    from adapters.lemmy.reports import Reports
    from adapters.lemmy.switches import Switches
    from bot.domain.decisions import Intent, Outcome


def _not_offered(why_not: str) -> Offer:
    return Offer(supported=False, reversible=True, route="", why_not=why_not)


NOT_OFFERED = {
    Notify.kind: _not_offered("Lemmy does not notify operators"),
    MarkSensitive.kind: _not_offered("Lemmy marks nobody else's post as sensitive"),
    LimitAccount.kind: _not_offered("Lemmy limits no account, it only bans"),
}


class LemmyEnforcer:
    """Sends each deed to who can do it; see there for what it costs and proves."""

    def __init__(self, *, reports: Reports, removals: Removals, files: Files, bans: Bans, switches: Switches) -> None:
        """All of the same server."""
        self._switches = switches
        self._reports = reports
        self._removals = removals
        self._files = files
        self._bans = bans

    def offers(self, intent: Intent) -> Offer:
        """Whether this server does it. Raises ``PlatformError`` only where it has to be asked, and cannot be."""
        with _at_its_rank(intent):
            return self._offers(intent)

    def _offers(self, intent: Intent) -> Offer:
        match intent:
            case Report():
                return self._reports.offers(intent)
            case Remove():
                return self._removals.offers(intent)
            case PurgeFile():
                return self._files.offers(intent)
            case BanAccount():
                return self._bans.offers(intent)
            case SetSwitch():
                return self._switches.offers(intent)
            case Notify() | MarkSensitive() | LimitAccount():
                return NOT_OFFERED[intent.kind]
            case _:
                assert_never(intent)

    def apply(self, intent: Intent) -> Outcome:
        """Do it, unless it is so already."""
        with _at_its_rank(intent):
            return _outcome(lambda: self._apply(intent))

    def verify(self, intent: Intent) -> Verification:
        """Ask the server. Raises ``PlatformError`` when it cannot be asked."""
        with _at_its_rank(intent):
            return self._verify(intent)

    def _verify(self, intent: Intent) -> Verification:
        match intent:
            case Report():
                return self._reports.verify(intent)
            case Remove():
                return self._removals.verify(intent)
            case PurgeFile():
                return self._files.verify(intent)
            case BanAccount():
                return self._bans.verify(intent)
            case SetSwitch():
                return self._switches.verify(intent)
            case Notify() | MarkSensitive() | LimitAccount():
                return Verification(so=None, detail=NOT_OFFERED[intent.kind].why_not)
            case _:
                assert_never(intent)

    def revert(self, intent: Intent, before: Mapping[str, Any]) -> Outcome:
        """Put back what ``before`` says."""
        with _at_its_rank(intent):
            return _outcome(lambda: self._revert(intent, before))

    def last_word(self, intent: Intent, since: datetime) -> LastWord:
        """Ask the mod log. Raises ``PlatformError``."""
        match intent:
            case Remove():
                with _at_its_rank(intent):
                    return self._removals.last_word(intent, since)
            case BanAccount():
                with _at_its_rank(intent):
                    return self._bans.last_word(intent, since)
            case Report() | PurgeFile() | Notify() | MarkSensitive() | LimitAccount():
                return LastWord.NOBODYS  # nobody can take these back, or do them
            case SetSwitch():
                return LastWord.NOBODYS  # no log tells, and nothing is broken when it is turned once more
            case _:
                assert_never(intent)

    def reopen(self, report: Report) -> Outcome:
        """Put our report back into the open queue."""
        return _outcome(lambda: self._reports.reopen(report))

    def _apply(self, intent: Intent) -> Outcome:
        offer = self._offers(intent)
        if not offer.supported:
            return Refused(code="not_offered", note=offer.why_not)
        match intent:
            case Report():
                return self._reports.apply(intent)
            case Remove():
                return self._removals.apply(intent)
            case PurgeFile():
                return self._files.apply(intent)
            case BanAccount():
                return self._bans.apply(intent)
            case SetSwitch():
                return self._switches.apply(intent)
            case Notify() | MarkSensitive() | LimitAccount():
                return Refused(code="not_offered", note=NOT_OFFERED[intent.kind].why_not)
            case _:
                assert_never(intent)

    def _revert(self, intent: Intent, before: Mapping[str, Any]) -> Outcome:
        match intent:
            case Report():
                return self._reports.revert(intent, before)
            case Remove():
                return self._removals.revert(intent, before)
            case PurgeFile():
                return Refused(code="irreversible", note="a deleted file does not come back")
            case BanAccount():
                return self._bans.revert(intent, before)
            case SetSwitch():
                return self._switches.revert(intent, before)
            case Notify() | MarkSensitive() | LimitAccount():
                return Refused(code="not_offered", note=NOT_OFFERED[intent.kind].why_not)
            case _:
                assert_never(intent)


def _at_its_rank(intent: Intent) -> AbstractContextManager[None]:
    """Bans and switches end a flood: their calls go before those of all other deeds."""
    return foremost() if isinstance(intent, BanAccount | SetSwitch) else nullcontext()


def _outcome(deed: Callable[[], Outcome]) -> Outcome:
    try:
        return deed()
    except PlatformError as error:
        return outcome_of(error, mendable=MENDABLE)
