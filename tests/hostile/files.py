"""What a hostile file is to the tests, and the pictures that most of them are made from."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final

from media.drawings import SIGNATURE, animation, chunk, drawing, encoded, png_chunks

if TYPE_CHECKING:
    from collections.abc import Iterable

KINDS: Final = ("JPEG", "PNG", "GIF", "WEBP", "AVIF")
SEEN: Final = "seen"
"""The outcome of a file that was decoded, at least in part. The others are values of ``UnscannableKind``."""

PICTURE: Final = frozenset({SEEN})
PERHAPS: Final = frozenset({SEEN, "broken"})
BROKEN: Final = frozenset({"broken"})
TOO_LARGE: Final = frozenset({"too_large"})
NOT_MEDIA: Final = frozenset({"not_media"})
UNSUPPORTED: Final = frozenset({"unsupported"})
ANY: Final = frozenset({SEEN, "broken", "too_large", "not_media", "unsupported"})
"""Whatever can come of a file but a worker that died of it."""

_BLOCK: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class HostileFile:
    """A file, and what may come of it."""

    family: str  # a row of the table
    name: str
    data: bytes = field(repr=False)
    ends: frozenset[str]
    finding: str = ""  # a finding that says exactly this is among those that are made
    gap: str = ""  # a gap that begins so is among those that are told


@cache
def carrier(kind: str) -> bytes:
    """An ordinary picture of 200 x 150 pixels."""
    return encoded(drawing(7, 200, 150), kind)


@cache
def photograph() -> bytes:
    """What hostile files are compared with: an ordinary JPEG of 2 megapixels."""
    return encoded(drawing(1, 1600, 1200), "JPEG", quality=90)


@cache
def other(kind: str) -> bytes:
    """Another one, smaller."""
    return encoded(drawing(8, 90, 60), kind)


@cache
def moving(kind: str) -> bytes:
    """Twelve frames."""
    return animation(kind, 12, width=100, height=80)


def zeros(size: int) -> bytes:
    """A zlib stream of ``size`` (bytes) zeros, made at once however many they are."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(_BLOCK)) + packer.flush(zlib.Z_FULL_FLUSH)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    rest = packer.compress(bytes(size % _BLOCK)) + packer.flush()
    checksum = (size % 65521) << 16 | 1  # Adler-32 of nothing but zeros
    return b"\x78\xda" + block * (size // _BLOCK) + rest + checksum.to_bytes(4, "big")


def png_with(*more: tuple[bytes, bytes], data: bytes | None = None) -> bytes:
    """A PNG with further chunks behind its header."""
    first, *rest = png_chunks(data or carrier("PNG"))
    return png_joined([first, *more, *rest])


def png_joined(chunks: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A PNG of these chunks."""
    return SIGNATURE + b"".join(chunk(kind, body) for kind, body in chunks)


def jpeg_with(*segments: tuple[int, bytes], data: bytes | None = None) -> bytes:
    """A JPEG with further segments (marker and body) at its start."""
    data = data or carrier("JPEG")
    return data[:2] + b"".join(segment(marker, body) for marker, body in segments) + data[2:]


def segment(marker: int, body: bytes) -> bytes:
    """A JPEG segment."""
    return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body


def riff(*chunks: tuple[bytes, bytes], size: int | None = None) -> bytes:
    """A WebP of these chunks, or one that says another size (bytes)."""
    body = b"WEBP" + b"".join(
        kind + len(inner).to_bytes(4, "little") + inner + bytes(len(inner) & 1) for kind, inner in chunks
    )
    return b"RIFF" + (len(body) if size is None else size).to_bytes(4, "little") + body


def riff_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Kinds and bodies of a WebP."""
    found, at = [], 12
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        found.append((data[at : at + 4], data[at + 8 : at + 8 + length]))
        at += 8 + length + (length & 1)
    return found
