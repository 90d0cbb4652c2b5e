"""The bot's own way: its decode workers, its batcher, its detector, as ``fediwarden run`` puts them together."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bot.classify.batcher import BatchScorer
from bot.classify.clip.detector import ClipDetector
from bot.media.colours import turn_of, turned
from bot.media.decode import ProcessDecoder
from bot.media.limits import DecodeLimits
from bot.media.opening import Opened, Way, load
from bot.media.views import needed_side, render, shrink
from bot.pipeline.scan import Blind, look
from bot.ports import Decoded
from bot.settings import MediaSettings, Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from bot.classify.clip.settings import ClipSettings
    from bot.ports import ViewSpec

AT_ONCE: int = Settings.model_fields["tasks_at_once"].default
WORKERS: int = MediaSettings.model_fields["decode_workers"].default


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """One detector behind the batcher. ``at_once``: files under way at the same time."""

    detector: ClipDetector
    decoder: ProcessDecoder
    scorer: BatchScorer
    at_once: int

    async def scan(self, files: list[bytes]) -> None:
        """Everything that is done with the bytes of a file that was fetched: digest, structure, hash, views, scores."""
        under_way = asyncio.Semaphore(self.at_once)

        async def one(data: bytes) -> None:
            async with under_way:
                digest = hashlib.sha256(data).hexdigest()
                seen = await look(data, sha256=digest, declared_type=None, decoder=self.decoder, scorer=self.scorer)
                assert not isinstance(seen, Blind)
                assert seen.scores
                assert not seen.gaps

        await asyncio.gather(*(one(data) for data in files))

    async def decode(self, files: list[bytes]) -> list[np.ndarray]:
        """The views of each: ``(1, side, side, 3) uint8``."""

        async def one(data: bytes) -> np.ndarray:
            decoded = await self.decoder.decode(data, self.detector.views)
            assert isinstance(decoded, Decoded)
            return decoded.views[self.detector.views[0]]

        return list(await asyncio.gather(*(one(data) for data in files)))

    async def embeddings(self, files: list[bytes]) -> np.ndarray:
        """``(files, dim)``."""
        return self.detector.infer([np.concatenate(await self.decode(files))])

    def processor_time_alike(self, files: list[bytes]) -> float:
        """Seconds, of all threads, from bytes to scores and nothing that others do not do: in this process, and in
        batches of what is under way at the same time at most.
        """
        size = min(self.detector.batch, self.at_once)
        began = time.process_time()
        for at in range(0, len(files), size):
            rows = [made_views(data, self.detector.views) for data in files[at : at + size]]
            self.detector.finish(self.detector.infer([np.stack(view) for view in zip(*rows, strict=True)]))
        return time.process_time() - began


@asynccontextmanager
async def decoding(workers: int) -> AsyncIterator[ProcessDecoder]:
    """Decode workers that have started."""
    decoder = ProcessDecoder(workers=workers)
    await decoder.start()
    try:
        yield decoder
    finally:
        await decoder.aclose()


@asynccontextmanager
async def ready(settings: ClipSettings, decoder: ProcessDecoder, at_once: int) -> AsyncIterator[Ours]:
    """The detector of these settings, loaded."""
    detector = ClipDetector(settings)
    scorer = BatchScorer([detector], remember=0)
    try:
        yield Ours(detector=detector, decoder=decoder, scorer=scorer, at_once=at_once)
    finally:
        await scorer.aclose()


def made_views(data: bytes, views: Sequence[ViewSpec]) -> list[np.ndarray]:
    """Of a picture, as a decode worker makes them: without structure check, hash, and another process."""
    opened = load(Way(data), needed_side(views), DecodeLimits())
    assert isinstance(opened, Opened)
    picture = shrink(turned(opened.picture, turn_of(opened.picture)), needed_side(views))
    return [render(picture, view) for view in views]


def processor_time_of_views(files: list[bytes], views: Sequence[ViewSpec]) -> float:
    """Seconds of one core from bytes to views, for all of them."""
    began = time.process_time()
    for data in files:
        made_views(data, views)
    return time.process_time() - began


class Spent:
    """Wall and processor seconds since it was made; those of the decode workers are counted by the kernel's ticks."""

    def __init__(self, decoder: ProcessDecoder) -> None:
        self._decoder = decoder
        self._wall, self._processor = time.perf_counter(), self._now()

    def __call__(self) -> tuple[float, float]:
        return time.perf_counter() - self._wall, self._now() - self._processor

    def _now(self) -> float:
        return time.process_time() + sum(_ticks(pid) for pid in self._decoder.pids) / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int) -> int:
    """https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: fields 14 and 15."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
