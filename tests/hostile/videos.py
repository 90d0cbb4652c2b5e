"""Videos that lie about themselves, break off, or lead elsewhere."""

from __future__ import annotations

from itertools import count, islice
from typing import TYPE_CHECKING, Final

import numpy as np

from media.films import drawn, early, film, moving, one_key_frame, overlapping, patched

from .files import ANY, BROKEN, NOT_MEDIA, PERHAPS, PICTURE, UNSUPPORTED, HostileFile

if TYPE_CHECKING:
    from collections.abc import Iterator

FAMILY = "videos"
MAX: Final = b"\xff" * 4
SLOW: Final = "webm of 3,000 large frames and one key frame"
_WOUNDED: Final = 40
_SEED: Final = 20261128


def videos() -> Iterator[HostileFile]:
    """Of all containers that are decoded."""
    for name, data, ends in (*_lying(), *_cut(), *_odd(), *_elsewhere()):
        yield HostileFile(family=FAMILY, name=name, data=data, ends=ends)
    for name, data in islice(_damaged(), _WOUNDED):
        yield HostileFile(family=FAMILY, name=name, data=data, ends=ANY)


def _lying() -> Iterator[tuple[str, bytes, frozenset[str]]]:
    plain = moving()
    for name, lie, ends in (
        ("duration for ever", (b"mvhd", 16, MAX), PICTURE),
        ("a track for ever", (b"mdhd", 16, MAX), PICTURE),
        ("a time scale of 0", (b"mdhd", 12, bytes(4)), PICTURE),
        ("4 billion units of time in a second", (b"mdhd", 12, MAX), PICTURE),
        ("one unit of time in a second", (b"mdhd", 12, b"\0\0\0\1"), PICTURE),
        ("frames of 58 hours each", (b"stts", 12, b"\x7f\xff\xff\xff"), PICTURE),
        ("frames without time", (b"stts", 12, bytes(4)), PICTURE),
        ("4 billion frames of one time", (b"stts", 8, MAX), PICTURE),
        ("4 billion times", (b"stts", 4, MAX), PERHAPS),
        ("4 billion frames", (b"stsz", 8, MAX), PERHAPS),
        ("4 billion frames of one byte", (b"stsz", 4, b"\0\0\0\1" + MAX), PERHAPS),
        ("no frames", (b"stsz", 4, bytes(8)), BROKEN),
        ("4 billion chunks", (b"stco", 4, MAX), PERHAPS),
        ("chunks behind its end", (b"stco", 8, MAX), PERHAPS),
        ("chunks of 4 billion frames", (b"stsc", 8, MAX * 3), PERHAPS),
        ("65535 x 65535 pixels", (b"stsd", 8 + 32, MAX), PICTURE),
        ("a broken codec", (b"avcC", 0, MAX * 5), BROKEN),
        ("a codec that nobody knows", (b"stsd", 8 + 4, b"zzzz"), UNSUPPORTED | BROKEN),
    ):
        yield f"mp4 that says: {name}", patched(plain, *lie), ends
    yield "mp4 that says: 20,000 frames share all its bytes", overlapping(plain, frames=20_000), PERHAPS
    yield "mp4 that says: all are key frames", plain.replace(b"stss", b"free"), PICTURE
    web = moving("webm", "libvpx")
    # https://www.rfc-editor.org/rfc/rfc9559: PixelWidth, PixelHeight, TimestampScale, Duration
    for name, element, new in (
        ("16 million pixels wide", b"\xb0\x81\x78", b"\xb0\x81\xff"),
        ("a time scale of 0", b"\x2a\xd7\xb1\x83\x0f\x42\x40", b"\x2a\xd7\xb1\x83\0\0\0"),
        ("a time scale of 17 milliseconds", b"\x2a\xd7\xb1\x83\x0f\x42\x40", b"\x2a\xd7\xb1\x83\xff\xff\xff"),
        ("a length that is no number", b"\x44\x89\x88", b"\x44\x89\x88\x7f\xf8\0\0"),
    ):
        at = web.index(element)
        yield f"webm that says: {name}", web[:at] + new + web[at + len(new) :], PERHAPS
    later = bytearray(film([drawn(seed) for seed in range(6)], "webm", "libvpx", gop=3))
    for at in [at for at in range(len(later) - 3) if later[at : at + 3] == b"\x9d\x01\x2a"][1:]:
        later[at + 3 : at + 7] = b"\xff\x3f\xff\x3f"
    yield "webm that grows to 16383 x 16383", bytes(later), PICTURE


def _cut() -> Iterator[tuple[str, bytes, frozenset[str]]]:
    for name, data in (("mp4", early(moving())), ("webm", moving("webm", "libvpx-vp9"))):
        for tenths in (1, 3, 5, 7, 9):
            yield f"{name} after {tenths} tenths", data[: len(data) * tenths // 10], PERHAPS
    yield "mp4 without its index", moving()[: moving().index(b"moov") - 4], BROKEN
    yield "mp4 with its index alone", early(moving())[: early(moving()).index(b"mdat")], BROKEN
    yield "webm with its header alone", moving("webm", "libvpx")[:300], BROKEN


def _odd() -> Iterator[tuple[str, bytes, frozenset[str]]]:
    few = [drawn(seed) for seed in range(3)]
    yield "mp4 of one frame", film(few[:1]), PICTURE
    yield "mp4 of 20 tracks", film(few, tracks=20), PICTURE
    yield SLOW, one_key_frame(3000), PICTURE
    two = film(few, tracks=2)
    for track, box in ((1, two.index(b"avcC")), (2, two.rindex(b"avcC"))):
        yield f"mp4 of 2 tracks, of which number {track} is broken", two[: box + 4] + MAX * 5 + two[box + 24 :], PICTURE
    yield "mp4 with sound", film(few, sound=True), PICTURE
    yield "mp4 in a codec that browsers do not play", film(few, "mp4", "mpeg4"), UNSUPPORTED
    plain = moving()
    track = plain.index(b"trak") - 4
    size = int.from_bytes(plain[track : track + 4], "big")
    index = plain.index(b"moov") - 4
    length = int.from_bytes(plain[index : index + 4], "big")
    for copies in (100, 3000):
        more = plain[track : track + size] * copies
        data = plain[:index] + (length + len(more)).to_bytes(4, "big") + plain[index + 4 : track] + more + plain[track:]
        yield f"mp4 of {copies + 1} tracks", data, PERHAPS
    web = bytearray(moving("webm", "libvpx"))
    at = web.index(b"\x18\x53\x80\x67") + 4
    web[at : at + 8] = b"\x01" + b"\xff" * 7
    yield "webm of unknown length", bytes(web), PICTURE
    body = bytes(web[web.index(b"\x1f\x43\xb6\x75") :])
    yield "webm whose pictures come again and again", bytes(web) + body * 50, PICTURE


def _elsewhere() -> Iterator[tuple[str, bytes, frozenset[str]]]:
    url = "http://127.0.0.1:9/next"
    yield "playlist named .mp4", f"#EXTM3U\n#EXTINF:5,\n{url}.ts\n#EXT-X-ENDLIST\n".encode(), NOT_MEDIA
    yield "list of files named .mp4", f"ffconcat version 1.0\nfile '{url}.mp4'\n".encode(), NOT_MEDIA
    head = b"\0\0\0\x14ftypisom\0\0\0\0isom"
    yield "playlist behind the head of an mp4", head + f"#EXTM3U\n{url}.ts\n".encode(), BROKEN


def _damaged() -> Iterator[tuple[str, bytes]]:
    random = np.random.default_rng(_SEED)
    whole = [("mp4", early(moving())), ("webm", moving("webm", "libvpx")), ("webm", moving("webm", "libvpx-vp9"))]
    for number in count():
        name, plain = whole[number % len(whole)]
        data = bytearray(plain)
        for _ in range(int(random.integers(1, 12))):
            reach = 1200 if random.random() < 0.5 else len(data)
            at = int(random.integers(30, reach))
            size = int(random.integers(1, 16))
            data[at : at + size] = random.bytes(size)
        yield f"damaged {name} number {number}", bytes(data)
