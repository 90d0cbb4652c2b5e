"""What hangs behind the end of a picture, said in words. A finding flags nothing: phones append second pictures too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.evidence import Finding
from bot.media.formats.walk import u32le
from bot.media.magic import HEAD, UNKNOWN, Family, Kind, kind_of

if TYPE_CHECKING:
    from collections.abc import Sequence

PADDING: Final = b"\0 \t\r\n"
"""Bytes that many programs write behind a picture and that mean nothing."""

_BOXES: Final = frozenset({b"ftyp", b"JXL ", b"jP  "})
"""First boxes of files that begin with their length, the first bytes of which are zeros as padding is."""

_WORDS: Final = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/gif": "GIF",
    "image/webp": "WebP",
    "image/avif": "AVIF",
    "image/bmp": "BMP picture",
    "image/heic": "HEIC picture",
    "image/jp2": "JPEG 2000 picture",
    "image/jxl": "JPEG XL picture",
    "image/qoi": "QOI picture",
    "image/svg+xml": "SVG",
    "image/tiff": "TIFF picture",
    "image/vnd.adobe.photoshop": "Photoshop picture",
    "image/vnd.microsoft.icon": "icon",
    "video/mp4": "MP4 video",
    "video/mpeg": "MPEG video",
    "video/quicktime": "QuickTime video",
    "video/vnd.avi": "AVI video",
    "video/webm": "WebM or Matroska video",
    "video/x-flv": "Flash video",
    "video/x-ms-asf": "Windows Media file",
    "audio/flac": "FLAC sound",
    "audio/midi": "MIDI sound",
    "audio/mpeg": "MP3 sound",
    "audio/wav": "WAV sound",
    "application/ogg": "Ogg file",
    "application/gzip": "gzip archive",
    "application/pdf": "PDF document",
    "application/vnd.microsoft.portable-executable": "Windows program",
    "application/vnd.rar": "RAR archive",
    "application/vnd.sqlite3": "SQLite database",
    "application/x-7z-compressed": "7z archive",
    "application/x-bzip2": "bzip2 archive",
    "application/x-executable": "ELF program",
    "application/x-tar": "tar archive",
    "application/x-xz": "xz archive",
    "application/xml": "XML",
    "application/zip": "zip archive",
    "application/zstd": "zstd archive",
    "text/html": "HTML",
    "text/plain": "text",
    UNKNOWN.media_type: "unknown data",
}

_ZIP_END: Final = b"PK\5\6"
_ZIP_END_SIZE: Final = 22
_ZIP_ENTRY: Final = b"PK\1\2"
_ZIP_COMMENT: Final = 0xFFFF  # the longest


def what_else(data: bytes, end: int | None, media_type: str) -> Sequence[Finding]:
    """``trailing_data`` for what lies behind ``end``, and ``zip_inside`` for what an unpacker finds anywhere.

    ``end``: offset behind the picture, ``None`` where it breaks off; ``media_type``: what the picture is.
    """
    kind, start = _behind(data, len(data) if end is None else end)
    found = []
    if start < len(data):
        size = len(data) - start
        what = f"{_name(kind, media_type)} appended, {size:,} byte{'' if size == 1 else 's'}"
        found.append(Finding(kind="trailing_data", detail=what))
    if kind.media_type != "application/zip" and _opens_as_zip(data):
        found.append(Finding(kind="zip_inside", detail="opens as a zip archive as well"))
    return found


def _name(kind: Kind, media_type: str) -> str:
    word = _WORDS.get(kind.media_type, kind.media_type)
    if kind.family is not Family.PICTURE and kind.media_type != media_type:
        return word
    return f"second {word}" if kind.media_type == media_type else f"{word} picture"


def _behind(data: bytes, end: int) -> tuple[Kind, int]:
    """What comes behind padding, and where it begins: the length of ``data`` for nothing."""
    rest = data[end:]
    start = len(data) - len(rest.lstrip(PADDING))
    kind = kind_of(data[start : start + HEAD])
    if kind is UNKNOWN:
        for at in range(max(end, start - 4), start):
            if data[at + 4 : at + 8] in _BOXES:
                return kind_of(data[at : at + HEAD]), at
    return kind, start


def _opens_as_zip(data: bytes) -> bool:
    """Unpackers look for the last record of an archive from the end, whatever the file begins with.

    https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.16.
    """
    at = data.rfind(_ZIP_END, max(0, len(data) - _ZIP_COMMENT - _ZIP_END_SIZE))
    if at < 0:
        return False
    directory = at - u32le(data, at + 12)
    return directory >= 0 and data[directory : directory + 4] == _ZIP_ENTRY
