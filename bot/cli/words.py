"""Numbers in sentences."""

from __future__ import annotations


def several(number: int, one: str, many: str) -> str:
    """``1 entry``, ``2 entries``: both are given, with what follows the number."""
    return f"{number} {one if number == 1 else many}"
