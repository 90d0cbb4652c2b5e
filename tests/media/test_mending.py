"""Files that viewers show although something about them is wrong: the bot must not be blind where people see."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from bot.domain.evidence import Unscannable
from bot.media.formats import png, webp
from bot.media.limits import DecodeLimits
from bot.media.picture import Looked, look
from bot.ports import ViewSpec

from .drawings import SIGNATURE, SMALL, animation, chunk, drawing, encoded, png_chunks, png_of

PICTURE = encoded(drawing(), "PNG")
WEBP = encoded(drawing(), "WEBP")


def seen(data: bytes, limits: DecodeLimits | None = None) -> Looked:
    looked = look(data, [SMALL], limits or DecodeLimits())
    assert isinstance(looked, Looked), looked
    return looked


def apart(one: Looked, other: Looked) -> float:
    """Mean difference of the first rows in grey levels."""
    return float(np.abs(one.rows[SMALL][0].astype(float) - other.rows[SMALL][0]).mean())


def with_chunks(*more: tuple[bytes, bytes], data: bytes = PICTURE) -> bytes:
    chunks = png_chunks(data)
    return png_of([chunks[0], *more, *chunks[1:]])


# PNG


@pytest.mark.parametrize("kind", [b"IHDR", b"IDAT", b"IEND"])
def test_wrong_checksum_hides_nothing(kind: bytes) -> None:
    whole = chunk(*next(one for one in png_chunks(PICTURE) if one[0] == kind))
    looked = seen(PICTURE.replace(whole, whole[:-4] + b"lies"))
    assert apart(looked, seen(PICTURE)) == 0
    assert looked.gaps == []
    assert [one.kind for one in looked.findings] == (["damaged"] if kind == b"IHDR" else [])


@pytest.mark.parametrize("kind", [b"gAMA", b"sRGB", b"tRNS", b"cHRM", b"pHYs", b"acTL", b"fcTL", b"iCCP", b"tEXt"])
def test_empty_chunk_hides_nothing(kind: bytes) -> None:
    looked = seen(with_chunks((kind, b"")))
    assert apart(looked, seen(PICTURE)) == 0
    assert looked.gaps == []


@pytest.mark.parametrize("colours", [2, 200, 256])
def test_more_transparencies_than_colours_hide_nothing(colours: int) -> None:
    chunks = png_chunks(encoded(drawing().quantize(colours), "PNG"))
    looked = seen(png_of([*chunks[:2], (b"tRNS", bytes(range(256)) * 2), *chunks[2:]]))
    assert len(looked.rows[SMALL]) == 3


@pytest.mark.parametrize("word", [b"transparency", b"bbox", b"interlace", b"default_image", b"gamma", b"exif"])
def test_text_with_the_name_of_a_property_is_none(word: bytes) -> None:
    looked = seen(with_chunks((b"tEXt", word + b"\0" + b"9")))
    assert (looked.findings, looked.gaps) == ([], [])
    assert looked.pixels == seen(PICTURE).pixels


@pytest.mark.parametrize(
    "disguise",
    [
        (b"tEXt", b"srgb\0x"),
        (b"tEXt", b"icc_profile\0x"),
        (b"iCCP", b"p\0\0x"),
        (b"iCCP", b"p\0\0" + zlib.compress(b"x" * 200)),
    ],
)
def test_odd_gamma_is_not_overridden_by_what_browsers_ignore(disguise: tuple[bytes, bytes]) -> None:
    looked = seen(with_chunks((b"gAMA", struct.pack(">I", 2300)), disguise))
    assert [one.kind for one in looked.findings] == ["odd_gamma"]
    assert len(looked.rows[SMALL]) == 2


def test_odd_gamma_is_overridden_by_a_profile() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert (
        seen(with_chunks((b"gAMA", struct.pack(">I", 2300)), (b"iCCP", b"p\0\0" + zlib.compress(profile)))).findings
        == []
    )


def test_animation_that_cannot_be_read_is_seen_at_its_first_picture_and_said_to_move() -> None:
    moving = animation("PNG", 4)
    chunks = [
        (kind, struct.pack(">I", 77) + body[4:] if kind == b"fcTL" else body) for kind, body in png_chunks(moving)
    ]
    looked = seen(png_of(chunks))
    assert apart(looked, seen(moving)) == 0
    assert looked.gaps == ["animation: cannot be read, only its first picture looked at"]
    assert [one.kind for one in looked.findings] == ["damaged", "partly_seen"]
    assert looked.findings[1].detail == "of this animation only 1 of 4 sampled frames were looked at"


def test_mended_picture_is_a_proper_file() -> None:
    torn = SIGNATURE + b"".join(
        struct.pack(">I", len(body)) + kind + body + bytes(4) for kind, body in png_chunks(PICTURE)
    )
    assert png.mended(torn) == PICTURE
    assert png.mended(PICTURE[:-30]).endswith(
        struct.pack(">I", zlib.crc32(png_chunks(png.mended(PICTURE[:-30]))[-1][1], zlib.crc32(b"IDAT")))
    )


# WebP


def test_webp_that_says_it_is_longer_is_seen_whole() -> None:
    looked = seen(WEBP[:4] + struct.pack("<I", len(WEBP) + 1000) + WEBP[8:])
    assert apart(looked, seen(WEBP)) == 0
    assert [one.kind for one in looked.findings] == ["truncated"]


def test_webp_that_breaks_off_is_seen_as_far_as_it_goes() -> None:
    looked = seen(WEBP[: len(WEBP) * 2 // 3])
    whole, part = seen(WEBP).rows[SMALL][0].astype(float), looked.rows[SMALL][0]
    assert np.abs(whole[:16] - part[:16]).mean() < 4
    assert looked.gaps == ["picture: incomplete, looked at as far as it goes"]
    assert [one.kind for one in looked.findings] == ["truncated"]


def test_moving_webp_that_breaks_off_is_seen_as_far_as_it_goes() -> None:
    moving = animation("WEBP", 6)
    looked = seen(moving[: len(moving) // 2])
    assert apart(looked, seen(moving)) == 0
    assert 1 < looked.frames < 6


def test_webp_that_says_it_goes_on_for_gigabytes_is_not_filled_up_with_them() -> None:
    at = WEBP.index(b"VP8 ") + 4
    assert len(webp.mended(WEBP[:at] + b"\xf0\xff\xff\xff" + WEBP[at + 4 :])) < len(WEBP) + 2 * 1024 * 1024


# GIF


def test_gif_whose_last_frame_is_huge_is_seen_before_it() -> None:
    data = bytearray(animation("GIF", 3))
    at = data.rindex(b"\x2c\0\0\0\0")
    data[at + 5 : at + 9] = struct.pack("<HH", 60_000, 60_000)
    looked = seen(bytes(data))
    assert (looked.width, looked.height, len(looked.rows[SMALL])) == (120, 90, 2)
    assert looked.gaps == ["animation: frame 3 of 3 cannot be read (DecompressionBombError)"]
    (finding,) = looked.findings
    assert finding.detail == "of this animation only 2 of 3 sampled frames were looked at"


def test_moving_gif_with_a_flaw_in_its_first_frame_is_seen_as_far_as_it_goes() -> None:
    data = animation("GIF", 3)
    at = data.index(b"\x2c\0\0\0\0") + 40
    looked = seen(data[:at] + b"\xff\xff\xff" + data[at + 3 :])
    assert looked.frames == 3
    assert [one.kind for one in looked.findings] == ["damaged"]


def test_long_comment_of_a_gif_hides_nothing_from_a_view_that_is_a_jpeg_for_a_while() -> None:
    gif = encoded(drawing(), "GIF")
    colours = 13 + (3 << ((gif[10] & 7) + 1))
    comment = b"\x21\xfe" + (b"\xfa" + b"x" * 250) * 400 + b"\0"
    view = ViewSpec(resize=64, crop=48, channels="BGR", jpeg_quality=75)
    long, plain = (look(data, [view], DecodeLimits()) for data in (gif[:colours] + comment + gif[colours:], gif))
    assert isinstance(long, Looked), long
    assert isinstance(plain, Looked)
    np.testing.assert_array_equal(long.rows[view][0], plain.rows[view][0])


# JPEG


def test_xmp_turns_nothing_for_browsers_do_not_go_by_it() -> None:
    plain = encoded(drawing(), "JPEG")
    body = b'http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation="6"/>'
    looked = seen(plain[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + plain[2:])
    assert (looked.width, looked.height) == (400, 300)
    assert looked.pdq == seen(plain).pdq


def pair(second: Image.Image) -> bytes:
    """Two pictures in one JPEG, both to be turned."""
    turned = Image.Exif()
    turned[0x0112] = 6
    return encoded(drawing(1), "MPO", save_all=True, append_images=[second], exif=turned)


def test_jpeg_of_two_pictures_is_turned_and_seen_twice() -> None:
    looked = seen(pair(drawing(2, 200, 150)))
    alone = seen(encoded(drawing(1).transpose(Image.Transpose.ROTATE_270), "PNG"))
    assert (looked.width, looked.height, len(looked.rows[SMALL])) == (300, 400, 2)
    assert apart(looked, alone) < 8


def test_second_picture_of_a_jpeg_that_is_a_bomb_costs_only_itself() -> None:
    data = bytearray(pair(drawing(2, 200, 150)))
    at = data.rindex(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 10_000, 10_000)
    looked = seen(bytes(data))
    assert len(looked.rows[SMALL]) == 1
    assert looked.gaps == ["animation: frame 2 of 2 cannot be read (DecompressionBombWarning)"]
    assert looked.findings[-1].detail == "of this file only 1 of 2 sampled frames were looked at"


# Words


@pytest.mark.parametrize("data", [PICTURE[:30], WEBP[:20], b"\xff\xd8\xff\xd9", b"GIF89a" + bytes(9)])
def test_reasons_are_words_and_the_same_each_time(data: bytes) -> None:
    first, again = look(data, [SMALL], DecodeLimits()), look(data, [SMALL], DecodeLimits())
    assert isinstance(first, Unscannable)
    assert first == again
    assert "0x" not in first.detail
    assert first.detail.split(": ", 1)[-1].strip()
