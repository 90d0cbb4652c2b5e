"""What is made of each picture of a file: the views of the detectors, and its PDQ."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bot.domain.evidence import Look
from bot.media.colours import as_seen
from bot.media.fingerprint import pdq
from bot.media.views import needed_side, render, shrink

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from PIL import Image

    from bot.ports import ViewSpec

SAME: Final = 8
"""Grey levels (of 256). Two ways to see a picture that differ nowhere by more show the same; nobody sees less."""


@dataclass(frozen=True, slots=True)
class Pictured:
    """One picture and its views, in the order in which they were asked for."""

    look: Look
    rows: Sequence[np.ndarray[Any, Any]]  # (crop, crop, 3) uint8


@dataclass(slots=True)
class Looks:
    """Those of one file."""

    views: Sequence[ViewSpec]
    pictures: list[Pictured] = field(default_factory=list)

    @property
    def side(self) -> int:
        """The shorter side (pixels) below which no picture is scaled down beforehand."""
        return needed_side(self.views)

    def add(self, picture: Image.Image, *, frame: int = 0, at: float | None = None, of: str = "") -> None:
        """Look at an upright picture in each way in which it may be seen. ``of``: what ``frame`` counts, in words."""
        for how, small in self._ways(picture):
            digest, quality = pdq(small)
            words = ", ".join(word for word in (of, how) if word)
            look = Look(frame=frame, at=at, how=words, pdq=digest, pdq_quality=quality)
            self.pictures.append(Pictured(look, [render(small, view) for view in self.views]))

    def stand_alone(self, frames: Collection[int]) -> None:
        """Say of these frames that they are seen like pictures."""
        self.pictures[:] = [
            replace(one, look=replace(one.look, alone=True)) if one.look.frame in frames else one
            for one in self.pictures
        ]

    def sort(self) -> None:
        """Into the order in which frames are shown."""
        self.pictures.sort(key=lambda one: one.look.frame)

    def _ways(self, picture: Image.Image) -> Iterator[tuple[str, Image.Image]]:
        known: list[Image.Image] = []
        for how, layer in as_seen(picture):
            small = shrink(layer, self.side)
            if not any(_alike(small, other) for other in known):
                known.append(small)
                yield how, small


def _alike(one: Image.Image, other: Image.Image) -> bool:
    # In strips: the pictures may be large, and their difference needs more bits than they have.
    return all(
        int(np.abs(_strip(one, top) - _strip(other, top)).max(initial=0)) <= SAME for top in range(0, one.height, 64)
    )


def _strip(picture: Image.Image, top: int) -> np.ndarray[Any, Any]:
    return np.asarray(picture.crop((0, top, picture.width, min(top + 64, picture.height)))).astype(np.int16)
