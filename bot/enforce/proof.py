"""Whether a deed is so, and what became of one whose end nobody wrote down: the server is asked, never guessed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, assert_never

from bot.domain.decisions import (
    GONE_AT_STORE,
    AlreadyDone,
    Done,
    Failed,
    LastWord,
    PurgeFile,
    SetSwitch,
    Verification,
)
from bot.domain.errors import PlatformError
from bot.enforce.late import LATE
from bot.enforce.undo import OURS

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.domain.decisions import Attempt, Intent, Outcome
    from bot.ports import Clock, Enforcer

VERIFY_FOR = 15.0
"""Seconds to wait for an asynchronous deed: pict-rs answers a purge before the file is gone."""


class Proof:
    """What the server says of deeds."""

    def __init__(self, clock: Clock, sleep: Callable[[float], None]) -> None:
        """``sleep``: between two looks at what takes its time, in seconds."""
        self._clock = clock
        self._sleep = sleep

    def of(self, intent: Intent, enforcer: Enforcer, outcome: Done | AlreadyDone) -> Outcome:
        """A deed is done when the server says so, not when a call came back."""
        try:
            found = self._settled(intent, enforcer)
        except PlatformError as error:
            return Failed(note=f"done, but the server could not be asked whether it is so: {error}", unknown=True)
        if found.so:
            return outcome
        # Nobody can put a file back. All else may have been put back in this moment, which the next round asks about.
        unknown = found.so is None or not isinstance(intent, PurgeFile)
        return Failed(note=f"the server took it, but it is not so: {found.detail}", unknown=unknown)

    def what_became_of(self, intent: Intent, enforcer: Enforcer, attempt: Attempt) -> Outcome | None:
        """The end of an attempt that has none; ``None``: it is too early to tell. Raises ``PlatformError``."""
        found = self._settled(intent, enforcer)
        if found.so is None:
            return Failed(note=found.detail, unknown=True)
        if found.so:
            return _found_done(intent, attempt, found)
        if isinstance(intent, PurgeFile):  # nobody puts a file back, and to purge it twice harms nobody
            had = found.detail if found.detail.startswith(GONE_AT_STORE) else "the server had not acted"
            return Failed(note=f"interrupted, and {had}", retry_after=0.0)
        if self._clock.now() < attempt.started_at + LATE:
            return None
        return _found_undone(enforcer.last_word(intent, attempt.started_at))

    def _settled(self, intent: Intent, enforcer: Enforcer) -> Verification:
        """What the server says, once an asynchronous deed has had its time."""
        deadline = self._clock.now() + timedelta(seconds=VERIFY_FOR)
        wait = 0.1
        while True:
            found = enforcer.verify(intent)
            if found.so is not False or not isinstance(intent, PurgeFile) or self._clock.now() >= deadline:
                return found
            if found.detail.startswith(GONE_AT_STORE):
                return found  # caches forget after days, not seconds
            self._sleep(wait)
            wait = min(wait * 2, 2.0)


def _found_done(intent: Intent, attempt: Attempt, found: Verification) -> Outcome:
    """What is so after an attempt that has no end: was it that attempt?"""
    before = {key: value for key, value in attempt.before.items() if key != OURS}
    if found.state and before == found.state:  # it was so when the attempt began, and nothing went out
        return AlreadyDone(note=found.detail, by_us=bool(found.by_us))
    if found.by_us or (found.by_us is None and isinstance(intent, PurgeFile | SetSwitch)):
        # No log tells who did these, and they were not so when the attempt began.
        return Done(note="interrupted, and found done")
    if found.by_us is None:
        return Failed(note="it is so, and the server does not say who did it", unknown=True)
    return AlreadyDone(note=found.detail or "done by somebody else")


def _found_undone(last_word: LastWord) -> Outcome:
    """What is not so after an attempt that has no end: was it so meanwhile?"""
    match last_word:
        case LastWord.NOBODYS:
            return Failed(note="interrupted, and the server had not acted", retry_after=0.0)
        case LastWord.OURS:
            return Done(note="interrupted, and done; it has run out since")
        case LastWord.ANOTHERS:
            return Failed(note="it is not so, and somebody else has had the last word about it since", unknown=True)
        case LastWord.UNKNOWN:
            return Failed(note="it is not so, and the server cannot tell whether it was", unknown=True)
        case _:
            assert_never(last_word)
