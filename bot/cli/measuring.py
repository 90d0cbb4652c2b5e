"""``bench``: which engine is the right one here?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.table import Table

from bot.cli.exits import Exit
from bot.cli.opening import AsJson, out, print_json, settings_of
from bot.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.operate.bench import Failed, Measured

MOST: Final = 1024
"""What a detector's ``batch`` may be."""


def bench(
    context: typer.Context,
    detector: Annotated[str, typer.Option("--detector", help="A detector of kind clip.")] = "clip",
    seconds: Annotated[float, typer.Option("--seconds", min=0, help="For each line of the table.")] = 2.0,
    batches: Annotated[str, typer.Option("--batches", help="Pictures in one inference.")] = "1,4,16,64",
    as_json: AsJson = False,
) -> None:
    """Measure how fast a CLIP model runs on this machine, engine by engine, and say what to configure.

    What cannot be run here is a line with the reason. 8 bits are measured without what they compute a second time.
    """
    from bot.operate.bench import Failed, Measured, measure, recommended
    from bot.wiring import encoder_variants

    sizes = _sizes(batches)
    settings, base = settings_of(context)
    ways, margin = encoder_variants(settings, detector, base=base)
    found = list(measure(ways, sizes, seconds=seconds))
    measured = [one for one in found if isinstance(one, Measured)]
    failed = [one for one in found if isinstance(one, Failed)]
    best = recommended(measured, margin=margin)
    if as_json:
        print_json(
            {
                "measured": [{**one._asdict(), "note": _note(one.keys)} for one in measured],
                "failed": [one._asdict() for one in failed],
                "recommended": {**best.keys, "batch": best.batch} if best else None,
            }
        )
    else:
        _tell(measured, failed)
    if best is None:
        if not as_json:
            out.print("None can be recommended: of none is it known that it gives what the first one gives.")
        raise typer.Exit(Exit.NOT_SO)
    if not as_json:
        out.print(f"The fastest whose similarities stay within {margin:g} of the first:")
        for key, value in {**best.keys, "batch": best.batch}.items():
            out.print(f"    {key}: {value}")


def _tell(measured: Sequence[Measured], failed: Sequence[Failed]) -> None:
    table = Table("engine", "device", "precision", "batch", "pictures/s", "apart", "note")
    for one in measured:
        apart = "" if one.apart is None else f"{one.apart:.4f}"
        table.add_row(*_words(one.keys), str(one.batch), f"{one.speed:.1f}", apart, _note(one.keys))
    for lost in failed:
        table.add_row(*_words(lost.keys), "", "none", "", "cannot be run")
    out.print(table)
    for lost in failed:
        out.print(f"{' '.join(_words(lost.keys))}: {lost.reason}", soft_wrap=True)


def _words(keys: Mapping[str, Any]) -> list[str]:
    return [str(keys[key]) for key in ("engine", "device", "precision")]


def _note(keys: Mapping[str, Any]) -> str:
    """What the figures leave out: how often 8 bits are computed again depends on pictures and thresholds."""
    return "first look only" if str(keys["engine"]).endswith("-int8") else ""


def _sizes(batches: str) -> list[int]:
    try:
        sizes = [int(word) for word in batches.split(",")]
    except ValueError:
        sizes = []
    if not sizes or not all(1 <= size <= MOST for size in sizes):
        raise ConfigError(f"--batches: {batches!r} is no list such as 1,4,16, of numbers from 1 to {MOST}")
    return sizes


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(bench)
