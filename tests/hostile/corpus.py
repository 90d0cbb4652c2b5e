"""All hostile files: those that are made by hand, and pictures damaged at random until there are enough."""

from __future__ import annotations

from itertools import chain, count, islice
from typing import TYPE_CHECKING, Final

import numpy as np

from .animations import animations
from .bombs import bombs
from .cut import corrupted, truncated
from .files import ANY, KINDS, HostileFile, carrier, moving, other
from .foreign import foreign
from .joined import appended, polyglots
from .lying import lying
from .metadata import metadata
from .shapes import shapes
from .videos import videos

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED: Final = 20261121
NUMBERS: Final = (
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\0\0\0\1",
    b"\x80\0\0\0",
)


def made() -> Iterator[HostileFile]:
    """Those that are made by hand, family by family."""
    families = (bombs, truncated, corrupted, polyglots, appended, lying, animations, metadata, shapes, foreign, videos)
    return chain.from_iterable(family() for family in families)


def corpus(size: int = 1000, *, seed: int = SEED) -> list[HostileFile]:
    """At least those made by hand, and as many more as ``size`` asks for. The same in every run with the same seed."""
    files = list(made())
    return files + list(islice(damaged(seed), max(0, size - len(files))))


def damaged(seed: int) -> Iterator[HostileFile]:
    """Pictures with a few random wounds each, without end."""
    pictures = [(kind, carrier(kind)) for kind in KINDS] + [(f"moving {kind}", moving(kind)) for kind in KINDS[1:]]
    random = np.random.default_rng(seed)
    for number in count():
        kind, data = pictures[number % len(pictures)]
        wounds = int(random.integers(1, 5))
        for _ in range(wounds):
            data = _wounded(data, random)
        yield HostileFile(family="damaged at random", name=f"{kind} number {number}", data=data, ends=ANY)


def _wounded(data: bytes, random: np.random.Generator) -> bytes:
    """One wound, more often near the start, where the headers are."""
    reach = min(len(data), 400) if random.random() < 0.6 else len(data)
    at = int(random.integers(0, max(1, reach)))
    size = int(random.integers(1, 64))
    match int(random.integers(0, 8)):
        case 0:  # a bit
            return data[:at] + bytes([data[at] ^ 1 << int(random.integers(0, 8))]) + data[at + 1 :] if data else data
        case 1:
            return data[:at] + random.bytes(size) + data[at + size :]
        case 2:  # a number that is at the edge of what can be
            return data[:at] + NUMBERS[int(random.integers(0, len(NUMBERS)))] + data[at + 4 :]
        case 3:  # a piece is missing
            return data[:at] + data[at + size :]
        case 4:  # a piece comes twice
            return data[: at + size] + data[at:]
        case 5:  # a piece of another file
            stranger = other(KINDS[int(random.integers(0, len(KINDS)))])
            return data[:at] + stranger[at : at + size] + data[at:]
        case 6:  # it ends there
            return data[: max(at, 12)]
        case _:  # two pieces change places
            return data[:at] + data[at + size : at + 2 * size] + data[at : at + size] + data[at + 2 * size :]
