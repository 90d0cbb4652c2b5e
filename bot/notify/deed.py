"""The deed ``notify``: no server takes part in it, so it is carried out in front of each instance's own enforcer."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from bot.domain.decisions import AlreadyDone, Done, LastWord, Notify, Offer, Refused, Verification
from bot.ports import NewNote, Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from bot.domain.decisions import Intent, Outcome, Report
    from bot.ports import Channel, Enforcer, Ledger

NOBODY = "no channel under `notify` is about `cases`"


class NotifyingEnforcer:
    """``Enforcer`` of an instance that leaves notes for the operators, and hands everything else on."""

    def __init__(self, enforcer: Enforcer, ledger: Ledger, channels: Callable[[], Sequence[Channel]]) -> None:
        """``channels`` gives all that are configured, and is called when the first message is wanted."""
        self._enforcer = enforcer
        self._ledger = ledger
        self._all = channels

    @cached_property
    def _channels(self) -> Sequence[Channel]:
        return [channel for channel in self._all() if Topic.CASES in channel.about]

    def offers(self, intent: Intent) -> Offer:
        """Wherever somebody is there to be told."""
        if not isinstance(intent, Notify):
            return self._enforcer.offers(intent)
        why_not = "" if self._channels else NOBODY
        return Offer(supported=not why_not, reversible=True, route="the outbox", why_not=why_not)

    def apply(self, intent: Intent) -> Outcome:
        """Leave the note for every channel; sending it is another matter, and is tried until it works."""
        if not isinstance(intent, Notify):
            return self._enforcer.apply(intent)
        if not self._channels:
            return Refused(code="not_offered", note=NOBODY)
        payload = self._payload(intent)
        self._ledger.post(
            [
                NewNote(
                    channel=channel.id,
                    topic=Topic.CASES,
                    key=_key(intent),
                    payload=payload if channel.accounts else {**payload, "accounts": []},
                )
                for channel in self._channels
            ]
        )
        return Done(note=f"to be told by {', '.join(channel.id for channel in self._channels)}")

    def verify(self, intent: Intent) -> Verification:
        """Whether the notes are there. Nobody else leaves any."""
        if not isinstance(intent, Notify):
            return self._enforcer.verify(intent)
        there = bool(self._channels) and all(self._ledger.posted(one.id, _key(intent)) for one in self._channels)
        return Verification(so=there, by_us=True if there else None, detail="in the outbox" if there else NOBODY)

    def revert(self, intent: Intent, before: Mapping[str, Any]) -> Outcome:
        """Words cannot be taken back."""
        if not isinstance(intent, Notify):
            return self._enforcer.revert(intent, before)
        return AlreadyDone(note="a message that was sent stays sent")

    def last_word(self, intent: Intent, since: datetime) -> LastWord:
        """Nobody takes a note out of the outbox."""
        return LastWord.NOBODYS if isinstance(intent, Notify) else self._enforcer.last_word(intent, since)

    def reopen(self, report: Report) -> Outcome:
        """By the instance's own."""
        return self._enforcer.reopen(report)

    def _payload(self, intent: Notify) -> dict[str, Any]:
        file = self._ledger.file_by_sha256(intent.sha256) if intent.sha256 else None
        uploads = self._ledger.uploads_of(file.id) if file is not None else ()
        return {
            "case": file.case if file is not None else None,
            "instance": str(intent.instance),
            "text": intent.text,
            "accounts": sorted({upload.uploader.handle for upload in uploads}),
        }


def _key(intent: Notify) -> str:
    return f"case/{intent.instance}/{intent.sha256 or intent.text}"
