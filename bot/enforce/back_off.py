"""How long to leave alone what did not work."""

from __future__ import annotations

LONGEST_WAIT = 3600.0  # seconds


def back_off(tries: int) -> float:
    """Seconds to wait after so many failed tries: 2, 4, 8 … up to an hour."""
    return min(LONGEST_WAIT, 2.0 ** max(1, min(tries, 20)))
