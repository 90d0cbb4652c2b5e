"""JPEG: markers and entropy-coded data. https://www.w3.org/Graphics/JPEG/itu-t81.pdf, annex B."""

from __future__ import annotations

import re
from typing import Final

from bot.media.formats.walk import Walk, u16

_MARKER: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # FF00 is data, FFD0..FFD7 restart within a scan
_SIZES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0..SOF15
_SCAN, _END, _START = 0xDA, 0xD9, 0xD8
_ALONE: Final = frozenset({0x01, _START})  # markers without a length


def walk_jpeg(data: bytes) -> Walk:
    """From SOI to EOI. The largest frame header before the first scan counts: viewers are done before any later one.

    A thumbnail inside an APP segment is not looked into.
    """
    width = height = None
    at = 2
    scanned = False
    while (found := _MARKER.search(data, at)) is not None:
        marker = data[found.start() + 1]
        at = found.end()
        if marker == _END:
            return Walk(width=width, height=height, end=at)
        if marker in _ALONE:
            continue
        length = u16(data, at)
        scanned = scanned or marker == _SCAN
        if marker in _SIZES and length >= 8 and not scanned:
            tall, wide = u16(data, at + 3), u16(data, at + 5)
            width, height = max(wide, width or 0), max(tall, height or 0)
        # Behind a scan's header comes its data, which the search for the next marker steps over.
        at += max(length, 2)
    return Walk(width=width, height=height, end=None)
