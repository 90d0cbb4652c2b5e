"""WebM and Matroska: EBML elements. https://www.rfc-editor.org/rfc/rfc8794, https://www.rfc-editor.org/rfc/rfc9559."""

from __future__ import annotations

from typing import Final

from bot.media.formats.walk import Walk

_SEGMENT: Final = 0x18538067
_ELEMENTS_LOOKED_AT: Final = 1000  # a file has a header, a segment, and perhaps padding


def walk_matroska(data: bytes) -> Walk:
    """From the EBML header to the end of the segment. One that was recorded live does not say how long it is."""
    at = 0
    for _ in range(_ELEMENTS_LOOKED_AT):
        kind, behind_kind = _number(data, at, keep_marker=True)
        length, body = _number(data, behind_kind)
        if kind is None or body <= behind_kind:
            break
        if length is None:  # unknown: to the end of the file
            return Walk(width=None, height=None, end=len(data))
        at = body + length
        if at > len(data):
            break
        if kind == _SEGMENT:
            return Walk(width=None, height=None, end=at)
    return Walk(width=None, height=None, end=None)


def _number(data: bytes, at: int, *, keep_marker: bool = False) -> tuple[int | None, int]:
    """A number of variable length and the offset behind it; ``at`` where there is none. ``None``: all ones, unknown."""
    if at >= len(data) or not data[at]:
        return None, at
    size = 9 - data[at].bit_length()
    end = at + size
    if end > len(data):
        return None, at
    value = int.from_bytes(data[at:end], "big")
    if keep_marker:
        return value, end
    value &= (1 << 7 * size) - 1
    return (None if value == (1 << 7 * size) - 1 else value), end
