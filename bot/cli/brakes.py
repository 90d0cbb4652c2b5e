"""``stop-acting``, ``start-acting``, ``breaker``: nothing is done any more, or something is again."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from bot.cli.exits import Exit
from bot.cli.opening import AsJson, By, house_of, ledger_of, out, print_json
from bot.cli.words import several
from bot.operate import brakes, decide
from bot.operate.settle import settle

breakers = typer.Typer(no_args_is_help=True, help="What holds the deeds of a rule that flags too much.")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("stop-acting")(stop_acting)
    app.command("start-acting")(start_acting)
    app.add_typer(breakers, name="breaker")


def stop_acting(
    context: typer.Context, by: By, why: Annotated[str, typer.Option(help="Goes into the timeline of each case.")] = ""
) -> None:
    """The kill switch: no deed begins from now on, whatever a rule or an approval says. Scanning goes on."""
    with ledger_of(context) as ledger:
        held = brakes.stop(ledger, by=by, why=why or "stop-acting")
    told = several(held, "deed that was ready is", "deeds that were ready are")
    out.print(
        f"Acting is stopped. {told} held now; `fediwarden held --reason stopped`."
        if held
        else "Acting is stopped. No deed was ready."
    )
    out.print("`fediwarden undo` still works. `fediwarden start-acting` goes on.")


def start_acting(
    context: typer.Context,
    by: By,
    release: Annotated[
        bool,
        typer.Option("--release", help="Approve what nothing but the kill switch held. Without it, that stays held."),
    ] = False,
) -> None:
    """Act again after ``stop-acting``."""
    with house_of(context) as house:
        was_stopped = brakes.start(house.ledger, house.stop_file, by=by)
        waiting = brakes.held_by_stop(house.ledger)
        out.print("Acting goes on." if was_stopped else "Acting was not stopped.")
        if not release:
            if waiting:
                stay = several(len(waiting), "deed stays held: look at it", "deeds stay held: look at them")
                out.print(f"{stay} with `fediwarden held --reason stopped`.")
            return
        results = decide.approve(house.ledger, house.guard, waiting, by=by)
        left = settle(house.ledger, lambda: house.enforcement, house.clock, sorted({r.record.case for r in results}))
    released = f"{sum(result.ok for result in results)} of {len(results)} released." if results else "Nothing was held."
    out.print(f"{released} {left}".strip())
    if not all(result.ok for result in results):
        raise typer.Exit(Exit.NOT_SO)


@breakers.command("show")
def show(context: typer.Context, as_json: AsJson = False) -> None:
    """Show which rules flagged so much that their deeds are held."""
    with ledger_of(context) as ledger:
        trips = ledger.trips()
    if as_json:
        print_json([{"rule": t.rule_id, "since": t.at, "flagged": t.flagged, "scanned": t.scanned} for t in trips])
        return
    table = Table("rule", "open since", "files flagged", "of")
    for trip in trips:
        table.add_row(trip.rule_id, f"{trip.at:%Y-%m-%d %H:%M}", str(trip.flagged), str(trip.scanned))
    out.print(table if trips else "No breaker is open.")


@breakers.command("reset")
def reset(
    context: typer.Context, by: By, rule: Annotated[str, typer.Argument(help="The rule's id.", metavar="RULE")]
) -> None:
    """Let a rule act again, counting anew. What was held stays held."""
    with ledger_of(context) as ledger:
        brakes.close_breaker(ledger, rule, by=by)
    out.print(f"Rule {rule} acts again. What was held waits: `fediwarden held --rule {rule} --reason breaker`.")
