"""``rules test``, ``rules show`` and ``rejudge``: what rules say, and what they would do."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import TypeAdapter, ValidationError
from rich.table import Table

from bot.cli.filters import moment
from bot.cli.opening import AsJson, out, print_json
from bot.cli.trials import tell_pictures, tell_stored
from bot.domain.content import InstanceId, Role
from bot.settings import Duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.pipeline.stand_in import StandIn
    from bot.pipeline.trial import Tried
    from bot.wiring import House

rules = typer.Typer(no_args_is_help=True, help="What your rules say, and what they would do.")


class Author(StrEnum):
    """Whose server an account is on."""

    LOCAL = "local"
    REMOTE = "remote"


def span(text: str) -> timedelta:
    """A duration as in the configuration."""
    try:
        found: timedelta = TypeAdapter(Duration).validate_python(text)
    except ValidationError:
        raise typer.BadParameter(f"{text!r}: write a number and a unit, such as 45m, 12h or 7d") from None
    return found


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(rules, name="rules")
    app.command("rejudge")(rejudge)


@rules.command("show")
def show(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the rules of the configuration: id, digest (verdicts name it), stage, and what they say."""
    from bot.operate.rules import in_words

    with _trying(context, context.obj) as house:
        these = house.rules
    if as_json:
        print_json([{"rule": r.id, "digest": r.digest, "stage": r.stage.word, "says": in_words(r)} for r in these])
        return
    table = Table("rule", "digest", "stage", "says")
    for rule in these:
        table.add_row(rule.id, rule.digest, rule.stage.word, in_words(rule))
    out.print(table if these else "No rules: nothing follows from anything.")


@rules.command("test")
def try_out(
    context: typer.Context,
    config: Annotated[Path, typer.Argument(help="The configuration to try.", metavar="CONFIG")],
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Pictures or folders of this machine. Without them: what was scanned.", metavar="[FILE]..."
        ),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option("--since", parser=moment, metavar="TIME", help="Scanned then or later: a time in UTC, or 2h, 7d."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="Stored scans to look at, newest first.")] = 1000,
    case: Annotated[int | None, typer.Option("--case", min=1, help="Only the files of this case.")] = None,
    changed: Annotated[
        bool, typer.Option("--changed", help="List only files for which something differs from what was reached then.")
    ] = False,
    author: Annotated[
        Author | None, typer.Option(help="Who posts the pictures: an account of your server (local) or of another.")
    ] = None,
    account_age: Annotated[
        timedelta | None,
        typer.Option(parser=span, metavar="DURATION", help="How old that account is; without it, made just now."),
    ] = None,
    role: Annotated[Role | None, typer.Option(help="How the pictures are shown: as attachment without it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say which rules of CONFIG would fire and what the guard would say. Nothing is done, written or asked.

    Tried on the scans in the ledger of the running configuration (``--config``), or on pictures as if somebody had
    just posted them.
    """
    from bot.operate import trying
    from bot.pipeline.stand_in import StandIn

    if files and (since or case or changed):
        raise typer.BadParameter("--since, --case and --changed are about stored scans, not about files")
    if not files and (author or account_age or role):
        raise typer.BadParameter("--author, --account-age and --role are about files, not about stored scans")
    paths = trying.files_in(files or ())
    with _trying(context, config) as house:
        if files:
            stand_in = StandIn(
                instance=InstanceId(str(house.settings.instances[0]["id"])),
                local=author is not Author.REMOTE,
                account_age=account_age or timedelta(0),
                role=role or Role.ATTACHMENT,
            )
            tell_pictures(asyncio.run(house.once(lambda: _pictures(house, paths, stand_in))), stand_in, as_json=as_json)
            return
        _try_stored(house, since=since, case=case, limit=limit, changed=changed, as_json=as_json)


def rejudge(
    context: typer.Context,
    since: Annotated[
        datetime, typer.Option("--since", parser=moment, metavar="TIME", help="Scanned then or later: UTC, or 2h, 7d.")
    ],
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="Stored scans to look at, newest first.")] = 100_000,
    as_json: AsJson = False,
) -> None:
    """Apply the rules and thresholds of the configuration to stored scores, and say what would change.

    No picture is looked at again, and nothing is done: it is ``rules test`` of the configuration itself, with what
    ``calibrate`` wrote since.
    """
    with _trying(context, context.obj) as house:
        _try_stored(house, since=since, case=None, limit=limit, changed=True, as_json=as_json)


def _try_stored(
    house: House, *, since: datetime | None, case: int | None, limit: int, changed: bool, as_json: bool
) -> None:
    from bot.operate import trying

    def look() -> tuple[trying.Sums, list[trying.Compared]]:
        return trying.compared(house.ledger, house.trial, since=since, case=case, limit=limit, only_changed=changed)

    sums, shown = asyncio.run(house.once(lambda: asyncio.to_thread(look)))
    tell_stored(house.rules, sums, shown, as_json=as_json, only_changed=changed)


@contextmanager
def _trying(context: typer.Context, config: Path) -> Iterator[House]:
    """The configuration to try over the ledger of the one that runs; over its own where none runs."""
    from bot.operate.brakes import StopFile
    from bot.settings import load
    from bot.wiring import build_house, open_store_to_look

    candidate = load(config)
    running: Path = context.obj if context.obj.exists() else config
    now = load(running)
    ledger = open_store_to_look(now, base=running.parent)
    house = build_house(candidate, base=config.parent, ledger=ledger)
    house.stop_file = StopFile(ledger, running.parent / now.stop_file)
    try:
        yield house
    finally:
        house.close()


async def _pictures(house: House, paths: Sequence[Path], stand_in: StandIn) -> list[tuple[Path, Tried]]:
    from bot.operate import trying

    trial = await asyncio.to_thread(lambda: house.trial)
    found = trying.pictures(
        paths,
        trial,
        stand_in,
        decoder=house.decoder,
        scorer=house.scorer,
        max_bytes=house.settings.media.max_bytes,
    )
    return [one async for one in found]
