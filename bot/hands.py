"""How many tasks are done at a time, and how many of those may be ones that can wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.ports import Lane, TaskKind

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from bot.ports import Task, Work

EXAMINE_SECONDS = 180.0
"""A file that is not finished by then is taken again: longer than a fetch, a decode and a detector together."""

ENFORCE_SECONDS = 3600.0
"""Deeds may wait that long for a rate limit. When their worker dies, the next holder takes them back at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """Hands for some kinds of tasks.

    Most of what is slow can wait, and would fill all hands with waiting: so what comes behind the lane ``fast`` has
    ``slow`` hands at most, and there is always one for what comes first; ``slow_beside`` while that is under way.
    """

    kinds: Sequence[TaskKind]
    number: int
    fast: Lane
    slow: int
    slow_beside: int
    seconds: float  # of a lease

    def fill(self, work: Work, busy: Collection[Task]) -> Sequence[Task]:
        """Tasks for the hands that are free. ``busy``: what is in hands now, of any kind."""
        ours = [task for task in busy if task.kind in self.kinds]
        free = self.number - len(ours)
        if free <= 0:
            return ()
        taken = list(work.take(self.kinds, limit=free, lease_seconds=self.seconds, worst=self.fast))
        first = any(task.lane <= self.fast for task in (*ours, *taken))
        slow = (self.slow_beside if first else self.slow) - sum(task.lane > self.fast for task in ours)
        left = min(free - len(taken), slow)
        if left > 0:
            taken += work.take(self.kinds, limit=left, lease_seconds=self.seconds)
        return taken


def acting(at_once: int) -> Hands:
    """For deeds: a ban finds a hand although all others wait for a server that limits its callers.

    What the server lets through is shared by all of them, so while there are bans to do the others hardly take any.
    """
    number = max(1, at_once // 2)
    return Hands(
        kinds=(TaskKind.ENFORCE,),
        number=number,
        fast=Lane.BANS,
        slow=max(1, number - 1),
        slow_beside=1,
        seconds=ENFORCE_SECONDS,
    )


def looking(at_once: int) -> Hands:
    """For scanning: what is new never waits for what was there before the bot, or is looked at again."""
    return Hands(
        kinds=(TaskKind.EXAMINE, TaskKind.REVISIT),
        number=at_once,
        fast=Lane.NEW,
        slow=max(1, at_once // 2),
        slow_beside=max(1, at_once // 2),
        seconds=EXAMINE_SECONDS,
    )


def judging(at_once: int) -> Hands:
    """For files that are judged anew because they were seen again: a raid has dozens of these at any moment.

    Each looks at all places of its file and asks a server that limits its callers, so they would keep every hand from
    scanning if they shared them: what is not scanned is not banned either. The first time, a file is judged by whoever
    scanned it.
    """
    number = max(1, at_once // 2)
    return Hands(
        kinds=(TaskKind.JUDGE,),
        number=number,
        fast=Lane.NEW,
        slow=max(1, number // 2),
        slow_beside=max(1, number // 2),
        seconds=EXAMINE_SECONDS,
    )
