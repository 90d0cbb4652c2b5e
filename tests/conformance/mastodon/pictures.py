"""Synthetic files to upload."""

from __future__ import annotations

import os
import struct

from ..pictures import png

__all__ = ["gif", "png"]

_CLEAR, _END = 128, 129
_RUN = 100  # pixels after which the code table is cleared, so that every code stays one byte


def gif(side: int = 64, frames: int = 3) -> bytes:
    """An animation of squares of random colour. With 128 colours and a table cleared in time, every code is a byte."""
    out = b"GIF89a" + struct.pack("<HHBBB", side, side, 0xF6, 0, 0) + os.urandom(3 * 128)
    out += b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
    for _ in range(frames):
        colours = os.urandom(64)
        pixels = bytes(colours[(y * 8 // side) * 8 + x * 8 // side] & 0x7F for y in range(side) for x in range(side))
        codes = b"".join(bytes([_CLEAR]) + pixels[at : at + _RUN] for at in range(0, len(pixels), _RUN)) + bytes([_END])
        out += b"\x21\xf9\x04\x04" + struct.pack("<H", 20) + b"\x00\x00"
        out += b"," + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\x07"
        out += b"".join(bytes([len(part)]) + part for part in _parts(codes)) + b"\x00"
    return out + b";"


def _parts(codes: bytes) -> list[bytes]:
    return [codes[at : at + 255] for at in range(0, len(codes), 255)]
