"""How long, and how often, a file is asked for that cannot be had.

A server is away for hours, and a proxy in front of one says 404 while what is behind it is made anew: neither is the
end of a picture that everybody will be shown tomorrow.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from bot.enforce import back_off
from bot.ports import Lane

if TYPE_CHECKING:
    from datetime import datetime

    from bot.ports import Task

TRIES = 12
"""Tries of a task, for other reasons than a server that is away, before it is parked: about an hour."""

QUICK = 10
"""Tries between which the pauses double, up to 17 minutes: half an hour. Those after them are not counted, so that what
fails for a reason of its own when a server is back is tried again, too."""

PAUSE, LONG_PAUSE = timedelta(hours=1), timedelta(hours=6)
"""Between two later tries, at most; at first they come after a quarter of what has been waited for. The long one is for
other servers, of which many never come back, and for what was there before the bot."""

ANSWERS_WITHIN = timedelta(days=7)
"""Age at which a task is parked whose server did not answer all the time."""

OLD_ANSWERS_WITHIN = timedelta(hours=1)
"""The same for what was there before the bot and lies on other servers: there are years of it."""

GONE_AFTER = timedelta(days=1)
"""Age at which a file is believed to be gone."""

FIRST_LOOK = timedelta(minutes=1)
LONGEST_LOOK = timedelta(hours=8)


def counts(task: Task) -> bool:
    """Whether a try that met no server counts."""
    return task.attempts < QUICK


def until_it_answers(task: Task, now: datetime, *, ours: bool) -> timedelta:
    """The pause before a server is asked again that was not to be reached. ``ours``: the one that we moderate."""
    if task.attempts < QUICK:
        return timedelta(seconds=back_off(task.attempts))
    longest = PAUSE if ours and task.lane is not Lane.BACKLOG else LONG_PAUSE
    return max(timedelta(seconds=back_off(QUICK)), min((now - task.created_at) / 4, longest))


def is_lost(task: Task, now: datetime, *, ours: bool) -> bool:
    """Whether a server has been away for so long that nobody expects it back. ``ours`` as above."""
    lasts = OLD_ANSWERS_WITHIN if task.lane is Lane.BACKLOG and not ours else ANSWERS_WITHIN
    return task.attempts >= QUICK and now - task.created_at > lasts


def until_it_is_back(task: Task, now: datetime, *, ours: bool) -> timedelta | None:
    """The pause before a file is asked for again that is not there; ``None`` if it is gone."""
    age = now - task.created_at
    first = task.attempts == 1
    if first and task.lane is Lane.BACKLOG and not ours:
        return None
    if not first and age > GONE_AFTER:
        return None
    return max(FIRST_LOOK, min(2 * age, LONGEST_LOOK))
