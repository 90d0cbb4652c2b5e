"""Takes back what was done: of one case, or of a night. Whoever holds the lease carries out what is decided here."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from bot.domain.decisions import HoldReason, IntentState
from bot.enforce.late import may_be_done
from bot.enforce.undo import Prospect, foresee, what_is_lost
from bot.operate.decide import IF_NOT_DONE, Result, case_or_error, move
from bot.ports import Filter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from bot.domain.content import InstanceId
    from bot.ports import Enforcer, IntentRecord, Ledger

DISMISSED, UNDONE = "dismissed", "undone"
NOT_BEGUN = "not begun"
NOT_ASKED = "the server was not asked about this one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What was done in a time, by a rule, about an account."""

    since: datetime
    until: datetime | None = None  # None: up to now, with what is ready and would be done next
    rule: str | None = None
    account: str | None = None  # ``name@host`` or ActivityPub id


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What would come of undoing one intent."""

    record: IntentRecord
    prospect: str  # a ``Prospect``, or ``NOT_BEGUN``
    why: str


def of_case(ledger: Ledger, number: int) -> Sequence[IntentRecord]:
    """What an undo of a case is about. Raises ``NoSuchError``."""
    case_or_error(ledger, number)
    done = ledger.intents(case=number, states=(IntentState.DONE, IntentState.READY, IntentState.HELD))
    return [record for record in done if record.state is not IntentState.HELD or may_be_done(record, ledger)]


def of_span(ledger: Ledger, span: Span) -> Sequence[IntentRecord]:
    """What was done then, whatever else was done for the same cases before; and what would be done next."""
    tried = Filter(
        states=(IntentState.DONE, IntentState.READY, IntentState.HELD),
        rule=span.rule,
        account=span.account,
        acted_since=span.since,
        acted_until=span.until,
    )
    found = {
        record.id: record
        for record in ledger.find(tried)
        if record.state is not IntentState.HELD or may_be_done(record, ledger)
    }
    if span.until is None:
        ready = Filter(states=(IntentState.READY,), rule=span.rule, account=span.account)
        found |= {record.id: record for record in ledger.find(ready) if not may_be_done(record, ledger)}
    return sorted(found.values(), key=lambda record: (record.case, record.id))


def preview(
    ledger: Ledger, enforcers: Mapping[InstanceId, Enforcer], records: Sequence[IntentRecord], *, ask: int
) -> Iterator[Outlook]:
    """What would come of undoing these together; changes nothing. ``ask``: deeds that the servers are asked about."""
    along = {record.id for record in records}
    for record in records:
        if record.state is IntentState.READY and not may_be_done(record, ledger):
            yield Outlook(record=record, prospect=NOT_BEGUN, why="it is not done yet, and will not be without you")
        elif record.state is not IntentState.DONE and (lost := what_is_lost(record.intent)):
            why = f"it will not be tried again; if it is done already, {lost}"
            yield Outlook(record=record, prospect=Prospect.UNCERTAIN, why=why)
        elif lost := what_is_lost(record.intent):
            yield Outlook(record=record, prospect=Prospect.LOST, why=lost)
        elif ask <= 0:
            yield Outlook(record=record, prospect=Prospect.UNCERTAIN, why=NOT_ASKED)
        elif (enforcer := enforcers.get(record.intent.instance)) is None:
            why = f"the configuration has no instance {record.intent.instance} any more"
            yield Outlook(record=record, prospect=Prospect.UNCERTAIN, why=why)
        else:
            ask -= 1
            found = foresee(record, enforcer, ledger, along=along)
            yield Outlook(record=record, prospect=found.prospect, why=found.why)


def dismiss_case(ledger: Ledger, number: int, *, by: str, list_id: str) -> Sequence[Result]:
    """The flag was wrong: end every hold, take back what was done, and forget the fingerprints of the case.

    ``list_id``: the block list that confirmed cases fill.
    """
    return _take_back_case(ledger, number, by=by, list_id=list_id, state=DISMISSED)


def undo_case(ledger: Ledger, number: int, *, by: str, list_id: str) -> Sequence[Result]:
    """Take back what was done. What is still held stays held."""
    return _take_back_case(ledger, number, by=by, list_id=list_id, state=UNDONE)


def undo_span(ledger: Ledger, span: Span, *, by: str, list_id: str) -> Sequence[Result]:
    """Take back what was done then; what is ready and not begun waits for a human instead.

    A case of which something is taken back counts as undone: nothing new is done for it without a human.
    """
    from bot.pipeline.confirmed import confirms, removals_that_stand

    results = []
    for number, group in groupby(of_span(ledger, span), key=lambda record: record.case):
        records = list(group)
        _mark(ledger, number, UNDONE, by=by, note=f"what was done since {span.since:%Y-%m-%d %H:%M} UTC")
        if any(map(confirms, records)) and not removals_that_stand(ledger, number, without={r.id for r in records}):
            ledger.remove_entries(list_id=list_id, case=number, by=by)
        backwards = sorted(records, key=lambda record: (record.intent.rank, record.id), reverse=True)
        results += [_take_back(ledger, record, by=by, why="undone", unbegun=IntentState.HELD) for record in backwards]
    told = [result for result in results if result is not None]
    return sorted(told, key=lambda result: (result.record.case, result.record.id))


def _take_back_case(ledger: Ledger, number: int, *, by: str, list_id: str, state: str) -> Sequence[Result]:
    case_or_error(ledger, number)
    _mark(ledger, number, state, by=by)  # first, so that nothing more is planned
    ledger.remove_entries(list_id=list_id, case=number, by=by)
    held = IntentState.DISMISSED if state == DISMISSED else None
    # Backwards: who carries it out may begin at once, and taking back a limit opens reports that are to be closed.
    backwards = sorted(ledger.intents(case=number), key=lambda record: (record.intent.rank, record.id), reverse=True)
    results = [
        _take_back(ledger, record, by=by, why=f"case {state}", unbegun=IntentState.DISMISSED, held=held)
        for record in backwards
    ]
    return sorted((result for result in results if result is not None), key=lambda result: result.record.id)


def _mark(ledger: Ledger, number: int, state: str, *, by: str, note: str = "") -> None:
    """Once is enough; and what a human dismissed stays so, or its file could be flagged again."""
    case = ledger.case(number)
    if case is not None and case.state not in {state, DISMISSED}:
        ledger.set_case(number, state, by=by, note=note)


def _take_back(
    ledger: Ledger,
    record: IntentRecord | None,
    *,
    by: str,
    why: str,
    unbegun: IntentState,
    held: IntentState | None = None,
) -> Result | None:
    """Look again whenever whoever acts was faster: what is done by now is to be undone, not dismissed.

    ``unbegun``, ``held``: what becomes of what was not begun or waits for a human; ``None``: it stays as it is.
    """
    while record is not None:
        goal = _goal(ledger, record, unbegun=unbegun, held=held)
        if goal is None:
            return None
        lost = what_is_lost(record.intent)
        if record.state is IntentState.DONE and lost:
            return Result(record=record, ok=True, detail=lost)
        reasons = (HoldReason.NEEDS_APPROVAL,) if goal is IntentState.HELD else ()
        if move(ledger, record, goal, by=by, detail=why, reasons=reasons) is None:
            if_not_lost = goal is IntentState.UNDOING and lost
            return Result(record=record, ok=True, detail=IF_NOT_DONE if if_not_lost else _WORDS[goal])
        record = ledger.intent(record.id)
    return None


_WORDS = {
    IntentState.UNDOING: "to be undone",
    IntentState.DISMISSED: "dismissed",
    IntentState.HELD: "waits for you",
}


def _goal(
    ledger: Ledger, record: IntentRecord, *, unbegun: IntentState, held: IntentState | None
) -> IntentState | None:
    if record.state is IntentState.DONE or may_be_done(record, ledger):
        return IntentState.UNDOING
    match record.state:
        case IntentState.READY:
            return unbegun
        case IntentState.HELD:
            return held
        case _:
            return None
