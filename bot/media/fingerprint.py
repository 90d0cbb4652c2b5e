"""Fingerprints of what a picture shows: the exact pixels, and PDQ."""

from __future__ import annotations

import hashlib

import numpy as np
import pdqhash
from PIL import Image

from bot.media.views import HASHED_SIDE

_ROWS = 256
"""Rows hashed at once, so that a large picture is never expanded to RGBA as a whole."""


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

    Scaled to an area of ``HASHED_SIDE`` squared first: ten times cheaper than from two megapixels, and 2 to 6 of 256
    bits away from it. https://github.com/facebook/ThreatExchange/tree/main/pdq. Only its grey counts, so that only that
    is scaled, which costs half as much and moves one bit.
    """
    factor = min(1.0, HASHED_SIDE / (picture.width * picture.height) ** 0.5)
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    grey = picture.convert("L")
    small = grey if size == grey.size else grey.resize(size, Image.Resampling.BILINEAR)
    bits, quality = pdqhash.compute(np.asarray(Image.merge("RGB", [small] * 3)))
    return np.packbits(bits.astype(np.uint8)).tobytes().hex(), int(quality)
