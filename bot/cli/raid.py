"""``raid``: switches of a whole server, turned by hand and taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.exits import Exit
from bot.cli.intents import conclude, describe, plain, state
from bot.cli.opening import AsJson, By, house_of, out, print_json, whole
from bot.operate import decide
from bot.operate import raid as operate

if TYPE_CHECKING:
    from bot.domain.decisions import Switch

raid = typer.Typer(no_args_is_help=True, help="Switches of a whole server, for a raid; each can be undone.")

On = Annotated[str | None, typer.Option("--instance", help="The server; needed where several are configured.")]
Why = Annotated[str, typer.Option("--why", help="Goes into the timeline of the case.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(raid, name="raid")


@raid.command("close-registrations")
def close_registrations(
    context: typer.Context, by: By, instance: On = None, why: Why = "", as_json: AsJson = False
) -> None:
    """Nobody can register any more. Lemmy only."""
    _turn(context, operate.CLOSED, by=by, instance=instance, why=why, as_json=as_json)


@raid.command("require-applications")
def require_applications(
    context: typer.Context, by: By, instance: On = None, why: Why = "", as_json: AsJson = False
) -> None:
    """Who registers has to apply, and waits until an admin approves. Lemmy only."""
    _turn(context, operate.APPLICATIONS, by=by, instance=instance, why=why, as_json=as_json)


@raid.command("uploads-off")
def uploads_off(context: typer.Context, by: By, instance: On = None, why: Why = "", as_json: AsJson = False) -> None:
    """Nobody can upload any more, where the server has a call for that; Lemmy 0.19 has none."""
    _turn(context, operate.NO_UPLOADS, by=by, instance=instance, why=why, as_json=as_json)


@raid.command("block-instance")
def block_instance(
    context: typer.Context,
    by: By,
    host: Annotated[str, typer.Argument(help="The other server, such as lemmy.example.", metavar="HOST")],
    instance: On = None,
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Take nothing any more from another server. What it sent before stays.

    Mastodon limits it instead: its posts still come, and only those who follow its accounts see them. With
    ``domain_block: suspend`` nothing comes, and what it sent before is deleted for ever.
    """
    _turn(context, operate.BLOCKED, host=host, by=by, instance=instance, why=why, as_json=as_json)


@raid.command("status")
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Ask the servers how they stand, and list the switches that are turned."""
    with house_of(context) as house:
        records = operate.switches(house.ledger)
        servers = operate.standing(house.instances)
    if as_json:
        print_json(
            {
                "servers": [
                    {"instance": one.instance, "registration": one.registration, "trouble": one.trouble}
                    for one in servers
                ],
                "switches": [{**plain(record), "by": record.approved_by} for record in records],
            }
        )
    else:
        for one in servers:
            out.print(f"{one.instance}: {one.registration or one.trouble}")
        table = whole("intent", "case", "server", "switch", "since (UTC)", "by", "state")
        for record in records:
            table.add_row(
                str(record.id),
                str(record.case),
                record.intent.instance,
                describe(record.intent),
                f"{record.created_at:%Y-%m-%d %H:%M}",
                record.approved_by or f"rule {record.rule_id}",
                state(record),
            )
        out.print(table if records else "No switch is turned.")
    if any(one.trouble for one in servers):
        raise typer.Exit(Exit.PLATFORM)


@raid.command("undo")
def undo(
    context: typer.Context,
    by: By,
    numbers: Annotated[
        list[int] | None, typer.Argument(min=1, help="Intents, as `raid status` shows them; all without any.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put switches back as they were. What others have changed since is left alone."""
    with house_of(context) as house:
        turned = {record.id: record for record in operate.switches(house.ledger)}
        for record in decide.intents_or_error(house.ledger, numbers or ()):
            if record.id not in turned:
                raise decide.NoSuchError(
                    f"intent {record.id} is no switch that is turned; see `fediwarden raid status`"
                )
        records = [record for id_, record in turned.items() if not numbers or id_ in numbers]
        conclude(house, operate.take_back(house.ledger, records, by=by), as_json=as_json)


def _turn(
    context: typer.Context,
    what: tuple[Switch, str],
    *,
    by: str,
    instance: str | None,
    why: str,
    as_json: bool,
    host: str = "",
) -> None:
    with house_of(context) as house:
        server = operate.chosen(house.instances, instance)
        result = operate.order(house.ledger, server, what, host=host, by=by, why=why)
        conclude(house, [result], as_json=as_json)
