"""Which deeds have to wait for which others. Pure.

Within a case the order is report, remove, purge, ban or limit, switch. A report has to come first, because Lemmy takes
none on what was removed (and closes those that it has), and Mastodon none on a suspended account. A file goes last of
what is visible, because without it nobody can judge a post any more. That a ban comes after all of them is no need of
its own: nothing of it is impossible afterwards but a report on that account.

So while few deeds are ready, the whole order is kept: it takes seconds. Where purges of the case fail it may take
minutes, a quarter of one for each: there bans do not wait for the other purges. When deeds queue up (``CROWD``), as
they do in a raid, the order is kept where one deed would make another impossible, and bans go first for the rest,
because they end the flood. Then a ban waits

* for allowed reports on that very account, of whatever case, until each had its first try: it never overtakes them;
* but only for those that were planned before it: whoever posts faster than the bot reports would never be banned;
* not for removals and purges, whose number nobody can foresee, and which are as possible after it;
* and not for what is held or keeps failing: a human, or a server in trouble, must not keep a raider in.

Where the platform takes no report on an account that is banned (Mastodon), a ban makes every report on that account
impossible. There it waits, as a limit does, for all that are allowed until they are filed, and for those of its own
case that are held; in a crowd only for those that were planned before it.

Where a post is to be removed and marked as sensitive as well, the mark waits for a removal whose turn it is (``others``
has no other one): whoever wrote the post is told once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.content import Comment, Post
from bot.domain.decisions import (
    BanAccount,
    IntentState,
    LimitAccount,
    MarkSensitive,
    PurgeFile,
    Remove,
    Report,
    SetSwitch,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from bot.domain.content import InstanceId
    from bot.domain.decisions import Intent
    from bot.ports import IntentRecord

CROWD = 50
"""Ready deeds, of all cases, above which bans and switches go first: more than a minute's work under Lemmy's limits."""

FIRST_IN_A_CROWD = (SetSwitch.kind, BanAccount.kind, LimitAccount.kind)


def blocker(
    record: IntentRecord,
    others: Sequence[IntentRecord],
    stuck: Collection[int] = (),
    *,
    crowded: bool = False,
    unreportable: Collection[InstanceId] = (),
) -> IntentRecord | None:
    """The first intent among ``others`` that has to come before this one and has not.

    ``others``: of the same case; of other cases, reports. What is held or keeps failing blocks only what would make it
    impossible: a report cannot be filed on removed content, and nothing of a post can be judged once its file is gone.
    ``stuck``: ids of intents whose server could not even be asked. ``crowded``: more than ``CROWD`` are ready.
    ``unreportable``: instances that take no report on an account that is banned.
    """
    failing = purges_fail(one for one in others if one.case == record.case)
    for other in sorted(others, key=lambda one: (one.intent.rank, one.id)):
        if failing and isinstance(other.intent, PurgeFile):
            continue  # nothing becomes impossible by going before it
        if other.id != record.id and _comes_first(record, other, stuck, crowded=crowded, unreportable=unreportable):
            return other
    return None


def purges_fail(records: Iterable[IntentRecord]) -> bool:
    """Whether a purge among these was tried, and has to be tried again."""
    return any(
        isinstance(one.intent, PurgeFile) and one.state is IntentState.READY and one.attempts > 0 for one in records
    )


def _comes_first(
    record: IntentRecord,
    other: IntentRecord,
    stuck: Collection[int],
    *,
    crowded: bool,
    unreportable: Collection[InstanceId],
) -> bool:
    deed, first = record.intent, other.intent
    unfinished = other.state in {IntentState.READY, IntentState.HELD}
    never_tried = other.state is IntentState.READY and other.attempts == 0 and other.id not in stuck
    if isinstance(deed, MarkSensitive) and isinstance(first, Remove):
        possible = other.state is IntentState.READY and other.id not in stuck
        return possible and deed.subject.key == first.subject.key
    if first.rank >= deed.rank or not unfinished:
        return False
    if isinstance(deed, LimitAccount | BanAccount) and report_on(deed.account.uri, first):
        if deed.instance == first.instance and deed.instance in unreportable:
            counts = other.state is IntentState.READY or other.case == record.case
        else:
            counts = never_tried
        return counts and (not crowded or other.id < record.id)
    if other.case != record.case:
        takes_away = isinstance(deed, Remove | MarkSensitive)
        return takes_away and other.state is IntentState.READY and makes_impossible(deed, first)
    return makes_impossible(deed, first) or (never_tried and not crowded)


def makes_impossible(deed: Intent, other: Intent) -> bool:
    """Whether ``other`` could not be done, or not be judged by a human, after ``deed``."""
    match deed, other:
        case Remove(subject=subject) | MarkSensitive(subject=subject), Report():
            return any(subject.key == named.key for named in other.subjects)
        case PurgeFile(), Report() | Remove():
            return True
        case _:
            return False


def report_on(account_uri: str, intent: Intent) -> bool:
    """A report on something that this account wrote: a ban must not overtake it."""
    if not isinstance(intent, Report) or not isinstance(intent.subject, Post | Comment):
        return False
    return intent.subject.author is not None and intent.subject.author.uri == account_uri
