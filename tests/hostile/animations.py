"""Animations that go on for ever, or say so."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from media.drawings import animation, drawing, encoded, png_chunks

from .bombs import apng, gif, webp
from .files import PERHAPS, PICTURE, HostileFile, moving, png_joined

if TYPE_CHECKING:
    from collections.abc import Iterator

FAMILY = "endless animations"


def animations() -> Iterator[HostileFile]:
    """Of all formats that move."""
    for name, data, gap in (*_long(), *_lying()):
        yield HostileFile(family=FAMILY, name=name, data=data, ends=PICTURE, gap=gap)
    for name, data in _broken():
        yield HostileFile(family=FAMILY, name=name, data=data, ends=PERHAPS)


def _long() -> Iterator[tuple[str, bytes, str]]:
    rest = "animation: frames after 300 of {} not looked at"
    yield "gif of 100,000 frames", gif(60, 40, frames=100_000), rest.format(100_000)
    yield "apng of 5,000 frames", apng(2, 2, frames=5000), rest.format(5000)
    yield "webp of 5,000 frames", webp(90, 60, frames=5000), rest.format(5000)
    for kind, frames in (("GIF", 60), ("PNG", 60), ("WEBP", 60), ("AVIF", 40)):
        pictures = [drawing(number % 3, 48, 36) for number in range(frames)]
        for duration in (0, 1):
            data = encoded(pictures[0], kind, save_all=True, append_images=pictures[1:], duration=duration, loop=0)
            yield f"{kind} of {frames} frames, {duration} ms each, again and again", data, ""
    full = [drawing(number, 300, 200).quantize(16) for number in range(3)]
    whole = encoded(full[0], "GIF", save_all=True, append_images=(full * 101)[1:301], disposal=2)
    yield "gif of 301 frames of full size", whole, rest.format(301)


def _lying() -> Iterator[tuple[str, bytes, str]]:
    for announced in (2, 0x7FFFFFFF):
        data = apng(20, 20, frames=1, announced=announced)
        yield f"apng that announces {announced} frames and has one", data, "animation:"
    for announced in (0, 0xFFFFFFFF):
        yield f"apng that announces {announced:#x} frames", apng(20, 20, frames=6, announced=announced), ""


def _broken() -> Iterator[tuple[str, bytes]]:
    chunks = png_chunks(moving("PNG"))
    for number in (0, 5, 0xFFFFFFFF):
        forged = [
            (kind, struct.pack(">I", number) + body[4:]) if kind in {b"fcTL", b"fdAT"} else (kind, body)
            for kind, body in chunks
        ]
        yield f"apng whose every chunk has the number {number}", png_joined(forged)
    for size in ((0, 0), (5000, 5000), (0xFFFFFFFF, 1)):
        forged = [
            (kind, body[:4] + struct.pack(">II", *size) + body[12:]) if kind == b"fcTL" else (kind, body)
            for kind, body in chunks
        ]
        yield f"apng with frames of {size[0]}x{size[1]}", png_joined(forged)
    yield "apng without its control chunk", png_joined([one for one in chunks if one[0] != b"acTL"])
    yield "apng with frames only", png_joined([one for one in chunks if one[0] != b"IDAT"])
    data = animation("WEBP", 4)
    for at in (12 + 24, 12 + 40, 12 + 60):
        yield f"moving webp with noise at {at}", data[:at] + bytes(range(100, 124)) + data[at + 24 :]
    data = moving("AVIF")
    for box in (b"stts", b"stsz", b"stco", b"stsc", b"trak"):
        at = data.index(box) + 8
        yield f"moving avif with endless {box.decode()}", data[:at] + b"\xff" * 8 + data[at + 8 :]
