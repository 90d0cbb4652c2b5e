"""Removing posts and comments, and putting them back. Lemmy keeps the file public."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.outcome import after_deed, before_deed
from bot.domain.content import Comment, Post
from bot.domain.decisions import AlreadyDone, Done, LastWord, Offer, Refused, Verification
from bot.domain.errors import BadAnswerError, NotFoundError, RejectedError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from adapters.lemmy.client import LemmyClient
    from adapters.lemmy.modlog import Entry, ModLog
    from adapters.lemmy.requestor import Endpoints
    from adapters.lemmy.wire import Json
    from bot.domain.content import Subject
    from bot.domain.decisions import Outcome, Remove

DEFAULT_REASON = "Removed by automated check"
RESTORED = "Restored"

NOT_CHANGED = {"couldnt_update_comment", "couldnt_update"}
"""What a comment is left as it is with, in API v3 and v4: its author has deleted it, or the database has failed."""


class Removals:
    """Removals by the bot's account on one server."""

    route = "Lemmy API v3"

    def __init__(self, client: LemmyClient, endpoints: Endpoints, modlog: ModLog) -> None:
        """``endpoints`` and ``modlog``: of ``client``."""
        self._client = client
        self._endpoints = endpoints
        self._modlog = modlog

    def offers(self, intent: Remove) -> Offer:
        """Posts and comments can be removed."""
        supported = isinstance(intent.subject, Post | Comment)
        return Offer(
            supported=supported,
            reversible=True,
            route=self.route,
            why_not="" if supported else f"Lemmy cannot remove a {intent.subject.kind} and put it back",
        )

    def apply(self, intent: Remove) -> Outcome:
        """Remove it. What is removed already is left alone: every call writes the public mod log again."""
        if before_deed(lambda: self._removed(intent.subject)):
            by_us = before_deed(lambda: self._by_us(intent.subject))
            return AlreadyDone(note="it was removed already", by_us=bool(by_us))
        self._set(intent.subject, removed=True, reason=intent.text.strip() or DEFAULT_REASON)
        return Done(note="removed; the file stays public")

    def verify(self, intent: Remove) -> Verification:
        """Ask for the thing itself, and the mod log for who removed it."""
        try:
            removed = self._removed(intent.subject)
        except NotFoundError as error:
            return Verification(so=False, detail=str(error))
        by_us = self._by_us(intent.subject) if removed else None
        who = {True: " by us", False: " by somebody else", None: ""}[by_us]
        detail = f"removed{who}" if removed else "it is not removed"
        return Verification(so=removed, by_us=by_us, detail=detail, state={"removed": removed})

    def last_word(self, intent: Remove, since: datetime) -> LastWord:
        """Who has removed or restored it since."""
        entry = self._entry(intent.subject)
        theirs = entry is not None and entry.is_newer(since) and entry.by != self._client.my_id(urgent=True)
        return LastWord.ANOTHERS if theirs else LastWord.NOBODYS

    def revert(self, intent: Remove, before: Mapping[str, Any]) -> Outcome:
        """Put it back if it was there before."""
        if before.get("removed") is not False:
            return Refused(code="not_ours", note="left removed: it was so before, or nobody knows how it was")
        if not before_deed(lambda: self._removed(intent.subject)):
            return AlreadyDone(note="it is not removed")
        self._set(intent.subject, removed=False, reason=RESTORED)
        return Done(note="restored; the mod log keeps both entries")

    def _set(self, subject: Subject, *, removed: bool, reason: str) -> None:
        # Without a reason the removal of a comment federates as if its author had deleted it, and is refused there.
        number = int(subject.local_id)
        if subject.kind == Post.kind:
            self._endpoints.post.remove(post_id=number, removed=removed, reason=reason)
            return
        try:
            self._endpoints.comment.remove(comment_id=number, removed=removed, reason=reason)
        except RejectedError as error:
            if error.code not in NOT_CHANGED or after_deed(lambda: self._comment(number))["deleted"]:
                raise
            said = f"comment {number} was not changed, and its author has not deleted it ({error.code})"
            raise UnreachableError(f"{said}: the server's database fails", sent=True, code=error.code) from error

    def _comment(self, number: int) -> Json:
        try:
            found = self._endpoints.comment.get(number)["comment_view"]["comment"]
            _ = found["removed"], found["deleted"]
        except (KeyError, TypeError) as error:
            raise BadAnswerError(f"comment {number} has an unknown shape") from error
        return dict(found)

    def _removed(self, subject: Subject) -> bool:
        number = int(subject.local_id)
        if subject.kind != Post.kind:
            return bool(self._comment(number)["removed"])
        try:
            return bool(self._endpoints.post.get(number)["post_view"]["post"]["removed"])
        except (KeyError, TypeError) as error:
            raise BadAnswerError(f"{subject.key} has an unknown shape") from error

    def _by_us(self, subject: Subject) -> bool | None:
        entry = self._entry(subject)
        if entry is None or not entry.on:
            return None
        return entry.by == self._client.my_id(urgent=True)

    def _entry(self, subject: Subject) -> Entry | None:
        number = int(subject.local_id)
        return self._modlog.post(number) if subject.kind == Post.kind else self._modlog.comment(number)
