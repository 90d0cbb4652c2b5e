"""The boxes of an MP4 file: enough to measure one, and to write one of JPEG frames.

ISO/IEC 14496-12 and -14; the type of a JPEG stream is 0x6C in its registry, https://mp4ra.org/registered-types/object-types.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TIMESCALE = 1000  # units of a second in what is written here
_UNITY = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


class NotBoxesError(Exception):
    """Not a film with a picture track."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """What is known of the pictures of a film. ``kind`` is the code of their format, like ``avc1``."""

    width: int
    height: int
    seconds: float
    frames: int
    kind: str


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, beginning and end of the content of each box."""
    at = start
    while at + 8 <= end:
        (size,) = struct.unpack_from(">I", data, at)
        name, content = data[at + 4 : at + 8], at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            content = at + 16
        elif size == 0:
            size = end - at
        if size < content - at or at + size > end:
            raise NotBoxesError
        yield name, content, at + size
        at += size


def _inside(data: bytes, span: tuple[int, int], *names: bytes) -> tuple[int, int]:
    for wanted in names:
        found = next(((begin, end) for name, begin, end in _boxes(data, *span) if name == wanted), None)
        if found is None:
            raise NotBoxesError
        span = found
    return span


def read_track(data: bytes) -> Track:
    """Measure the first picture track. Raises ``NotBoxesError`` or ``struct.error``."""
    movie = _inside(data, (0, len(data)), b"moov")
    for name, begin, end in _boxes(data, *movie):
        if name != b"trak":
            continue
        media = _inside(data, (begin, end), b"mdia")
        handler, _ = _inside(data, media, b"hdlr")
        if data[handler + 8 : handler + 12] != b"vide":
            continue
        head, _ = _inside(data, (begin, end), b"tkhd")
        at = head + (88 if data[head] == 1 else 76)
        width, height = (value >> 16 for value in struct.unpack_from(">II", data, at))
        timing, _ = _inside(data, media, b"mdhd")
        if data[timing] == 1:
            scale, length = struct.unpack_from(">IQ", data, timing + 20)
        else:
            scale, length = struct.unpack_from(">II", data, timing + 12)
        samples = _inside(data, media, b"minf", b"stbl")
        times, _ = _inside(data, samples, b"stts")
        (entries,) = struct.unpack_from(">I", data, times + 4)
        frames = sum(struct.unpack_from(">I", data, times + 8 + 8 * entry)[0] for entry in range(min(entries, 100_000)))
        format_, _ = _inside(data, samples, b"stsd")
        kind = data[format_ + 12 : format_ + 16].decode("latin-1")
        if not width or not height or not scale:
            raise NotBoxesError
        return Track(width=width, height=height, seconds=length / scale, frames=frames, kind=kind)
    raise NotBoxesError


def _box(name: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I", len(body) + 8) + name + body


def _full(name: bytes, *content: bytes, flags: int = 0) -> bytes:
    return _box(name, struct.pack(">I", flags), *content)


def jpeg_movie(frames: Sequence[bytes], durations: Sequence[int], width: int, height: int) -> bytes:
    """A film of JPEG frames, each for so many milliseconds."""
    first = _box(b"ftyp", b"isom", struct.pack(">I", 512), b"isom", b"iso2", b"mp41")
    data = _box(b"mdat", *frames)
    total = sum(durations)
    tables = _box(
        b"stbl",
        _full(b"stsd", struct.pack(">I", 1), _sample_entry(width, height)),
        _full(b"stts", struct.pack(">I", len(durations)), *(struct.pack(">II", 1, lasts) for lasts in durations)),
        _full(b"stsc", struct.pack(">IIII", 1, 1, len(frames), 1)),
        _full(b"stsz", struct.pack(">II", 0, len(frames)), *(struct.pack(">I", len(frame)) for frame in frames)),
        _full(b"stco", struct.pack(">II", 1, len(first) + 8)),
    )
    media = _box(
        b"mdia",
        _full(b"mdhd", struct.pack(">IIIIHH", 0, 0, _TIMESCALE, total, 0x55C4, 0)),
        _full(b"hdlr", struct.pack(">I4s12x", 0, b"vide"), b"VideoHandler\0"),
        _box(
            b"minf",
            _full(b"vmhd", bytes(8), flags=1),
            _box(b"dinf", _full(b"dref", struct.pack(">I", 1), _full(b"url ", flags=1))),
            tables,
        ),
    )
    size = struct.pack(">II", width << 16, height << 16)
    track_head = _full(b"tkhd", struct.pack(">IIIII8xHHHH", 0, 0, 1, 0, total, 0, 0, 0, 0), _UNITY, size, flags=3)
    movie_head = _full(b"mvhd", struct.pack(">IIIIIH10x", 0, 0, _TIMESCALE, total, 0x10000, 0), _UNITY, bytes(24), _ONE)
    return first + data + _box(b"moov", movie_head, _box(b"trak", track_head, media))


_ONE = struct.pack(">I", 2)  # the number of the next track


def _sample_entry(width: int, height: int) -> bytes:
    decoder = b"\x04\x0d\x6c\x11" + bytes(11)
    stream = b"\x03" + bytes([3 + len(decoder) + 3]) + b"\0\1\0" + decoder + b"\x06\x01\x02"
    return _box(
        b"mp4v",
        struct.pack(">6xH16xHHIIIH", 1, width, height, 0x480000, 0x480000, 0, 1),
        bytes(32),
        struct.pack(">Hh", 24, -1),
        _full(b"esds", stream),
    )
