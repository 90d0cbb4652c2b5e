"""What bounds a card: how fast files can be decoded here, how fast the card encodes what is ready, and what is left."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ours import Ours

WANTED = 0.85
"""The part of the lower ceiling that the whole way should reach."""


async def ceilings(way: Ours, files: list[bytes], *, batch: int, rounds: int) -> dict[str, float]:
    """Pictures in a second, and the part of the lower ceiling that the whole way reaches: medians of the rounds."""
    ready = np.concatenate(await way.decode(files))
    ready = ready.repeat(-(-batch // len(ready)), axis=0)[:batch]
    way.detector.infer([ready])
    taken: list[tuple[float, float, float]] = []
    for _ in range(rounds):
        began = time.perf_counter()
        await way.decode(files)
        decoded = time.perf_counter()
        for _ in range(times := max(1, len(files) // batch)):
            way.detector.infer([ready])
        encoded = time.perf_counter()
        await way.scan(files)
        done = time.perf_counter()
        taken.append(
            (len(files) / (decoded - began), times * batch / (encoded - decoded), len(files) / (done - encoded))
        )
    decode, encode, whole = (statistics.median(column) for column in zip(*taken, strict=True))
    part = statistics.median(whole / min(decode, encode) for decode, encode, whole in taken)
    return {"decode": decode, "encode": encode, "whole": whole, "part": part, "wanted": WANTED}
