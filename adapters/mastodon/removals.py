"""Removing one post and covering its media, by whichever way this server and its operator offer.

A removed post does not come back, so this is an irreversible deed here; covering its media is the one that hides. Both
are proved by looking at the post as others see it. Its files are another question, which is looked at and told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from adapters.mastodon import errors
from adapters.mastodon.ways import Act, NotThisWayError, Target
from adapters.outcome import before_deed
from bot.domain.content import Post
from bot.domain.decisions import (
    AlreadyDone,
    Done,
    Failed,
    LastWord,
    MarkSensitive,
    Offer,
    Refused,
    Remove,
    Verification,
)
from bot.domain.errors import NotFoundError, NotLoggedInError, NotPermittedError, PlatformError
from bot.ports import CheckResult

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from adapters.mastodon.capabilities import Capabilities, Server
    from adapters.mastodon.client import MastodonClient
    from adapters.mastodon.files import Count, Files
    from adapters.mastodon.report_book import ReportBook
    from adapters.mastodon.statuses import Shown, Statuses
    from adapters.mastodon.ways import RemovalWay
    from bot.domain.decisions import Outcome

    OnPost: TypeAlias = Remove | MarkSensitive

DEFAULT_TEXT = "Automated check"

ANOTHER_TRY = 900.0
"""Seconds before a deed is tried again that no way led to: an operator has to look first."""

HIDES_AT_ONCE = 6
"""The API version (4.4) from which on a removal hides the files, a moment later."""

BY_HAND = (
    "the bot cannot take the warning off on this server: its author can, by an edit, and a moderator by approving an "
    "appeal; `removal.command.unmark_sensitive` would let the bot"
)


class Removals:
    """Removals and warnings by the bot on one server."""

    def __init__(
        self,
        client: MastodonClient,
        server: Server,
        book: ReportBook,
        statuses: Statuses,
        files: Files,
        ways: Sequence[RemovalWay],
    ) -> None:
        """``ways``: in the order in which they are tried."""
        self._client = client
        self._server = server
        self._book = book
        self._statuses = statuses
        self._files = files
        self._ways = ways

    def offers(self, intent: OnPost) -> Offer:
        """Where one way at least is offered, as the server stands now. Raises ``PlatformError``."""
        caps, act = self._server.now(urgent=True), _act(intent)
        why_not = ""
        if not isinstance(intent.subject, Post):
            why_not = f"a {intent.subject.kind} cannot be removed by itself: limit or suspend the account"
        elif intent.subject.author is None:
            why_not = "nobody knows whose it is"
        ways = [way for way in self._ways if not way.why_not(act, caps)]
        hold = not why_not and not ways
        if hold:
            why_not = self._nobody(act, caps)
        route = ", then ".join(way.way.value for way in ways)
        if isinstance(intent, Remove):
            return Offer(supported=not why_not, reversible=False, route=route, why_not=why_not, hold=hold)
        back = any(not way.why_not(Act.UNMARK, caps) for way in self._ways)
        undone = "the warning is taken off again" if back else BY_HAND
        return Offer(
            supported=not why_not,
            reversible=True,
            route=route,
            why_not=why_not,
            undone=undone,
            hold=hold,
            by_hand=not back,
        )

    def apply(self, intent: OnPost) -> Outcome:
        """Try the ways in their order, until one does it. What is so already is left alone."""
        act, target = _act(intent), _target(intent)
        shown = before_deed(lambda: self._look(target.status_id))
        if shown.json is None:
            return self._gone(intent, target)
        if act is Act.MARK and not shown.has_media:
            return Refused(code="no_media", note="there is no media (any more) that a warning could cover")
        if act is Act.MARK and shown.sensitive:
            return AlreadyDone(note="its media is behind a warning already", by_us=self._ours(target) is True)
        caps = before_deed(lambda: self._server.now(urgent=True))
        failed: list[str] = []
        for way in self._ways:
            if way.why_not(act, caps):
                continue
            try:
                way.go(act, target)
            except (NotThisWayError, NotPermittedError) as error:
                failed.append(f"{way.way.value}: {error}")
                continue
            except NotFoundError as error:
                if error.code != errors.NO_ROUTE:
                    raise
                failed.append(f"{way.way.value}: {error}")
                continue
            return Done(note=self._told(act, target, way, failed, caps))
        return Failed(note="; ".join(failed) or self._nobody(act, caps), retry_after=ANOTHER_TRY)

    def verify(self, intent: OnPost) -> Verification:
        """As others see it, and who closed our report on it. Raises ``PlatformError``."""
        act, target = _act(intent), _target(intent)
        shown = self._look(target.status_id)
        if shown.json is None:
            if act is Act.MARK:
                return Verification(so=False, detail="the post is gone", state={})
            return self._verified_gone(target)
        if act is Act.REMOVE:
            return Verification(so=False, detail="the post is there", state={"removed": False})
        by_us = self._ours(target) if shown.sensitive else None
        detail = "its media is behind a warning" if shown.sensitive else "its media is not behind a warning"
        return Verification(so=shown.sensitive, by_us=by_us, detail=detail, state={"sensitive": shown.sensitive})

    def last_word(self, intent: OnPost, since: datetime) -> LastWord:
        """A removed post does not come back. A warning may have been taken off by the author."""
        if isinstance(intent, Remove):
            return LastWord.NOBODYS
        target = _target(intent)
        ours = self._book.ours_about(target.account_id) if self._has_book() else ()
        mine = [filed for filed in ours if filed.names_only(target.status_id)]
        if any(filed.resolved and filed.resolved_at is not None and filed.resolved_at >= since for filed in mine):
            return LastWord.ANOTHERS
        return LastWord.NOBODYS

    def revert(self, intent: OnPost, before: Mapping[str, Any]) -> Outcome:
        """Take the warning off, where there is a way; a removed post is gone for good."""
        if isinstance(intent, Remove):
            return Refused(code="irreversible", note="Mastodon brings no removed post back")
        if before.get("sensitive") is not False:
            return Refused(code="not_ours", note="left as it is: it was so before, or nobody knows how it was")
        target = _target(intent)
        shown = before_deed(lambda: self._look(target.status_id))
        if shown.json is None:
            return Refused(code="gone", note="the post is gone")
        if not shown.sensitive:
            return AlreadyDone(note="its media is not behind a warning")
        caps = before_deed(lambda: self._server.now(urgent=True))
        failed: list[str] = []
        for way in self._ways:
            if way.why_not(Act.UNMARK, caps):
                continue
            try:
                way.go(Act.UNMARK, target)
            except NotThisWayError as error:
                failed.append(str(error))
                continue
            return Done(note=f"the warning is taken off, by {way.way.value}")
        if failed:
            return Failed(note="; ".join(failed), retry_after=ANOTHER_TRY)
        return Refused(code="by_hand", note=BY_HAND)

    def lines(self) -> Iterator[CheckResult]:
        """For ``check``: each way, whether it is offered, and what it does. Raises ``PlatformError``."""
        caps = self._server.now()
        able = False
        for way in self._ways:
            offered = [act for act in (Act.REMOVE, Act.MARK) if not way.why_not(act, caps)]
            what = f"removal by {way.way.value}"
            if not offered:
                yield CheckResult(what=what, ok=True, detail=f"not offered: {way.why_not(Act.REMOVE, caps)}")
                continue
            able = True
            does = " and ".join({Act.REMOVE: "removes a post", Act.MARK: "covers its media"}[act] for act in offered)
            yield self._line(what, f"{does}, {way.effect()}", way)
        if not able:
            yield CheckResult(what="removal", ok=True, detail=self._nobody(Act.REMOVE, caps))

    # ------------------------------------------------------------------------------------------------ looking

    def _look(self, status_id: str) -> Shown:
        shown = self._statuses.look(status_id)
        if shown.json is None:
            self._files.removed(status_id)
        else:
            self._files.remember(shown.json)
        return shown

    def _has_book(self) -> bool:
        caps = self._server.now(urgent=True)
        return caps.mainline or caps.only_suspends

    def _ours(self, target: Target) -> bool | None:
        """Who closed our reports that are, or were, on this post alone; ``None`` where that does not tell.

        What is left of a report whose remote posts are gone is an empty one: it may have been on any post.
        """
        if not self._has_book():
            return None
        ours = self._book.ours_about(target.account_id)
        for filed in ours:
            for status in filed.statuses.values():
                self._files.remember(status)
        mine = [filed for filed in ours if filed.names_only(target.status_id)]
        if not mine and target.remote:
            mine = [filed for filed in ours if not filed.statuses]
        closers = {filed.resolved_by_us for filed in mine}
        return closers.pop() if len(closers) == 1 else None

    def _verified_gone(self, target: Target) -> Verification:
        by_us = self._ours(target)
        self._files.removed(target.status_id)
        detail = {True: "removed by us", False: "removed by somebody else", None: "gone"}[by_us]
        if self._is_suspended(target.account_id):
            by_us = None
            detail = "not shown, with its whole account, which is suspended: that may end"
        said = self._files.count(self._files.of(target.status_id)).said
        return Verification(
            so=True, by_us=by_us, detail=f"{detail}; {said}" if said else detail, state={"removed": True}
        )

    def _gone(self, intent: OnPost, target: Target) -> Outcome:
        if isinstance(intent, MarkSensitive):
            return Refused(code="gone", note="the post is gone")
        found = before_deed(lambda: self._verified_gone(target))
        return AlreadyDone(note=found.detail, by_us=bool(found.by_us))

    def _is_suspended(self, account_id: str) -> bool:
        if not self._has_book():
            return False
        try:
            found = self._client.object(f"/api/v1/admin/accounts/{account_id}", urgent=True)
        except (NotFoundError, NotPermittedError):
            return False
        return bool(found.get("suspended"))

    # ------------------------------------------------------------------------------------------------ telling

    def _told(self, act: Act, target: Target, way: RemovalWay, failed: Sequence[str], caps: Capabilities) -> str:
        note = f"{act.word}, by {way.way.value}"
        if failed:
            note += f" ({'; '.join(failed)})"
        if act is Act.REMOVE:
            self._files.removed(target.status_id)
            said = self._files_now(target, caps).said
            note += f"; {said}" if said else ""
        return note

    def _files_now(self, target: Target, caps: Capabilities) -> Count:
        urls = self._files.of(target.status_id)
        if caps.api is not None and caps.api < HIDES_AT_ONCE:
            return self._files.count(urls)  # it leaves them where they are
        return self._files.settled(urls, hidden=True)

    def _nobody(self, act: Act, caps: Capabilities) -> str:
        what = "removes one post of somebody else's" if act is Act.REMOVE else "covers the media of one post"
        whys = "; ".join(f"{way.way.value}: {way.why_not(act, caps)}" for way in self._ways)
        return f"{caps.software} has no call in its API that {what}; configure `removal.web` or `removal.command`" + (
            f" ({whys})" if whys else ""
        )

    def _line(self, what: str, detail: str, way: RemovalWay) -> CheckResult:
        check = getattr(way, "check", None)
        if check is None:
            return CheckResult(what=what, ok=True, detail=detail)
        try:
            check()
        except (NotLoggedInError, NotPermittedError) as error:
            remedy = "look at `removal.web`, and at the role of that account: Manage Reports and Manage Users"
            return CheckResult(what=what, ok=False, detail=str(error), remedy=remedy)
        except PlatformError as error:
            remedy = "sign in there by hand once; a page that changed is a fault of this version: the next way is tried"
            return CheckResult(what=what, ok=False, detail=str(error), remedy=remedy)
        return CheckResult(what=what, ok=True, detail=detail)


def _act(intent: OnPost) -> Act:
    return Act.REMOVE if isinstance(intent, Remove) else Act.MARK


def _target(intent: OnPost) -> Target:
    assert intent.subject.author is not None  # noqa: S101 - ``offers`` has said so
    return Target(
        status_id=intent.subject.local_id,
        account_id=intent.subject.author.local_id,
        text=intent.text.strip() or DEFAULT_TEXT,
        remote=not intent.subject.author.is_local,
    )
