"""Decoding in worker processes that may die."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import structlog

from bot.domain.errors import FediwardenError, WorkerStartError
from bot.domain.evidence import Unscannable, UnscannableKind
from bot.media.limits import DecodeLimits
from bot.media.wire import LENGTHS, MAX_HEADER, OUT_OF_MEMORY, WireError, announce, unpack_answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.ports import Decoded, ViewSpec

FILES_PER_WORKER: Final = 1000
"""A worker is replaced after so many files, so that what libraries leak or fragment does not add up."""

KEPT: Final = {"MALLOC_MMAP_THRESHOLD_": str(16 * 2**20), "MALLOC_TRIM_THRESHOLD_": str(64 * 2**20)}
"""Bytes. A worker keeps what one picture needed for the next: handing it back to the kernel and asking for it again
cost 5 to 10 ms of processor time for each file. https://www.gnu.org/software/libc/manual/html_node/Memory-Allocation-Tunables.html
"""

_START_SECONDS: Final = 60.0
_LEAVE_SECONDS: Final = 5.0
_BUFFER: Final = 4 * 1024 * 1024
_MAX_BLOB: Final = 1024 * 1024 * 1024
_INHERITED: Final = ("LD_LIBRARY_PATH", "SYSTEMROOT", "TZ")
_log = structlog.get_logger(__name__)


class DecoderClosedError(FediwardenError):
    """The bot is ending, and decodes no more."""


class _WorkerGoneError(Exception):
    """The worker died. ``taken``: after it had read the whole request, so that the file may be to blame."""

    def __init__(self, *, taken: bool) -> None:
        super().__init__("the worker died")
        self.taken = taken


class _Worker:
    """One process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._files = 0

    @classmethod
    async def start(cls, limits: DecodeLimits) -> _Worker:
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                "bot.media.worker",
                json.dumps(asdict(limits)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=_environment(),
                limit=_BUFFER,
            )
        except OSError as error:  # no memory, or no more processes
            raise WorkerStartError(f"a decode worker cannot be started: {error}") from error
        worker = cls(process)
        try:
            async with asyncio.timeout(_START_SECONDS):
                await worker._receive()
        except (TimeoutError, asyncio.IncompleteReadError, WireError) as error:
            await worker.leave()
            raise WorkerStartError(
                f"a decode worker did not start ({worker.ending}); what it said is on standard error"
            ) from error
        except BaseException:
            await worker.kill()
            raise
        return worker

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def usable(self) -> bool:
        return self._process.returncode is None and self._files < FILES_PER_WORKER

    @property
    def ending(self) -> str:
        """How the process ended, in words."""
        code = self._process.returncode
        if code == OUT_OF_MEMORY:
            return "out of memory"
        if code == -signal.SIGXCPU:
            return "out of processor time"
        if code is not None and code < 0:
            return f"killed by signal {-code}"
        return f"exit status {code}"

    async def ask(self, data: bytes, views: Sequence[ViewSpec]) -> Decoded | Unscannable:
        self._files += 1
        stdin = self._process.stdin
        assert stdin is not None  # noqa: S101 - opened above
        taken = False
        try:
            stdin.write(announce(len(data), views))
            stdin.write(data)
            await stdin.drain()
            await self._receive()
            taken = True
            header, blob = await self._receive()
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            raise _WorkerGoneError(taken=taken) from error
        return unpack_answer(header, blob, views)

    async def _receive(self) -> tuple[bytes, bytes]:
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101 - opened above
        header_size, blob_size = LENGTHS.unpack(await stdout.readexactly(LENGTHS.size))
        if header_size > MAX_HEADER or blob_size > _MAX_BLOB:
            raise WireError("an answer that is too long")
        return await stdout.readexactly(header_size), await stdout.readexactly(blob_size)

    async def kill(self) -> None:
        """End it at once, whatever it does."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        await self._process.wait()

    async def leave(self) -> None:
        """End one that is idle by closing its input, or see off one that is dying."""
        assert self._process.stdin is not None  # noqa: S101 - opened above
        self._process.stdin.close()
        try:
            # Killing what is dead already would take its exit status from asyncio, which waits for it in a thread.
            async with asyncio.timeout(_LEAVE_SECONDS):
                await self._process.wait()
        except TimeoutError:
            await self.kill()


class ProcessDecoder:
    """``Decoder`` in ``workers`` processes, each decoding one file at a time under ``limits``.

    Belongs to the event loop that runs ``start``. Files wait for a free worker; the clock of a file starts when it has
    one. Workers hold no secrets (their environment is empty), and end when the bot does, even if it is killed.
    """

    def __init__(self, *, workers: int = 2, limits: DecodeLimits | None = None) -> None:
        self._limits = limits or DecodeLimits()
        self._size = workers
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._free = asyncio.Semaphore(workers)
        self._closed = False

    @property
    def pids(self) -> Sequence[int]:
        """The processes that run now."""
        return [worker.pid for worker in (*self._idle, *self._busy)]

    async def start(self) -> None:
        """Start all workers. Raises ``WorkerStartError``."""
        self._closed = False
        missing = self._size - len(self._idle) - len(self._busy)
        self._idle += await asyncio.gather(*(_Worker.start(self._limits) for _ in range(missing)))

    async def aclose(self) -> None:
        """End all workers; ``decode`` raises ``DecoderClosedError`` for files under way and from now on."""
        self._closed = True
        idle, self._idle = self._idle, []
        await asyncio.gather(*(worker.leave() for worker in idle), *(worker.kill() for worker in list(self._busy)))

    async def decode(self, data: bytes, views: Sequence[ViewSpec]) -> Decoded | Unscannable:
        """See ``Decoder``. Raises ``WorkerStartError`` (a dead worker has no successor) and ``DecoderClosedError``."""
        async with self._free:
            result = await self._decode(data, views)
            # None: the worker had died while it had nothing to do, and this file only found out.
            return result or await self._decode(data, views, last=True) or _stopped("no worker took it")

    async def _decode(
        self, data: bytes, views: Sequence[ViewSpec], *, last: bool = False
    ) -> Decoded | Unscannable | None:
        worker = await self._take()
        self._busy.add(worker)
        reason = "cancelled"
        try:
            async with asyncio.timeout(self._limits.wall_seconds):
                answer = await worker.ask(data, views)
        except TimeoutError:
            reason = f"not decoded within {self._limits.wall_seconds:g} s"
        except WireError as error:
            reason = str(error)
        except _WorkerGoneError as gone:
            await worker.leave()
            self._check_open()
            if not (gone.taken or last):
                return None
            reason = worker.ending
        else:
            self._check_open()
            self._idle.append(worker)
            return answer
        finally:
            self._busy.discard(worker)
            if worker not in self._idle:
                await asyncio.shield(worker.kill())
        _log.warning("decode worker replaced", reason=reason, size=len(data))
        return _stopped(reason)

    def _check_open(self) -> None:
        if self._closed:
            raise DecoderClosedError("the decoder is closed")

    async def _take(self) -> _Worker:
        self._check_open()
        while self._idle:
            worker = self._idle.pop()
            if worker.usable:
                return worker
            await worker.leave()
        return await _Worker.start(self._limits)


def _stopped(reason: str) -> Unscannable:
    return Unscannable(kind=UnscannableKind.KILLED, detail=f"the decoder was stopped: {reason}")


def _environment() -> dict[str, str]:
    """Where to find the code, one thread for each library, and nothing else of ours."""
    inherited = {key: os.environ[key] for key in _INHERITED if key in os.environ}
    return inherited | {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",  # each thread would reserve address space
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "1",
        **KEPT,
    }
