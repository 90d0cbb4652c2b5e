"""``cases`` and ``case``: what was flagged, and everything that came of it."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.explain import Format, export
from bot.cli.intents import intent_table, plain
from bot.cli.opening import AsJson, bold, ledger_of, out, print_json, whole
from bot.operate import decide
from bot.operate.returned import in_words, returned, ways_back
from bot.operate.waits import waiting_for


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("cases")(cases)
    app.command("case")(case)


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
    table = whole("case", "opened", "state", "waiting", "headline")
    for r in records:
        table.add_row(str(r.number), f"{r.opened_at:%Y-%m-%d %H:%M}", r.state, str(r.waiting or ""), r.headline)
    out.print(table if records else "No cases.")


def case(
    context: typer.Context,
    number: Annotated[int, typer.Argument(min=1)],
    as_json: AsJson = False,
    to: Annotated[
        str | None, typer.Option("--export", metavar="FILE", help="Write its whole story to a file. -: stdout.")
    ] = None,
    form: Annotated[
        Format | None, typer.Option("--format", help="Of the export; by the file's name if it is not given.")
    ] = None,
    with_reporters: Annotated[
        bool, typer.Option("--with-reporters", help="Leave accounts in that are named in free text.")
    ] = False,
) -> None:
    """Show everything that happened in one case, or write it down with every detail."""
    if to is None and (form is not None or with_reporters):
        raise typer.BadParameter("--format and --with-reporters are for --export")
    with ledger_of(context) as ledger:
        decide.case_or_error(ledger, number)
        if to is not None:
            export(ledger, number, to, form, with_reporters=with_reporters)
            return
        record = ledger.case(number)
        intents = ledger.intents(case=number)
        events = ledger.timeline(number)
        back = returned(ledger, number)
        waits = waiting_for(ledger, number)
    if as_json:
        print_json(
            {
                "case": number,
                "state": record.state if record else "",
                "purged_at": back.purged_at,
                "returned": ways_back(back),
                "not_yet": [{"what": one.kind.value, "of": one.target, "reason": one.reason} for one in waits],
                "intents": [plain(intent) for intent in intents],
                "timeline": [{"at": event.at, "what": event.what, "detail": event.detail} for event in events],
            }
        )
        return
    out.print(bold(f"Case {number}", f"  {record.state if record else ''}  {record.headline if record else ''}\n"))
    if told := in_words(back):
        out.print(f"{told}\n")
    for one in waits:
        out.print(bold("Not done yet", f": {one.kind.value} {one.target}: {one.reason}\n"), soft_wrap=True)
    intent_table(intents)
    table = whole("when (UTC)", "what", "detail", box=None, padding=(0, 2, 0, 0))
    for event in events:
        table.add_row(f"{event.at:%Y-%m-%d %H:%M:%S}", event.what, event.detail)
    out.print(table)
