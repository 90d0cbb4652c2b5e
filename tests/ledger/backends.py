"""Every database that the contract suite runs on. Another joins by being registered here."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bot.clock import SystemClock
from bot.ledger import open_ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """An empty database for one test, with or without tables."""

    url: Callable[[Path], AbstractContextManager[str]]  # from a folder of the test's own
    shared: bool  # whether a second process, or a second opening, sees the same data


@cache
def _migrated() -> bytes:
    """An empty ledger: making its tables anew for every test would take most of the suite's time."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "ledger.db"
        open_ledger(f"sqlite:///{file}", clock=SystemClock()).close()
        return file.read_bytes()


@contextmanager
def _sqlite_file(folder: Path) -> Iterator[str]:
    file = folder / "ledger.db"
    file.write_bytes(_migrated())
    yield f"sqlite:///{file}"


@contextmanager
def _sqlite_memory(_folder: Path) -> Iterator[str]:
    yield "sqlite://"


BACKENDS = {
    "sqlite-file": Backend(url=_sqlite_file, shared=True),
    "sqlite-memory": Backend(url=_sqlite_memory, shared=False),
}
