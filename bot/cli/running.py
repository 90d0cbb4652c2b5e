"""``run`` and ``process-one``: the pipeline at work."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.exits import Exit
from bot.cli.intents import describe
from bot.cli.opening import AsJson, bold, house_of, ledger_of, out, print_json, settings_of, whole
from bot.cli.words import describe_scan
from bot.operate.decide import needs

if TYPE_CHECKING:
    from bot.operate.one import Processed
    from bot.ports import IntentRecord


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("run")(run)
    app.command("reload")(reload)
    app.command("process-one")(process_one)


def run(context: typer.Context) -> None:
    """Watch the configured servers until stopped: by Ctrl-C or SIGTERM, within ten seconds. SIGHUP reads the
    configuration again.
    """
    # A reload that comes before anybody listens must not end the process.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with house_of(context) as house:
        left_behind = asyncio.run(house.run(lambda: settings_of(context)[0]))
    if left_behind:
        # Their threads wait for servers that do not answer, and the interpreter would wait for them.
        sys.stdout.flush()
        os._exit(Exit.OK)


def reload(context: typer.Context, as_json: AsJson = False) -> None:
    """Have the running bot read its configuration again, as SIGHUP does, and say what came of it."""
    from bot.operate.reload import NoAnswerError, ask

    with ledger_of(context) as ledger:
        try:
            change = ask(ledger)
        except NoAnswerError as error:
            typer.echo(f"fediwarden: {error}", err=True)
            raise typer.Exit(Exit.NOT_SO) from None
    if change is None:
        typer.echo("fediwarden: no bot runs; the next start reads the configuration", err=True)
        raise typer.Exit(Exit.NOT_SO)
    if as_json:
        print_json({"taken_up": change.taken_up, "needs_restart": change.needs_restart})
        return
    out.print(f"Taken up: {', '.join(change.taken_up) or 'nothing is new'}.")
    if change.needs_restart:
        out.print(f"Needs a restart: {', '.join(change.needs_restart)}. The old values stay in force until then.")
    if change.taken_up:
        out.print("What is scanned already is not judged again; `fediwarden rules test` shows what would be different.")


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
    out.print(bold(str(one.name), f"\n  {describe_scan(one.scan)}"))
    if one.intents:
        table = whole("intent", "case", "deed", "on", "because", "decision")
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
