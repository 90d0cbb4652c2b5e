"""``bench``: which engine is the right one here?"""

from __future__ import annotations

from typing import Annotated, Final

import typer
from rich.table import Table

from bot.cli.opening import AsJson, out, print_json, settings_of
from bot.domain.errors import ConfigError

MOST: Final = 1024
"""What a detector's ``batch`` may be."""


def bench(
    context: typer.Context,
    detector: Annotated[str, typer.Option("--detector", help="A detector of kind clip.")] = "clip",
    seconds: Annotated[float, typer.Option("--seconds", min=0, help="For each line of the table.")] = 2.0,
    batches: Annotated[str, typer.Option("--batches", help="Pictures in one inference.")] = "1,4,16,64",
    as_json: AsJson = False,
) -> None:
    """Measure how fast a CLIP model runs on this machine, engine by engine, and say what to configure."""
    from bot.operate.bench import measure, recommended
    from bot.wiring import encoder_variants

    sizes = _sizes(batches)
    settings, base = settings_of(context)
    ways, margin = encoder_variants(settings, detector, base=base)
    measured = list(measure(ways, sizes, seconds=seconds))
    best = recommended(measured, margin=margin)
    if as_json:
        print_json({"measured": [one._asdict() for one in measured], "recommended": {**best.keys, "batch": best.batch}})
        return
    table = Table("engine", "device", "precision", "batch", "pictures/s", "apart")
    for one in measured:
        words = [str(one.keys[key]) for key in ("engine", "device", "precision")]
        table.add_row(*words, str(one.batch), f"{one.speed:.1f}", f"{one.apart:.4f}")
    out.print(table)
    out.print(f"The fastest whose similarities stay within {margin:g} of the first:")
    for key, value in {**best.keys, "batch": best.batch}.items():
        out.print(f"    {key}: {value}")


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
