from __future__ import annotations

import io
import struct
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.evidence import Finding, Unscannable, UnscannableKind
from bot.media.limits import DecodeLimits
from bot.media.structure import Structure, declared_type_finding, inspect

from .drawings import animation, drawing, encoded, flat_png, png_chunks, png_of

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF")
SAMPLES = {kind: encoded(drawing(3, 90, 70), kind) for kind in KINDS}


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("inside.txt", "something else")
    return buffer.getvalue()


def structure_of(data: bytes) -> Structure:
    found = inspect(data)
    assert isinstance(found, Structure), found
    return found


def refused(data: bytes, kind: UnscannableKind) -> str:
    found = inspect(data)
    assert isinstance(found, Unscannable), found
    assert found.kind is kind
    assert found.retry_at is None
    return found.detail


@pytest.mark.parametrize("kind", KINDS)
def test_size_and_type_are_read_from_the_bytes(kind: str) -> None:
    found = structure_of(SAMPLES[kind])
    assert (found.media_type, found.width, found.height, found.frames) == (f"image/{kind.lower()}", 90, 70, 1)
    assert found.findings == ()


@pytest.mark.parametrize("kind", KINDS)
def test_archive_behind_the_picture_is_found_and_named(kind: str) -> None:
    packed = archive()
    (finding,) = structure_of(SAMPLES[kind] + packed).findings
    assert finding.kind == "trailing_data"
    assert finding.detail == f"zip archive appended, {len(packed)} bytes"


@pytest.mark.parametrize("kind", KINDS)
def test_second_picture_behind_the_first_is_found(kind: str) -> None:
    (finding,) = structure_of(SAMPLES[kind] + SAMPLES["PNG"]).findings
    word = "second PNG" if kind == "PNG" else "PNG picture"
    assert finding.detail == f"{word} appended, {len(SAMPLES['PNG']):,} bytes"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("padding", [b"", bytes(3), bytes(512), b"\r\n"])
def test_film_behind_padding_is_found_although_it_begins_with_zeros(kind: str, padding: bytes) -> None:
    film = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(9)
    (finding,) = structure_of(SAMPLES[kind] + padding + film).findings
    assert finding.detail == "MP4 video appended, 33 bytes"


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"x", "text appended, 1 byte"),
        (b"<html>" + bytes(2000), "HTML appended, 2,006 bytes"),
        (b"\x80" * 1234, "unknown data appended, 1,234 bytes"),
        (b"fLaC" + bytes(6), "FLAC sound appended, 10 bytes"),
    ],
)
def test_what_is_behind_the_picture_is_named_with_its_size(data: bytes, detail: str) -> None:
    assert [one.detail for one in structure_of(SAMPLES["PNG"] + data).findings] == [detail]


def test_archive_that_an_unpacker_finds_inside_is_found() -> None:
    packed, rest = archive(), SAMPLES["JPEG"][2:]
    inside = packed[:-2] + struct.pack("<H", len(rest))  # what follows is its comment
    comment = b"\xff\xfe" + struct.pack(">H", len(inside) + 2) + inside
    (finding,) = structure_of(SAMPLES["JPEG"][:2] + comment + rest).findings
    assert (finding.kind, finding.detail) == ("zip_inside", "opens as a zip archive as well")


def test_last_bytes_of_an_archive_alone_are_no_archive() -> None:
    assert [one.kind for one in structure_of(SAMPLES["JPEG"] + b"\x80PK\5\6" + bytes(18)).findings] == ["trailing_data"]


@pytest.mark.parametrize("kind", KINDS)
def test_padding_is_no_finding(kind: str) -> None:
    assert structure_of(SAMPLES[kind] + bytes(100) + b"\r\n").findings == ()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_file_that_breaks_off_is_truncated(kind: str, share: float) -> None:
    data = SAMPLES[kind]
    assert structure_of(data[: int(len(data) * share)]).truncated
    assert structure_of(data[:-1]).truncated
    assert not structure_of(data).truncated


@pytest.mark.parametrize(
    "options", [{"progressive": True}, {"quality": 100, "subsampling": 0}, {"restart_marker_rows": 1}]
)
def test_every_way_to_write_a_jpeg_has_its_end(options: dict[str, int]) -> None:
    assert structure_of(encoded(drawing(4), "JPEG", **options)).findings == ()


def test_thumbnail_inside_a_jpeg_is_not_its_end() -> None:
    inner = encoded(drawing(5, 40, 30), "JPEG")
    outer = SAMPLES["JPEG"]
    segment = b"\xff\xe1" + struct.pack(">H", len(inner) + 2) + inner
    found = structure_of(outer[:2] + segment + outer[2:])
    assert (found.width, found.height, found.findings) == (90, 70, ())


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_frames_are_counted(kind: str) -> None:
    found = structure_of(animation(kind, 5, width=60, height=40))
    assert (found.frames, found.findings) == (5, ())


def test_lossless_formats_are_known() -> None:
    assert structure_of(SAMPLES["PNG"]).lossless
    assert structure_of(SAMPLES["GIF"]).lossless
    assert structure_of(encoded(drawing(), "WEBP", lossless=True)).lossless
    layered = drawing().convert("RGBA")
    layered.putalpha(100)
    assert structure_of(encoded(layered, "WEBP", lossless=True, exif=b"Exif\0\0MM\0*")).lossless
    assert not structure_of(encoded(layered, "WEBP")).lossless
    assert not structure_of(SAMPLES["WEBP"]).lossless
    assert not structure_of(SAMPLES["JPEG"]).lossless


@pytest.mark.parametrize(
    ("data", "kind", "word"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", UnscannableKind.NOT_MEDIA, "svg"),
        (b"<?xml version='1.0'?>\n<!-- x --><svg />", UnscannableKind.NOT_MEDIA, "svg"),
        (b"\xef\xbb\xbf  <!DOCTYPE html><body><svg></svg>", UnscannableKind.NOT_MEDIA, "html"),
        (b"<!-- hello --><html lang=en>", UnscannableKind.NOT_MEDIA, "html"),
        ("<html>".encode("utf-16"), UnscannableKind.NOT_MEDIA, "html"),
        (b"<?xml version='1.0'?><feed/>", UnscannableKind.NOT_MEDIA, "xml"),
        (b"just words", UnscannableKind.NOT_MEDIA, "text"),
        (b"\x01\x02\x00\xff", UnscannableKind.NOT_MEDIA, "no known"),
        (b"%PDF-1.7 ...", UnscannableKind.NOT_MEDIA, "pdf"),
        (archive(), UnscannableKind.NOT_MEDIA, "zip"),
        (b"\x1f\x8b\x08\0\0\0", UnscannableKind.NOT_MEDIA, "gzip"),
        (b"inside.txt".ljust(257, b"\0") + b"ustar\x0000", UnscannableKind.NOT_MEDIA, "tar"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", UnscannableKind.UNSUPPORTED, "heic"),
        (b"FLV\x01" + bytes(9), UnscannableKind.UNSUPPORTED, "flv"),
        (b"RIFF\x10\0\0\0AVI LIST", UnscannableKind.UNSUPPORTED, "avi"),
        (b"BM" + bytes(60), UnscannableKind.UNSUPPORTED, "bmp"),
        (b"II*\0" + bytes(60), UnscannableKind.UNSUPPORTED, "tiff"),
        (b"\xff\x0a" + bytes(60), UnscannableKind.UNSUPPORTED, "jxl"),
        (b"", UnscannableKind.BROKEN, "empty"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, kind: UnscannableKind, word: str) -> None:
    assert word in refused(data, kind)


@pytest.mark.parametrize(("width", "height"), [(30_001, 1), (1, 30_001), (16_384, 16_384), (8001, 8000)])
def test_size_in_the_header_is_refused_before_decoding(width: int, height: int) -> None:
    assert refused(flat_png(width, 1)[:16] + struct.pack(">II", width, height), UnscannableKind.TOO_LARGE)


def test_limits_of_size_are_the_operators() -> None:
    limits = DecodeLimits(max_pixels=6000, max_side=100)
    assert isinstance(inspect(SAMPLES["PNG"], limits), Unscannable)
    assert isinstance(inspect(SAMPLES["PNG"], DecodeLimits(max_pixels=6300, max_side=90)), Structure)


@pytest.mark.parametrize(
    ("kind", "huge"), [("JPEG", (60_000, 60_000)), ("GIF", (60_000, 60_000)), ("WEBP", (16_000, 16_000))]
)
def test_bombs_of_other_formats_are_refused(kind: str, huge: tuple[int, int]) -> None:
    data = bytearray(SAMPLES[kind])
    if kind == "JPEG":
        at = data.index(b"\xff\xc0")
        data[at + 5 : at + 9] = struct.pack(">HH", *huge)
    elif kind == "GIF":
        at = data.index(b"\x2c\0\0\0\0")  # a frame that sticks out of a small screen
        data[at + 5 : at + 9] = struct.pack("<HH", *huge)
    else:
        at = data.index(b"\x9d\x01\x2a") + 3
        data[at : at + 4] = struct.pack("<HH", *huge)
    refused(bytes(data), UnscannableKind.TOO_LARGE)


def test_header_behind_the_first_scan_makes_no_bomb_of_a_jpeg() -> None:
    data = SAMPLES["JPEG"]
    at = data.index(b"\xff\xc0")
    header = bytearray(data[at : at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")])
    header[5:9] = struct.pack(">HH", 60_000, 60_000)
    found = structure_of(data[:-2] + bytes(header) + data[-2:])
    assert (found.width, found.height, found.findings) == (90, 70, ())


def test_frame_behind_the_first_makes_no_bomb_of_a_gif() -> None:
    data = bytearray(animation("GIF", 3, width=60, height=40))
    at = data.rindex(b"\x2c\0\0\0\0")
    data[at + 5 : at + 9] = struct.pack("<HH", 60_000, 60_000)
    found = structure_of(bytes(data))
    assert (found.width, found.height, found.frames) == (60, 40, 3)


def test_picture_without_area_is_broken() -> None:
    chunks = png_chunks(SAMPLES["PNG"])
    header = struct.pack(">II", 0, 10) + chunks[0][1][8:]
    refused(png_of([(b"IHDR", header), *chunks[1:]]), UnscannableKind.BROKEN)


@pytest.mark.parametrize(
    ("declared", "actual", "differs"),
    [
        ("image/png", "image/jpeg", True),
        ("text/html; charset=utf-8", "image/jpeg", True),
        ("image/svg+xml", "image/png", True),
        ("image/jpg", "image/jpeg", False),
        ("IMAGE/JPEG; q=1", "image/jpeg", False),
        ("image/apng", "image/png", False),
        ("application/octet-stream", "image/png", False),
        ("", "image/png", False),
        (None, "image/png", False),
    ],
)
def test_lies_about_the_type_are_found(declared: str | None, actual: str, *, differs: bool) -> None:
    finding = declared_type_finding(declared, actual)
    assert (finding is not None) is differs
    if isinstance(finding, Finding):
        assert finding.kind == "declared_type_differs"
        assert actual in finding.detail


def test_declared_type_is_shown_without_what_a_terminal_would_obey() -> None:
    finding = declared_type_finding("image/\x1b[2J\x9bpng", "image/png")
    assert finding is not None
    assert finding.detail == "declared image/?[2j?png, is image/png"


BEGINNINGS = [
    *(data[:cut] for data in SAMPLES.values() for cut in (4, 12, 20, 40, 300)),
    b"<!--",
    b"<?xml",
    b"\0\0\0\x20ftypavif",
    b"RIFF\xff\xff\xff\xffWEBPVP8X",
    b"\0\0\0\x14ftypisom\0\0\0\0isom",
    b"\x1aE\xdf\xa3\x80\x18S\x80g",
    b"GIF89a\xff\xff\xff\xff\xff",
]


@given(st.sampled_from(BEGINNINGS), st.binary(max_size=400))
def test_no_bytes_make_it_raise(beginning: bytes, rest: bytes) -> None:
    assert isinstance(inspect(beginning + rest), Structure | Unscannable)


@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_no_damage_makes_it_raise(kind: str, data: st.DataObject) -> None:
    sample = bytearray(SAMPLES[kind])
    for _ in range(data.draw(st.integers(1, 8))):
        sample[data.draw(st.integers(0, min(len(sample) - 1, 600)))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(sample)))
    assert isinstance(inspect(bytes(sample[:cut])), Structure | Unscannable)


def nested_boxes() -> bytes:
    return SAMPLES["AVIF"][:32] + b"\0\0\0\0meta" + bytes(4) + b"\0\0\0\0iprp" * 50_000


def empty_blocks() -> bytes:
    return SAMPLES["GIF"][:13] + b"\x21\xfe\x01\0\0" * 50_000


def comments() -> bytes:
    return b"<!-- -->" * 500 + b"<x>"


def boxes_of_a_film() -> bytes:
    return b"\0\0\0\x14ftypisom\0\0\0\0isom" + b"\0\0\0\x08free" * 50_000


@pytest.mark.parametrize("make", [nested_boxes, empty_blocks, comments, boxes_of_a_film])
def test_structures_made_to_keep_it_busy_end(make: Callable[[], bytes]) -> None:
    assert isinstance(inspect(make()), Structure | Unscannable)
