"""``check``: is everything as it has to be, before anything is switched on?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from bot.cli.exits import Exit
from bot.cli.opening import AsJson, out, print_json, settings_of
from bot.domain.errors import ConfigError, LedgerError
from bot.ports import CheckResult

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.wiring import House


def check(
    context: typer.Context,
    repair: Annotated[
        bool, typer.Option("--repair", help="First switch on what the bot's own account needs to see everything.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Look at everything the bot needs, here and on your servers, and say what to do where it is not so."""
    results = list(_results(context, repair=repair))
    wrong = [result for result in results if not result.ok]
    if as_json:
        print_json([{"what": r.what, "ok": r.ok, "detail": r.detail, "remedy": r.remedy} for r in results])
    else:
        _show(results)
        out.print(f"{len(wrong)} of {len(results)} need your hand." if wrong else "All is as it has to be.")
    if wrong:
        raise typer.Exit(Exit.NOT_SO)


def _results(context: typer.Context, *, repair: bool) -> Iterator[CheckResult]:
    from bot.operate import checks
    from bot.wiring import build_house

    settings, base = settings_of(context)
    yield checks.configuration(context.obj)
    try:
        house = build_house(settings, base=base)
    except LedgerError as error:
        yield CheckResult(
            what="ledger",
            ok=False,
            detail=str(error),
            remedy="see that it exists, can be written to and has room on its disk; then check again for the rest",
        )
        return
    try:
        yield checks.ledger(house.ledger, house.clock.now().isoformat())
        for one in settings.lists:
            file = base / one.file if one.file is not None else None
            yield checks.listed(one.id, one.mode, file, house.ledger)
        yield from checks.rules(house.rules, house.guard.limits, house.lasting)
        yield from _channels(house)
        yield from _detectors(house)
        yield from _instances(house, repair=repair)
    finally:
        house.close()


def _detectors(house: House) -> Sequence[CheckResult]:
    from bot.operate import checks

    try:
        scorer = house.scorer
    except ConfigError as error:
        trouble = CheckResult(what="detectors", ok=False, detail=str(error), remedy="docs/rules.md lists the kinds")
        return [*asyncio.run(house.once(lambda: checks.eyes(house.decoder, None))), trouble]
    seen = asyncio.run(house.once(lambda: checks.eyes(house.decoder, scorer)))
    return [*seen, *checks.stale(house.rules, scorer.revisions)]


def _channels(house: House) -> Iterator[CheckResult]:
    from bot.operate import checks

    try:
        channels = house.channels
    except ConfigError as error:
        yield CheckResult(what="notify", ok=False, detail=str(error), remedy="docs/operating.md explains the keys")
        return
    yield from checks.channels(channels, house.rules)


def _instances(house: House, *, repair: bool) -> Iterator[CheckResult]:
    from bot.operate import checks

    try:
        instances = house.instances
    except ConfigError as error:
        yield CheckResult(what="instances", ok=False, detail=str(error), remedy="config.example.yaml has every key")
        return
    for id_, instance in instances.items():
        repaired = checks.repaired(instance.inspector) if repair else ()
        for result in (*repaired, *instance.inspector.check()):
            yield CheckResult(what=f"{id_}: {result.what}", ok=result.ok, detail=result.detail, remedy=result.remedy)


def _show(results: Sequence[CheckResult]) -> None:
    table = Table("", "what")
    table.add_column("detail", overflow="fold")
    table.add_column("what to do", overflow="fold")
    for result in results:
        mark = Text("ok", "green") if result.ok else Text("✗", "red")
        table.add_row(mark, result.what, result.detail, result.remedy)
    out.print(table)
