"""PNG and APNG: chunks. https://www.w3.org/TR/png-3/."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from bot.media.formats.walk import Walk, u32

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_MOVING: Final = frozenset({b"acTL", b"fcTL", b"fdAT"})
_SHOWN: Final = _MOVING | {b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"sRGB", b"iCCP", b"eXIf", b"IDAT", b"IEND"}
_LEAST: Final = {b"gAMA": 4, b"sRGB": 1, b"acTL": 8, b"fcTL": 26, b"fdAT": 4}  # bytes of body
_PALETTE: Final = 768
_TRANSPARENT: Final = {0: 2, 2: 6}
"""Bytes of a tRNS chunk for each colour type that may have one; with a palette it has one for each colour at most."""


def walk_png(data: bytes) -> Walk:
    """From IHDR to IEND."""
    width = height = None
    frames = 1
    for kind, start, end in _chunks(data):
        body = start + 8
        if kind == b"IHDR" and width is None and end - start >= 12 + 13:
            width, height = u32(data, body), u32(data, body + 4)
        elif kind == b"acTL":
            frames = max(1, u32(data, body))
        elif kind == b"IEND" and end <= len(data):
            return Walk(width=width, height=height, end=end, frames=frames, lossless=True)
    return Walk(width=width, height=height, end=None, frames=frames, lossless=True)


def shown(data: bytes) -> bytes:
    """The same picture without texts and other chunks that no viewer makes a picture of.

    Their size must not hide it, and Pillow keeps texts where it keeps what it knows of the picture: one of the name
    ``transparency`` or ``srgb`` would count as such.
    """
    return SIGNATURE + b"".join(data[start:end] for kind, start, end in _chunks(data) if kind in _SHOWN)


def mended(data: bytes, *, moving: bool = True) -> bytes:
    """The same picture as viewers show it that forgive more: each chunk with its true length and checksum.

    What does not fit is left out, and a second header. ``moving``: False for the picture without its animation, which
    is what is shown where the animation cannot be read.
    """
    kept = [SIGNATURE]
    colours: int | None = None
    palette = 0
    for kind, start, end in _chunks(data):
        body = data[start + 8 : end - 4] if end <= len(data) else data[start + 8 :]
        if kind == b"IHDR" and colours is None and len(body) >= 13:
            colours = body[9]
        elif kind in {b"IHDR", b"iCCP"} or (kind in _MOVING and not moving):
            continue
        elif kind == b"PLTE":
            palette = min(_PALETTE, len(body)) // 3
            body = body[: palette * 3]
        elif kind == b"tRNS":
            size = palette if colours == 3 else _TRANSPARENT.get(colours or 0, 0)
            if not size or (colours != 3 and len(body) < size):
                continue
            body = body[:size]
        if kind in _SHOWN and len(body) >= _LEAST.get(kind, 0):
            checksum = zlib.crc32(body, zlib.crc32(kind))
            kept += [len(body).to_bytes(4, "big"), kind, body, checksum.to_bytes(4, "big")]
    return b"".join(kept)


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end (which may lie behind the end of ``data``) of every chunk up to IEND."""
    at = len(SIGNATURE)
    while at + 8 <= len(data):
        kind = data[at + 4 : at + 8]
        end = at + 12 + u32(data, at)  # length, kind, body, checksum
        yield kind, at, end
        if kind == b"IEND":
            return
        at = end
