"""Synthetic pictures and the digest that pict-rs puts on them."""

from __future__ import annotations

import base64
import os
import struct
import zlib
from dataclasses import dataclass

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
FORMAT_PNG = 7  # the last byte of pict-rs's hash of a PNG
BLOCK = 32  # pixels; blocks of random colour compress well and survive a thumbnail


def png(width: int = 640, height: int = 480) -> bytes:
    """An RGB picture of blocks of random colour: no two calls give the same bytes."""
    across, down = -(-width // BLOCK), -(-height // BLOCK)
    rows = []
    for _ in range(down):
        line = b"".join(os.urandom(3) * BLOCK for _ in range(across))[: width * 3]
        rows.append((b"\0" + line) * BLOCK)
    pixels = b"".join(rows)[: height * (width * 3 + 1)]
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return PNG_MAGIC + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(pixels)) + _chunk(b"IEND", b"")


def size_of(content: bytes) -> tuple[int, int]:
    """Width and height of a PNG."""
    assert content.startswith(PNG_MAGIC), content[:16]
    width, height = struct.unpack(">II", content[16:24])
    return width, height


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredHash:
    """The 39 bytes by which pict-rs knows a file: SHA-256 of what it stored, its size, its format."""

    sha256: str
    size: int
    format: int

    @classmethod
    def from_bytes(cls, raw: bytes) -> StoredHash:
        """From the raw 39 bytes; the size is 48 bits, big endian."""
        assert len(raw) == 39, raw.hex()
        return cls(sha256=raw[:32].hex(), size=int.from_bytes(raw[32:38], "big"), format=raw[38])

    @classmethod
    def from_etag(cls, etag: str) -> StoredHash:
        """From the ``ETag`` of an image answer: a quoted base64 text."""
        assert etag.startswith('"'), etag
        assert etag.endswith('"'), etag
        return cls.from_bytes(base64.b64decode(etag[1:-1], validate=True))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
