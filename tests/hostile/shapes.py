"""Unusual, but valid: shapes, colour modes, hidden pictures."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from media.drawings import drawing, encoded, png_chunks

from .bombs import flat, jpeg
from .files import PICTURE, HostileFile, png_joined, png_with

if TYPE_CHECKING:
    from collections.abc import Iterator

FAMILY = "shapes and colours"


def shapes() -> Iterator[HostileFile]:
    """All of them can be seen."""
    for name, data in (*_strips(), *_modes(), *_hidden()):
        yield HostileFile(family=FAMILY, name=name, data=data, ends=PICTURE)


def _strips() -> Iterator[tuple[str, bytes]]:
    for width, height in ((20000, 3), (3, 20000), (30000, 1), (1, 30000), (1, 1), (2, 1), (1, 2), (3, 3)):
        yield f"png {width}x{height}", flat(width, height, colour=2)
        yield f"jpeg {width}x{height}", jpeg(width, height)
        strip = Image.linear_gradient("L").resize((width, height)).convert("RGB")
        yield f"gif {width}x{height}", encoded(strip, "GIF")
        if max(width, height) < 16384:
            yield f"webp {width}x{height}", encoded(strip, "WEBP")
            yield f"avif {width}x{height}", encoded(strip, "AVIF", speed=10)


def _modes() -> Iterator[tuple[str, bytes]]:
    picture = drawing(2, 120, 90)
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
        for kind in ("PNG", "GIF", "WEBP", "AVIF"):
            yield f"{kind} in mode {mode}", encoded(picture.convert(mode), kind)
    for mode in ("L", "CMYK", "YCbCr"):
        for options in ({}, {"progressive": True}, {"subsampling": 2}, {"quality": 1}):
            yield f"JPEG in mode {mode}, {options}", encoded(picture.convert(mode), "JPEG", **options)
    deep = np.asarray(picture.convert("L")).astype(np.uint16) * 257
    yield "PNG of 16 bits", encoded(Image.fromarray(deep), "PNG")
    palette = png_chunks(encoded(picture.quantize(200), "PNG"))
    for size in (1, 100, 256, 300):
        values = bytes(number % 256 for number in range(size))
        yield (
            f"PNG with a palette and {size} transparencies",
            png_joined([*palette[:2], (b"tRNS", values), *palette[2:]]),
        )
    for colours in (0, 3, 30, 900):
        yield (
            f"PNG with a palette of {colours} bytes",
            png_joined([palette[0], (b"PLTE", bytes(colours)), *palette[2:]]),
        )
    yield "PNG with a transparent colour", png_with((b"tRNS", struct.pack(">HHH", 9, 9, 9)))


def _hidden() -> Iterator[tuple[str, bytes]]:
    for alpha in (0, 1, 128):
        layered = drawing(5, 120, 90).convert("RGBA")
        layered.putalpha(alpha)
        yield f"PNG under an alpha of {alpha}", encoded(layered, "PNG")
        yield f"WebP under an alpha of {alpha}", encoded(layered, "WEBP", lossless=True, exact=True)
        yield f"AVIF under an alpha of {alpha}", encoded(layered, "AVIF")
    grey = drawing(5, 120, 90).convert("LA")
    grey.putalpha(0)
    yield "grey PNG under an alpha of 0", encoded(grey, "PNG")
    for gamma in (1, 2300, 22000, 45455, 1_000_000, 0x7FFFFFFF):
        yield f"PNG with a gamma of {gamma / 100000}", png_with((b"gAMA", struct.pack(">I", gamma)))
