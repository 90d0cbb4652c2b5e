"""What a walk through a file's structure finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A file's own account of itself, before anything is decoded."""

    width: int | None  # pixels; None where the header could not be read
    height: int | None
    end: int | None  # offset behind the last byte that belongs to the picture; None: it breaks off before its end
    frames: int = 1
    lossless: bool = False  # the same picture written again has the same pixels


def u16(data: bytes, at: int) -> int:
    """Two bytes, big endian; 0 behind the end."""
    return int.from_bytes(data[at : at + 2], "big") if at + 2 <= len(data) else 0


def u32(data: bytes, at: int) -> int:
    """Four bytes, big endian; 0 behind the end."""
    return int.from_bytes(data[at : at + 4], "big") if at + 4 <= len(data) else 0


def u16le(data: bytes, at: int) -> int:
    """Two bytes, little endian; 0 behind the end."""
    return int.from_bytes(data[at : at + 2], "little") if at + 2 <= len(data) else 0


def u24le(data: bytes, at: int) -> int:
    """Three bytes, little endian; 0 behind the end."""
    return int.from_bytes(data[at : at + 3], "little") if at + 3 <= len(data) else 0


def u32le(data: bytes, at: int) -> int:
    """Four bytes, little endian; 0 behind the end."""
    return int.from_bytes(data[at : at + 4], "little") if at + 4 <= len(data) else 0
