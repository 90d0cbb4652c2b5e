"""MP4 and QuickTime: the boxes of AVIF with a film inside (ISO/IEC 14496-12)."""

from __future__ import annotations

from typing import Final

from bot.media.formats.avif import TOP_LEVEL, boxes
from bot.media.formats.walk import Walk

_OLDER: Final = frozenset({b"pnot", b"PICT", b"udta"})  # QuickTime File Format, "Basic atom types"
_BOXES_LOOKED_AT: Final = 200_000  # a film that is written piece by piece has two in a second or more


def walk_mp4(data: bytes) -> Walk:
    """From ``ftyp`` to the first thing that is no further box of this film. Its size is the decoder's to say."""
    end: int | None = 0
    for kind, start, _, stop in boxes(data, 0, len(data), most=_BOXES_LOOKED_AT):
        if kind not in TOP_LEVEL | _OLDER or (kind == b"ftyp" and start > 0):  # another file begins there
            end = start
            break
        if stop > len(data):
            end = None
            break
        end = stop
    return Walk(width=None, height=None, end=end)
