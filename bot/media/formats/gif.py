"""GIF: blocks and sub-blocks. https://www.w3.org/Graphics/GIF/spec-gif89a.txt."""

from __future__ import annotations

from bot.media.formats.walk import Walk, u16le

_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B


def walk_gif(data: bytes) -> Walk:
    """From the screen descriptor to the trailer.

    A first frame that sticks out of the screen enlarges the picture. Later ones are cut off by viewers.
    """
    if len(data) < 13:
        return Walk(width=None, height=None, end=None)
    width, height = u16le(data, 6), u16le(data, 8)
    frames = 0
    at = 13 + _table(data[10])
    end = None
    while at < len(data):
        block = data[at]
        if block == _TRAILER:
            end = at + 1
            break
        if block == _EXTENSION:
            at = _behind_sub_blocks(data, at + 2)
        elif block == _IMAGE and at + 10 <= len(data):
            if not frames:
                width = max(width, u16le(data, at + 1) + u16le(data, at + 5))
                height = max(height, u16le(data, at + 3) + u16le(data, at + 7))
            frames += 1
            at = _behind_sub_blocks(data, at + 10 + _table(data[at + 9]) + 1)
        else:
            break  # neither block nor trailer: decoders stop here too
    return Walk(width=width, height=height, end=end, frames=max(1, frames), lossless=True)


def _table(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _behind_sub_blocks(data: bytes, at: int) -> int:
    while at < len(data) and data[at]:
        at += 1 + data[at]
    return at + 1
