"""Which deeds of a case have to wait for which others. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.content import Comment, Post
from bot.domain.decisions import BanAccount, IntentState, PurgeFile, Remove, Report

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from bot.domain.decisions import Intent
    from bot.ports import IntentRecord


def blocker(record: IntentRecord, siblings: Sequence[IntentRecord], stuck: Collection[int] = ()) -> IntentRecord | None:
    """The first intent of the same case that has to come before this one and has not.

    The order is report, remove, purge, ban. What is held or keeps failing blocks only what would make it impossible:
    a report cannot be filed on removed content, and nothing of a post can be judged once its file is gone. ``stuck``:
    ids of intents whose server could not even be asked.
    """
    for other in sorted(siblings, key=lambda sibling: sibling.intent.rank):
        if other.intent.rank >= record.intent.rank:
            return None
        pending = other.state is IntentState.READY and other.attempts == 0 and other.id not in stuck
        unfinished = other.state in {IntentState.READY, IntentState.HELD}
        if pending or (unfinished and makes_impossible(record.intent, other.intent)):
            return other
    return None


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


def waits_for_reports(record: IntentRecord, ready: Sequence[IntentRecord]) -> bool:
    """A ban waits for the allowed reports on that account, of all cases, until each had its first try."""
    intent = record.intent
    return isinstance(intent, BanAccount) and any(
        other.attempts == 0 and other.case != record.case and report_on(intent.account.uri, other.intent)
        for other in ready
    )
