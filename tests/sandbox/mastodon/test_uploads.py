"""What is made of an upload, and what is not taken."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from adapters.sandbox.mastodon.boxes import jpeg_movie, read_track

from .square import animation, encoded, png

if TYPE_CHECKING:
    from collections.abc import Callable

    from .square import Square


def _size(square: Square, url: str) -> tuple[int, int]:
    return Image.open(io.BytesIO(square.file(url).content)).size


def test_picture_is_stored_anew_and_alike_for_the_same_upload(square: Square) -> None:
    data = png()
    first, second = square.upload("alice", data), square.upload("bob", data)
    stored = square.file(first["url"]).content
    assert stored != data
    assert stored == square.file(second["url"]).content
    assert first["blurhash"] == second["blurhash"]
    assert len(first["blurhash"]) == 36


def test_two_versions_store_other_bytes(older: Square, newer: Square) -> None:
    data = encoded(Image.linear_gradient("L").convert("RGB"), "JPEG")
    stored = [square.file(square.upload("alice", data, "image/jpeg")["url"]).content for square in (older, newer)]
    assert stored[0] != stored[1]


def test_preview_has_the_area_of_640_by_360(newer: Square) -> None:
    shown = newer.upload("alice", png(size=(640, 480)))
    assert shown["meta"]["small"] == {"width": 554, "height": 416, "size": "554x416", "aspect": 554 / 416}
    assert _size(newer, shown["preview_url"]) == (554, 416)
    assert _size(newer, shown["url"]) == (640, 480)


def test_what_a_camera_wrote_is_gone(newer: Square) -> None:
    picture = Image.new("RGB", (40, 20))
    marks = Image.Exif()
    marks[0x010E] = "a place"
    marks[0x0112] = 6  # to be turned
    shown = newer.upload("alice", encoded(picture, "JPEG", exif=marks), "image/jpeg")
    stored = Image.open(io.BytesIO(newer.file(shown["url"]).content))
    assert stored.size == (20, 40)
    assert not stored.getexif()


def test_animation_becomes_a_film_with_a_picture_before_it(square: Square) -> None:
    shown = square.upload("alice", animation(), "image/gif")
    assert shown["type"] == "gifv"
    assert shown["url"].endswith(".mp4")
    assert shown["meta"]["original"]["frame_rate"] == "5/1"
    track = read_track(square.file(shown["url"]).content)
    assert (track.width, track.height, track.frames, track.seconds) == (64, 64, 3, 0.6)
    assert Image.open(io.BytesIO(square.file(shown["preview_url"]).content)).format == "PNG"


def test_gif_that_does_not_move_is_a_picture(newer: Square) -> None:
    shown = newer.upload("alice", encoded(Image.new("P", (8, 8)), "GIF"), "image/gif")
    assert shown["type"] == "image"


def test_film_is_not_ready_at_once_and_cannot_be_posted(opened: Callable[..., Square]) -> None:
    square = opened("4.6", processing=3600.0)
    movie = jpeg_movie([encoded(Image.new("RGB", (32, 16)), "JPEG")] * 2, [500, 500], 32, 16)
    sent = square.call("alice", "POST", "/api/v2/media", files={"file": ("v.mp4", movie, "video/mp4")})
    assert (sent.status_code, sent.json()["type"], sent.json()["url"]) == (202, "video", None)
    number = sent.json()["id"]
    assert square.call("alice", "GET", f"/api/v1/media/{number}").status_code == 206
    assert square.refusal("alice", "/api/v1/statuses", status="x", media_ids=[number]) == (
        422,
        "Cannot attach files that have not finished processing. Try again in a moment!",
    )
    assert square.upload("alice", movie, "video/mp4", version=1)["url"] is not None


def test_film_goes_with_nothing_else(square: Square) -> None:
    movie = jpeg_movie([encoded(Image.new("RGB", (32, 16)), "JPEG")], [500], 32, 16)
    media = [square.upload("alice", movie, "video/mp4")["id"], square.upload("alice")["id"]]
    assert square.refusal("alice", "/api/v1/statuses", status="x", media_ids=media) == (
        422,
        "Cannot attach a video to a post that already contains images",
    )


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b"no picture", "image/png", "Validation failed: File has contents that are not what they are reported to be"),
        (b"%PDF-1.4 x", "application/pdf", "Validation failed: File content type is invalid, File is invalid"),
        (b"no film", "video/mp4", "Validation failed: File has contents that are not what they are reported to be"),
        (
            struct.pack(">I", 16) + b"ftypisom" + bytes(8),
            "video/mp4",
            "Validation failed: File has contents that are not what they are reported to be",
        ),
        (b"\x1aE\xdf\xa3 webm", "video/webm", "Validation failed: The sandbox takes no video but MP4"),
    ],
)
def test_file_that_is_refused(newer: Square, data: bytes, kind: str, words: str) -> None:
    answer = newer.call("alice", "POST", "/api/v2/media", files={"file": ("x", data, kind)})
    assert (answer.status_code, answer.json()["error"]) == (422, words)


def test_description_and_focus_are_kept(square: Square) -> None:
    number = square.upload("alice")["id"]
    shown = square.send("alice", f"/api/v1/media/{number}", "PUT", description="a gradient", focus="0.5,-0.5")
    assert (shown["description"], shown["meta"]["focus"]) == ("a gradient", {"x": 0.5, "y": -0.5})


def test_five_files_are_too_many(newer: Square) -> None:
    media = [newer.upload("alice")["id"] for _ in range(5)]
    assert newer.refusal("alice", "/api/v1/statuses", status="x", media_ids=media) == (
        422,
        "Cannot attach more than 4 files",
    )
