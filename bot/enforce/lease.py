"""The right to act: one process at a time has it."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from bot.ports import TaskKind

if TYPE_CHECKING:
    from bot.ports import Lease, Ledger

LEASE_SECONDS = 30.0
"""Renewed three times in that time; after a crash on another host, this long nobody acts."""


def holder_name() -> str:
    """Who holds a lease: host and process, which an operator can look up."""
    return f"{socket.gethostname()}/{os.getpid()}"


def become_actor(ledger: Ledger) -> Lease | None:
    """Acquire or renew the right to act; ``None`` while another process that lives has it.

    A holder of this very host whose process is gone is succeeded at once: what it left unfinished waits for nobody.
    """
    held = ledger.holder()
    if held is not None and held.holder != holder_name() and not _alive(held.holder):
        ledger.release(held)
    lease = ledger.acquire(holder_name(), seconds=LEASE_SECONDS)
    if lease is not None and (held is None or held.fence != lease.fence):
        ledger.reclaim([TaskKind.ENFORCE])
    return lease


def _alive(holder: str) -> bool:
    host, _, pid = holder.rpartition("/")
    if host != socket.gethostname():
        return True  # nobody here can tell; its lease runs out by itself
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, ValueError):
        return True
    return True
