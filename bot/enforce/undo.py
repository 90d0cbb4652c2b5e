"""Puts one deed back, from what was so before it. Never deletes anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.decisions import AlreadyDone, Done, Failed, IntentState, Refused, Report

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from bot.domain.decisions import Attempt, Outcome, Verification
    from bot.ports import Docket, Enforcer, IntentRecord


def revert(record: IntentRecord, enforcer: Enforcer, docket: Docket, fence: int) -> tuple[Attempt, Outcome]:
    """Undo a deed that was done; the attempt, still open, and what came of it.

    Left alone: what another case still wants, what somebody else has done since, and what nothing brings back.
    Raises ``PlatformError`` when the server cannot be asked.
    """
    offer = enforcer.offers(record.intent)
    found = enforcer.verify(record.intent)
    attempt = docket.begin(record.id, reverting=True, before=dict(found.state), fence=fence)
    return attempt, _revert(record, enforcer, docket, reversible=offer.reversible, found=found)


def _revert(
    record: IntentRecord, enforcer: Enforcer, docket: Docket, *, reversible: bool, found: Verification
) -> Outcome:
    if not reversible:
        return Refused(code="irreversible", note="nothing brings this back")
    others = _others(record, docket)
    still = [other.case for other in others if other.state is IntentState.DONE]
    if still:
        return AlreadyDone(note=f"left as it is: case {still[0]} still wants it")
    if found.so is False:
        return AlreadyDone(note="somebody has put it back already")
    if found.by_us is False:
        return Refused(code="not_ours", note=f"left alone: {found.detail or 'done by somebody else'}")
    before = _before(record, others, docket)
    if before is None:
        return Refused(code="not_ours", note="left alone: it was so before the bot came")
    outcome = enforcer.revert(record.intent, before)
    if isinstance(outcome, Done | AlreadyDone) and not isinstance(record.intent, Report):  # a report stays, resolved
        now = enforcer.verify(record.intent)
        if now.so:
            return Failed(note=f"the server took it, but nothing changed: {now.detail}")
    return outcome


def _others(record: IntentRecord, docket: Docket) -> list[IntentRecord]:
    """The same deed on the same target in other cases."""
    same = docket.intents(kind=record.intent.kind, target=record.intent.target)
    return [other for other in same if other.id != record.id]


def _before(record: IntentRecord, others: list[IntentRecord], docket: Docket) -> Mapping[str, Any] | None:
    """What was so before the first of our deeds on this target; ``None`` if none of them changed anything."""
    tries = [
        attempt
        for one in [record, *others]
        for attempt in docket.attempts(one.id)
        if not attempt.reverting and (attempt.outcome is None or isinstance(attempt.outcome, Done))
    ]
    return min(tries, key=lambda attempt: attempt.id).before if tries else None
