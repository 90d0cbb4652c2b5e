"""The application: global options, and how faults become exit codes."""

from __future__ import annotations

import io
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from bot.cli import (
    brakes,
    calibrating,
    cases,
    embedding,
    explain,
    held,
    lists,
    look,
    measuring,
    notify,
    raid,
    rules,
    running,
    setup,
    shows,
    undoing,
    who,
)
from bot.cli.exits import Exit
from bot.domain.errors import ConfigError, FediwardenError, LedgerError, PlatformError
from bot.operate.brakes import BrakeError
from bot.telemetry import configure_logs

app = typer.Typer(
    name="fediwarden",
    help="Sees every image on your server, knows who uploaded it, and acts through the platform's own API.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"fediwarden {version('fediwarden')}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    config: Annotated[
        Path, typer.Option("--config", "-c", envvar="FEDIWARDEN_CONFIG", help="The configuration file.")
    ] = Path("config.yaml"),
    log_level: Annotated[
        str, typer.Option(help="debug, info, warning or error.", envvar="FEDIWARDEN_LOG_LEVEL")
    ] = "info",
    _show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    context.obj = config
    if isinstance(sys.stdout, io.TextIOWrapper):  # half a character in what a server sent must not end a command
        sys.stdout.reconfigure(errors="backslashreplace")
    configure_logs(log_level)


for commands in (
    setup,
    running,
    look,
    who,
    cases,
    held,
    undoing,
    brakes,
    raid,
    notify,
    lists,
    rules,
    embedding,
    measuring,
    calibrating,
    explain,
    shows,
):
    commands.register(app)


def main() -> None:
    """Run a command; a fault of the world ends in one clear sentence on stderr and an exit code, not a traceback."""
    try:
        app()
    except ConfigError as error:
        _fail(error, Exit.USAGE)
    except PlatformError as error:
        _fail(error, Exit.PLATFORM)
    except LedgerError as error:
        _fail(error, Exit.LEDGER)
    except BrakeError as error:
        _fail(error, Exit.NOT_SO)
    except FediwardenError as error:
        _fail(error, Exit.UNKNOWN)


def _fail(error: FediwardenError, code: Exit) -> None:
    typer.echo(f"fediwarden: {error}", err=True)
    sys.exit(code)
