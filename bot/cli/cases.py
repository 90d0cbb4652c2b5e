"""``cases``, ``case``, ``held``, ``approve``, ``dismiss``, ``undo``: what a human sees and decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, assert_never

import typer
from rich.table import Table

from bot.cli.exits import Exit
from bot.cli.opening import AsJson, By, house_of, ledger_of, out, print_json
from bot.domain.decisions import BanAccount, IntentState, Notify, PurgeFile, Remove, Report, SetSwitch
from bot.operate import decide
from bot.operate.settle import settle
from bot.settings import LOCAL_BLOCK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.decisions import Intent
    from bot.operate.decide import Result
    from bot.ports import IntentRecord
    from bot.wiring import House

Numbers = Annotated[list[int] | None, typer.Argument(help="Numbers of intents, as `held` shows them.", min=1)]
OfCase = Annotated[int | None, typer.Option("--case", min=1, help="All that is held of this case.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("cases")(cases)
    app.command("case")(case)
    app.command("held")(held)
    app.command("approve")(approve)
    app.command("dismiss")(dismiss)
    app.command("undo")(undo)


def cases(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List cases, newest first."""
    with ledger_of(context) as ledger:
        records = ledger.cases(limit=limit)
    if as_json:
        print_json(
            [
                {
                    "case": r.number,
                    "state": r.state,
                    "opened": r.opened_at,
                    "waiting": r.waiting,
                    "headline": r.headline,
                }
                for r in records
            ]
        )
        return
    table = Table("case", "opened", "state", "waiting", "headline")
    for r in records:
        table.add_row(str(r.number), f"{r.opened_at:%Y-%m-%d %H:%M}", r.state, str(r.waiting or ""), r.headline)
    out.print(table if records else "No cases.")


def case(context: typer.Context, number: Annotated[int, typer.Argument(min=1)], as_json: AsJson = False) -> None:
    """Show everything that happened in one case."""
    with ledger_of(context) as ledger:
        decide.case_or_error(ledger, number)
        record = ledger.case(number)
        intents = ledger.intents(case=number)
        events = ledger.timeline(number)
    if as_json:
        print_json(
            {
                "case": number,
                "state": record.state if record else "",
                "intents": [_plain(intent) for intent in intents],
                "timeline": [{"at": event.at, "what": event.what, "detail": event.detail} for event in events],
            }
        )
        return
    out.print(f"[bold]Case {number}[/bold]  {record.state if record else ''}  {record.headline if record else ''}\n")
    _intent_table(intents)
    table = Table("when (UTC)", "what", "detail", box=None, padding=(0, 2, 0, 0))
    for event in events:
        table.add_row(f"{event.at:%Y-%m-%d %H:%M:%S}", event.what, event.detail)
    out.print(table)


def held(
    context: typer.Context,
    case_number: OfCase = None,
    rule: Annotated[str | None, typer.Option(help="Only of this rule.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what waits for a human, and why: in `observe` this is all that would have been done."""
    with ledger_of(context) as ledger:
        records = _held(ledger.intents(case=case_number, states=(IntentState.HELD,)), rule)
    if as_json:
        print_json([_plain(record) for record in records])
        return
    if records:
        _intent_table(records)
    else:
        out.print("Nothing is held.")


def approve(
    context: typer.Context,
    by: By,
    intents: Numbers = None,
    case_number: OfCase = None,
    rule: Annotated[str | None, typer.Option(help="All that is held of this rule.")] = None,
    as_json: AsJson = False,
) -> None:
    """Release what is held. Nothing is scanned again."""
    with house_of(context) as house:
        records = _chosen(house, intents, case_number, rule)
        results = decide.approve(house.ledger, house.guard, records, by=by)
        _end(house, results, as_json=as_json)


def dismiss(
    context: typer.Context,
    by: By,
    case_number: Annotated[int | None, typer.Argument(min=1, help="The case.", metavar="[CASE]")] = None,
    intent: Annotated[list[int] | None, typer.Option(min=1, help="End only this hold (may be repeated).")] = None,
    as_json: AsJson = False,
) -> None:
    """The flag was wrong: end the holds of a case and take back what was done for it."""
    if (case_number is None) == (not intent):
        raise typer.BadParameter("give the number of a case, or --intent and the number of a hold")
    with house_of(context) as house:
        if case_number is not None:
            results = decide.dismiss_case(house.ledger, case_number, by=by, list_id=LOCAL_BLOCK)
        else:
            records = decide.intents_or_error(house.ledger, intent or ())
            results = decide.dismiss_intents(house.ledger, records, by=by)
        _end(house, results, as_json=as_json)


def undo(
    context: typer.Context,
    by: By,
    case_number: Annotated[int, typer.Argument(min=1, help="The case.", metavar="CASE")],
    as_json: AsJson = False,
) -> None:
    """Take back what was done for a case: restore posts, lift bans, resolve reports. A purge cannot be undone."""
    with house_of(context) as house:
        results = decide.undo_case(house.ledger, case_number, by=by, list_id=LOCAL_BLOCK)
        _end(house, results, as_json=as_json)


def _chosen(
    house: House, numbers: Sequence[int] | None, case_number: int | None, rule: str | None
) -> Sequence[IntentRecord]:
    if numbers:
        return decide.intents_or_error(house.ledger, numbers)
    if case_number is None and rule is None:
        raise typer.BadParameter("give the numbers of intents, or --case, or --rule")
    return _held(house.ledger.intents(case=case_number, states=(IntentState.HELD,)), rule)


def _held(records: Sequence[IntentRecord], rule: str | None) -> list[IntentRecord]:
    return [record for record in records if rule is None or record.rule_id == rule]


def _end(house: House, results: Sequence[Result], *, as_json: bool) -> None:
    """Carry out what was decided, and show how each intent stands now."""
    left = settle(
        house.ledger, lambda: house.enforcement, house.clock, sorted({result.record.case for result in results})
    )
    now = [(result, house.ledger.intent(result.record.id) or result.record) for result in results]
    if as_json:
        print_json(
            {
                "intents": [{**_plain(record), "ok": result.ok, "result": result.detail} for result, record in now],
                "left": left,
            }
        )
    else:
        table = Table("intent", "deed", "on", "result", "now")
        for result, record in now:
            table.add_row(str(record.id), record.intent.kind, describe(record.intent), result.detail, _state(record))
        out.print(table if results else "There was nothing to decide.")
        if left:
            out.print(left)
    if not all(result.ok for result in results):
        raise typer.Exit(Exit.NOT_SO)


def _intent_table(records: Sequence[IntentRecord]) -> None:
    table = Table("intent", "case", "deed", "on", "because", "state")
    for record in records:
        table.add_row(
            str(record.id),
            str(record.case),
            record.intent.kind,
            describe(record.intent),
            f"{record.rule_id}: {record.because.text}",
            _state(record),
        )
    out.print(table)


def _state(record: IntentRecord) -> str:
    if record.state is IntentState.HELD:
        return f"held: {decide.needs(record)}"
    return f"{record.state.value}: {record.detail}" if record.detail else record.state.value


def _plain(record: IntentRecord) -> dict[str, Any]:
    return {
        "intent": record.id,
        "case": record.case,
        "deed": record.intent.kind,
        "on": describe(record.intent),
        "rule": record.rule_id,
        "because": record.because.text,
        "state": record.state.value,
        "reasons": [reason.value for reason in record.reasons],
        "detail": record.detail,
        "created": record.created_at,
    }


def describe(intent: Intent) -> str:
    """What a deed is about, for people."""
    match intent:
        case Report() | Remove():
            author = intent.subject.author.handle if intent.subject.author else "somebody unknown"
            return f"{intent.subject.kind} {intent.subject.local_id} by {author}"
        case PurgeFile():
            return str(intent.name)
        case BanAccount():
            term = f"{intent.days} days" if intent.days else "for good"
            return f"{intent.account.handle} ({intent.scope.value}, {term})"
        case SetSwitch():
            which = f"{intent.switch.value} with {intent.host}" if intent.host else intent.switch.value
            return f"{which}: {intent.value}"
        case Notify():
            return "the operators"
        case _:
            assert_never(intent)
