"""What hostile files come to and what they cost: the files of ``tests/hostile`` through the bot's own decoder.

    python bench/hostile.py [--files 1000] [--workers 2] [--seed N]

Family by family, with ordinary photographs in between for comparison. Memory is what Linux counts as resident at most:
of the larger worker, and how much this process, which stands for the bot, grew by. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from bot.media.decode import ProcessDecoder
from bot.media.limits import DecodeLimits

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from hostile.corpus import SEED, corpus
from hostile.files import PICTURE, HostileFile, photograph
from hostile.running import Run, bot_bound, run

if TYPE_CHECKING:
    from collections.abc import Sequence

MEGABYTE = 1024 * 1024
LIMITS = DecodeLimits(wall_seconds=240.0)  # a busy machine is no hang; processor time is bounded as always
ORDINARY = [HostileFile(family="photographs", name="photograph", data=photograph(), ends=PICTURE)] * 8


async def measure(files: Sequence[HostileFile], workers: int) -> tuple[Table, list[str]]:
    """The table, and what is left to say below it."""
    decoder = ProcessDecoder(workers=workers, limits=LIMITS)
    await decoder.start()
    try:
        await run(decoder, ORDINARY, workers=workers)
        ordinary, ran = [await run(decoder, ORDINARY, workers=workers)], {}
        for family in dict.fromkeys(file.family for file in files):
            ran[family] = await run(decoder, [file for file in files if file.family == family], workers=workers)
            ordinary.append(await run(decoder, ORDINARY, workers=workers))
    finally:
        await decoder.aclose()
    usual = statistics.median(one.seconds for each in ordinary for one in each.ended)
    table = Table("family", "files", "outcomes", "worker, MB", "bot, MB", "slowest", "by")
    table.add_row("photographs of 2 MP", *_row(ordinary[0], usual)[:-1], "")
    for family, one in ran.items():
        table.add_row(family, *_row(one, usual))
    table.add_row("all", *_row(_together(list(ran.values())), usual))
    bot = bot_bound(LIMITS, files, workers=workers)
    notes = [
        f"bounds: worker {LIMITS.memory_bytes / MEGABYTE:.0f} MB, bot {bot / MEGABYTE:.0f} MB",
        f"an ordinary photograph: {1000 * usual:.0f} ms",
    ]
    return table, notes


def _row(ran: Run, usual: float) -> tuple[str, ...]:
    outcomes = Counter(one.outcome for one in ran.ended)
    slowest = max(ran.ended, key=lambda one: one.seconds)
    return (
        str(len(ran.ended)),
        ", ".join(f"{number} {outcome}" for outcome, number in outcomes.most_common()),
        f"{ran.worker_peak / MEGABYTE:.0f}",
        f"{ran.bot_growth / MEGABYTE:.0f}",
        f"{slowest.seconds / usual:.1f} x",
        slowest.file.name,
    )


def _together(runs: list[Run]) -> Run:
    return Run(
        ended=[ended for one in runs for ended in one.ended],
        worker_peak=max(one.worker_peak for one in runs),
        bot_growth=max(one.bot_growth for one in runs),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    table, notes = asyncio.run(measure(corpus(options.files, seed=options.seed), options.workers))
    console = Console(width=200 if not sys.stdout.isatty() else None)
    console.print(table)
    for note in notes:
        console.print(note)


if __name__ == "__main__":
    main()
