"""Calls whose answer got lost: for a while nobody knows whether they still take effect."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.decisions import Failed, HoldReason, IntentState, Notify, SetSwitch

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.decisions import Outcome
    from bot.ports import Docket, IntentRecord

LATE = timedelta(seconds=15)
"""How long a call whose answer got lost may still take effect at the server."""

UNANSWERED = "a call that got no answer may still take effect"


def unknown(outcome: Outcome | None) -> bool:
    """Whether nobody knows how an attempt ended."""
    return outcome is None or (isinstance(outcome, Failed) and outcome.unknown)


def may_be_done(record: IntentRecord, docket: Docket) -> bool:
    """Whether what is allowed or held was begun, and may be done by now.

    Its tries have the last word: an approval clears the reasons of a hold and counts anew, and whatever holds it again
    has other reasons.
    """
    if record.state not in {IntentState.READY, IntentState.HELD}:
        return False
    if record.state is IntentState.READY and record.attempts > 0:
        return True
    if HoldReason.UNKNOWN_STATE in record.reasons:
        return True
    return any(not one.reverting and unknown(one.outcome) for one in docket.attempts(record.id))


def quiet_at(record: IntentRecord, docket: Docket, now: datetime) -> datetime | None:
    """When no call of another case about the same thing can arrive any more; ``None``: nothing is under way.

    Until then nothing is asked or done about it: a ban for three days that arrives late would replace the one for good
    that another case has put in its place since, and the ledger would go on to say that this one stands.
    """
    intent = record.intent
    if isinstance(intent, Notify):
        return None
    # All switches are one page of settings, and lists on it are replaced as a whole.
    target = None if isinstance(intent, SetSwitch) else intent.target
    tries = docket.tries(intent.kind, target=target, since=now - LATE)
    lost = [one.started_at for one in tries if one.intent_id != record.id and unknown(one.outcome)]
    return max(lost) + LATE if lost else None
