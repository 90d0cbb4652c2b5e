"""AVIF: boxes of the ISO base media file format (ISO/IEC 14496-12), https://aomediacodec.github.io/av1-avif/."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.media.formats.walk import Walk, u32

if TYPE_CHECKING:
    from collections.abc import Iterator

TOP_LEVEL: Final = frozenset(
    [
        *(b"ftyp", b"styp", b"meta", b"mdat", b"moov", b"moof", b"mfra", b"sidx", b"ssix", b"free", b"skip"),
        *(b"uuid", b"wide", b"pdin", b"meco", b"emsg", b"prft"),
    ]
)
_BOXES_LOOKED_AT: Final = 10_000
"""A real file has some dozens; what has more is made to keep us busy."""


def walk_avif(data: bytes) -> Walk:
    """From ``ftyp`` to the first thing that is no further box of this file; the largest size among its items."""
    end: int | None = 0
    width = height = 0
    for kind, start, body, stop in boxes(data, 0, len(data)):
        if kind not in TOP_LEVEL or (kind == b"ftyp" and start > 0):  # another file begins there
            end = start
            break
        if stop > len(data):
            end = None
            break
        end = stop
        if kind == b"meta":
            wide, tall = _largest_item(data, body + 4, stop)  # a full box: version and flags come first
            width, height = max(width, wide), max(height, tall)
    return Walk(width=width or None, height=height or None, end=end)


def _largest_item(data: bytes, start: int, stop: int, path: tuple[bytes, ...] = (b"iprp", b"ipco")) -> tuple[int, int]:
    """Item properties: ``iprp`` holds ``ipco`` holds one ``ispe`` for each size."""
    width = height = 0
    for kind, _, body, end in boxes(data, start, stop):
        if path and kind == path[0]:
            wide, tall = _largest_item(data, body, min(end, stop), path[1:])
        elif not path and kind == b"ispe":
            wide, tall = u32(data, body + 4), u32(data, body + 8)
        else:
            continue
        width, height = max(width, wide), max(height, tall)
    return width, height


def boxes(data: bytes, at: int, stop: int, *, most: int = _BOXES_LOOKED_AT) -> Iterator[tuple[bytes, int, int, int]]:
    """Kind, start, start of the body and end (which may lie behind ``stop``) of each box, of ``most`` of them."""
    for _ in range(most):
        if at + 8 > stop:
            return
        length, body = u32(data, at), at + 8
        if length == 1:
            length, body = u32(data, at + 8) << 32 | u32(data, at + 12), at + 16
        end = stop if length == 0 else at + length
        yield data[at + 4 : at + 8], at, body, end
        if end < body:  # shorter than its own header
            return
        at = end
