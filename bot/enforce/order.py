"""Which deeds have to wait for which others. Pure.

Within a case the order is report, remove, purge, ban or limit, switch. A report has to come first, because Lemmy takes
none on what was removed (and closes those that it has), and Mastodon none on a suspended account. A file goes last of
what is visible, because without it nobody can judge a post any more. That a ban comes after all of them is no need of
its own: nothing of it is impossible afterwards but a report on that account.

So while few deeds are ready, the whole order is kept: it takes seconds. When they queue up (``CROWD``), as they do in a
raid, the order is kept where one deed would make another impossible, and bans go first for the rest, because they end
the flood. Then a ban waits

* for allowed reports on that very account, of whatever case, until each had its first try: it never overtakes them;
* but only for those that were planned before it: whoever posts faster than the bot reports would never be banned;
* not for removals and purges, whose number nobody can foresee, and which are as possible after it;
* and not for what is held or keeps failing: a human, or a server in trouble, must not keep a raider in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.content import Comment, Post
from bot.domain.decisions import BanAccount, IntentState, PurgeFile, Remove, Report, SetSwitch

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from bot.domain.decisions import Intent
    from bot.ports import IntentRecord

CROWD = 50
"""Ready deeds, of all cases, above which bans and switches go first: more than a minute's work under Lemmy's limits."""

FIRST_IN_A_CROWD = (SetSwitch.kind, BanAccount.kind)


def blocker(
    record: IntentRecord, others: Sequence[IntentRecord], stuck: Collection[int] = (), *, crowded: bool = False
) -> IntentRecord | None:
    """The first intent among ``others`` that has to come before this one and has not.

    ``others``: of the same case; of other cases, reports. What is held or keeps failing blocks only what would make it
    impossible: a report cannot be filed on removed content, and nothing of a post can be judged once its file is gone.
    ``stuck``: ids of intents whose server could not even be asked. ``crowded``: more than ``CROWD`` are ready.
    """
    for other in sorted(others, key=lambda one: (one.intent.rank, one.id)):
        if other.id != record.id and _comes_first(record, other, stuck, crowded=crowded):
            return other
    return None


def _comes_first(record: IntentRecord, other: IntentRecord, stuck: Collection[int], *, crowded: bool) -> bool:
    deed, first = record.intent, other.intent
    unfinished = other.state in {IntentState.READY, IntentState.HELD}
    if first.rank >= deed.rank or not unfinished:
        return False
    never_tried = other.state is IntentState.READY and other.attempts == 0 and other.id not in stuck
    if isinstance(deed, BanAccount) and report_on(deed.account.uri, first):
        return never_tried and (not crowded or other.id < record.id)
    if other.case != record.case:
        return isinstance(deed, Remove) and other.state is IntentState.READY and makes_impossible(deed, first)
    return makes_impossible(deed, first) or (never_tried and not crowded)


def makes_impossible(deed: Intent, other: Intent) -> bool:
    """Whether ``other`` could not be done, or not be judged by a human, after ``deed``."""
    match deed, other:
        case Remove(), Report():
            return deed.subject.key == other.subject.key
        case PurgeFile(), Report() | Remove():
            return True
        case _:
            return False


def report_on(account_uri: str, intent: Intent) -> bool:
    """A report on something that this account wrote: a ban must not overtake it."""
    if not isinstance(intent, Report) or not isinstance(intent.subject, Post | Comment):
        return False
    return intent.subject.author is not None and intent.subject.author.uri == account_uri
