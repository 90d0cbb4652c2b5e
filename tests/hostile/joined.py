"""Pictures that are something else as well: with data behind their end, or inside where viewers do not look."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import numpy as np

from media.drawings import drawing, encoded, png_chunks

from .files import KINDS, PICTURE, HostileFile, carrier, jpeg_with, other, png_joined, png_with, riff, riff_chunks
from .foreign import HTML, SVG, TEXT, archives, films, programs

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = {"JPEG": "JPEG", "PNG": "PNG", "GIF": "GIF", "WEBP": "WebP", "AVIF": "AVIF"}
ZIP_INSIDE = "opens as a zip archive as well"


def appended() -> Iterator[HostileFile]:
    """Every kind of picture with every kind of data behind it."""
    noise = np.random.default_rng(5).bytes(1234)
    things = archives() | films() | programs() | {"HTML": HTML, "SVG": SVG, "text": TEXT, "unknown data": noise}
    for kind in KINDS:
        for what, data in things.items():
            yield _behind(kind, what, data)
        for second in KINDS:
            word = f"second {NAMES[kind]}" if second == kind else f"{NAMES[second]} picture"
            yield _behind(kind, word, other(second))
        yield _behind(kind, "zip archive", archives()["zip archive"], padding=bytes(512))
        yield _behind(kind, "MP4 video", films()["MP4 video"], padding=bytes(3))
        yield _behind(kind, f"second {NAMES[kind]}", other(kind) + archives()["zip archive"])
        yield _behind(kind, "unknown data", noise * 4000)


def polyglots() -> Iterator[HostileFile]:
    """Valid as a picture and as something else, from the same bytes."""
    for name, data, finding in (*_with_zip(), *_with_text(), *_with_pictures()):
        yield HostileFile(family="polyglots", name=name, data=data, ends=PICTURE, finding=finding)


def _behind(kind: str, what: str, data: bytes, *, padding: bytes = b"") -> HostileFile:
    name = f"{kind} with {what}, {len(data)} bytes" + (f" behind {len(padding)} of padding" if padding else "")
    return HostileFile(
        family="appended data",
        name=name,
        data=carrier(kind) + padding + data,
        ends=PICTURE,
        finding=f"{what} appended, {len(data):,} bytes",
    )


def _with_zip() -> Iterator[tuple[str, bytes, str]]:
    for kind in KINDS:
        whole = io.BytesIO(carrier(kind))
        whole.seek(0, io.SEEK_END)
        with zipfile.ZipFile(whole, "a") as packed:  # offsets count from the start of the picture
            packed.writestr(zipfile.ZipInfo("words.txt"), TEXT)
        size = len(whole.getvalue()) - len(carrier(kind))
        yield f"{kind} and zip", whole.getvalue(), f"zip archive appended, {size:,} bytes"
        nested = io.BytesIO()
        with zipfile.ZipFile(nested, "w") as packed:
            packed.writestr(zipfile.ZipInfo("again.zip"), archives()["zip archive"])
            packed.writestr(zipfile.ZipInfo("picture.png"), carrier("PNG"))
        inner = nested.getvalue()
        yield f"{kind} and a zip in a zip", carrier(kind) + inner, f"zip archive appended, {len(inner):,} bytes"
        noise = np.random.default_rng(6).bytes(90)
        yield f"{kind}, noise and zip", carrier(kind) + noise + inner, ZIP_INSIDE
    packed_files = archives()["zip archive"]
    picture = encoded(drawing(4, 60, 40), "JPEG")
    yield (
        "JPEG with a zip in a comment",
        jpeg_with((0xFE, _to_the_end(packed_files, picture[2:])), data=picture),
        ZIP_INSIDE,
    )
    small = png_chunks(other("PNG"))
    rest = png_joined(small[1:])[8:]
    hidden = [small[0], (b"juNK", _to_the_end(packed_files, b"crc!" + rest)), *small[1:]]
    yield "PNG with a zip in a chunk", png_joined(hidden), ZIP_INSIDE
    chunks = riff_chunks(other("WEBP"))
    yield "WebP with a zip in its last chunk", riff(*chunks, (b"juNK", _to_the_end(packed_files, b""))), ZIP_INSIDE


def _to_the_end(packed: bytes, rest: bytes) -> bytes:
    """The archive, with what follows it declared as its comment."""
    return packed[:-2] + len(rest).to_bytes(2, "little")


def _with_text() -> Iterator[tuple[str, bytes, str]]:
    gif = carrier("GIF")
    comment = b"\x21\xfe" + bytes([len(HTML)]) + HTML + b"\0"
    table = 13 + (3 << ((gif[10] & 7) + 1))
    yield "GIF with html in a comment", gif[:table] + comment + gif[table:], ""
    yield "GIF that is a script", b"GIF89a/*" + gif[8:] + b"*/=1;alert(1)", "text appended, 13 bytes"
    yield "JPEG with html in a comment", jpeg_with((0xFE, HTML)), ""
    yield "JPEG with a program's text in its EXIF", jpeg_with((0xE1, b"Exif\0\0MM\0*<?php system('x'); ?>")), ""
    yield "JPEG and PDF", jpeg_with((0xFE, programs()["PDF document"])), ""
    yield "PNG with html in a text", png_with((b"tEXt", b"Comment\0" + HTML)), ""
    yield "PNG with svg in a text", png_with((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + SVG)), ""


def _with_pictures() -> Iterator[tuple[str, bytes, str]]:
    inner = other("JPEG")
    yield "JPEG with another as its thumbnail", jpeg_with((0xE1, b"Exif\0\0" + inner)), ""
    yield "JPEG with a PNG in a comment", jpeg_with((0xFE, other("PNG"))), ""
    yield "PNG with a PNG in a chunk", png_with((b"juNK", other("PNG"))), ""
    yield "PNG in PNG in PNG", png_with((b"juNK", png_with((b"juNK", other("PNG"))))), ""
    pair = encoded(drawing(3, 120, 90), "MPO", save_all=True, append_images=[drawing(4, 90, 60)])
    behind = pair[pair.index(b"\xff\xd9\xff\xd8") + 2 :]
    yield "JPEG of two pictures", pair, f"second JPEG appended, {len(behind):,} bytes"
    chain = b"".join(other(kind) for kind in KINDS[1:])
    yield "JPEG and four more", carrier("JPEG") + chain, f"PNG picture appended, {len(chain):,} bytes"
