"""Small files that want much memory or time."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from .files import (
    PICTURE,
    TOO_LARGE,
    HostileFile,
    carrier,
    other,
    png_joined,
    png_with,
    riff,
    riff_chunks,
    segment,
    zeros,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

FAMILY = "bombs"
REFUSED = "bombs, refused"
"""Those over the bounds: their header alone must turn them away."""

_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def bombs() -> Iterator[HostileFile]:
    """All of them."""
    for name, data in _too_large():
        yield HostileFile(family=REFUSED, name=name, data=data, ends=TOO_LARGE)
    for name, data in _allowed():
        yield HostileFile(family=FAMILY, name=name, data=data, ends=PICTURE)
    yield HostileFile(
        family=FAMILY,
        name="gif 8000x8000 screen, 5000 frames",
        data=gif(8000, 8000, frames=5000),
        ends=PICTURE,
        gap="animation: frames after 300 of 5000 not looked at",
    )
    yield HostileFile(
        family=FAMILY,
        name="apng 8000x8000, 20 frames of full size",
        data=apng(8000, 8000, frames=20),
        ends=PICTURE,
        gap="animation:",
    )


def _too_large() -> Iterator[tuple[str, bytes]]:
    yield "png 16384x16384", flat(16384, 16384, colour=2)
    yield "png 13350x13350", flat(13350, 13350, colour=2)
    yield "png 65535x65535 of 1 bit", flat(65535, 65535, depth=1)
    yield "png 65535x1", flat(65535, 1)
    yield "png 1x65535", flat(1, 65535)
    yield "png 30001x3", flat(30001, 3)
    yield "png 8001x8000", flat(8001, 8000)
    yield "jpeg 65500x2000, progressive", jpeg(65500, 2000)
    yield "jpeg 60000x2900, progressive", jpeg(60000, 2900)
    yield "jpeg 65535x65535 by its header", jpeg(65535, 65535, blocks=100)
    yield "gif 10000x8000 screen, 5000 frames", gif(10000, 8000, frames=5000)
    yield "gif 65535x65535 screen", gif(65535, 65535)
    yield "webp 16384x16384 canvas", webp(16384, 16384, frames=300)
    yield "webp 16777216x1 canvas", webp(1 << 24, 1, frames=2)
    data = carrier("AVIF")
    at = data.index(b"ispe") + 8
    yield "avif 40000x40000 by its header", data[:at] + struct.pack(">II", 40000, 40000) + data[at + 8 :]


def _allowed() -> Iterator[tuple[str, bytes]]:
    yield "png 8000x8000, transparent", flat(8000, 8000, colour=6)
    yield "png 8000x8000, transparent, 16 bits", flat(8000, 8000, colour=6, depth=16)
    yield "png 8000x8000, grey, 16 bits", flat(8000, 8000, depth=16)
    yield "png 8000x8000, palette", flat(8000, 8000, colour=3, palette=b"\x20\x40\x60" * 4, depth=2)
    yield "png 30000x2133", flat(30000, 2133, colour=2)
    yield "jpeg 8000x8000, progressive", jpeg(8000, 8000)
    yield "webp 8000x8000 canvas, 3 frames", webp(8000, 8000, frames=3)
    bomb = zeros(200 * 2**20)
    yield "png, zTXt of 200 MB", png_with((b"zTXt", b"Comment\0\0" + bomb))
    yield "png, iTXt of 200 MB", png_with((b"iTXt", b"Comment\0\1\0\0\0" + bomb))
    yield "png, iCCP of 200 MB", png_with((b"iCCP", b"profile\0\0" + bomb))
    yield "png, 100 zTXt of 1 MB", png_with(*[(b"zTXt", b"Comment\0\0" + zeros(2**20 - 20))] * 100)
    yield "png, raw EXIF profile of 200 MB", png_with((b"zTXt", b"Raw profile type exif\0\0" + bomb))


def flat(width: int, height: int, *, colour: int = 0, depth: int = 8, palette: bytes = b"") -> bytes:
    """A PNG of zeros in few bytes; ``colour`` is the format's colour type."""
    row = 1 + (width * depth * _PNG_CHANNELS[colour] + 7) // 8
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    colours = [(b"PLTE", palette)] if palette else []
    return png_joined([(b"IHDR", header), *colours, (b"IDAT", zeros(row * height)), (b"IEND", b"")])


def apng(width: int, height: int, *, frames: int, announced: int | None = None) -> bytes:
    """Frames of zeros in full size, and how many there are said to be."""
    plain = flat(width, height, colour=6)
    packed = zeros((1 + width * 4) * height)
    chunks = [(b"acTL", struct.pack(">II", frames if announced is None else announced, 0))]
    for number in range(frames):
        control = struct.pack(">IIIIIHHBB", max(0, 2 * number - 1), width, height, 0, 0, 1, 100, 0, 0)
        chunks.append((b"fcTL", control))
        chunks.append((b"fdAT", struct.pack(">I", 2 * number) + packed) if number else (b"IDAT", packed))
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    assert plain[16:29] == header
    return png_joined([(b"IHDR", header), *chunks, (b"IEND", b"")])


def jpeg(width: int, height: int, *, scans: int = 1, blocks: int | None = None) -> bytes:
    """A grey, progressive JPEG in which every block says "as the one before" in one bit, or only the first ``blocks``.

    Each scan after the first goes over all blocks again and changes nothing, in two bytes for every 32767 of them.
    """
    across, down = -(-width // 8), -(-height // 8)
    total = across * down
    head = b"\xff\xd8" + segment(0xDB, b"\0" + bytes([16] * 64))
    head += segment(0xC2, struct.pack(">BHHBBBB", 8, height, width, 1, 1, 0x11, 0))
    head += segment(0xC4, b"\x00\x01" + bytes(15) + b"\x00")  # DC: the code 0 is "no difference"
    head += segment(0xC4, b"\x10\x01" + bytes(15) + b"\xe0")  # AC: the code 0 is "16384 blocks end here", and more
    first = segment(0xDA, b"\x01\x01\x00\x00\x00\x00") + bytes(-(-(total if blocks is None else blocks) // 8))
    run = "".join(["0" + "1" * 14] * (total // 32767 + 1))
    run += "1" * (-len(run) % 8)
    packed = int(run, 2).to_bytes(len(run) // 8, "big").replace(b"\xff", b"\xff\0")
    again = segment(0xDA, b"\x01\x01\x00\x01\x3f\x00") + packed
    return head + first + again * (scans - 1) + b"\xff\xd9"


def gif(width: int, height: int, *, frames: int = 1) -> bytes:
    """A screen with frames of one pixel, each in another place."""
    screen = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(3) + b"\xff\xff\xff"
    loop = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
    frame = b"".join(
        b"\x2c" + struct.pack("<HHHHB", number % width, number % height, 1, 1, 0) + b"\x02\x02\x4c\x01\0"
        for number in range(frames)
    )
    return screen + loop + frame + b"\x3b"


def webp(width: int, height: int, *, frames: int) -> bytes:
    """A canvas with frames of one drawing, at its upper left."""
    canvas = b"\x02\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    inner = next((kind, body) for kind, body in riff_chunks(other("WEBP")) if kind in {b"VP8 ", b"VP8L"})
    picture = inner[0] + len(inner[1]).to_bytes(4, "little") + inner[1] + bytes(len(inner[1]) & 1)
    place = bytes(6) + (89).to_bytes(3, "little") + (59).to_bytes(3, "little") + (40).to_bytes(3, "little") + b"\0"
    return riff((b"VP8X", canvas), (b"ANIM", bytes(6)), *[(b"ANMF", place + picture)] * frames)
