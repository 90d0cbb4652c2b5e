"""Acts on a Lemmy server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

from adapters.lemmy.errors import MENDABLE
from adapters.outcome import outcome_of
from bot.domain.decisions import (
    BanAccount,
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

    from adapters.lemmy.bans import Bans
    from adapters.lemmy.files import Files
    from adapters.lemmy.removals import Removals
    from adapters.lemmy.reports import Reports
    from bot.domain.decisions import Intent, Outcome

NOT_OFFERED = Offer(supported=False, reversible=True, route="", why_not="Lemmy has no such call")


class LemmyEnforcer:
    """Sends each deed to who can do it; see there for what it costs and proves."""

    def __init__(self, *, reports: Reports, removals: Removals, files: Files, bans: Bans) -> None:
        """All of the same server."""
        self._reports = reports
        self._removals = removals
        self._files = files
        self._bans = bans

    def offers(self, intent: Intent) -> Offer:
        """Whether this server does it. Raises ``PlatformError`` only where its version matters and cannot be had."""
        match intent:
            case Report():
                return self._reports.offers(intent)
            case Remove():
                return self._removals.offers(intent)
            case PurgeFile():
                return self._files.offers(intent)
            case BanAccount():
                return self._bans.offers(intent)
            case SetSwitch() | Notify():
                return NOT_OFFERED
            case _:
                assert_never(intent)

    def apply(self, intent: Intent) -> Outcome:
        """Do it, unless it is so already."""
        return _outcome(lambda: self._apply(intent))

    def verify(self, intent: Intent) -> Verification:
        """Ask the server. Raises ``PlatformError`` when it cannot be asked."""
        match intent:
            case Report():
                return self._reports.verify(intent)
            case Remove():
                return self._removals.verify(intent)
            case PurgeFile():
                return self._files.verify(intent)
            case BanAccount():
                return self._bans.verify(intent)
            case SetSwitch() | Notify():
                return Verification(so=None, detail=NOT_OFFERED.why_not)
            case _:
                assert_never(intent)

    def revert(self, intent: Intent, before: Mapping[str, Any]) -> Outcome:
        """Put back what ``before`` says."""
        return _outcome(lambda: self._revert(intent, before))

    def reopen(self, report: Report) -> Outcome:
        """Put our report back into the open queue."""
        return _outcome(lambda: self._reports.reopen(report))

    def _apply(self, intent: Intent) -> Outcome:
        offer = self.offers(intent)
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
            case SetSwitch() | Notify():
                return Refused(code="not_offered", note=NOT_OFFERED.why_not)
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
            case SetSwitch() | Notify():
                return Refused(code="not_offered", note=NOT_OFFERED.why_not)
            case _:
                assert_never(intent)


def _outcome(deed: Callable[[], Outcome]) -> Outcome:
    try:
        return deed()
    except PlatformError as error:
        return outcome_of(error, mendable=MENDABLE)
