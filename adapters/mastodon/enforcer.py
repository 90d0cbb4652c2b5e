"""Acts on a Mastodon server."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, assert_never

from adapters.buckets import foremost
from adapters.mastodon import errors
from adapters.mastodon.capabilities import Permission
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
from bot.domain.errors import NotPermittedError, PlatformError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime

    from adapters.mastodon.accounts import Accounts
    from adapters.mastodon.removals import Removals
    from adapters.mastodon.report_book import ReportBook
    from adapters.mastodon.reports import Reports
    from adapters.mastodon.server import Server
    from adapters.mastodon.switches import Switches
    from bot.domain.decisions import Intent, Outcome

NO_PURGE = (
    "Mastodon has no call that deletes one file. Suspending its account hides it while that lasts; deleting the "
    "account's data, or the file in the store, removes it for good"
)
NO_NOTICE = "Mastodon does not notify operators"

_NOT_OFFERED = {
    PurgeFile.kind: Offer(supported=False, reversible=False, route="", why_not=NO_PURGE),
    Notify.kind: Offer(supported=False, reversible=True, route="", why_not=NO_NOTICE),
}

_NEEDS = {
    Remove.kind: (Permission.MANAGE_REPORTS, Permission.MANAGE_USERS),
    MarkSensitive.kind: (Permission.MANAGE_REPORTS, Permission.MANAGE_USERS),
    LimitAccount.kind: (Permission.MANAGE_REPORTS, Permission.MANAGE_USERS),
    BanAccount.kind: (Permission.MANAGE_REPORTS, Permission.MANAGE_USERS),
    Report.kind: (Permission.MANAGE_REPORTS,),
    SetSwitch.kind: (Permission.MANAGE_FEDERATION,),
}
"""What a role needs for a deed and for the looks that belong to it."""


class MastodonEnforcer:
    """Sends each deed to who can do it; see there for what it costs and proves."""

    def __init__(
        self,
        *,
        server: Server,
        book: ReportBook,
        reports: Reports,
        removals: Removals,
        accounts: Accounts,
        switches: Switches,
    ) -> None:
        """All of the same server."""
        self._book = book
        self._server = server
        self._reports = reports
        self._removals = removals
        self._accounts = accounts
        self._switches = switches

    def offers(self, intent: Intent) -> Offer:
        """Whether this server does it. Raises ``PlatformError`` where it cannot be asked."""
        with _at_its_rank(intent):
            return self._offers(intent)

    def _offers(self, intent: Intent) -> Offer:
        match intent:
            case Report():
                return self._reports.offers(intent)
            case Remove() | MarkSensitive():
                return self._removals.offers(intent)
            case LimitAccount() | BanAccount():
                return self._accounts.offers(intent)
            case SetSwitch():
                return self._switches.offers(intent)
            case PurgeFile() | Notify():
                return _NOT_OFFERED[intent.kind]
            case _:
                assert_never(intent)

    def apply(self, intent: Intent) -> Outcome:
        """Do it, unless it is so already."""
        with _at_its_rank(intent):
            return self._outcome(intent, lambda: self._apply(intent))

    def _apply(self, intent: Intent) -> Outcome:
        offer = self._offers(intent)
        if not offer.supported:
            return Refused(code="not_offered", note=offer.why_not)
        match intent:
            case Report():
                return self._reports.apply(intent)
            case Remove() | MarkSensitive():
                return self._removals.apply(intent)
            case LimitAccount() | BanAccount():
                return self._accounts.apply(intent)
            case SetSwitch():
                return self._switches.apply(intent)
            case PurgeFile() | Notify():
                return Refused(code="not_offered", note=offer.why_not)
            case _:
                assert_never(intent)

    def verify(self, intent: Intent) -> Verification:
        """Ask the server. Raises ``PlatformError`` when it cannot be asked."""
        with _at_its_rank(intent):
            match intent:
                case Report():
                    return self._reports.verify(intent)
                case Remove() | MarkSensitive():
                    return self._removals.verify(intent)
                case LimitAccount() | BanAccount():
                    return self._accounts.verify(intent)
                case SetSwitch():
                    return self._switches.verify(intent)
                case PurgeFile() | Notify():
                    return Verification(so=None, detail=_NOT_OFFERED[intent.kind].why_not)
                case _:
                    assert_never(intent)

    def revert(self, intent: Intent, before: Mapping[str, Any]) -> Outcome:
        """Put back what ``before`` says."""
        with _at_its_rank(intent):
            return self._outcome(intent, lambda: self._revert(intent, before))

    def _revert(self, intent: Intent, before: Mapping[str, Any]) -> Outcome:
        match intent:
            case Report():
                return self._reports.revert(intent, before)
            case Remove() | MarkSensitive():
                return self._removals.revert(intent, before)
            case LimitAccount() | BanAccount():
                return self._accounts.revert(intent, before)
            case SetSwitch():
                return self._switches.revert(intent, before)
            case PurgeFile() | Notify():
                return Refused(code="not_offered", note=_NOT_OFFERED[intent.kind].why_not)
            case _:
                assert_never(intent)

    def last_word(self, intent: Intent, since: datetime) -> LastWord:
        """Ask the reports, which say who closed them. Raises ``PlatformError``."""
        with _at_its_rank(intent):
            match intent:
                case Remove() | MarkSensitive():
                    return self._removals.last_word(intent, since)
                case LimitAccount() | BanAccount():
                    return self._accounts.last_word(intent, since)
                case Report() | PurgeFile() | Notify():
                    return LastWord.NOBODYS  # nobody can take these back
                case SetSwitch():
                    return LastWord.NOBODYS  # no log tells, and nothing is broken when it is turned once more
                case _:
                    assert_never(intent)

    def reopen(self, report: Report) -> Outcome:
        """Put our report back into the open queue."""
        return self._outcome(report, lambda: self._reports.reopen(report))

    def _outcome(self, intent: Intent, deed: Callable[[], Outcome]) -> Outcome:
        try:
            return deed()
        except NotPermittedError as error:
            return outcome_of(self._sharpened(intent, error), mendable=errors.MENDABLE)
        except PlatformError as error:
            return outcome_of(error, mendable=errors.MENDABLE)
        finally:
            self._book.forget()
            self._accounts.forget()

    def _sharpened(self, intent: Intent, error: NotPermittedError) -> PlatformError:
        """Mastodon says the same of a role that may not, of a target that ranks higher, and of what is so already."""
        if error.code != errors.NOT_ALLOWED:
            return error
        try:
            me = self._server.now(fresh=True, urgent=True).me
        except PlatformError:
            return error
        lacking = [need for need in _NEEDS.get(intent.kind, ()) if me is not None and not me.may(need)]
        if not lacking:
            return error
        words = " and ".join(str(need.name).replace("_", " ").title() for need in lacking)
        return NotPermittedError(
            f"the role of the bot's account lacks {words}: give it to the role at Administration, Roles",
            code=errors.MISSING_PERMISSION,
        )


def _at_its_rank(intent: Intent) -> AbstractContextManager[None]:
    """Bans, limits and switches end a flood: their calls go before those of all other deeds."""
    return foremost() if isinstance(intent, BanAccount | LimitAccount | SetSwitch) else nullcontext()
