"""Limits and suspensions, and lifting them.

The flag for the e-mail is always sent: without it Mastodon writes to the person. Any action closes all open reports on
the account, those of others too (app/models/admin/account_action.rb): which ones is read first, told, and put back when
the action is undone. No log of the API tells who acted, but those reports do.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from adapters.mastodon import errors
from adapters.mastodon.files import HELPS
from adapters.mastodon.report_book import SKEW
from adapters.outcome import before_deed
from bot.domain.decisions import (
    AlreadyDone,
    BanAccount,
    Done,
    LastWord,
    Limit,
    LimitAccount,
    Offer,
    Refused,
    Scope,
    Verification,
)
from bot.domain.errors import BadAnswerError, NotFoundError, NotPermittedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from adapters.mastodon.client import MastodonClient
    from adapters.mastodon.files import Files
    from adapters.mastodon.report_book import Filed, ReportBook
    from adapters.mastodon.server import Server
    from bot.domain.decisions import Outcome

    OnAccount: TypeAlias = LimitAccount | BanAccount

DEFAULT_TEXT = "Automated check"
NOBODY = "-99"
"""The id of the role that everybody has: app/models/user_role.rb, EVERYONE_ROLE_ID."""

KEPT_FILES = 40
"""Addresses of removed posts' files that a suspension remembers for its undo."""

JUST = 3.0
"""Seconds for which an account is as it was seen."""

UNLIMITED = (
    "lifted, and the reports that it closed are open again; the strike stays in the account's history; that somebody "
    "has lifted it and done it again while no report was open leaves no trace, and is lifted with it"
)
UNSUSPENDED = (
    f"{UNLIMITED}; the files of all its posts become public again, those of posts that were removed meanwhile too"
)

_ACTIONS = {"suspended": "suspend", "silenced": "silence", "sensitized": "sensitive"}
_LIFTED = {"suspended": "unsuspend", "silenced": "unsilence", "sensitized": "unsensitive"}
_WORDS = {"suspended": "suspended", "silenced": "limited", "sensitized": "marked as sensitive"}
_BY_LIMIT = {Limit.SILENCE: "silenced", Limit.SENSITIVE: "sensitized"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    flags: Mapping[str, bool]
    role: str  # its name, or id; empty for people without one

    @property
    def described(self) -> str:
        words = [_WORDS[flag] for flag, on in self.flags.items() if on]
        return " and ".join(words) if words else "neither limited nor suspended"


class Accounts:
    """Account actions by the bot's account on one server."""

    def __init__(
        self,
        client: MastodonClient,
        server: Server,
        book: ReportBook,
        files: Files,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """All of the same server."""
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, _Standing]] = {}
        self._client = client
        self._server = server
        self._book = book
        self._files = files

    def offers(self, intent: OnAccount) -> Offer:
        """Whole accounts, until somebody lifts it. Raises ``PlatformError``."""
        caps = self._server.now(urgent=True)
        why_not, reversible = "", True
        if isinstance(intent, BanAccount) and intent.scope is Scope.COMMUNITY:
            why_not = "Mastodon has no communities"
        elif isinstance(intent, BanAccount) and intent.days is not None:
            why_not = "Mastodon suspends until somebody lifts it: leave out `days`"
        elif caps.only_suspends:
            reversible = False
            why_not = "" if isinstance(intent, BanAccount) else f"{caps.software} suspends accounts, and limits none"
        elif not caps.mainline:
            why_not = f"{caps.software} has no account actions by Mastodon's API"
        undone = UNSUSPENDED if isinstance(intent, BanAccount) else UNLIMITED
        return Offer(supported=not why_not, reversible=reversible, route="Mastodon API", why_not=why_not, undone=undone)

    def apply(self, intent: OnAccount) -> Outcome:
        """Act, unless it is so already: every action leaves the person another strike."""
        flag, account = _flag(intent), intent.account.local_id
        standing = before_deed(lambda: self._just_seen(account) or self._standing(account))
        if standing.role:
            return has_role(standing.role)
        if standing.flags[flag]:
            by_us = _closer(before_deed(lambda: self._book.about(account))[1])
            return AlreadyDone(note=standing.described, by_us=bool(by_us))
        if standing.flags["suspended"]:
            note = "the account is suspended: a limit would change nothing but its history"
            return Refused(code="suspended", note=note)
        opened = before_deed(lambda: self._book.open_about(account))
        carrier = before_deed(lambda: self._carrier(account, opened))
        body: dict[str, Any] = {
            "type": _ACTIONS[flag],
            "text": intent.text.strip() or DEFAULT_TEXT,
            "send_email_notification": False,
        }
        if carrier is not None:
            body["report_id"] = carrier
        self._client.post(f"/api/v1/admin/accounts/{account}/action", body)
        return Done(note=_WORDS[flag] + _closed(opened))

    def role_of(self, account: str) -> str:
        """The name of its role; empty for people without one. Raises ``PlatformError``."""
        return self._standing(account).role

    def verify(self, intent: OnAccount) -> Verification:
        """How it stands, and who acted, as far as reports tell. Raises ``PlatformError``."""
        account, flag = intent.account.local_id, _flag(intent)
        try:
            standing = self._standing(account)
        except NotFoundError as error:
            if error.code == errors.NO_ROUTE:
                raise
            return Verification(so=False, detail=str(error))
        so = standing.flags[flag]
        opened, closed = self._book.about(account) if so else (self._book.open_about(account), ())
        by_us = _closer(closed)
        who = {True: " by us", False: " by somebody else", None: ""}[by_us]
        state: dict[str, Any] = dict(standing.flags)
        state["open_reports"] = [filed.id for filed in opened]
        if flag == "suspended":
            state["removed_files"] = self._removed_files(account)
        return Verification(so=so, by_us=by_us, detail=standing.described + (who if so else ""), state=state)

    def last_word(self, intent: OnAccount, since: datetime) -> LastWord:
        """What is not so: whether it was meanwhile. Any action closes what is open, so what is open still tells."""
        account = intent.account.local_id
        opened, closed = self._book.about(account)
        if any(filed.created_at is not None and filed.created_at < since for filed in opened):
            return LastWord.NOBODYS
        ends = [filed.resolved_at for filed in closed if filed.resolved_at is not None]
        return LastWord.ANOTHERS if any(at >= since - SKEW for at in ends) else LastWord.UNKNOWN

    def revert(self, intent: OnAccount, before: Mapping[str, Any]) -> Outcome:
        """Lift it if it was not so before, and open the reports again that it had closed."""
        flag, account = _flag(intent), intent.account.local_id
        if not isinstance(before.get(flag), bool):
            return Refused(code="unknown_before", note="nobody knows how it was before")
        if before[flag]:
            return AlreadyDone(note=f"{_WORDS[flag]}, as before")
        if not before_deed(lambda: self._standing(account)).flags[flag]:
            return AlreadyDone(note=f"not {_WORDS[flag]}")
        # First the reports: once it is lifted, nobody comes back for them.
        opened = self._open_again(before.get("open_reports") or ())
        removed = before.get("removed_files") or ()
        try:
            getattr(self._client.library, f"admin_account_{_LIFTED[flag]}")(account)
        except NotPermittedError as error:
            if error.code != errors.NOT_ALLOWED:
                raise
            note = f"{error}; a suspension that came from the account's own server, or one made final, stays"
            return Refused(code="not_lifted", note=note + _open(opened))
        note = f"not {_WORDS[flag]} any more{_open(opened)}"
        return Done(note=note + (self._shown_again(account, removed) if flag == "suspended" else ""))

    # ------------------------------------------------------------------------------------------------ reading

    def _standing(self, account: str) -> _Standing:
        found = self._client.object(f"/api/v1/admin/accounts/{account}", urgent=True)
        try:
            role = found.get("role") or {}
            rank = "" if str(role.get("id", NOBODY)) == NOBODY else str(role.get("name") or role["id"])
            if not rank and role.get("name") and role.get("id") is None:
                rank = str(role["name"])  # GoToSocial names roles and numbers none
            flags = {flag: bool(found[flag]) for flag in ("suspended", "silenced")}
            standing = _Standing(flags={**flags, "sensitized": bool(found.get("sensitized"))}, role=_ranked(rank))
        except (KeyError, TypeError, AttributeError) as error:
            raise BadAnswerError(f"account {account} is not in the shape of Mastodon's ({error})") from error
        with self._lock:
            self._seen[account] = (self._monotonic(), standing)
        return standing

    def _just_seen(self, account: str) -> _Standing | None:
        """As it was a moment ago, when somebody asked whether the deed is done."""
        with self._lock:
            seen = self._seen.get(account)
        return seen[1] if seen is not None and self._monotonic() - seen[0] < JUST else None

    def forget(self) -> None:
        """A deed went out: what is known is old."""
        with self._lock:
            self._seen.clear()

    def _carrier(self, account: str, opened: Sequence[Filed]) -> str | None:
        """The report of ours that the action goes by.

        Where no report is open, ours is opened for it: that it is closed afterwards, and by whom, is the only trace
        that an action leaves.
        """
        ours = next((filed for filed in opened if filed.ours), None) or next(self._book.ours_about(account), None)
        if ours is None:
            return None
        if not opened and ours.resolved_by_us:
            with suppress(NotPermittedError, NotFoundError):  # then nothing tells who acted, if the answer gets lost
                self._client.library.admin_report_reopen(ours.id)
        return ours.id

    def _removed_files(self, account: str) -> list[str]:
        return sorted(self._files.of_removed(account))[:KEPT_FILES]

    # ------------------------------------------------------------------------------------------------ undoing

    def _open_again(self, reports: Sequence[Any]) -> list[str]:
        """Those that are closed by us: what a human has closed since stays closed."""
        opened = []
        for number in map(str, reports):
            if before_deed(lambda: self._closed_by_us(number)):  # noqa: B023 - called at once
                self._client.library.admin_report_reopen(number)
                opened.append(number)
        return opened

    def _closed_by_us(self, number: str) -> bool:
        try:
            filed = self._book.one(number)
        except NotFoundError:
            return False
        return filed.resolved and bool(filed.resolved_by_us)

    def _shown_again(self, account: str, before: Sequence[Any]) -> str:
        """The end of a suspension shows all files of the account, those of removed posts too."""
        count = self._files.settled([*map(str, before), *self._files.of_removed(account)], hidden=False)
        if not count.public:
            return "; files of its removed posts become public again with that"
        which = "a file of a removed post is" if count.public == 1 else f"{count.public} files of removed posts are"
        return f"; {which} public again: {HELPS}"


def has_role(role: str) -> Refused:
    """What becomes of a deed on somebody who has one."""
    return Refused(code="has_role", note=f"the account has a role ({role}): left to humans")


def _closer(closed: Sequence[Filed]) -> bool | None:
    """Who acted, as far as the closed reports tell; ``None`` where they do not.

    We, where we closed the last one. A human who did may have acted, or only have dealt with a report that came after
    our deed: it was not us where none of them was closed by us.
    """
    ended = [filed for filed in closed if filed.resolved_at is not None]
    if not ended:
        return None
    last = max(ended, key=lambda filed: (filed.resolved_at, filed.id)).resolved_by_us
    return None if last is False and any(filed.resolved_by_us for filed in ended) else last


def _flag(intent: OnAccount) -> str:
    return "suspended" if isinstance(intent, BanAccount) else _BY_LIMIT[intent.how]


def _ranked(role: str) -> str:
    """GoToSocial calls everybody a ``user``."""
    return "" if role.lower() == "user" else role


def _closed(opened: Sequence[Filed]) -> str:
    """What else the action did, for people."""
    others = [filed.id for filed in opened if not filed.ours]
    if not opened:
        return ""
    theirs = f", of which {_reports(others)} by others" if others else ""
    return f"; this closed {_reports([filed.id for filed in opened])} on the account{theirs}; an undo opens them again"


def _open(numbers: Sequence[str]) -> str:
    return f"; {_reports(numbers)} open again" if numbers else ""


def _reports(numbers: Sequence[str]) -> str:
    shown = ", ".join(numbers[:10]) + (f" and {len(numbers) - 10} more" if len(numbers) > 10 else "")
    return f"report {shown}" if len(numbers) == 1 else f"reports {shown}"
