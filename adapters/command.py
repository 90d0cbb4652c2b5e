"""Runs a command of the operator's: a list of words, no shell, and an end to it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN = 500
"""Characters of a command's output that go to the log."""


def carry_out(words: Sequence[str], said: str, seconds: float) -> tuple[int | None, str]:
    """Exit status (``None``: it took too long and was ended with all its children) and the start of its output.

    ``said`` is what it reads, in ASCII. Raises ``OSError`` where it cannot be started.
    """
    process = subprocess.Popen(  # noqa: S603 - the operator's own words, and no shell
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdin is not None  # noqa: S101 - opened above
    assert process.stdout is not None  # noqa: S101 - opened above
    kept = bytearray()
    reading = threading.Thread(target=_drain, args=(process.stdout, kept), daemon=True)
    reading.start()
    try:
        _tell(process.stdin, said)
        status: int | None = process.wait(seconds)
    except subprocess.TimeoutExpired:
        status = None
        os.killpg(process.pid, signal.SIGKILL)  # nobody has waited for it, so the number is still its own
        process.wait()
    reading.join(1.0)  # a child that went astray may hold the pipe open
    return status, bytes(kept).decode("utf-8", "replace")[:SHOWN]


def _tell(stdin: IO[bytes], said: str) -> None:
    try:
        stdin.write(said.encode("ascii"))
        stdin.close()
    except BrokenPipeError:
        return  # it did not want to read


def _drain(stdout: IO[bytes], kept: bytearray) -> None:
    """Read on, so that a talkative command does not stall; keep the beginning only."""
    with stdout:
        for chunk in iter(lambda: stdout.read1(4096), b""):  # type: ignore[attr-defined]
            if len(kept) < SHOWN * 4:
                kept += chunk
