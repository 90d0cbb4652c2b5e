"""How much memory a process has used at most, as Linux counts it."""

from __future__ import annotations

import re
from pathlib import Path


def peak(pid: int) -> int:
    """Bytes that were resident at once since the start or the last ``forget_peak``; 0 for a process that is gone."""
    return _status(pid, "VmHWM")


def resident(pid: int) -> int:
    """Bytes that are resident now; 0 for a process that is gone."""
    return _status(pid, "VmRSS")


def forget_peak(pid: int) -> None:
    """From here on ``peak`` counts anew: https://www.kernel.org/doc/html/latest/filesystems/proc.html."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def _status(pid: int, what: str) -> int:
    try:
        found = re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    except FileNotFoundError:
        return 0
    return int(found[1]) * 1024 if found else 0  # a zombie has no memory
