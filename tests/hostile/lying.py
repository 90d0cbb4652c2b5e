"""Pictures whose headers say something else than their data."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from media.drawings import SIGNATURE, png_chunks

from .files import (
    ANY,
    PERHAPS,
    PICTURE,
    HostileFile,
    carrier,
    jpeg_with,
    moving,
    other,
    png_joined,
    riff,
    riff_chunks,
    segment,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMBERS = (0, 1, 0x7FFF, 0xFFFF)


def lying() -> Iterator[HostileFile]:
    """Of every format."""
    for name, data, ends in (*_png(), *_png_checksums(), *_jpeg(), *_gif(), *_webp(), *_avif()):
        yield HostileFile(family="lying headers", name=name, data=data, ends=ends)


def _png() -> Iterator[tuple[str, bytes, frozenset[str]]]:
    (_, header), *rest = png_chunks(carrier("PNG"))
    for width, height in ((200, 3000), (200, 10), (2000, 150), (10, 150), (8000, 8000), (0, 150), (1, 1)):
        forged = struct.pack(">II", width, height) + header[8:]
        ends = frozenset({"broken"}) if not width else PERHAPS
        yield f"png says {width}x{height}, has 200x150", png_joined([(b"IHDR", forged), *rest]), ends
    for depth, colour, packing, interlace in ((16, 2, 0, 0), (8, 6, 0, 0), (8, 3, 0, 0), (1, 0, 0, 0), (8, 2, 0, 1)):
        forged = header[:8] + bytes([depth, colour, packing, 0, interlace])
        yield (
            f"png says {depth} bits, type {colour}, interlace {interlace}",
            png_joined([(b"IHDR", forged), *rest]),
            ANY,
        )
    for wrong in ((3, 2, 0, 0, 0), (8, 5, 0, 0, 0), (8, 2, 9, 0, 0), (8, 2, 0, 9, 0), (8, 2, 0, 0, 9)):
        yield f"png with a header of {wrong}", png_joined([(b"IHDR", header[:8] + bytes(wrong)), *rest]), ANY
    yield "png with a short header", png_joined([(b"IHDR", header[:9]), *rest]), PERHAPS
    yield (
        "png with two headers",
        png_joined([(b"IHDR", header), (b"IHDR", struct.pack(">II", 9, 9) + header[8:]), *rest]),
        ANY,
    )
    yield "png with its header last", png_joined([*rest[:-1], (b"IHDR", header), rest[-1]]), ANY
    yield "png without data", png_joined([(b"IHDR", header), rest[-1]]), PERHAPS
    for length in (0x7FFFFFFF, 0xFFFFFFFF, 0):
        data = carrier("PNG")
        at = data.index(b"IDAT") - 4
        yield f"png with a chunk of {length:#x}", data[:at] + struct.pack(">I", length) + data[at + 4 :], PERHAPS
    yield "png with text between its data", png_joined([(b"IHDR", header), rest[0], (b"tEXt", b"a\0b"), *rest]), PERHAPS


def _png_checksums() -> Iterator[tuple[str, bytes, frozenset[str]]]:
    """Browsers show all of these."""
    for kind in (b"IHDR", b"IDAT", b"IEND"):
        data = carrier("PNG")
        at = data.index(kind) - 4
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        yield f"png with a wrong checksum of {kind.decode()}", data[: end - 4] + b"lies" + data[end:], PICTURE
    chunks = b"".join(
        struct.pack(">I", len(body)) + kind + body + bytes(4) for kind, body in png_chunks(carrier("PNG"))
    )
    yield "png without any checksum", SIGNATURE + chunks, PICTURE


def _jpeg() -> Iterator[tuple[str, bytes, frozenset[str]]]:
    data = carrier("JPEG")
    at = data.index(b"\xff\xc0")
    for height, width in ((150, 2000), (3000, 200), (10, 10), (0, 200), (150, 0), (7000, 9000)):
        forged = data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]
        yield f"jpeg says {width}x{height}, has 200x150", forged, PERHAPS
    for count in (0, 1, 4, 255):
        yield f"jpeg says {count} components", data[: at + 9] + bytes([count]) + data[at + 10 :], PERHAPS
    for marker in (0xC1, 0xC2, 0xC3, 0xC5, 0xC9, 0xCF):
        yield f"jpeg says it is coded as {marker:#x}", data[: at + 1] + bytes([marker]) + data[at + 2 :], PERHAPS
    size = int.from_bytes(data[at + 2 : at + 4], "big") + 2
    huge = segment(0xC0, data[at + 4 : at + 5] + b"\xff\xdc\xff\xdc" + data[at + 9 : at + size])
    yield "jpeg with a huge header behind its picture", data[:-2] + huge + b"\xff\xd9", PICTURE
    yield "jpeg with two headers", data[:at] + data[at : at + size] * 2 + data[at + size :], ANY
    for missing in (0xC4, 0xDB):
        start = data.index(bytes([0xFF, missing]))
        end = start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
        yield f"jpeg without its segment {missing:#x}", data[:start] + data[end:], PERHAPS
    for transform in (0, 1, 2, 9):
        yield (
            f"jpeg with Adobe's transform {transform}",
            jpeg_with((0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([transform]))),
            PICTURE,
        )
    for length in (0, 1, 0xFFFF):
        yield f"jpeg with a segment of {length}", data[:2] + b"\xff\xe5" + struct.pack(">H", length) + data[2:], PERHAPS
    yield "jpeg with a million marks of filling", data[:2] + b"\xff" * 1_000_000 + data[2:], PERHAPS
    yield "jpeg with 100,000 empty comments", data[:2] + b"\xff\xfe\0\2" * 100_000 + data[2:], PICTURE


def _gif() -> Iterator[tuple[str, bytes, frozenset[str]]]:
    data = carrier("GIF")
    for width, height in ((0, 0), (1, 1), (200, 0), (4000, 3000), (30000, 1)):
        yield (
            f"gif with a screen of {width}x{height}",
            data[:6] + struct.pack("<HH", width, height) + data[10:],
            PERHAPS,
        )
    at = data.index(b"\x2c\0\0\0\0")
    for x, y, width, height in ((100, 100, 200, 150), (0, 0, 0, 0), (0, 0, 20, 3000), (5000, 5000, 200, 150)):
        place = struct.pack("<HHHH", x, y, width, height)
        yield f"gif with a frame of {place.hex()}", data[: at + 1] + place + data[at + 9 :], PERHAPS
    for bits in (0, 1, 12, 255):
        yield f"gif with codes of {bits} bits", data[: at + 10] + bytes([bits]) + data[at + 11 :], PERHAPS
    late = moving("GIF")
    last = late.rindex(b"\x2c\0\0\0\0")
    grown = late[: last + 5] + struct.pack("<HH", 60000, 60000) + late[last + 9 :]
    yield "gif whose last frame is huge", grown, frozenset({"seen", "too_large"})
    yield "gif without colours", data[:10] + b"\0" + data[11:13] + data[13 + (3 << ((data[10] & 7) + 1)) :], PERHAPS


def _webp() -> Iterator[tuple[str, bytes, frozenset[str]]]:
    data = carrier("WEBP")
    for size in (0, 4, 12, len(data) * 2, 0xFFFFFFFF):
        yield f"webp says {size} bytes", data[:4] + struct.pack("<I", size) + data[8:], PERHAPS
    chunks = riff_chunks(data)
    for width, height in ((1, 1), (200, 150), (8000, 8000), (3000, 200)):
        canvas = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        yield f"webp with a canvas of {width}x{height}", riff((b"VP8X", canvas), *chunks), PERHAPS
    for flags in (0x02, 0x10, 0x20, 0x2E, 0xFF):
        canvas = bytes([flags]) + bytes(3) + (199).to_bytes(3, "little") + (149).to_bytes(3, "little")
        yield f"webp with the flags {flags:#x}", riff((b"VP8X", canvas), *chunks), PERHAPS
    canvas = b"\x10\0\0\0" + (199).to_bytes(3, "little") + (149).to_bytes(3, "little")
    yield (
        "webp with transparency that is noise",
        riff((b"VP8X", canvas), (b"ALPH", bytes(range(200))), *chunks),
        PERHAPS,
    )
    yield "webp of a WebP", riff((b"VP8 ", other("WEBP"))), PERHAPS
    yield "webp that is called lossless", riff((b"VP8L", chunks[0][1])), PERHAPS


def _avif() -> Iterator[tuple[str, bytes, frozenset[str]]]:
    data = carrier("AVIF")
    at = data.index(b"ispe") + 8
    for width, height in ((0, 0), (1, 1), (2000, 150), (8000, 8000)):
        yield f"avif says {width}x{height}", data[:at] + struct.pack(">II", width, height) + data[at + 8 :], PERHAPS
    for box in (b"ftyp", b"meta", b"mdat", b"iloc", b"iprp", b"av1C", b"pixi"):
        start = data.index(box) - 4
        for length in (0, 1, 7, 0x7FFFFFFF):
            yield (
                f"avif with {box.decode()} of {length:#x}",
                data[:start] + struct.pack(">I", length) + data[start + 4 :],
                ANY,
            )
    for number in NUMBERS:
        at = data.index(b"iloc") + 14
        yield f"avif with an offset of {number}", data[:at] + struct.pack(">I", number) + data[at + 4 :], PERHAPS
    yield "avif called mif1", data[:8] + b"mif1" + data[12:], PERHAPS
    yield "avif called a sequence", data[:8] + b"avis" + data[12:], PERHAPS
