"""``dismiss CASE``: what is held for a case ends, and what was done for it is taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from bot.cli.asking import somebody_is_there
from bot.cli.exits import Exit
from bot.cli.intents import conclude, counted, intent_table, kinds_of, plain
from bot.cli.opening import out, print_json
from bot.cli.undoing import ASK, as_rows, outlook_table, outlooks
from bot.domain.decisions import IntentState
from bot.operate import undo
from bot.settings import LOCAL_BLOCK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.ports import IntentRecord
    from bot.wiring import House


def dismiss_case(house: House, number: int, *, by: str, preview: bool, yes: bool, as_json: bool) -> None:
    """Show it and ask where somebody is there to answer; a script that names a case means it."""
    taken_back = undo.of_case(house.ledger, number)
    known = {record.id for record in taken_back}
    held = [one for one in house.ledger.intents(case=number, states=(IntentState.HELD,)) if one.id not in known]
    asks = somebody_is_there() and not as_json and not yes and bool(held or taken_back)
    if preview or asks:
        _show(house, held, taken_back, as_json=as_json)
    if preview:
        return
    if asks and not typer.confirm(f"Dismiss case {number}?", default=False):
        out.print("Nothing was decided.")
        raise typer.Exit(Exit.NOT_SO)
    results = undo.dismiss_case(house.ledger, number, by=by, list_id=LOCAL_BLOCK)
    nothing = f"Nothing was held or done for case {number}. It is dismissed."
    conclude(house, results, as_json=as_json, nothing=nothing)


def _show(house: House, held: Sequence[IntentRecord], taken_back: Sequence[IntentRecord], *, as_json: bool) -> None:
    found = outlooks(house, taken_back, ASK)
    if as_json:
        print_json({"held": [plain(record) for record in held], "done": as_rows(found)})
        return
    if held:
        intent_table(held)
        out.print(f"Held, and would end: {counted(kinds_of(held))}.")
    if found:
        outlook_table(found)
    if not held and not found:
        out.print("Nothing of it is held or done.")
