"""``run`` and ``process-one``: the pipeline at work."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from bot.cli.cases import describe
from bot.cli.exits import Exit
from bot.cli.look import describe_scan
from bot.cli.opening import AsJson, house_of, out, print_json
from bot.operate.decide import needs

if TYPE_CHECKING:
    from bot.operate.one import Processed
    from bot.ports import IntentRecord


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("run")(run)
    app.command("process-one")(process_one)


def run(context: typer.Context) -> None:
    """Watch the configured servers until stopped (Ctrl-C or SIGTERM finishes what is running)."""
    with house_of(context) as house:
        asyncio.run(house.run())


def process_one(
    context: typer.Context,
    what: Annotated[
        str, typer.Argument(help="The URL of a post, comment or image on one of your servers, or an alias.")
    ],
    as_json: AsJson = False,
) -> None:
    """Look at one post or file now, by the same road as everything else, and say what follows."""
    from bot.operate.one import process

    with house_of(context) as house:
        processed = asyncio.run(house.once(lambda: process(house.ledger, house.instances, house.pipeline, what)))
    if as_json:
        print_json(
            [
                {"name": str(one.name), "scan": describe_scan(one.scan), "intents": [_plain(i) for i in one.intents]}
                for one in processed
            ]
        )
    for one in [] if as_json else processed:
        _print(one)
    if not processed:
        out.print("" if as_json else "There is no media in it, or none of your servers knows it.")
        raise typer.Exit(Exit.UNKNOWN)


def _print(one: Processed) -> None:
    out.print(f"[bold]{one.name}[/bold]\n  {describe_scan(one.scan)}")
    if one.intents:
        table = Table("intent", "case", "deed", "on", "because", "decision")
        for record in one.intents:
            table.add_row(
                str(record.id),
                str(record.case),
                record.intent.kind,
                describe(record.intent),
                record.because.text,
                _decision(record),
            )
        out.print(table)
    else:
        out.print("  no rule fires")


def _plain(record: IntentRecord) -> dict[str, object]:
    return {
        "intent": record.id,
        "case": record.case,
        "deed": record.intent.kind,
        "on": describe(record.intent),
        "because": record.because.text,
        "state": record.state.value,
        "reasons": [reason.value for reason in record.reasons],
    }


def _decision(record: IntentRecord) -> str:
    return f"held: {needs(record)}" if record.reasons else record.state.value
