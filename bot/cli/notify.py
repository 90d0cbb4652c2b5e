"""``notify test``: does what the bot has to tell reach anybody?"""

from __future__ import annotations

import uuid
from typing import Annotated

import typer
from rich.table import Table

from bot.cli.exits import Exit
from bot.cli.opening import AsJson, house_of, out, print_json
from bot.domain.errors import ConfigError, PlatformError

notify = typer.Typer(no_args_is_help=True, help="How the operators are told something.")


def register(app: typer.Typer) -> None:
    """Add this group."""
    app.add_typer(notify, name="notify")


@notify.callback()
def _notify() -> None:
    """One command is a group of its own: others will join it."""


@notify.command("test")
def send_test(
    context: typer.Context,
    channel: Annotated[
        str | None, typer.Argument(help="The id of one channel; without it, all of them.", metavar="[CHANNEL]")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send a message that says that nothing has happened, at once, and say whether it was taken."""
    from bot.notify.text import trial

    with house_of(context) as house:
        chosen = [one for one in house.channels if channel in {None, one.id}]
        if not chosen:
            known = ", ".join(one.id for one in house.channels) or "none is configured under `notify`"
            raise ConfigError(f"there is no channel {channel!r}; there is: {known}" if channel else known)
        results: list[tuple[str, str]] = []
        for one in chosen:
            try:
                one.notifier.send(trial(id_=uuid.uuid4().hex, now=house.clock.now()))
            except PlatformError as error:
                results.append((one.id, str(error)))
            else:
                results.append((one.id, ""))
    if as_json:
        print_json([{"channel": id_, "sent": not trouble, "trouble": trouble} for id_, trouble in results])
    else:
        table = Table("channel", "test message")
        for id_, trouble in results:
            table.add_row(id_, f"not sent: {trouble}" if trouble else "sent; see that it arrived")
        out.print(table)
    if any(trouble for _, trouble in results):
        raise typer.Exit(Exit.PLATFORM)
