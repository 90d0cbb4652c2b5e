"""``demo`` and ``sandbox``: the whole job on servers that live on this machine only."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.exits import Exit
from bot.cli.opening import AsJson

sandboxes = typer.Typer(no_args_is_help=True, help="Small real servers on 127.0.0.1 that behave like the platforms.")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("demo")(demo)
    app.add_typer(sandboxes, name="sandbox")


def demo(
    as_json: AsJson = False,
    ledger: Annotated[
        str | None,
        typer.Option(
            envvar="FEDIWARDEN_DEMO_LEDGER",
            help="URL of an empty PostgreSQL database to use instead of a file. What is written there stays there. "
            "Others on this machine can read options, so a password is better kept in the variable.",
        ),
    ] = None,
) -> None:
    """Start a small Lemmy on this machine, flood it with harmless pictures, and watch the bot deal with them."""
    from bot.demo import run_demo

    if not run_demo(as_json=as_json, ledger=ledger):
        raise typer.Exit(Exit.NOT_SO)


@sandboxes.command("lemmy")
def lemmy(
    version: Annotated[str, typer.Option(help="0.19 or 1.0.")] = "0.19",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")] = 0,
    default_limits: Annotated[
        bool, typer.Option("--default-limits", help="Lemmy's own rate limits instead of raised ones.")
    ] = False,
) -> None:
    """Run a sandbox Lemmy with pict-rs until stopped; the first line is JSON with addresses and people."""
    from bot.wiring import serve_lemmy

    serve_lemmy(version, port=port, default_limits=default_limits)


@sandboxes.command("mastodon")
def mastodon(
    version: Annotated[str, typer.Option(help="4.3 or 4.6.")] = "4.6",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")] = 0,
    webhook: Annotated[str | None, typer.Option(help="Deliver webhooks to this URL on this machine.")] = None,
    no_limits: Annotated[bool, typer.Option("--no-limits", help="Refuse nobody for calling too often.")] = False,
) -> None:
    """Run a sandbox Mastodon until stopped; the first line is JSON with addresses, people and their tokens."""
    from bot.wiring import serve_mastodon

    serve_mastodon(version, port=port, webhook=webhook, default_limits=not no_limits)
