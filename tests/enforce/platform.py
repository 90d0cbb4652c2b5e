"""A platform in memory, with books of its own and faults that a test plants."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from bot.domain.decisions import AlreadyDone, Done, Failed, LastWord, Offer, PurgeFile, Refused, Verification
from bot.domain.errors import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from bot.domain.decisions import Intent, Outcome, Report

US, THEM = "us", "a moderator"


class Crash(BaseException):
    """The process dies here."""


class Platform:
    """What is so, who did it, and how often each deed was done."""

    def __init__(self) -> None:
        self.so: dict[tuple[str, str], str] = {}
        self.done: Counter[str] = Counter()
        self.reverted: Counter[str] = Counter()
        self.reopened: list[str] = []
        self.faults: list[str] = []  # one is used up by each call of apply or revert
        self.deaf = 0  # calls of verify that get no answer
        self.blind = False  # verify cannot tell
        self.refuses: set[str] = set()
        self.words: dict[tuple[str, str], LastWord] = {}  # what the log says
        self.lacks: set[str] = set()

    def offers(self, intent: Intent) -> Offer:
        return Offer(
            supported=intent.kind not in self.lacks,
            reversible=not isinstance(intent, PurgeFile),
            route="memory",
            why_not="there is no such thing here",
        )

    def verify(self, intent: Intent) -> Verification:
        if self.deaf:
            self.deaf -= 1
            raise UnreachableError("no answer", sent=True)
        if self.blind:
            return Verification(so=None, detail="the mod log is switched off")
        by = self.so.get(self._key(intent))
        return Verification(
            so=by is not None,
            by_us=None if by is None else by == US,
            detail="" if by is None else f"by {by}",
            state={"so": by is not None},
        )

    def apply(self, intent: Intent) -> Outcome:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "crash before":
            raise Crash
        if fault == "refuse" or intent.kind in self.refuses:
            return Refused(code="not_permitted", note="not an admin")
        if fault == "fail":
            return Failed(note="503", retry_after=10.0)
        if fault == "lost before":
            return Failed(note="time-out", unknown=True)
        if fault == "lie":
            return Done(note="200 and nothing happened")
        if self._key(intent) in self.so:
            return AlreadyDone(by_us=self.so[self._key(intent)] == US)
        self.so[self._key(intent)] = US
        self.done[intent.kind] += 1
        if fault == "crash after":
            raise Crash
        if fault == "lost after":
            return Failed(note="time-out", unknown=True)
        return Done()

    def revert(self, intent: Intent, before: Mapping[str, Any]) -> Outcome:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "crash before":
            raise Crash
        if fault == "fail":
            return Failed(note="503", retry_after=10.0)
        if fault == "lost before":
            return Failed(note="time-out", unknown=True)
        assert before == {"so": False}, "only what was not so before is taken back"
        self.reverted[intent.kind] += 1
        if intent.kind != "report":
            self.so.pop(self._key(intent), None)
        if fault == "crash after":
            raise Crash
        return Done()

    def last_word(self, intent: Intent, since: datetime) -> LastWord:
        return self.words.get(self._key(intent), LastWord.NOBODYS)

    def reopen(self, report: Report) -> Outcome:
        self.reopened.append(report.target)
        return Done()

    def by_hand(self, intent: Intent, who: str | None = THEM) -> None:
        """Somebody else makes it so, or not so (``None``)."""
        self.words[self._key(intent)] = LastWord.ANOTHERS
        if who is None:
            self.so.pop(self._key(intent), None)
        else:
            self.so[self._key(intent)] = who

    def _key(self, intent: Intent) -> tuple[str, str]:
        return intent.kind, intent.target
