"""Removing one post and covering its media, by whichever way this server and its operator offer.

A removed post does not come back, so this is an irreversible deed here; covering its media is the one that hides. Both
are proved by looking at the post as others see it. Its files are another question, which is looked at and told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from adapters.mastodon import errors
from adapters.mastodon.accounts import has_role
from adapters.mastodon.files import HIDES_AT_ONCE
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
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from adapters.mastodon.capabilities import Capabilities
    from adapters.mastodon.files import Count, Files
    from adapters.mastodon.posts import Posts
    from adapters.mastodon.server import Server
    from adapters.mastodon.ways import RemovalWay
    from bot.domain.decisions import Outcome

    OnPost: TypeAlias = Remove | MarkSensitive

DEFAULT_TEXT = "Automated check"

ANOTHER_TRY = 900.0
"""Seconds before a deed is tried again that no way led to: an operator has to look first."""

HIDDEN = "nobody is shown it, for its account is suspended, and that may end"

BY_HAND = (
    "the bot cannot take the warning off on this server: its author can, by an edit, and a moderator by approving an "
    "appeal; `removal.command.unmark_sensitive` would let the bot"
)


class Removals:
    """Removals and warnings by the bot on one server."""

    def __init__(
        self,
        server: Server,
        posts: Posts,
        files: Files,
        ways: Sequence[RemovalWay],
        role_of: Callable[[str], str],
    ) -> None:
        """All of the same server. ``ways``: in the order in which they are tried. ``role_of``: an account's."""
        self._server = server
        self._posts = posts
        self._files = files
        self._ways = ways
        self._role_of = role_of

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
        found = before_deed(lambda: self._posts.find(target))
        if found.there is False:
            return self._gone(intent, target)
        if act is Act.MARK:
            if not found.has_media:
                return Refused(code="no_media", note="there is no media (any more) that a warning could cover")
            if found.sensitive:
                by_us = before_deed(lambda: self._ours(act, target))
                return AlreadyDone(note="its media is behind a warning already", by_us=bool(by_us))
        caps = before_deed(lambda: self._server.now(urgent=True))
        if not target.remote and (caps.mainline or caps.only_suspends):  # others show no accounts by this API
            role = before_deed(lambda: self._role_of(target.account_id))
            if role:
                return has_role(role)
        failed: list[str] = []
        way = self._go(act, target, caps, failed)
        if way is not None:
            return Done(note=self._told(act, target, way, failed, caps))
        return Failed(note="; ".join(failed) or self._nobody(act, caps), retry_after=ANOTHER_TRY)

    def verify(self, intent: OnPost) -> Verification:
        """As others see it, and who closed our report on it. Raises ``PlatformError``."""
        act, target = _act(intent), _target(intent)
        found = self._posts.find(target)
        if found.there is False:
            if act is Act.MARK:
                return Verification(so=False, detail="the post is gone", state={})
            return self._verified_gone(target)
        hidden = f"; {HIDDEN}" if found.hidden else ""
        if act is Act.MARK:
            by_us = self._ours(act, target) if found.sensitive else None
            detail = "its media is behind a warning" if found.sensitive else "its media is not behind a warning"
            state = {"sensitive": found.sensitive}
            return Verification(so=found.sensitive, by_us=by_us, detail=detail + hidden, state=state)
        if found.there is None:
            return Verification(so=None, detail=f"whether it is removed cannot be seen{hidden}")
        return Verification(so=False, detail=f"the post is there{hidden}", state={"removed": False})

    def last_word(self, intent: OnPost, since: datetime) -> LastWord:
        """A removed post does not come back. A warning may have been taken off by the author."""
        if isinstance(intent, Remove):
            return LastWord.NOBODYS
        return LastWord.ANOTHERS if self._posts.closed_since(_target(intent), since) else LastWord.NOBODYS

    def revert(self, intent: OnPost, before: Mapping[str, Any]) -> Outcome:
        """Take the warning off, where there is a way; a removed post is gone for good."""
        if isinstance(intent, Remove):
            return Refused(code="irreversible", note="Mastodon brings no removed post back")
        if before.get("sensitive") is not False:
            return Refused(code="not_ours", note="left as it is: it was so before, or nobody knows how it was")
        target = _target(intent)
        found = before_deed(lambda: self._posts.find(target))
        if found.there is False:
            return Refused(code="gone", note="the post is gone")
        if not found.sensitive:
            return AlreadyDone(note="its media is not behind a warning")
        caps = before_deed(lambda: self._server.now(urgent=True))
        failed: list[str] = []
        way = self._go(Act.UNMARK, target, caps, failed)
        if way is not None:
            return Done(note=f"the warning is taken off, by {way.way.value}")
        if failed:
            return Failed(note="; ".join(failed), retry_after=ANOTHER_TRY)
        return Refused(code="by_hand", note=BY_HAND)

    def _go(self, act: Act, target: Target, caps: Capabilities, failed: list[str]) -> RemovalWay | None:
        """The first way that did it. ``failed`` gets what those before it have said."""
        for way in self._ways:
            if way.why_not(act, caps):
                continue
            try:
                way.go(act, target)
            except (NotThisWayError, NotPermittedError) as error:
                failed.append(f"{way.way.value}: {error}")
            except NotFoundError as error:
                if error.code != errors.NO_ROUTE:
                    raise
                failed.append(f"{way.way.value}: {error}")
            else:
                return way
        return None

    def lines(self) -> Iterator[CheckResult]:
        """For ``check``: each way, and what it does; files that nobody looks at. Raises ``PlatformError``."""
        caps = self._server.now()
        for host in self._posts.elsewhere():
            detail = (
                f"posts here have files on {host}: whether the public still gets those of a removed post is not seen"
            )
            yield CheckResult(what="files", ok=False, detail=detail, remedy=f"configure `files_url`: https://{host}")
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

    def _verified_gone(self, target: Target) -> Verification:
        by_us = self._ours(Act.REMOVE, target)
        self._files.removed(target.status_id)
        detail = {True: "removed by us", False: "removed by somebody else", None: "gone"}[by_us]
        said = self._files.count(self._files.of(target.status_id)).said
        return Verification(
            so=True, by_us=by_us, detail=f"{detail}; {said}" if said else detail, state={"removed": True}
        )

    def _ours(self, act: Act, target: Target) -> bool | None:
        """Whether we did it. Where a way of ours closes no report, a human who closed ours need not have acted."""
        by_us = self._posts.ours(target)
        if by_us is not False:
            return by_us
        caps = self._server.now(urgent=True)
        return False if all(way.closes for way in self._ways if not way.why_not(act, caps)) else None

    def _gone(self, intent: OnPost, target: Target) -> Outcome:
        if isinstance(intent, MarkSensitive):
            return Refused(code="gone", note="the post is gone")
        found = before_deed(lambda: self._verified_gone(target))
        return AlreadyDone(note=found.detail, by_us=bool(found.by_us))

    # ------------------------------------------------------------------------------------------------ telling

    def _told(self, act: Act, target: Target, way: RemovalWay, failed: Sequence[str], caps: Capabilities) -> str:
        note = f"{act.word}, by {way.way.value}"
        if failed:
            note += f" ({'; '.join(failed)})"
        if act is Act.REMOVE:
            self._posts.removed(target)
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
