"""The right to act: one process at a time has it."""

from __future__ import annotations

import os
import secrets
import socket
from typing import TYPE_CHECKING

from bot.ports import TaskKind

if TYPE_CHECKING:
    from bot.ports import Lease, Ledger

LEASE_SECONDS = 30.0
"""Renewed three times in that time; after a crash on another host, this long nobody acts."""


_RUN = secrets.token_hex(4)
"""Tells this run from the last one, which may have had the same process number (in a container it does)."""


def holder_name() -> str:
    """Who holds a lease: host and process, which an operator can look up, and the run."""
    return f"{socket.gethostname()}/{os.getpid()}/{_RUN}"


def become_actor(ledger: Ledger) -> Lease | None:
    """Acquire or renew the right to act; ``None`` while another process that lives has it.

    A holder of this very host whose process is gone is succeeded at once: what it left unfinished waits for nobody.
    """
    held = ledger.holder()
    orphaned = held is not None and held.holder != holder_name() and not _alive(held.holder)
    if held is not None and orphaned:
        ledger.release(held)
    lease = ledger.acquire(holder_name(), seconds=LEASE_SECONDS)
    if lease is not None and (held is None or held.fence != lease.fence):
        # Only its holder carries out deeds; files may be in the hands of others that live.
        ledger.reclaim(list(TaskKind) if orphaned else [TaskKind.ENFORCE])
        ledger.rouse()
    return lease


def _alive(holder: str) -> bool:
    host, _, rest = holder.partition("/")
    pid = rest.partition("/")[0]
    if host != socket.gethostname() or not pid.isdecimal():
        return True  # nobody here can tell; its lease runs out by itself
    if int(pid) == os.getpid():
        return False  # the number was given to us since
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
