"""How intents look on screen, and what follows a decision about them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, TypeVar, assert_never

import typer
from rich.console import Console
from rich.progress import track

from bot.cli.exits import Exit
from bot.cli.opening import out, print_json, whole
from bot.domain.decisions import (
    BanAccount,
    IntentState,
    LimitAccount,
    MarkSensitive,
    Notify,
    PurgeFile,
    Remove,
    Report,
    SetSwitch,
)
from bot.operate import decide
from bot.operate.explain.words import more_of
from bot.operate.plan import line_of
from bot.operate.settle import settle

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bot.domain.decisions import Intent
    from bot.operate.decide import Result
    from bot.ports import Docket, IntentRecord
    from bot.wiring import House

T = TypeVar("T")

NOTHING = "There was nothing to decide."

SHOWN = 200
"""Rows of a table for people; scripts and files get everything."""


def intent_table(records: Sequence[IntentRecord]) -> None:
    """One row for each, up to ``SHOWN``."""
    table = whole("intent", "case", "deed", "on", "because", "state")
    for record in records[:SHOWN]:
        table.add_row(
            str(record.id),
            str(record.case),
            record.intent.kind,
            describe(record.intent),
            f"{record.rule_id}: {record.because.text}",
            state(record),
        )
    out.print(table)


def progress(over: Iterable[T], what: str, *, total: int) -> Iterable[T]:
    """The same, with a bar on a terminal for those who wait; it leaves no trace, and scripts see nothing of it."""
    aside = Console(stderr=True)
    return track(over, what, total=total, console=aside, transient=True, disable=not aside.is_terminal)


def kinds_of(records: Sequence[IntentRecord]) -> Mapping[str, int]:
    """How many of each kind of deed."""
    return Counter(record.intent.kind for record in records)


def counted(numbers: Mapping[str, int]) -> str:
    """``5 (3 remove, 2 report)``."""
    parts = ", ".join(f"{number} {kind}" for kind, number in sorted(numbers.items()))
    return f"{sum(numbers.values())} ({parts})"


def state(record: IntentRecord) -> str:
    """Where an intent stands, in words."""
    if record.state is IntentState.HELD:
        return f"held: {decide.needs(record)}"
    return f"{record.state.value}: {record.detail}" if record.detail else record.state.value


def plain(record: IntentRecord) -> dict[str, Any]:
    """For scripts: what a plan says of it, and where it stands."""
    line = {key: value for key, value in line_of(record).items() if key != "plan"}
    return {**line, "on": describe(record.intent), "state": record.state.value, "created": record.created_at}


def conclude(house: House, results: Sequence[Result], *, as_json: bool, nothing: str = NOTHING) -> None:
    """Carry out what was decided, and show how each intent stands now; ``nothing``: what to say where there is none."""
    left = settle(
        house.ledger, lambda: house.enforcement, house.clock, sorted({result.record.case for result in results})
    )
    if as_json:
        now = [(result, house.ledger.intent(result.record.id) or result.record) for result in results]
        print_json(
            {
                "intents": [
                    {
                        **plain(record),
                        "ok": result.ok,
                        "result": result.detail,
                        "outcome": _came_of(house.ledger, record),
                    }
                    for result, record in now
                ],
                "left": left,
            }
        )
    else:
        _tell(house.ledger, results, nothing)
        if left:
            out.print(left)
    if not all(result.ok for result in results):
        raise typer.Exit(Exit.NOT_SO)


def _tell(docket: Docket, results: Sequence[Result], nothing: str) -> None:
    """What could not be followed comes first: of many rows only some are shown."""
    if not results:
        out.print(nothing)
        return
    table = whole("intent", "case", "deed", "on", "result", "now")
    for result in sorted(results, key=lambda result: result.ok)[:SHOWN]:
        record = docket.intent(result.record.id) or result.record
        came = _came_of(docket, record)
        now = f"{record.state.value}: {came}" if came else state(record)
        table.add_row(
            str(record.id),
            str(record.case),
            record.intent.kind,
            describe(record.intent),
            result.detail,
            now,
        )
    out.print(table)
    if len(results) > SHOWN:
        followed = sum(result.ok for result in results)
        out.print(f"{SHOWN} of {len(results)} are shown. {followed} decisions were followed.")


def _came_of(docket: Docket, record: IntentRecord) -> str:
    """What the newest try came to, where it says more than the state does."""
    if record.state not in {IntentState.DONE, IntentState.UNDONE, IntentState.REFUSED}:
        return ""
    tries = docket.attempts(record.id)
    outcome = tries[-1].outcome if tries else None
    return "" if outcome is None or record.detail.startswith("changed: ") else outcome.note


def describe(intent: Intent) -> str:
    """What a deed is about, for people."""
    match intent:
        case Report() | Remove() | MarkSensitive():
            author = intent.subject.author.handle if intent.subject.author else "somebody unknown"
            return f"{intent.subject.kind} {intent.subject.local_id}{more_of(intent)} by {author}"
        case PurgeFile():
            return str(intent.name)
        case LimitAccount():
            return f"{intent.account.handle} ({intent.how.value})"
        case BanAccount():
            term = f"{intent.days} days" if intent.days else "for good"
            return f"{intent.account.handle} ({intent.scope.value}, {term})"
        case SetSwitch():
            return f"{intent.what}: {intent.value}"
        case Notify():
            return "the operators"
        case _:
            assert_never(intent)
