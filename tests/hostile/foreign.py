"""Files that are no pictures, whatever they are called."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import struct
import tarfile
import zipfile
from functools import cache
from typing import TYPE_CHECKING

from PIL import Image

from media.drawings import drawing, encoded

from .files import BROKEN, NOT_MEDIA, UNSUPPORTED, HostileFile, carrier, other

if TYPE_CHECKING:
    from collections.abc import Iterator

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><rect width="9" height="9"/></svg>'
HTML = b"<!DOCTYPE html><html><body><script>alert(1)</script></body></html>"
TEXT = b"These are just words.\nNothing else.\n"


@cache
def archives() -> dict[str, bytes]:
    """Archives with a text and a picture inside, as real programs write them; or their first bytes where none does."""
    files = {"words.txt": TEXT, "inner.jpg": other("JPEG")}
    zipped, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in files.items():
            packed.writestr(zipfile.ZipInfo(name, (2026, 1, 2, 3, 4, 6)), data)
    with tarfile.open(fileobj=tarred, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return {
        "zip archive": zipped.getvalue(),
        "tar archive": tarred.getvalue(),
        "gzip archive": gzip.compress(tarred.getvalue(), mtime=0),
        "bzip2 archive": bz2.compress(TEXT),
        "xz archive": lzma.compress(TEXT),
        "zstd archive": b"\x28\xb5\x2f\xfd\x24" + bytes(range(60)),
        "7z archive": b"7z\xbc\xaf\x27\x1c\0\4" + bytes(range(90)),
        "RAR archive": b"Rar!\x1a\x07\x01\0" + bytes(range(90)),
    }


@cache
def films() -> dict[str, bytes]:
    """The first boxes of films, without any picture."""
    mp4 = struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"mp42", 0, b"mp42", b"isom") + struct.pack(">I4s", 16, b"mdat")
    return {
        "MP4 video": mp4 + bytes(8),
        "QuickTime video": struct.pack(">I4s4sI4s", 20, b"ftyp", b"qt  ", 0, b"qt  ") + struct.pack(">I4s", 8, b"wide"),
        "WebM or Matroska video": b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01webm" + bytes(30),
        "AVI video": b"RIFF" + struct.pack("<I", 40) + b"AVI LIST" + bytes(32),
        "Flash video": b"FLV\x01\x05\0\0\0\x09\0\0\0\0" + bytes(30),
    }


@cache
def programs() -> dict[str, bytes]:
    """Other things that are found behind pictures."""
    return {
        "PDF document": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n",
        "ELF program": b"\x7fELF\x02\x01\x01" + bytes(57),
        "Windows program": b"MZ\x90\0\x03" + bytes(59),
        "SQLite database": b"SQLite format 3\0" + bytes(84),
    }


def foreign() -> Iterator[HostileFile]:
    """All of them."""
    for name, data in {**_texts(), **archives(), **programs(), **_noise()}.items():
        yield HostileFile(family="not pictures", name=f"{name} named .png", data=data, ends=NOT_MEDIA)
    opened = {name: films()[name] for name in ("MP4 video", "QuickTime video", "WebM or Matroska video")}
    others = {name: data for name, data in films().items() if name not in opened}
    for name, data in {**others, **_other_pictures()}.items():
        yield HostileFile(family="not pictures", name=f"{name} named .png", data=data, ends=UNSUPPORTED)
    for name, data in {"nothing": b"", **opened, **_beginnings()}.items():
        yield HostileFile(family="not pictures", name=f"{name} named .png", data=data, ends=BROKEN)


def _texts() -> dict[str, bytes]:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    laughs = f'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY e0 "ha">{entities}]><svg>&e9;</svg>'
    return {
        "svg": SVG,
        "svg with a declaration": b'<?xml version="1.0"?>\n<!-- a comment -->\n' + SVG,
        "svg of growing entities": laughs.encode(),
        "html": HTML,
        "html in utf-16": HTML.decode().encode("utf-16"),
        "text": TEXT,
        "json": json.dumps({"a": [1] * 500}).encode(),
        "nested json": b"[" * 100_000,
        "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) print\n",
        "one letter": b"A",
        "a script": b"#!/bin/sh\necho no\n",
    }


def _noise() -> dict[str, bytes]:
    return {
        "one zero": b"\0",
        "one byte of 255": b"\xff",
        "a thousand zeros": bytes(1000),
        "a million zeros": bytes(1_000_000),
        "all bytes": bytes(range(256)) * 8,
    }


def _other_pictures() -> dict[str, bytes]:
    picture = drawing(9, 60, 40)
    many = {kind: encoded(picture, kind) for kind in ("BMP", "TIFF", "ICO", "JPEG2000")}
    many["PSD"] = b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 40, 60, 8, 3) + bytes(40)
    many["TIFF of many pages"] = encoded(picture, "TIFF", save_all=True, append_images=[picture] * 20)
    many["ICO with a PNG inside"] = struct.pack("<HHHBBBBHHII", 0, 1, 1, 0, 0, 0, 0, 1, 32, 9, 22) + carrier("PNG")
    many["HEIC"] = struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"heic", 0, b"mif1", b"heic") + bytes(60)
    many["bitmap of 4 billion pixels"] = encoded(Image.new("1", (8, 8)), "BMP").replace(
        struct.pack("<ii", 8, 8), struct.pack("<ii", 65535, 65535)
    )
    return many


def _beginnings() -> dict[str, bytes]:
    return {
        "only the signature of PNG": carrier("PNG")[:8],
        "only the beginning of JPEG": b"\xff\xd8\xff",
        "JPEG without anything": b"\xff\xd8\xff\xd9",
        "only the signature of GIF": b"GIF89a",
        "only the beginning of WebP": b"RIFF\0\0\0\0WEBP",
        "only the beginning of AVIF": b"\0\0\0\x20ftypavif",
    }
