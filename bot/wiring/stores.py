"""The ledger that the settings name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bot.clock import SystemClock

if TYPE_CHECKING:
    from bot.ports import Ledger
    from bot.settings import Settings


def open_store(settings: Settings, *, base: Path) -> Ledger:
    """The ledger. A relative SQLite path starts from ``base``, the folder of the configuration file."""
    from bot.ledger import open_ledger

    return open_ledger(address(settings.ledger, base), clock=SystemClock())


def open_store_to_look(settings: Settings, *, base: Path) -> Ledger:
    """The ledger, in which nothing can be written this way; an empty one where there is none yet."""
    from bot.ledger import open_ledger

    url = address(settings.ledger, base)
    file = url.removeprefix("sqlite:///").partition("?")[0] if url.startswith("sqlite:///") else None
    if file and not Path(file).exists():
        return open_ledger("sqlite://", clock=SystemClock())
    return open_ledger(url, clock=SystemClock(), look_only=True)


def address(url: str, base: Path) -> str:
    """The ledger's, with the whole path of a file."""
    prefix = "sqlite:///"
    if not url.startswith(prefix) or url.startswith("sqlite:////") or url == prefix:
        return url
    return f"{prefix}{(base / url.removeprefix(prefix)).resolve()}"


def disk(url: str, base: Path) -> Path:
    """A path on the disk that the ledger fills; that of the configuration where the ledger is on another machine."""
    prefix, database = "sqlite:///", address(url, base)
    return Path(database.removeprefix(prefix)).parent if database.startswith(prefix) and database != prefix else base
