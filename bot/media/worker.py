"""A decode worker: reads files from its input, looks at them, writes what it saw to its output, until that closes.

Started by ``bot.media.decode`` as ``python -m bot.media.worker LIMITS``. It imports only what decoding needs.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import signal
import sys
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image

from bot.domain.evidence import Unscannable
from bot.media.limits import DecodeLimits
from bot.media.opening import configure
from bot.media.picture import look
from bot.media.wire import LENGTHS, OUT_OF_MEMORY, TAKEN, pack, pack_answer, unpack_views
from bot.ports import ViewSpec

if TYPE_CHECKING:
    from typing import BinaryIO

OPEN_FILES: Final = 64
KEPT_AT_MOST: Final = 256 * 1024 * 1024  # bytes between two files; an ordinary one needs a quarter of it
PIPE: Final = 1024 * 1024
"""Bytes that a pipe takes before somebody has to read them, instead of 64 KiB: the most that Linux allows without being
asked, and enough for a picture and its views. https://man7.org/linux/man-pages/man7/pipe.7.html.
"""

_GRACE: Final = 5
"""Seconds behind the wall limit after which a worker ends itself, in case that nobody is left to end it."""


def confine(limits: DecodeLimits) -> None:
    """Give up what decoding does not need. Limits are the kernel's: they hold inside any library."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    if sys.platform == "linux":  # elsewhere the kernel refuses or ignores it
        resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    # The bot tells its workers to go by closing their input; a signal to the whole group must not cost a file.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def widen(*ends: int) -> None:
    """So that neither side waits for the other in the middle of a message, where the kernel allows it."""
    for end in ends:
        with contextlib.suppress(OSError, AttributeError):  # not a pipe, or too many of them, or not on Linux
            fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, PIPE)


def rehearse(limits: DecodeLimits) -> None:
    """Look at a picture of our own under the limits: what does not work now would fail every file later."""
    buffer = BytesIO()
    Image.new("RGB", (640, 480)).save(buffer, format="PNG")
    seen = look(buffer.getvalue(), [ViewSpec(resize=256, crop=224, channels="RGB", jpeg_quality=75)], limits)
    if isinstance(seen, Unscannable):
        raise SystemExit(f"decode worker: {seen.detail}")


def _meter(limits: DecodeLimits) -> None:
    """Processor time and wall time for the next file. What runs over is killed by the kernel."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(used.ru_utime + used.ru_stime) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (spent + limits.cpu_seconds, hard))
    signal.setitimer(signal.ITIMER_REAL, limits.wall_seconds + _GRACE)


def let_go() -> None:
    """Give back what a large file has needed. The allocator does so only from the end of its memory on: one small
    block that is still in use behind it would keep all of it for as long as the worker lives.
    """
    # Where nothing counts or gives back, the worker is replaced in the end all the same.
    with contextlib.suppress(OSError, AttributeError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        if pages * resource.getpagesize() > KEPT_AT_MOST:
            ctypes.CDLL(None).malloc_trim(0)


def serve(requests: BinaryIO, answers: BinaryIO, limits: DecodeLimits) -> None:
    """``TAKEN`` and an answer for each request, until there are no more."""
    while len(lengths := requests.read(LENGTHS.size)) == LENGTHS.size:
        header_size, data_size = LENGTHS.unpack(lengths)
        header = json.loads(requests.read(header_size))
        data = requests.read(data_size)
        if len(data) < data_size:
            return
        answers.write(TAKEN)
        answers.flush()
        _meter(limits)
        answer = pack_answer(look(data, unpack_views(header), limits))
        signal.setitimer(signal.ITIMER_REAL, 0)
        del data
        answers.write(answer)
        answers.flush()
        del answer
        let_go()


def main() -> None:
    """Reads limits from the command line; leaves with ``OUT_OF_MEMORY`` when a file wants too much."""
    limits = DecodeLimits(**json.loads(sys.argv[1]))
    answers = os.fdopen(os.dup(1), "wb")
    widen(0, 1)
    os.dup2(2, 1)  # whatever a library prints must not land among the answers
    confine(limits)
    configure(limits)
    try:
        rehearse(limits)
        answers.write(pack({"ready": True}))
        answers.flush()
        # From here on libraries complain about hostile files, which is no news for a log.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        serve(sys.stdin.buffer, answers, limits)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(0)


if __name__ == "__main__":
    main()
