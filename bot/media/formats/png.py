"""PNG and APNG: chunks. https://www.w3.org/TR/png-3/."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.media.formats.walk import Walk, u32

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_TEXT: Final = frozenset({b"tEXt", b"zTXt", b"iTXt", b"iCCP"})


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


def without_text(data: bytes) -> bytes:
    """The same picture without texts and colour profile, which a decoder may refuse for their size."""
    kept = [data[start:end] for kind, start, end in _chunks(data) if kind not in _TEXT]
    return SIGNATURE + b"".join(kept)


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
