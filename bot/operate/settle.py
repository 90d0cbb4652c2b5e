"""Carries out decisions at once where no daemon runs."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.enforce import become_actor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bot.enforce import Enforcement
    from bot.ports import Clock, Ledger

PATIENCE = timedelta(seconds=60)
"""How long a command waits for a server before it leaves the rest to the next run."""


def settle(
    ledger: Ledger,
    enforcement: Callable[[], Enforcement],
    clock: Clock,
    cases: Iterable[int],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Do what was decided for these cases, if nobody else is there to do it; in words, what is left.

    ``enforcement`` is only built when it is needed. Empty: nothing is left.
    """
    lease = become_actor(ledger)
    if lease is None:
        other = ledger.holder()
        return f"{other.holder if other else 'another process'} acts and will carry it out"
    try:
        acting = enforcement()
        left = []
        for case in cases:
            deadline = clock.now() + PATIENCE
            while (progress := acting.work(case, lease.fence)).again_at is not None:
                if progress.again_at > deadline:
                    left.append(f"case {case}: {progress.why}")
                    break
                sleep(max(0.1, (progress.again_at - clock.now()).total_seconds()))
                lease = become_actor(ledger) or lease  # a lost lease shows at the next deed
        return "; ".join(left)
    finally:
        ledger.release(lease)
