"""Decoding in processes that die, hang and lie."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import platform
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot.domain.errors import WorkerStartError
from bot.domain.evidence import Unscannable, UnscannableKind
from bot.media.decode import KEPT, DecoderClosedError, ProcessDecoder
from bot.media.limits import DecodeLimits
from bot.media.picture import look
from bot.media.wire import LENGTHS, WireError, pack_answer, unpack_answer
from bot.media.worker import PIPE, widen
from bot.ports import Decoded, ViewSpec

from .drawings import SMALL, animation, drawing, encoded, flat_png

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from .conftest import Workers

GOOD = encoded(drawing(), "PNG")
SUBTRACTING = ViewSpec(resize=32, crop=32, channels="BGR", jpeg_quality=75, subtract=(104.0, 117.0, 123.0))


@contextlib.asynccontextmanager
async def running(workers: int = 1, **limits: float) -> AsyncIterator[ProcessDecoder]:
    decoder = ProcessDecoder(workers=workers, limits=DecodeLimits(**limits))  # type: ignore[arg-type]
    await decoder.start()
    try:
        yield decoder
    finally:
        await decoder.aclose()
        assert decoder.pids == []


def of_process(pid: int, what: str) -> str:
    return Path(f"/proc/{pid}/{what}").read_text()


def written(pid: int) -> int:
    """Bytes that a process has written so far."""
    return int(of_process(pid, "io").split("wchar: ")[1].split()[0])


def exists(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return of_process(pid, "stat").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until(condition: object, patience: float = 60) -> None:
    """Wait for something that will happen."""
    end = time.monotonic() + patience
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.02)


def killed(result: Decoded | Unscannable) -> str:
    assert isinstance(result, Unscannable), result
    assert result.kind is UnscannableKind.KILLED
    return result.detail


def test_worker_sees_what_the_picture_code_sees(workers: Workers) -> None:
    result = workers.decode(GOOD, [SMALL, SUBTRACTING])
    here = look(GOOD, [SMALL, SUBTRACTING], DecodeLimits())
    assert isinstance(result, Decoded)
    assert not isinstance(here, Unscannable)
    assert (result.pixels, result.pdq, result.pdq_quality) == (here.pixels, here.pdq, here.pdq_quality)
    assert result.views[SMALL].dtype == np.float32
    np.testing.assert_array_equal(result.views[SMALL][0], here.rows[SMALL][0])
    mean = np.float32(SUBTRACTING.subtract)
    np.testing.assert_array_equal(result.views[SUBTRACTING][0], here.rows[SUBTRACTING][0].astype(np.float32) - mean)


def test_view_in_eight_bits_stays_as_the_worker_made_it(workers: Workers) -> None:
    small = replace(SMALL, dtype="uint8")
    result = workers.decode(GOOD, [small, SMALL])
    assert isinstance(result, Decoded)
    assert result.views[small].dtype == np.uint8
    np.testing.assert_array_equal(result.views[small], result.views[SMALL])
    assert repr(small) == repr(SMALL), "the same numbers are no reason to look at all files again"
    with pytest.raises(ValueError, match="subtracts nothing"):
        replace(SUBTRACTING, dtype="uint8")


@pytest.mark.skipif(not hasattr(fcntl, "F_GETPIPE_SZ"), reason="pipes are of one size here")
def test_pipes_of_a_worker_take_a_whole_picture_at_once_and_what_is_no_pipe_stays_as_it_is(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with open(reading, "rb"), open(writing, "wb"), (tmp_path / "file").open("wb") as file:
        widen(file.fileno(), reading)
        allowed = int(Path("/proc/sys/fs/pipe-max-size").read_text(encoding="ascii"))
        assert fcntl.fcntl(writing, fcntl.F_GETPIPE_SZ) == (PIPE if allowed >= PIPE else 64 * 1024)


def test_every_frame_has_a_row_in_every_view(workers: Workers) -> None:
    result = workers.decode(animation("WEBP", 5), [SMALL, SUBTRACTING])
    assert isinstance(result, Decoded)
    assert result.views[SMALL].shape == (5, 48, 48, 3)
    assert result.views[SUBTRACTING].shape == (5, 32, 32, 3)


def test_fingerprints_need_no_views(workers: Workers) -> None:
    result = workers.decode(GOOD)
    assert isinstance(result, Decoded)
    assert result.views == {}
    assert result.pdq is not None


def test_hostile_files_leave_the_worker_alive(workers: Workers) -> None:
    (pid,) = workers.decoder.pids
    for data in (
        b"",
        b"<svg/>",
        flat_png(30_000, 30_000, depth=1),
        GOOD[:40],
        encoded(drawing(), "AVIF")[:900],
        b"\0" * 1000,
    ):
        assert isinstance(workers.decode(data, [SMALL]), Unscannable)
    assert isinstance(workers.decode(GOOD, [SMALL]), Decoded)
    assert list(workers.decoder.pids) == [pid]


def test_worst_picture_that_is_allowed_fits_into_the_default_memory() -> None:
    async def run() -> None:
        async with running(wall_seconds=120) as decoder:
            layered = Image.new("RGBA", (8000, 8000), (200, 10, 10, 128))
            result = await decoder.decode(encoded(layered, "PNG", compress_level=1), [SMALL])
            assert isinstance(result, Decoded), result
            assert result.views[SMALL].shape[0] == 3

    asyncio.run(run())


def test_file_that_wants_too_much_memory_costs_its_worker_and_no_other_file() -> None:
    async def run() -> None:
        async with running(memory_bytes=256 * 2**20) as decoder:
            (before,) = decoder.pids
            bomb = encoded(Image.new("RGB", (8000, 7900)), "PNG", compress_level=1)
            assert "out of memory" in killed(await decoder.decode(bomb, [SMALL]))
            assert isinstance(await decoder.decode(GOOD, [SMALL]), Decoded)
            assert list(decoder.pids) != [before]

    asyncio.run(run())


def test_file_that_wants_too_much_processor_time_costs_its_worker() -> None:
    async def run() -> None:
        async with running(cpu_seconds=0, wall_seconds=60) as decoder:
            slow = flat_png(4000, 4000)
            while isinstance(result := await decoder.decode(slow, [SMALL]), Decoded):
                pass  # limits count in whole seconds, so that the first may just pass
            assert "out of processor time" in killed(result)
            assert isinstance(await decoder.decode(GOOD, [SMALL]), Decoded)

    asyncio.run(run())


def test_file_whose_worker_hangs_is_stopped_and_the_next_one_passes() -> None:
    async def run() -> None:
        async with running(wall_seconds=2.0) as decoder:
            (pid,) = decoder.pids
            os.kill(pid, signal.SIGSTOP)
            assert "within 2 s" in killed(await decoder.decode(GOOD, [SMALL]))
            assert not exists(pid)
            assert isinstance(await decoder.decode(GOOD, [SMALL]), Decoded)

    asyncio.run(run())


def test_file_whose_worker_dies_is_killed_and_the_next_one_passes() -> None:
    async def run() -> None:
        async with running() as decoder:
            (pid,) = decoder.pids
            before = written(pid)
            waiting = asyncio.create_task(decoder.decode(flat_png(8000, 8000), [SMALL]))
            # It writes when it has taken a file, and decodes this one for a while.
            while written(pid) == before:  # noqa: ASYNC110 - nobody sets an event when a process writes
                await asyncio.sleep(0.005)
            os.kill(pid, signal.SIGKILL)
            assert "signal 9" in killed(await waiting)
            assert isinstance(await decoder.decode(GOOD, [SMALL]), Decoded)

    asyncio.run(run())


def test_worker_that_died_idle_costs_no_file() -> None:
    async def run() -> None:
        async with running(2) as decoder:
            for pid in decoder.pids:
                os.kill(pid, signal.SIGKILL)
            results = await asyncio.gather(*(decoder.decode(GOOD, [SMALL]) for _ in range(4)))
            assert all(isinstance(result, Decoded) for result in results)
            assert len(decoder.pids) == 2

    asyncio.run(run())


def test_poison_among_many_fails_alone() -> None:
    async def run() -> None:
        async with running(2) as decoder:
            poison = encoded(Image.new("RGB", (300, 200)), "GIF")[:20]
            files = [poison if number % 5 == 2 else GOOD for number in range(20)]
            results = await asyncio.gather(*(decoder.decode(data, [SMALL]) for data in files))
            assert [isinstance(result, Decoded) for result in results] == [data is GOOD for data in files]

    asyncio.run(run())


def test_cancelled_file_leaves_no_half_answer_behind() -> None:
    async def run() -> None:
        async with running() as decoder:
            (pid,) = decoder.pids
            os.kill(pid, signal.SIGSTOP)
            waiting = asyncio.create_task(decoder.decode(GOOD, [SMALL]))
            await asyncio.sleep(0.1)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert not exists(pid)
            result = await decoder.decode(flat_png(50, 60), [SMALL])
            assert isinstance(result, Decoded)
            assert (result.width, result.height) == (50, 60)

    asyncio.run(run())


def test_closed_decoder_blames_no_file_and_leaves_no_process() -> None:
    async def run() -> None:
        decoder = ProcessDecoder(workers=1)
        await decoder.start()
        (pid,) = decoder.pids
        os.kill(pid, signal.SIGSTOP)
        under_way = asyncio.create_task(decoder.decode(GOOD, [SMALL]))
        waiting = asyncio.create_task(decoder.decode(GOOD, [SMALL]))
        await asyncio.sleep(0.1)
        await decoder.aclose()
        for task in (under_way, waiting):
            with pytest.raises(DecoderClosedError):
                await task
        assert decoder.pids == []
        assert not exists(pid)

    asyncio.run(run())


def test_signals_to_the_whole_group_do_not_cost_a_file() -> None:
    async def run() -> None:
        async with running() as decoder:
            (pid,) = decoder.pids
            os.kill(pid, signal.SIGTERM)
            os.kill(pid, signal.SIGINT)
            assert isinstance(await decoder.decode(GOOD, [SMALL]), Decoded)
            assert list(decoder.pids) == [pid]

    asyncio.run(run())


def test_worker_has_no_secrets_of_the_bot_and_no_detector() -> None:
    async def run() -> None:
        async with running() as decoder:
            (pid,) = decoder.pids
            assert isinstance(await decoder.decode(GOOD, [SMALL]), Decoded)
            assert "FEDIWARDEN_SECRET" not in of_process(pid, "environ")
            assert "onnxruntime" not in of_process(pid, "maps")
            assert "torch" not in of_process(pid, "maps")
            assert str(DecodeLimits().memory_bytes) in of_process(pid, "limits")

    os.environ["FEDIWARDEN_SECRET"] = "hush"
    try:
        asyncio.run(run())
    finally:
        del os.environ["FEDIWARDEN_SECRET"]


PARENT = """
import asyncio, sys
from bot.media.decode import ProcessDecoder

async def main():
    decoder = ProcessDecoder(workers=2)
    await decoder.start()
    print(*decoder.pids, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def test_workers_end_when_the_bot_is_killed() -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        assert all(exists(pid) for pid in pids)
        parent.kill()
    until(lambda: not any(exists(pid) for pid in pids))


PINNED = """
from pathlib import Path
from bot.media.worker import let_go

def megabytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 2**20

many = [bytearray(2**20) for _ in range(501)]
last = many.pop()  # behind the others: a smaller one could find a place before them
del many
before = megabytes()
let_go()
print(before, megabytes())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator")
def test_worker_gives_back_what_a_large_file_needed_whatever_lies_behind_it() -> None:
    said = {"PYTHONPATH": os.pathsep.join(sys.path), "MALLOC_ARENA_MAX": "1", **KEPT}
    done = subprocess.run([sys.executable, "-c", PINNED], env=said, capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert before > 500, "it is kept, or there is nothing to give back"
    assert after < 200


def test_worker_that_does_not_start_is_our_own_fault() -> None:
    async def run() -> None:
        with pytest.raises(WorkerStartError, match="memory"):
            await ProcessDecoder(workers=1, limits=DecodeLimits(memory_bytes=1024 * 1024)).start()

    asyncio.run(run())


ANSWER = pack_answer(look(GOOD, [SMALL], DecodeLimits()))
HEADER_SIZE, _ = LENGTHS.unpack(ANSWER[: LENGTHS.size])
HEADER = json.loads(ANSWER[LENGTHS.size : LENGTHS.size + HEADER_SIZE])
BLOB = ANSWER[LENGTHS.size + HEADER_SIZE :]


@pytest.mark.parametrize(
    "lie",
    [
        {"looks": HEADER["looks"] * 2},
        {"looks": []},
        {"looks": HEADER["looks"] * 300},
        {"looks": [{**HEADER["looks"][0], "pdq": "00"}]},
        {"looks": [{**HEADER["looks"][0], "at": "soon"}]},
        {"looks": [{"frame": 0}]},
        {"looks": 7},
        {"pixels": "x" * 64},
        {"pdq": "00"},
        {"findings": [["one"]]},
        {"findings": "text"},
        {"gaps": [1]},
        {"width": None},
        {"unscannable": "guilty", "detail": ""},
    ],
)
def test_answer_that_does_not_fit_is_refused(lie: dict[str, object]) -> None:
    assert isinstance(unpack_answer(json.dumps(HEADER).encode(), BLOB, [SMALL]), Decoded)
    with pytest.raises(WireError):
        unpack_answer(json.dumps(HEADER | lie).encode(), BLOB, [SMALL])


@given(st.binary(max_size=200), st.binary(max_size=50), st.sampled_from([[], [SMALL]]))
def test_no_answer_makes_the_bot_raise_anything_else(header: bytes, blob: bytes, views: Sequence[ViewSpec]) -> None:
    with pytest.raises(WireError):
        unpack_answer(header, blob, views)
