"""The ways to remove one post, or to cover its media. Mainline Mastodon has no call for it in its API.

Each says whether it can be gone here, goes it once, and says in words what it did. ``NotThisWayError`` means that
nothing was done, and that the next way may be tried; after any other error nobody may try again before somebody looked.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import structlog

from adapters.command import carry_out
from adapters.mastodon.deed_settings import Way
from adapters.outcome import before_deed
from bot.domain.errors import NotFoundError, NotPermittedError, PlatformError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.mastodon.capabilities import Capabilities
    from adapters.mastodon.client import MastodonClient
    from adapters.mastodon.deed_settings import CommandSettings
    from adapters.mastodon.report_book import Filed, ReportBook
    from adapters.mastodon.statuses import Statuses

log = structlog.get_logger(__name__)

SETTLES = 10.0
"""Seconds that a server gets to do what a command has told it, before nobody knows whether it will."""


class NotThisWayError(PlatformError):
    """It cannot be done this way, and nothing was done."""


class Act(StrEnum):
    """What is done to a post. The values are those of a report's form."""

    REMOVE = "delete"
    MARK = "mark_as_sensitive"
    UNMARK = "unmark"  # no form has it

    @property
    def word(self) -> str:
        """What was done, for people."""
        return {"delete": "removed", "mark_as_sensitive": "marked as sensitive"}.get(self.value, "not marked any more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One post. ``text``: what its author may read."""

    status_id: str
    account_id: str
    text: str
    remote: bool = False  # of an account of another server


class RemovalWay(Protocol):
    """One way."""

    @property
    def way(self) -> Way:
        """Its name in the settings."""
        ...

    @property
    def closes(self) -> bool:
        """Whether it closes our report on the post, so that who closed that one tells who acted."""
        ...

    def why_not(self, act: Act, caps: Capabilities) -> str:
        """Why it is not offered; empty where it is. Contacts nobody."""
        ...

    def effect(self) -> str:
        """What it does besides, for ``check``."""
        ...

    def go(self, act: Act, target: Target) -> None:
        """Do it, once. Raises ``NotThisWayError``, and ``PlatformError`` otherwise."""
        ...


class ForkApi:
    """The call that some forks have: mastodon/mastodon#27675, closed unmerged."""

    way = Way.API
    closes = False

    def __init__(self, client: MastodonClient) -> None:
        """``client``: of the server."""
        self._client = client

    def why_not(self, act: Act, caps: Capabilities) -> str:
        """Where its scope exists and the token has it."""
        del act
        if not caps.mainline or not caps.fork_api:
            return "this server advertises no call that removes one post (`admin:write:statuses`)"
        if caps.me is not None and not caps.me.has("admin:write:statuses"):
            return "the token lacks the scope `admin:write:statuses`, which this server has"
        return ""

    def effect(self) -> str:
        """What it does besides."""
        return "by the server's own call; the author is not told"

    def go(self, act: Act, target: Target) -> None:
        """One call."""
        path = f"/api/v1/admin/statuses/{target.status_id}"
        match act:
            case Act.REMOVE:
                self._client.delete(path)
            case Act.MARK:
                body = {"type": "sensitive", "text": target.text, "send_email_notification": False}
                self._client.post(f"{path}/action", body)
            case Act.UNMARK:
                self._client.post(f"{path}/unsensitive")


class PlainDelete:
    """The call by which authors delete their posts, where it obeys moderators too."""

    way = Way.DELETE
    closes = False

    def __init__(self, client: MastodonClient) -> None:
        """``client``: of the server."""
        self._client = client

    def why_not(self, act: Act, caps: Capabilities) -> str:
        """By the name of the software."""
        if not caps.plain_delete:
            return f"{caps.software} lets only authors delete a post"
        if act is not Act.REMOVE:
            return "only removes"
        if caps.me is not None and not caps.me.has("write:statuses"):
            return "the token lacks the scope `write:statuses`"
        return ""

    def effect(self) -> str:
        """What it does besides."""
        return "by the call that authors have; it federates as a deletion"

    def go(self, act: Act, target: Target) -> None:
        """One call."""
        del act
        self._client.delete(f"/api/v1/statuses/{target.status_id}")


class Command:
    """The operator's own command: a list of words and no shell."""

    way = Way.COMMAND
    closes = False  # what it does with a report is not for us to know

    def __init__(
        self,
        settings: CommandSettings,
        book: ReportBook,
        statuses: Statuses,
        file: Callable[[Target], Filed],
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``book`` and ``statuses``: of the server. ``file``: makes a report on one post alone."""
        self._settings = settings
        self._book = book
        self._statuses = statuses
        self._file = file
        self._sleep = sleep
        self._monotonic = monotonic

    def why_not(self, act: Act, caps: Capabilities) -> str:
        """Where there is a command for it, and the program is there."""
        del caps
        words = self._words(act)
        if not words:
            return f"there is no command for that in `removal.command` ({_KEYS[act]})"
        if shutil.which(words[0]) is None:
            return f"there is no program {words[0]!r}: write its whole path in `removal.command.{_KEYS[act]}`"
        return ""

    def effect(self) -> str:
        """What it does besides."""
        programs = dict.fromkeys(os.path.basename(words[0]) for act in Act if (words := self._words(act)))
        return f"by {' and '.join(f'`{program}`' for program in programs)}; whom that tells is the command's to say"

    def go(self, act: Act, target: Target) -> None:
        """Run it, and wait until it is so."""
        words = self._filled(self._words(act), target)
        hidden = self._statuses.look(target.status_id).json is None  # with its whole account
        name = os.path.basename(words[0])
        try:
            status, output = carry_out(words, "", self._settings.timeout.total_seconds())
        except OSError as error:
            raise NotThisWayError(f"the command `{name}` cannot be started: {error.strerror}") from None
        log.info("command about a post has run", command=name, status=status, output=output)
        if (status == 0 and hidden) or (not hidden and self._is_so(act, target, SETTLES if status == 0 else 0.0)):
            return
        if status is None:
            seconds = self._settings.timeout.total_seconds()
            raise UnreachableError(f"the command `{name}` took longer than {seconds:.0f} s and was ended", sent=True)
        if status != 0:
            raise NotThisWayError(f"the command `{name}` failed (status {status}); the log has its output")
        raise UnreachableError(f"the command `{name}` ended well, and the post is as it was", sent=True)

    def _words(self, act: Act) -> tuple[str, ...]:
        found: tuple[str, ...] = getattr(self._settings, _KEYS[act])
        return found

    def _filled(self, words: tuple[str, ...], target: Target) -> list[str]:
        if not _PLAIN.fullmatch(target.status_id) or not _PLAIN.fullmatch(target.account_id):
            raise NotThisWayError("an id of this server is not made of letters and digits: no command gets it")
        filled = {"{status_id}": target.status_id, "{account_id}": target.account_id}
        if any("{report_id}" in word for word in words):
            filled["{report_id}"] = self._report(target)
        if not any("{status_id}" in word for word in words):
            words = (*words, "{status_id}")
        for name, value in filled.items():
            words = tuple(word.replace(name, value) for word in words)
        return list(words)

    def _report(self, target: Target) -> str:
        """One on this post alone, for commands act on all posts of a report: where there is none, it is filed."""
        ours = before_deed(lambda: list(self._book.ours_about(target.account_id)))
        found = next((filed.id for filed in ours if filed.names_only(target.status_id)), None)
        if found is not None:
            return found
        try:
            return self._file(target).id
        except (NotFoundError, NotPermittedError) as error:
            raise NotThisWayError(
                "the command wants a report on this post alone, there is none of ours, and none can be filed (any "
                f"more): {error}"
            ) from error

    def _is_so(self, act: Act, target: Target, seconds: float) -> bool:
        deadline = self._monotonic() + seconds
        wait = 0.1
        while True:
            shown = self._statuses.look(target.status_id)
            if (shown.json is None) if act is Act.REMOVE else (shown.sensitive is (act is Act.MARK)):
                return True
            if self._monotonic() >= deadline:
                return False
            self._sleep(wait)
            wait = min(wait * 2, 1.0)


_PLAIN = re.compile(r"[0-9A-Za-z_-]+")
"""What goes into a command, perhaps into the middle of a program that is one of its words."""

_KEYS = {Act.REMOVE: "remove", Act.MARK: "mark_sensitive", Act.UNMARK: "unmark_sensitive"}
