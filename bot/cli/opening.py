"""From the global options to what a command works with."""

from __future__ import annotations

import getpass
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bot.ports import Ledger
    from bot.settings import Settings
    from bot.wiring import House

out = Console(highlight=False, soft_wrap=False, markup=False)
"""Square brackets in addresses, names and reasons are somebody else's: they must not be taken for markup."""

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, for scripts.")]
By = Annotated[str, typer.Option("--by", help="Who decides; goes into the timeline.", default_factory=getpass.getuser)]


def settings_of(context: typer.Context) -> tuple[Settings, Path]:
    """The configuration, and the folder that relative paths in it start from."""
    from bot.settings import load

    path: Path = context.obj
    return load(path), path.parent


def whole(*titles: str, **looks: Any) -> Table:
    """A table that cuts nothing off, however narrow the terminal: names and digests are there to be copied."""
    return Table(*(Column(title, overflow="fold") for title in titles), **looks)


def bold(words: str, rest: str = "") -> Text:
    """``words`` in bold and ``rest`` as it is, for ``out``."""
    return Text.assemble((words, "bold"), rest)


@contextmanager
def house_of(context: typer.Context) -> Iterator[House]:
    """Everything, connected to nothing yet; closed afterwards."""
    from bot.wiring import build_house

    settings, base = settings_of(context)
    house = build_house(settings, base=base)
    try:
        yield house
    finally:
        house.close()


@contextmanager
def ledger_of(context: typer.Context) -> Iterator[Ledger]:
    """The ledger alone, for commands that only look."""
    from bot.wiring import open_store

    settings, base = settings_of(context)
    ledger = open_store(settings, base=base)
    try:
        yield ledger
    finally:
        ledger.close()


def print_json(value: Any) -> None:
    """One document on stdout; times and words as text."""
    typer.echo(json.dumps(value, default=str, ensure_ascii=False))
