"""Hostile files through the decoder and its worker processes: what came of each, and what it cost."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from bot.domain.evidence import Unscannable
from bot.ports import Decoded, ViewSpec

from .files import SEEN
from .memory import forget_peak, peak, resident

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bot.media.decode import ProcessDecoder
    from bot.media.limits import DecodeLimits

    from .files import HostileFile

VIEW: Final = ViewSpec(resize=256, crop=224, channels="BGR", jpeg_quality=75, subtract=(104.0, 117.0, 123.0))
"""What the detector that comes with the bot asks for."""

_LAYERS: Final = 6  # a frame on white, on black and without transparency, each in its odd gamma
_SLACK: Final = 64 * 1024 * 1024  # bytes, for what allocators keep


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What came of one file. Its views are dropped, or they would be most of what is measured."""

    file: HostileFile
    result: Decoded | Unscannable
    seconds: float  # from handing it to a free worker until its answer

    @property
    def outcome(self) -> str:
        """``seen``, or why it was not."""
        return self.result.kind.value if isinstance(self.result, Unscannable) else SEEN


@dataclass(slots=True, kw_only=True)
class Run:
    """What came of many, and the memory (bytes) that it took at most."""

    ended: list[Ended] = field(default_factory=list)
    worker_before: int = 0  # of the larger one, before the first file
    worker_peak: int = 0
    bot_growth: int = 0  # of the process that asks the workers


async def run(decoder: ProcessDecoder, files: Iterable[HostileFile], *, workers: int) -> Run:
    """All files, ``workers`` of them at a time. Raises what the decoder raises: nothing of it is expected."""
    first = set(decoder.pids)
    ran = Run(worker_before=max(resident(pid) for pid in first))
    waiting = iter(list(files))
    for pid in (*first, os.getpid()):
        forget_peak(pid)
    before = resident(os.getpid())

    async def one_after_the_other() -> None:
        for file in waiting:
            start = time.perf_counter()
            result = await decoder.decode(file.data, [VIEW])
            seconds = time.perf_counter() - start
            if isinstance(result, Decoded):
                result = replace(result, views={})
            ran.ended.append(Ended(file=file, result=result, seconds=seconds))
            ran.worker_peak = max([ran.worker_peak, *(peak(pid) for pid in decoder.pids)])

    await asyncio.gather(*(one_after_the_other() for _ in range(workers)))
    ran.bot_growth = peak(os.getpid()) - before
    return ran


def bot_bound(limits: DecodeLimits, files: Sequence[HostileFile], *, workers: int) -> int:
    """Bytes that the asking process may grow by: for each worker a file and the largest answer, twice on its way."""
    answer = max(limits.max_frames, limits.video_frames) * _LAYERS * VIEW.crop * VIEW.crop * 3
    as_numbers = 4 * answer
    largest = max(len(file.data) for file in files)
    return workers * (2 * largest + 2 * answer + as_numbers) + _SLACK
