"""Synthetic pictures: soft colour fields with ellipses on them and a little noise, as photographs have."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from bot.ports import ViewSpec

SMALL = ViewSpec(resize=64, crop=48, channels="RGB")
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def drawing(seed: int = 1, width: int = 400, height: int = 300) -> Image.Image:
    """An RGB picture that differs for each seed."""
    random = np.random.default_rng(seed)
    field = np.zeros((height, width, 3), dtype=np.float32)
    for cells in (3, 7, 15, 40):
        noise = random.normal(size=(cells, cells, 3)).astype(np.float32) / cells**0.8
        layers = [Image.fromarray(noise[:, :, c]).resize((width, height), Image.Resampling.BICUBIC) for c in range(3)]
        field += np.stack([np.asarray(layer) for layer in layers], axis=-1)
    field = (field - field.min()) / (field.max() - field.min()) * 255
    picture = Image.fromarray(field.astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    for _ in range(8):
        x, y = int(random.integers(width)), int(random.integers(height))
        size = int(random.integers(width // 16, width // 4))
        colour = tuple(int(value) for value in random.integers(0, 255, 3))
        pen.ellipse((x, y, x + size, y + size * 2 // 3), fill=colour)
    return picture


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """The bytes of a file."""
    buffer = io.BytesIO()
    picture.save(buffer, format=kind, **options)
    return buffer.getvalue()


def animation(kind: str, frames: int, *, width: int = 120, height: int = 90) -> bytes:
    """Each frame another picture."""
    pictures = [drawing(seed, width, height) for seed in range(frames)]
    return encoded(pictures[0], kind, save_all=True, append_images=pictures[1:], duration=40)


def chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Kinds and bodies."""
    found, at = [], len(SIGNATURE)
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def png_of(chunks: list[tuple[bytes, bytes]]) -> bytes:
    """A PNG file."""
    return SIGNATURE + b"".join(chunk(kind, body) for kind, body in chunks)


def flat_png(width: int, height: int, *, depth: int = 8) -> bytes:
    """A large picture of zeros in few bytes: grey, one colour."""
    row = b"\0" * (1 + width * depth // 8)
    packer = zlib.compressobj(9)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    return png_of([(b"IHDR", header), (b"IDAT", body), (b"IEND", b"")])


def distance(one: str, other: str) -> int:
    """Bits in which two hexadecimal digests differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()
