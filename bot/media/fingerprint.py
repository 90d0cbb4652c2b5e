"""Fingerprints of what a picture shows: the exact pixels, and PDQ."""

from __future__ import annotations

import hashlib

import numpy as np
import pdqhash
from PIL import Image

from bot.media.views import HASHED_SIDE

_ROWS = 256
"""Rows hashed at once, so that a large picture is never expanded to RGBA as a whole."""


_STEPS = 128
"""PDQ blurs a picture twice with boxes of this part of its side, which is a triangle, and takes the middle of every
other step. Of one pixel less it blurs nothing and takes every other pixel: so that is what large pictures are scaled
to, with a triangle of the same width, beginning half a step inside.
"""

_GAP = 1.5
"""How many times larger than that a picture is when the triangle's turn comes: a box goes before it. That moves no more
bits than none, and costs a third less.
"""

_NARROW = 2 * _STEPS
"""Pixels. On a shorter side whole pixels are too coarse for steps, and the triangle was further away than before."""


def pixels_digest(picture: Image.Image) -> str:
    """SHA-256 (64 hexadecimal digits) of ``RGBA <width>x<height>`` and a newline, then the rows as 8-bit RGBA.

    Palettes are expanded and grey becomes RGB, so that the same picture written in another way keeps its digest;
    the colour of transparent pixels counts. 16 bits are cut to the upper 8, as viewers show them.
    """
    digest = hashlib.sha256(f"RGBA {picture.width}x{picture.height}\n".encode())
    for top in range(0, picture.height, _ROWS):
        strip = picture.crop((0, top, picture.width, min(top + _ROWS, picture.height)))
        digest.update(strip.convert("RGBA").tobytes())
    return digest.hexdigest()


def pdq(picture: Image.Image) -> tuple[str, int]:
    """PDQ of an RGB picture: 64 hexadecimal digits, most significant bit first, and quality (0 to 100).

    Of the whole picture up to an area of ``HASHED_SIDE`` squared. A larger one is scaled first, its grey alone, for
    nothing else counts: 4 bits away from the hash of the whole one (median of 270 pictures from 0.3 to 12 megapixels;
    1 in 20 was more than 16 away) for a twentieth of its cost. https://github.com/facebook/ThreatExchange/tree/main/pdq.
    """
    bits, quality = pdqhash.compute(np.asarray(Image.merge("RGB", [_scaled(picture.convert("L"))] * 3)))
    return np.packbits(bits.astype(np.uint8)).tobytes().hex(), int(quality)


def _scaled(grey: Image.Image) -> Image.Image:
    """So that the hash of what is left differs little, and costs little."""
    factor = HASHED_SIDE / (grey.width * grey.height) ** 0.5
    if factor >= 1:
        return grey
    if min(grey.size) < _NARROW:
        size = max(1, round(grey.width * factor)), max(1, round(grey.height * factor))
        return grey.resize(size, Image.Resampling.BILINEAR)
    across, down = grey.width / (2 * _STEPS), grey.height / (2 * _STEPS)
    inside = (across, down, grey.width - across, grey.height - down)
    return grey.resize((_STEPS - 1,) * 2, Image.Resampling.BILINEAR, box=inside, reducing_gap=_GAP)
