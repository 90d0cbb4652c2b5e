"""Colour profiles, EXIF and other metadata that are broken, huge or false."""

from __future__ import annotations

import struct
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageCms

from media.drawings import drawing, encoded

from .files import KINDS, PICTURE, HostileFile, carrier, jpeg_with, png_with, riff, riff_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator

FAMILY = "broken metadata"


def metadata() -> Iterator[HostileFile]:
    """All of it: none of it may keep the picture from being seen."""
    for name, data in (*_profiles(), *_exif(), *_segments(), *_chunks(), *_comments()):
        yield HostileFile(family=FAMILY, name=name, data=data, ends=PICTURE)


@cache
def profiles() -> dict[str, bytes]:
    """ICC profiles that do not fit an RGB picture."""
    good = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return {
        "garbage": np.random.default_rng(1).bytes(3000),
        "LAB": ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
        "XYZ": ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes(),
        "half": good[: len(good) // 2],
        "CMYK by its header": good[:16] + b"CMYK" + good[20:],
        "endless tags": good[:128] + b"\xff\xff\xff\xff" + good[132:],
        "empty": b"",
        "one of 3 MB": good + bytes(3_000_000),
    }


def _profiles() -> Iterator[tuple[str, bytes]]:
    picture = drawing(7, 200, 150)
    for name, profile in profiles().items():
        for kind in ("JPEG", "PNG", "WEBP", "AVIF"):
            if (kind, name) == ("AVIF", "empty"):
                continue  # the same as none
            yield f"{kind} with a profile: {name}", encoded(picture, kind, icc_profile=profile)
    for number, count in ((0, 0), (1, 0), (5, 3), (1, 255)):
        marker = b"ICC_PROFILE\0" + bytes([number, count]) + b"x" * 50
        yield f"JPEG with part {number} of {count} of a profile", jpeg_with((0xE2, marker))
    yield "PNG with a profile that is not packed", png_with((b"iCCP", b"p\0\0" + b"not packed"))


def directory(*entries: tuple[int, int, int, bytes], after: int = 0, order: str = ">") -> bytes:
    """A TIFF of one directory: tag, type, count and value or offset of each entry; and where the next one is."""
    packed = b"".join(struct.pack(f"{order}HHI", tag, kind, count) + value for tag, kind, count, value in entries)
    start = b"MM\0*" if order == ">" else b"II*\0"
    return start + struct.pack(f"{order}IH", 8, len(entries)) + packed + struct.pack(f"{order}I", after)


def _tiffs() -> dict[str, bytes]:
    short = lambda value: struct.pack(">HH", value, 0)  # noqa: E731 - a name for a layout
    orientation = {f"orientation {value}": directory((0x0112, 3, 1, short(value))) for value in (0, 9, 99, 65535)}
    return orientation | {
        "orientation twice": directory((0x0112, 3, 1, short(6)), (0x0112, 3, 1, short(3))),
        "orientation as text": directory((0x0112, 2, 4, b"six\0")),
        "orientation as a fraction": directory((0x0112, 5, 1, struct.pack(">I", 4))),
        "orientation as 4 billion numbers": directory((0x0112, 3, 0xFFFFFFFF, struct.pack(">I", 8))),
        "orientation behind the end": directory((0x0112, 3, 9, struct.pack(">I", 0xFFFFFFF0))),
        "a directory that follows itself": directory((0x0112, 3, 1, short(1)), after=8),
        "EXIF inside itself": directory((0x8769, 4, 1, struct.pack(">I", 8))),
        "GPS inside EXIF inside itself": directory(
            (0x8769, 4, 1, struct.pack(">I", 8)), (0x8825, 4, 1, struct.pack(">I", 8)), order=">"
        ),
        "subdirectories inside themselves": directory((0x014A, 4, 1, struct.pack(">I", 8)), after=8),
        "65,535 entries that are not there": b"MM\0*" + struct.pack(">IH", 8, 65535),
        "2,000 entries": directory(*[(number, 3, 1, short(number)) for number in range(2000)]),
        "a thumbnail behind the end": directory(
            (0x0201, 4, 1, struct.pack(">I", 0xFFFFFF)), (0x0202, 4, 1, struct.pack(">I", 0xFFFFFFFF))
        ),
        "maker's notes of noise": directory((0x927C, 7, 60000, struct.pack(">I", 30))) + bytes(range(256)) * 200,
        "little endian": directory((0x0112, 3, 1, struct.pack("<HH", 1, 0)), order="<"),
        "garbage": np.random.default_rng(2).bytes(2000),
        "no more than its start": b"MM\0*",
        "a start that lies": b"MM\0*\xff\xff\xff\xff",
        "BigTIFF": b"MM\0+\0\x08\0\0" + bytes(40),
        "nothing": b"",
    }


def _exif() -> Iterator[tuple[str, bytes]]:
    inner = riff_chunks(carrier("WEBP"))
    canvas = b"\x08\0\0\0" + (199).to_bytes(3, "little") + (149).to_bytes(3, "little")
    for name, tiff in _tiffs().items():
        yield f"JPEG with EXIF: {name}", jpeg_with((0xE1, b"Exif\0\0" + tiff))
        yield f"PNG with EXIF: {name}", png_with((b"eXIf", tiff))
        yield f"WebP with EXIF: {name}", riff((b"VP8X", canvas), *inner, (b"EXIF", tiff))
    turned = Image.Exif()
    turned[0x0112] = 6
    for kind in KINDS[:2]:
        twice = encoded(drawing(7, 200, 150), kind, exif=turned)
        yield f"{kind} turned by EXIF", twice
    huge = directory((0x0112, 3, 1, struct.pack(">HH", 1, 0))) + bytes(5_000_000)
    yield "PNG with 5 MB of EXIF", png_with((b"eXIf", huge))
    yield "PNG with EXIF as hexadecimal text", png_with((b"tEXt", b"Raw profile type exif\0\nexif\n 9\nnot hex"))


def _segments() -> Iterator[tuple[str, bytes]]:
    laughs = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><x:xmpmeta>&b;</x:xmpmeta>'
    yield "JPEG with XMP of growing entities", jpeg_with((0xE1, b"http://ns.adobe.com/xap/1.0/\0" + laughs))
    yield "JPEG with XMP that turns it", jpeg_with((0xE1, b'http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation="6"/>'))
    yield "JPEG with 60 segments of EXIF", jpeg_with(*[(0xE1, b"Exif\0\0" + bytes(60000))] * 60)
    yield "JPEG with a broken JFIF", jpeg_with((0xE0, b"JFIF\0\x09\x09\x09\0\0\0\0\xff\xff"))
    for resource in (
        b"",
        b"8BIM",
        b"8BIM\x03\xed\xff",
        b"8BIM\x03\xed\0\0\xff\xff\xff\xff",
        b"8BIM\x03\xed\0\0\0\0\0\1x",
    ):
        yield f"JPEG with Photoshop's {resource.hex()}", jpeg_with((0xED, b"Photoshop 3.0\0" + resource))
    entry = struct.pack(">IIIHH", 0x030000, 100, 0, 0, 0)
    for count, entries in ((2, entry), (0xFFFFFFFF, entry * 2), (4000, entry * 4000), (2, b""), (0, b"")):
        values = [(0xB001, 4, 1, struct.pack(">I", count)), (0xB002, 7, len(entries), struct.pack(">I", 38))]
        index = b"MPF\0" + directory(*values) + entries
        yield f"JPEG that says it is {count} pictures, of which {len(entries) // 16} are told", jpeg_with((0xE2, index))
    far = entry + struct.pack(">IIIHH", 0, 100, 0xFFFFFF00, 0, 0)
    values = [(0xB001, 4, 1, struct.pack(">I", 2)), (0xB002, 7, 32, struct.pack(">I", 38))]
    yield "JPEG whose second picture lies far away", jpeg_with((0xE2, b"MPF\0" + directory(*values) + far))
    yield (
        "JPEG whose second picture has no kind",
        jpeg_with((0xE2, b"MPF\0" + directory(*values) + entry + struct.pack(">IIIHH", 7 << 24, 100, 50, 0, 0))),
    )


def _chunks() -> Iterator[tuple[str, bytes]]:
    yield "PNG with a palette that it does not need", png_with((b"PLTE", bytes(768)))
    yield "PNG with transparency of the wrong size", png_with((b"tRNS", b"\0"))
    yield "PNG with a gamma of 0", png_with((b"gAMA", bytes(4)))
    yield "PNG with a gamma of 42949", png_with((b"gAMA", b"\xff" * 4))
    yield "PNG with a short gamma", png_with((b"gAMA", b"\0"))
    yield (
        "PNG with empty chunks",
        png_with(
            *[
                (kind, b"")
                for kind in (
                    b"gAMA",
                    b"cHRM",
                    b"pHYs",
                    b"sRGB",
                    b"tEXt",
                    b"zTXt",
                    b"iTXt",
                    b"eXIf",
                    b"iCCP",
                    b"tIME",
                    b"acTL",
                )
            ]
        ),
    )
    yield "PNG with 20,000 texts", png_with(*[(b"tEXt", b"a\0b")] * 20_000)
    yield "PNG with a text of 3 MB", png_with((b"tEXt", b"a\0" + bytes(3_000_000)))


def _comments() -> Iterator[tuple[str, bytes]]:
    gif = carrier("GIF")
    colours = 13 + (3 << ((gif[10] & 7) + 1))
    for size in (100_000, 3_000_000):
        blocks = (b"\xfa" + b"x" * 250) * (size // 250) + b"\0"
        yield f"GIF with a comment of {size} bytes", gif[:colours] + b"\x21\xfe" + blocks + gif[colours:]
        yield f"GIF with {size} bytes for a program", gif[:colours] + b"\x21\xff" + blocks + gif[colours:]
    yield "GIF with 30,000 empty comments", gif[:colours] + b"\x21\xfe\0" * 30_000 + gif[colours:]
