"""A thousand hostile files through the bot's decoder: each has an outcome, and none costs more than it may."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bot.domain.evidence import PARTLY_SEEN, Unscannable, UnscannableKind
from bot.media.decode import ProcessDecoder
from bot.media.limits import DecodeLimits
from bot.ports import Decoded

from .bombs import REFUSED, bombs, jpeg
from .corpus import SEED, corpus, damaged
from .files import ANY, SEEN, photograph
from .running import VIEW, bot_bound, run
from .videos import SLOW, videos

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .running import Ended

WORKERS = 2
PATIENT = DecodeLimits(wall_seconds=240.0)
"""A busy machine is no hang: processor time, which is bounded as always, tells one from the other."""

MEGABYTE = 1024 * 1024


@asynccontextmanager
async def decoding(limits: DecodeLimits, workers: int = WORKERS) -> AsyncIterator[ProcessDecoder]:
    decoder = ProcessDecoder(workers=workers, limits=limits)
    await decoder.start()
    try:
        yield decoder
    finally:
        await decoder.aclose()


def faults(ended: Ended) -> list[str]:
    """What is not as it should be with one file."""
    file, result = ended.file, ended.result
    found = [] if ended.outcome in file.ends else [f"{ended.outcome}, not {'/'.join(sorted(file.ends))}: {result}"]
    if isinstance(result, Unscannable):
        if not result.detail or "0x" in result.detail:
            found.append(f"a reason without words: {result.detail!r}")
        if result.retry_at is not None:
            found.append("to be tried again, although the bytes stay the same")
        return found
    told = [finding.detail for finding in result.findings]
    if file.finding and file.finding not in told:
        found.append(f"no finding {file.finding!r} among {told}")
    if not any(gap.startswith(file.gap) for gap in (*result.gaps, "") if gap or not file.gap):
        found.append(f"no gap {file.gap!r} among {result.gaps}")
    return found


@pytest.mark.timeout(900)  # for a decoder that hangs all the same: it ends each file itself, long before
def test_thousand_hostile_files_have_an_outcome_each_and_cost_no_more_than_they_may() -> None:
    files = corpus(1000)
    assert len(files) >= 1000
    assert len({file.name for file in files}) == len(files)

    async def through_the_decoder() -> None:
        async with decoding(PATIENT) as decoder:
            before = await decoder.decode(photograph(), [VIEW])
            ran = await run(decoder, files, workers=WORKERS)
            after = [await decoder.decode(photograph(), [VIEW]) for _ in range(WORKERS)]

        assert Counter(one.file.name for one in ran.ended) == Counter(file.name for file in files)
        wrong = {one.file.name: faults(one) for one in ran.ended if faults(one)}
        assert wrong == {}
        assert 0 < ran.worker_peak < PATIENT.memory_bytes
        assert ran.bot_growth < bot_bound(PATIENT, files, workers=WORKERS)
        # Enough of everything, or a generator that makes nothing but rubbish would pass.
        outcomes = Counter(one.outcome for one in ran.ended)
        assert outcomes[SEEN] > 500
        assert {kind for kind, number in outcomes.items() if number >= 10} == ANY

        assert isinstance(before, Decoded)
        for one in after:
            assert isinstance(one, Decoded)
            assert (one.pdq, one.findings, one.gaps) == (before.pdq, [], [])
            np.testing.assert_array_equal(one.views[VIEW], before.views[VIEW])

    asyncio.run(through_the_decoder())


def test_the_same_files_come_in_every_run() -> None:
    first, again, other = (list(islice(damaged(seed), 60)) for seed in (SEED, SEED, SEED + 1))
    assert [file.data for file in first] == [file.data for file in again]
    assert [file.data for file in first] != [file.data for file in other]
    assert [file.data for file in bombs()] == [file.data for file in bombs()]


def test_bombs_over_the_bounds_cost_no_more_than_their_own_bytes() -> None:
    files = [file for file in bombs() if file.family == REFUSED]
    unpacked = 65535 * 65535 // 8  # bytes of one of them, if it were decoded

    async def through_the_decoder() -> None:
        async with decoding(PATIENT, workers=1) as decoder:
            ran = await run(decoder, files, workers=1)
        assert [one.outcome for one in ran.ended] == ["too_large"] * len(files)
        largest = max(len(file.data) for file in files)
        allowed = 3 * largest + 16 * MEGABYTE
        assert allowed < unpacked / 5
        assert ran.worker_peak - ran.worker_before < allowed

    asyncio.run(through_the_decoder())


def test_picture_that_takes_for_ever_is_ended_by_the_decoder_and_the_next_one_passes() -> None:
    endless = jpeg(4000, 4000, scans=100_000)
    assert len(endless) < 4 * MEGABYTE

    async def through_the_decoder() -> None:
        async with decoding(DecodeLimits(wall_seconds=240.0, cpu_seconds=1), workers=1) as decoder:
            result = await decoder.decode(endless, [VIEW])
            assert isinstance(result, Unscannable), result
            assert result.kind is UnscannableKind.KILLED
            assert "processor time" in result.detail
            assert isinstance(await decoder.decode(photograph(), [VIEW]), Decoded)

    asyncio.run(through_the_decoder())


def test_video_that_takes_for_ever_is_seen_as_far_as_the_time_goes_and_the_next_file_passes() -> None:
    (slow,) = [file for file in videos() if file.name == SLOW]

    async def through_the_decoder() -> None:
        async with decoding(DecodeLimits(wall_seconds=240.0, video_seconds=0.5), workers=1) as decoder:
            result = await decoder.decode(slow.data, [VIEW])
            assert isinstance(result, Decoded), result
            assert any(gap.endswith("then out of time") for gap in result.gaps), result.gaps
            assert [finding.kind for finding in result.findings] == [PARTLY_SEEN]
            assert isinstance(await decoder.decode(photograph(), [VIEW]), Decoded)

    asyncio.run(through_the_decoder())


def test_picture_that_wants_too_much_memory_is_ended_and_the_next_one_passes() -> None:
    greedy = [file for file in bombs() if "8000x8000, transparent" in file.name]
    limits = DecodeLimits(wall_seconds=240.0, memory_bytes=400 * MEGABYTE)

    async def through_the_decoder() -> None:
        async with decoding(limits, workers=1) as decoder:
            for file in greedy:
                result = await decoder.decode(file.data, [VIEW])
                assert isinstance(result, Unscannable), result
                assert (result.kind, "out of memory" in result.detail) == (UnscannableKind.KILLED, True)
                assert isinstance(await decoder.decode(photograph(), [VIEW]), Decoded)

    assert len(greedy) == 2
    asyncio.run(through_the_decoder())
