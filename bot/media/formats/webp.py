"""WebP: RIFF chunks. https://developers.google.com/speed/webp/docs/riff_container."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.media.formats.walk import Walk, u16le, u24le, u32le

if TYPE_CHECKING:
    from collections.abc import Iterator


_FILLED_UP: Final = 1024 * 1024
"""Bytes that a chunk which breaks off is filled up with at most: what lacks more shows nothing."""


def walk_webp(data: bytes) -> Walk:
    """Canvas size, frames, and whether the one picture is stored without loss."""
    announced = 8 + u32le(data, 4)
    announced += announced & 1
    width = height = 0
    frames = 0
    kinds = set()
    for kind, body in _chunks(data, min(announced, len(data))):
        kinds.add(kind)
        wide = tall = 0
        if kind == b"VP8X":
            wide, tall = 1 + u24le(data, body + 4), 1 + u24le(data, body + 7)
        elif kind == b"VP8L":
            bits = u32le(data, body + 1)
            wide, tall = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        elif kind == b"VP8 ":
            wide, tall = u16le(data, body + 6) & 0x3FFF, u16le(data, body + 8) & 0x3FFF
        elif kind == b"ANMF":
            frames += 1
        width, height = max(width, wide), max(height, tall)
    return Walk(
        width=width or None,
        height=height or None,
        end=announced if announced <= len(data) else None,
        frames=max(1, frames),
        lossless=b"VP8L" in kinds and b"VP8 " not in kinds and frames == 0,
    )


def mended(data: bytes) -> bytes:
    """A file that breaks off, filled up with zeros, and as long as it says it is.

    The decoder that browsers use shows such a file as far as it goes; the one that is used here wants it whole.
    """
    chunks = []
    for kind, start in _chunks(data, len(data)):
        length = u32le(data, start - 4)
        body = data[start : start + length]
        body += bytes(min(length - len(body), _FILLED_UP))
        chunks += [kind, len(body).to_bytes(4, "little"), body, bytes(len(body) & 1)]
    whole = b"WEBP" + b"".join(chunks)
    return b"RIFF" + len(whole).to_bytes(4, "little") + whole


def _chunks(data: bytes, end: int) -> Iterator[tuple[bytes, int]]:
    at = 12
    while at + 8 <= end:
        yield data[at : at + 4], at + 8
        length = u32le(data, at + 4)
        at += 8 + length + (length & 1)
