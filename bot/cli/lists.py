"""``list add``, ``list remove``, ``list show``: the block and allow lists kept in the ledger."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.exits import Exit
from bot.cli.opening import AsJson, By, house_of, ledger_of, out, print_json, settings_of, whole
from bot.domain.evidence import ListMode
from bot.operate.lists import ListError, from_case, from_digest, from_picture
from bot.settings import LOCAL_BLOCK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.ports import ListEntry
    from bot.wiring import House

ListId = Annotated[str, typer.Argument(help="The list's id in the configuration.", metavar="LIST")]
lists = typer.Typer(no_args_is_help=True, help="Block and allow lists.")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(lists, name="list")


@lists.command("add")
def add(
    context: typer.Context,
    by: By,
    list_id: ListId,
    what: Annotated[str, typer.Argument(help="A picture file, a digest (sha256:…, pixels:…, pdq:…), or case:NUMBER.")],
    note: Annotated[str, typer.Option(help="Kept beside the entry.")] = "",
) -> None:
    """Put a picture, a digest or a case's files on a list."""
    with house_of(context) as house:
        entries = _entries(house, list_id, _mode(context, list_id), what, note)
        added = house.ledger.add_entries(entries, by=by)
    out.print(f"{added} added to {list_id}, {len(entries) - added} there already")


@lists.command("remove")
def remove(
    context: typer.Context,
    by: By,
    list_id: ListId,
    what: Annotated[str, typer.Argument(help="A digest (the kind may be left out), or case:NUMBER.")],
) -> None:
    """Take a digest, or what came from a case, off a list."""
    _mode(context, list_id)
    with ledger_of(context) as ledger:
        if what.startswith("case:"):
            removed = ledger.remove_entries(list_id=list_id, case=_number(what), by=by)
        else:
            removed = ledger.remove_entries(list_id=list_id, digest=what.rpartition(":")[2].lower(), by=by)
    out.print(f"{removed} removed from {list_id}")
    if not removed:
        raise typer.Exit(Exit.UNKNOWN)


@lists.command("show")
def show(
    context: typer.Context,
    list_id: Annotated[str | None, typer.Argument(metavar="[LIST]", help="Only this list.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the entries kept in the ledger (a list's file shows itself)."""
    with ledger_of(context) as ledger:
        entries = ledger.entries(list_id)
    if as_json:
        print_json(
            [
                {
                    "list": e.list_id,
                    "mode": e.mode.value,
                    "by": e.by.value,
                    "digest": e.digest,
                    "note": e.note,
                    "case": e.case,
                }
                for e in entries
            ]
        )
        return
    table = whole("list", "mode", "by", "digest", "note", "case")
    for e in entries:
        table.add_row(e.list_id, e.mode.value, e.by.value, e.digest, e.note, str(e.case or ""))
    out.print(table if entries else "No entries.")


def _mode(context: typer.Context, list_id: str) -> ListMode:
    settings, _ = settings_of(context)
    modes = {one.id: one.mode for one in settings.lists} | {LOCAL_BLOCK: ListMode.BLOCK}
    if list_id not in modes:
        raise ListError(
            f"there is no list {list_id!r} under `lists` in the configuration; there is: {', '.join(modes)}"
        )
    return modes[list_id]


def _entries(house: House, list_id: str, mode: ListMode, what: str, note: str) -> Sequence[ListEntry]:
    if what.startswith("case:"):
        return from_case(list_id, mode, house.ledger, _number(what), note)
    path = Path(what)
    if path.is_file():
        return asyncio.run(house.once(lambda: from_picture(list_id, mode, path, note, house.decoder)))
    return from_digest(list_id, mode, what, note)


def _number(what: str) -> int:
    text = what.removeprefix("case:")
    if not text.isdecimal():
        raise ListError(f"{what!r}: write case: and the number of a case")
    return int(text)
