"""Files that break off, and files with holes in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .files import ANY, KINDS, PERHAPS, PICTURE, HostileFile, carrier, moving

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.95)
SHOWS_WHAT_IT_HAS = frozenset({"JPEG", "PNG", "GIF"})
"""Formats whose decoder shows the upper half when the lower one is missing."""


def truncated() -> Iterator[HostileFile]:
    """Cut at several places."""
    pictures = {kind: carrier(kind) for kind in KINDS} | {f"moving {kind}": moving(kind) for kind in KINDS[1:]}
    for kind, data in pictures.items():
        cuts = [int(len(data) * share) for share in SHARES] + [len(data) - 1, len(data) - 2, 16, 30]
        for at in cuts:
            shown = kind in SHOWS_WHAT_IT_HAS and at >= len(data) // 2
            yield HostileFile(
                family="truncated",
                name=f"{kind} cut after {at} of {len(data)}",
                data=data[:at],
                ends=PICTURE if shown else PERHAPS,
                finding=f"breaks off after {at:,} bytes" if shown else "",
            )


def corrupted() -> Iterator[HostileFile]:
    """Spans of zeros, ones, noise, and of the file itself in another place."""
    random = np.random.default_rng(77)
    for kind in KINDS:
        data = carrier(kind)
        for number in range(12):
            start = int(random.integers(40, len(data) - 10))
            size = int(random.integers(1, max(2, len(data) // 4)))
            span = (bytes(size), b"\xff" * size, random.bytes(size), data[:size])[number % 4]
            yield HostileFile(
                family="corrupted",
                name=f"{kind}, {size} bytes at {start} replaced ({number % 4})",
                data=data[:start] + span + data[start + size :],
                ends=ANY,
            )
