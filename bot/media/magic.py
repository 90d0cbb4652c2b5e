"""What bytes are, by how they begin. Nobody's word is taken for it: no extension, no declared type."""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final, NamedTuple

HEAD: Final = 4096
"""Bytes from the start that are looked at."""


class Family(Enum):
    """What can be done with a file."""

    PICTURE = auto()  # decoded here
    VIDEO = auto()  # decoded here, with the extra that is for it
    OTHER_MEDIA = auto()  # a picture, film or sound that nothing here decodes
    NOT_MEDIA = auto()


class Kind(NamedTuple):
    """A media type and its family."""

    media_type: str
    family: Family


PICTURES: Final = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"})

_P, _V, _O, _N = Family.PICTURE, Family.VIDEO, Family.OTHER_MEDIA, Family.NOT_MEDIA

_BEGINNINGS: Final[tuple[tuple[bytes, Kind], ...]] = (
    (b"\xff\xd8\xff", Kind("image/jpeg", _P)),
    (b"\x89PNG\r\n\x1a\n", Kind("image/png", _P)),
    (b"GIF87a", Kind("image/gif", _P)),
    (b"GIF89a", Kind("image/gif", _P)),
    (b"BM", Kind("image/bmp", _O)),
    (b"II*\0", Kind("image/tiff", _O)),
    (b"MM\0*", Kind("image/tiff", _O)),
    (b"II+\0", Kind("image/tiff", _O)),
    (b"\0\0\1\0", Kind("image/vnd.microsoft.icon", _O)),
    (b"\xff\x0a", Kind("image/jxl", _O)),
    (b"\0\0\0\x0cJXL \r\n\x87\n", Kind("image/jxl", _O)),
    (b"\0\0\0\x0cjP  \r\n\x87\n", Kind("image/jp2", _O)),
    (b"\xff\x4f\xff\x51", Kind("image/jp2", _O)),
    (b"8BPS", Kind("image/vnd.adobe.photoshop", _O)),
    (b"qoif", Kind("image/qoi", _O)),
    (b"\x1aE\xdf\xa3", Kind("video/webm", _V)),  # Matroska begins alike
    (b"OggS", Kind("application/ogg", _O)),
    (b"FLV\x01", Kind("video/x-flv", _O)),
    (b"\0\0\1\xba", Kind("video/mpeg", _O)),
    (b"\0\0\1\xb3", Kind("video/mpeg", _O)),
    (b"0&\xb2u\x8ef\xcf\x11", Kind("video/x-ms-asf", _O)),
    (b"ID3", Kind("audio/mpeg", _O)),
    (b"fLaC", Kind("audio/flac", _O)),
    (b"MThd", Kind("audio/midi", _O)),
    (b"%PDF-", Kind("application/pdf", _N)),
    (b"PK\x03\x04", Kind("application/zip", _N)),
    (b"PK\x05\x06", Kind("application/zip", _N)),
    (b"Rar!\x1a\x07", Kind("application/vnd.rar", _N)),
    (b"7z\xbc\xaf\x27\x1c", Kind("application/x-7z-compressed", _N)),
    (b"\x1f\x8b\x08", Kind("application/gzip", _N)),
    (b"BZh", Kind("application/x-bzip2", _N)),
    (b"\xfd7zXZ\0", Kind("application/x-xz", _N)),
    (b"\x28\xb5\x2f\xfd", Kind("application/zstd", _N)),
    (b"\x7fELF", Kind("application/x-executable", _N)),
    (b"MZ", Kind("application/vnd.microsoft.portable-executable", _N)),
    (b"SQLite format 3\0", Kind("application/vnd.sqlite3", _N)),
)
_RIFF: Final = {
    b"WEBP": Kind("image/webp", _P),
    b"AVI ": Kind("video/vnd.avi", _O),
    b"WAVE": Kind("audio/wav", _O),
}
_AVIF: Final = frozenset({b"avif", b"avis"})
_HEIF: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"mif2"})
_TAR_AT: Final = 257  # a tar begins with the name of its first file
_ROOT: Final = re.compile(
    rb"(?i)<(?:(!doctype html|html|head|body|script|iframe|title|div|p)|(?:[a-z]{1,9}:)?svg)[\s>]"
)
UNKNOWN: Final = Kind("application/octet-stream", Family.NOT_MEDIA)


def kind_of(data: bytes) -> Kind:
    """The kind of file that begins with ``data``."""
    head = data[:HEAD]
    for beginning, kind in _BEGINNINGS:
        if head.startswith(beginning):
            return kind
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12], UNKNOWN)
    if head[4:8] == b"ftyp":
        return _iso(head)
    if head[_TAR_AT : _TAR_AT + 5] == b"ustar":
        return Kind("application/x-tar", Family.NOT_MEDIA)
    return _text(head)


def _iso(head: bytes) -> Kind:
    """Brands of an ISO base media file: the first decides, the compatible ones where it is a general one."""
    size = min(int.from_bytes(head[:4], "big"), len(head))
    major = head[8:12]
    brands = {major, *(head[at : at + 4] for at in range(16, size - 3, 4))}
    if major in _AVIF or (major in _HEIF and brands & _AVIF):
        return Kind("image/avif", Family.PICTURE)
    if major in _HEIF:
        return Kind("image/heic", Family.OTHER_MEDIA)
    if major.startswith(b"qt"):
        return Kind("video/quicktime", Family.VIDEO)
    return Kind("video/mp4", Family.VIDEO)


def _text(head: bytes) -> Kind:
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        head = head.decode("utf-16", "ignore").encode()
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"<") and (root := _ROOT.search(text)) is not None:
        return Kind("text/html" if root[1] else "image/svg+xml", Family.NOT_MEDIA)
    if text.startswith(b"<?xml"):
        return Kind("application/xml", Family.NOT_MEDIA)
    if text and b"\0" not in text and _is_utf8(text):
        return Kind("text/plain", Family.NOT_MEDIA)
    return UNKNOWN


def _is_utf8(head: bytes) -> bool:
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return len(head) == HEAD and error.start > len(head) - 4  # cut inside a character
    return True
