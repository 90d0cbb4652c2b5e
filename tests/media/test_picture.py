"""What one decode finds, without the process around it."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pdqhash
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot.domain.evidence import Unscannable, UnscannableKind
from bot.media.frames import sample
from bot.media.limits import DecodeLimits
from bot.media.picture import Looked, look

from .drawings import (
    SMALL,
    animation,
    chunk,
    distance,
    drawing,
    encoded,
    flat_png,
    png_chunks,
    png_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMITS = DecodeLimits()
KINDS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF")


def seen(data: bytes, limits: DecodeLimits = LIMITS) -> Looked:
    looked = look(data, [SMALL], limits)
    assert isinstance(looked, Looked), looked
    return looked


def rows(looked: Looked) -> Sequence[np.ndarray[Any, Any]]:
    return looked.rows[SMALL]


def broken(data: bytes, kind: UnscannableKind = UnscannableKind.BROKEN) -> str:
    looked = look(data, [SMALL], LIMITS)
    assert isinstance(looked, Unscannable), looked
    assert looked.kind is kind
    return looked.detail


def apart(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    """Mean difference in grey levels."""
    return float(np.abs(one.astype(float) - other).mean())


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_shows_the_same_picture(kind: str) -> None:
    looked = seen(encoded(drawing(), kind))
    plain = seen(encoded(drawing(), "PNG"))
    assert (looked.media_type, looked.width, looked.height, looked.frames) == (f"image/{kind.lower()}", 400, 300, 1)
    assert (looked.findings, looked.gaps) == ([], [])
    (row,) = rows(looked)
    assert row.shape == (48, 48, 3)
    assert row.dtype == np.uint8
    assert apart(row, rows(plain)[0]) < 4
    assert looked.pdq is not None
    assert plain.pdq is not None
    assert distance(looked.pdq, plain.pdq) <= 12


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK", "YCbCr"])
def test_every_colour_mode_is_decoded(mode: str) -> None:
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(drawing().convert("L")).astype(np.uint16) * 257)
    elif mode in {"LA", "RGBA"}:
        picture = drawing().convert(mode)
    else:
        picture = drawing().convert(mode)
    data = encoded(picture, "JPEG" if mode in {"CMYK", "YCbCr"} else "PNG")
    looked = seen(data)
    grey = mode in {"1", "L", "LA", "I;16"}
    wanted = seen(encoded(drawing().convert("L") if grey else drawing(), "PNG"))
    assert apart(rows(looked)[0], rows(wanted)[0]) < 8
    assert looked.findings == []


# Exact pixels


def rewritten(data: bytes) -> bytes:
    """As a server that re-encodes uploads writes it: other compression, other ancillary chunks."""
    chunks = png_chunks(data)
    packed = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    again = zlib.compress(packed, 1)
    half = len(again) // 2
    return png_of(
        [
            chunks[0],
            (b"tIME", struct.pack(">HBBBBB", 2026, 1, 2, 3, 4, 5)),
            (b"tEXt", b"date:create\x002026-01-02T03:04:05+00:00"),
            (b"IDAT", again[:half]),
            (b"IDAT", again[half:]),
            (b"IEND", b""),
        ]
    )


def test_rewritten_png_keeps_the_digest_of_its_pixels() -> None:
    data = encoded(drawing(), "PNG")
    again = rewritten(data)
    assert again != data
    assert seen(again).pixels == seen(data).pixels
    assert seen(data).pixels is not None


def test_lossless_formats_share_the_digest() -> None:
    data = encoded(drawing(), "PNG")
    assert seen(encoded(drawing(), "WEBP", lossless=True)).pixels == seen(data).pixels


def test_palette_and_its_expansion_share_the_digest() -> None:
    few = drawing().quantize(32)
    assert seen(encoded(few, "PNG")).pixels == seen(encoded(few.convert("RGB"), "PNG")).pixels
    assert seen(encoded(few, "GIF")).pixels == seen(encoded(few, "PNG")).pixels
    few.info["transparency"] = 3
    assert seen(encoded(few, "PNG", transparency=3)).pixels == seen(encoded(few.convert("RGBA"), "PNG")).pixels


def test_grey_and_its_expansions_share_the_digest() -> None:
    grey = drawing().convert("L")
    wanted = seen(encoded(grey, "PNG")).pixels
    assert seen(encoded(grey.convert("RGB"), "PNG")).pixels == wanted
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 256 + 77)
    assert seen(encoded(deep, "PNG")).pixels == wanted


def test_one_changed_pixel_or_another_shape_changes_the_digest() -> None:
    picture = drawing()
    wanted = seen(encoded(picture, "PNG")).pixels
    picture.putpixel((7, 9), (1, 2, 3))
    assert seen(encoded(picture, "PNG")).pixels != wanted
    assert seen(flat_png(64, 32)).pixels != seen(flat_png(32, 64)).pixels


def test_colour_under_transparency_counts_in_the_digest() -> None:
    one = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
    other = Image.new("RGBA", (40, 40), (0, 255, 0, 0))
    assert seen(encoded(one, "PNG")).pixels != seen(encoded(other, "PNG")).pixels


@pytest.mark.parametrize(
    "data",
    [
        encoded(drawing(), "JPEG"),
        encoded(drawing(), "WEBP"),
        encoded(drawing(), "AVIF"),
        animation("PNG", 3),
        animation("GIF", 3),
        encoded(drawing(), "PNG")[:-30],
    ],
    ids=["jpeg", "lossy-webp", "avif", "apng", "animated-gif", "truncated-png"],
)
def test_what_is_lossy_moving_or_incomplete_has_no_digest_of_pixels(data: bytes) -> None:
    assert seen(data).pixels is None


# PDQ


def pdq_of(data: bytes) -> str:
    looked = seen(data)
    assert looked.pdq is not None
    assert looked.pdq_quality is not None
    assert looked.pdq_quality >= 50
    return looked.pdq


@pytest.mark.parametrize("seed", range(4))
def test_pdq_stays_near_after_re_encoding_and_scaling(seed: int) -> None:
    picture = drawing(seed, 1200, 900)
    wanted = pdq_of(encoded(picture, "PNG"))
    smaller = picture.resize((400, 300), Image.Resampling.LANCZOS)
    for copy in (
        encoded(picture, "JPEG", quality=50),
        encoded(picture, "WEBP", quality=50),
        encoded(smaller, "JPEG", quality=80),
        encoded(smaller, "PNG"),
    ):
        assert distance(wanted, pdq_of(copy)) <= 31


def test_pdq_of_other_pictures_is_far() -> None:
    assert distance(pdq_of(encoded(drawing(1), "PNG")), pdq_of(encoded(drawing(2), "PNG"))) > 80


def test_pdq_is_that_of_the_reference_for_small_pictures() -> None:
    bits, quality = pdqhash.compute(np.asarray(drawing()))
    looked = seen(encoded(drawing(), "PNG"))
    assert looked.pdq == f"{int(''.join(str(bit) for bit in bits), 2):064x}"
    assert looked.pdq_quality == quality


@pytest.mark.parametrize(
    "size", [(513, 513), (601, 450), (1024, 768), (1500, 1501), (450, 1333), (900, 256), (2600, 200), (9000, 40)]
)
def test_pdq_of_a_large_picture_is_near_that_of_the_reference(size: tuple[int, int]) -> None:
    from bot.media.fingerprint import pdq

    picture = drawing(7, *size)
    bits, quality = pdqhash.compute(np.asarray(picture))
    found, found_quality = pdq(picture)
    assert distance(found, f"{int(''.join(str(bit) for bit in bits), 2):064x}") <= 16
    assert abs(found_quality - quality) <= 10


def test_flat_picture_has_no_quality() -> None:
    assert seen(flat_png(300, 200)).pdq_quality == 0


# What is seen


@pytest.mark.parametrize("orientation", range(1, 9))
def test_picture_is_turned_as_its_exif_says(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    looked = seen(encoded(drawing(), "JPEG", exif=exif, quality=95))
    turn = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}.get(orientation)
    wanted = drawing() if turn is None else drawing().transpose(Image.Transpose(turn))
    assert (looked.width, looked.height) == wanted.size
    assert apart(rows(looked)[0], rows(seen(encoded(wanted, "PNG")))[0]) < 4


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF"])
def test_formats_beside_jpeg_are_turned_too_and_so_is_what_lists_compare(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    wanted = drawing().transpose(Image.Transpose.ROTATE_270)
    looked = seen(encoded(drawing(), kind, exif=exif))
    assert (looked.width, looked.height) == wanted.size
    plain = seen(encoded(wanted, "PNG"))
    assert apart(rows(looked)[0], rows(plain)[0]) < 4
    assert looked.pdq is not None
    assert plain.pdq is not None
    assert distance(looked.pdq, plain.pdq) <= 12


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0garbage",
        b"Exif\0\0MM\0*\xff\xff\xff\xff",
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xff" * 40,
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x63\0\0\0\0\0\0",  # orientation 99
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02\0\0\0\x04abc\0\0\0\0\0",  # orientation "abc"
        b"",
    ],
)
def test_wrong_exif_turns_nothing(exif: bytes) -> None:
    plain = encoded(drawing(), "JPEG")
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    looked = seen(plain[:2] + segment + plain[2:])
    assert (looked.width, looked.height) == (400, 300)
    assert apart(rows(looked)[0], rows(seen(plain))[0]) < 1


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF"])
def test_transparent_picture_is_seen_on_white_on_black_and_without_transparency(kind: str) -> None:
    layered = drawing().convert("RGBA")
    layered.putalpha(0)
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    looked = seen(encoded(layered, kind, **options))
    on_white, bare, on_black = rows(looked)
    assert on_white.min() == 255
    assert on_black.max() == 0
    plain = seen(encoded(drawing(), "PNG"))
    assert apart(bare, rows(plain)[0]) < 4
    looks = [one.look for one in looked.looks.pictures]
    assert [look.how for look in looks] == ["on white", "without transparency", "on black"]
    assert looks[1].pdq is not None
    assert plain.pdq is not None
    assert distance(looks[1].pdq, plain.pdq) <= 12, "a list finds what is hidden, too"


@pytest.mark.parametrize(("colour", "shown_on"), [(255, "on black"), (0, "on white"), (128, "on black")])
def test_picture_that_is_made_of_its_transparency_shows_on_one_of_two_grounds(colour: int, shown_on: str) -> None:
    shape = drawing().convert("L")
    stencil = Image.new("RGBA", shape.size, (colour, colour, colour))
    stencil.putalpha(shape)
    looked = seen(encoded(stencil, "PNG"))
    by_name = {one.look.how: row for one, row in zip(looked.looks.pictures, rows(looked), strict=True)}
    shape_alone = rows(seen(encoded(shape, "PNG")))[0]
    wanted = shape_alone if shown_on == "on black" else 255 - shape_alone
    assert apart(by_name[shown_on], wanted * (colour / 255 if shown_on == "on black" else 1)) < 2


def test_what_shows_the_same_on_every_ground_is_looked_at_once() -> None:
    nearly = drawing().convert("RGBA")
    nearly.putalpha(253)
    assert len(rows(seen(encoded(nearly, "PNG")))) == 1


def test_hidden_picture_survives_the_scaling_down_of_large_ones() -> None:
    picture = drawing(1, 440, 420).resize((2200, 2100))
    hidden = picture.convert("RGBA")
    hidden.putalpha(0)
    on_white, bare, _ = rows(seen(encoded(hidden, "PNG", compress_level=1)))
    assert on_white.min() == 255
    assert apart(bare, rows(seen(encoded(picture, "PNG", compress_level=1)))[0]) < 2


def test_opaque_alpha_is_one_picture() -> None:
    assert len(rows(seen(encoded(drawing().convert("RGBA"), "PNG")))) == 1


def test_transparent_grey_value_of_16_bits_is_transparent() -> None:
    deep = np.full((60, 80), 500, dtype=np.uint16)
    deep[:, 40:] = 40_000
    chunks = png_chunks(encoded(Image.fromarray(deep), "PNG"))
    looked = seen(png_of([chunks[0], (b"tRNS", struct.pack(">H", 500)), *chunks[1:]]))
    on_white, bare = rows(looked)
    assert on_white[:, :20].min() == 255
    assert bare[:, :20].max() <= 2


def with_gamma(gamma: float, *more: tuple[bytes, bytes]) -> bytes:
    chunks = png_chunks(encoded(drawing(), "PNG"))
    return png_of([chunks[0], (b"gAMA", struct.pack(">I", round(gamma * 100_000))), *more, *chunks[1:]])


def test_picture_that_browsers_show_otherwise_is_seen_both_ways() -> None:
    plain = rows(seen(encoded(drawing(), "PNG")))[0]
    looked = seen(with_gamma(0.023))
    stored, shown = rows(looked)
    assert apart(stored, plain) == 0
    assert shown.mean() < plain.mean() / 10  # exponent 20: all but white is black
    assert [finding.kind for finding in looked.findings] == ["odd_gamma"]
    assert looked.pixels is None


@pytest.mark.parametrize("gamma", [1 / 2.2, 1 / 1.8, 0])
def test_ordinary_gamma_is_no_finding_and_keeps_the_digest(gamma: float) -> None:
    looked = seen(with_gamma(gamma))
    assert looked.findings == []
    assert len(rows(looked)) == 1
    assert looked.pixels == seen(encoded(drawing(), "PNG")).pixels


def test_gamma_is_overridden_by_srgb_as_in_browsers() -> None:
    assert seen(with_gamma(0.023, (b"sRGB", b"\0"))).findings == []


# Animations


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_animation_is_seen_at_eight_frames_from_first_to_last(kind: str) -> None:
    looked = seen(animation(kind, 20))
    assert looked.frames == 20
    assert len(rows(looked)) == 8
    for row, number in zip(rows(looked), sample(20, LIMITS), strict=True):
        assert apart(row, rows(seen(encoded(drawing(number, 120, 90), "PNG")))[0]) < 10
    assert looked.gaps == []


@pytest.mark.parametrize(
    ("total", "wanted"),
    [
        (1, [0]),
        (2, [0, 1]),
        (8, list(range(8))),
        (9, [0, 1, 2, 3, 5, 6, 7, 8]),
        (300, [0, 43, 85, 128, 171, 214, 256, 299]),
        (100_000, [0, 43, 85, 128, 171, 214, 256, 299]),
    ],
)
def test_frames_are_spread_over_the_first_three_hundred(total: int, wanted: list[int]) -> None:
    assert sample(total, LIMITS) == wanted


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_frames_out_of_reach_are_a_gap_and_a_finding(kind: str) -> None:
    limits = DecodeLimits(first_frames=6, max_frames=3)
    looked = seen(animation(kind, 7), limits)
    assert len(rows(looked)) == 3
    assert looked.gaps == ["animation: frames after 6 of 7 not looked at"]
    (finding,) = looked.findings
    assert (finding.kind, finding.detail) == (
        "partly_seen",
        "of this animation no frame after its first 6 was looked at",
    )
    within = seen(animation(kind, 6), limits)
    assert (len(rows(within)), within.gaps, within.findings) == (3, [], []), "a sample of them is all that is wanted"


def test_frames_out_of_reach_and_of_time_are_one_finding() -> None:
    looked = seen(animation("GIF", 7), DecodeLimits(first_frames=6, animation_seconds=-1))
    assert [finding.detail for finding in looked.findings] == [
        "of this animation only 1 of 6 sampled frames were looked at, and no frame after its first 6 was looked at"
    ]


def test_first_frame_is_seen_even_without_time_for_more() -> None:
    looked = seen(animation("GIF", 12), DecodeLimits(animation_seconds=-1))
    assert len(rows(looked)) == 1
    assert looked.gaps == ["animation: 1 of 8 sampled frames looked at, then out of time"]
    (finding,) = looked.findings
    assert (finding.kind, finding.detail) == (
        "partly_seen",
        "of this animation only 1 of 8 sampled frames were looked at",
    )


def test_animation_that_breaks_off_is_seen_as_far_as_it_goes() -> None:
    data = animation("GIF", 10)
    looked = seen(data[: len(data) // 2])
    assert 1 <= len(rows(looked)) < 8
    assert [finding.kind for finding in looked.findings] == ["truncated", "partly_seen"]


def alone(data: bytes) -> list[int]:
    return [one.look.frame for one in seen(data).looks.pictures if one.look.alone]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_frames_that_are_shown_like_pictures_stand_alone(kind: str) -> None:
    def made(durations: list[int], **options: int) -> bytes:
        pictures = [drawing(seed, 60, 45) for seed in range(len(durations))]
        return encoded(pictures[0], kind, save_all=True, append_images=pictures[1:], duration=durations, **options)

    assert alone(made([40] * 8, loop=0)) == [0], "what is seen first"
    assert alone(made([40] * 3 + [600] + [40] * 4, loop=0)) == [0, 3]
    assert alone(made([900] * 5, loop=0)) == [0, 1, 2, 3, 4], "a slideshow"
    assert alone(made([40, 40], loop=0)) == [0, 1], "a blank frame behind a picture does not hide it"
    assert alone(made([40] * 8, loop=1)) == [0, 7], "what stays"


def test_a_picture_moves_not_and_pictures_beside_each_other_do_not_either() -> None:
    both = encoded(drawing(1), "MPO", save_all=True, append_images=[drawing(2)])
    looked = seen(both)
    assert (looked.media_type, looked.frames, looked.moving, len(rows(looked))) == ("image/jpeg", 2, False, 2)
    assert not seen(encoded(drawing(1), "PNG")).moving
    assert seen(animation("GIF", 3)).moving


@pytest.mark.parametrize("kind", ["WEBP", "PNG"])  # Pillow's AVIF encoder dies of frames with EXIF
def test_every_frame_is_turned_as_the_exif_says(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    pictures = [drawing(seed, 120, 90) for seed in range(3)]
    looked = seen(encoded(pictures[0], kind, save_all=True, append_images=pictures[1:], duration=40, exif=exif))
    assert (looked.width, looked.height) == (90, 120)
    for picture, row in zip(pictures, rows(looked), strict=True):
        upright = picture.transpose(Image.Transpose.ROTATE_270)
        assert apart(row, rows(seen(encoded(upright, "PNG")))[0]) < 10
    upright = pictures[0].transpose(Image.Transpose.ROTATE_270)
    assert looked.pdq is not None
    assert distance(looked.pdq, pdq_of(encoded(upright, "PNG"))) <= 31


# Damage


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_picture_that_breaks_off_is_seen_as_far_as_it_goes(kind: str) -> None:
    data = encoded(drawing(), kind)
    looked = seen(data[: len(data) * 2 // 3])
    assert [finding.kind for finding in looked.findings] == ["truncated"]
    whole = rows(seen(data))[0]
    assert apart(rows(looked)[0][:20], whole[:20]) < 2
    assert looked.gaps == ["picture: incomplete, looked at as far as it goes"]


def test_flaw_in_the_middle_is_found() -> None:
    chunks = png_chunks(encoded(drawing(), "PNG"))
    data = png_of(chunks)
    at = data.index(b"IDAT") + 4 + len(chunks[1][1]) // 2
    looked = look(data[:at] + bytes(200) + data[at + 200 :], [SMALL], LIMITS)
    assert isinstance(looked, Looked)
    assert [finding.kind for finding in looked.findings] == ["damaged"]
    assert looked.gaps == ["picture: incomplete, looked at as far as it goes"]
    assert looked.pixels is None


def test_text_that_unpacks_to_gigabytes_does_not_hide_the_picture() -> None:
    chunks = png_chunks(encoded(drawing(), "PNG"))
    text = b"Comment\0\0" + zlib.compress(bytes(200 * 2**20), 9)
    looked = seen(png_of([chunks[0], (b"zTXt", text), *chunks[1:]]))
    assert (looked.findings, looked.gaps) == ([], [])
    assert apart(rows(looked)[0], rows(seen(png_of(chunks)))[0]) == 0


def test_jpeg_that_lacks_only_its_last_bytes_is_complete() -> None:
    data = encoded(drawing(), "JPEG")
    assert [finding.kind for finding in seen(data[:-2]).findings] == ["truncated"]


def test_file_with_a_second_format_behind_it_is_seen_and_found() -> None:
    looked = seen(encoded(drawing(), "JPEG") + b"PK\x03\x04" + bytes(500))
    assert [finding.kind for finding in looked.findings] == ["trailing_data"]
    assert len(rows(looked)) == 1


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", UnscannableKind.NOT_MEDIA),
        (b"<html><body>not found</body></html>", UnscannableKind.NOT_MEDIA),
        (flat_png(10_000, 10_000, depth=1), UnscannableKind.TOO_LARGE),
        (b"\x89PNG\r\n\x1a\n", UnscannableKind.BROKEN),
        (b"\xff\xd8\xff\xd9", UnscannableKind.BROKEN),
        (b"GIF89a", UnscannableKind.BROKEN),
        (b"RIFF\0\0\0\0WEBP", UnscannableKind.BROKEN),
        (b"\0\0\0\x20ftypavif" + bytes(40), UnscannableKind.BROKEN),
        (encoded(drawing(), "AVIF")[:600], UnscannableKind.BROKEN),
    ],
    ids=["svg", "html", "bomb", "png", "jpeg", "gif", "webp", "avif", "half-avif"],
)
def test_what_cannot_be_decoded_says_why(data: bytes, kind: UnscannableKind) -> None:
    assert broken(data, kind)


def test_header_that_lies_about_the_size_is_caught_by_the_decoder() -> None:
    # The structure says 90 x 70 by its first frame header; the decoder goes by the last.
    data = encoded(drawing(3, 90, 70), "WEBP", lossless=True)
    extended = struct.pack("<4sI4B3s3s", b"VP8X", 10, 0, 0, 0, 0, b"\x59\0\0", b"\x45\0\0")
    bits = bytearray(data[12:])
    bits[9:13] = struct.pack("<I", 0x3FFF | 0x3FFF << 14)
    forged = b"RIFF" + struct.pack("<I", 4 + len(extended) + len(bits)) + b"WEBP" + extended + bytes(bits)
    assert look(forged, [SMALL], LIMITS) == Unscannable(kind=UnscannableKind.TOO_LARGE, detail="16384 x 16384 pixels")


SAMPLES = {kind: encoded(drawing(3, 90, 70), kind) for kind in KINDS} | {
    "moving GIF": animation("GIF", 4, width=40, height=30),
    "moving WEBP": animation("WEBP", 4, width=40, height=30),
}


@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_no_damage_makes_it_raise(kind: str, data: st.DataObject) -> None:
    damaged = bytearray(SAMPLES[kind])
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(damaged)))
    looked = look(bytes(damaged[:cut]), [SMALL], DecodeLimits(max_pixels=100_000))
    if isinstance(looked, Looked):
        assert 1 <= len(looked.rows[SMALL]) <= 24


def test_chunk_order_of_the_helper_is_that_of_the_format() -> None:
    assert chunk(b"IEND", b"") == b"\0\0\0\0IEND\xaeB`\x82"
