"""Videos: which frames are looked at, what of them is seen, and what a video cannot make the decoder do."""

from __future__ import annotations

import socket
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.domain.evidence import Unscannable, UnscannableKind
from bot.media import reel
from bot.media.film import look_at_film
from bot.media.frames import last_then_spread, spread, standing_alone
from bot.media.limits import DecodeLimits
from bot.media.looks import Looks
from bot.media.picture import Looked, look
from bot.ports import Decoded

from .drawings import SMALL, distance, encoded
from .films import drawn, early, film, moving, overlapping, patched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .conftest import Workers

LIMITS = DecodeLimits()


def seen(data: bytes, limits: DecodeLimits = LIMITS) -> Looked:
    looked = look(data, [SMALL], limits)
    assert isinstance(looked, Looked), looked
    return looked


def refused(data: bytes, limits: DecodeLimits = LIMITS) -> tuple[UnscannableKind, str]:
    looked = look(data, [SMALL], limits)
    assert isinstance(looked, Unscannable), looked
    return looked.kind, looked.detail


def numbers(looked: Looked) -> list[int]:
    return [one.look.frame for one in looked.looks.pictures]


def shows(looked: Looked, picture: Image.Image, at: int = 0) -> bool:
    """Whether one of the pictures looked at is this one, but for what a codec takes away."""
    (row,) = seen(encoded(picture, "PNG")).rows[SMALL]
    return float(np.abs(row.astype(float) - looked.rows[SMALL][at]).mean()) < 14


@pytest.mark.parametrize(
    ("kind", "codec", "media_type"),
    [
        ("mp4", "libx264", "video/mp4"),
        ("mov", "libx264", "video/quicktime"),
        ("webm", "libvpx", "video/webm"),
        ("webm", "libvpx-vp9", "video/webm"),
    ],
)
def test_video_is_seen_at_sixteen_frames_from_first_to_last(kind: str, codec: str, media_type: str) -> None:
    looked = seen(moving(kind, codec))
    assert (looked.media_type, looked.width, looked.height, looked.frames) == (media_type, 120, 90, 40)
    assert (looked.moving, looked.findings, looked.gaps) == (True, [], [])
    assert len(looked.rows[SMALL]) == 16
    assert (numbers(looked)[0], numbers(looked)[-1]) == (0, 39)
    for at, number in enumerate(numbers(looked)):
        assert shows(looked, drawn(number), at), number
    assert looked.looks.pictures[-1].look.at == pytest.approx(3.9)
    first = seen(encoded(drawn(0), "PNG"))
    assert looked.pixels is None
    assert looked.pdq is not None
    assert first.pdq is not None
    assert distance(looked.pdq, first.pdq) <= 31


def test_worker_sees_what_the_video_code_sees(workers: Workers) -> None:
    result = workers.decode(moving(), [SMALL])
    here = seen(moving())
    assert isinstance(result, Decoded), result
    assert result.moving
    assert list(result.looks) == [one.look for one in here.looks.pictures]
    np.testing.assert_array_equal(result.views[SMALL], np.stack(here.rows[SMALL]).astype(np.float32))


def test_key_frames_are_taken_in_every_second_part_only() -> None:
    keys = [frame % 10 == 0 for frame in range(160)]
    chosen = spread([0.1 * frame for frame in range(160)], keys, 16)
    assert sum(keys[frame] for frame in chosen) == 8, "the first, and seven parts of fourteen"


def test_who_makes_only_key_frames_harmless_does_not_choose_what_is_seen() -> None:
    # A white picture in each key frame, and another one for the rest of the time.
    white = Image.new("RGB", drawn(1).size, "white")
    looked = seen(film([white if frame % 4 == 0 else drawn(1) for frame in range(84)], gop=4))
    assert looked.gaps == []
    assert sum(shows(looked, drawn(1), at) for at in range(len(looked.rows[SMALL]))) >= 7


def test_what_says_of_every_frame_that_it_is_a_key_frame_is_seen_as_it_is_played() -> None:
    looked = seen(moving().replace(b"stss", b"free"))
    assert all(shows(looked, drawn(number), at) for at, number in enumerate(numbers(looked)))


def test_one_frame_is_no_moving_picture() -> None:
    looked = seen(film([drawn(1)]))
    assert (looked.frames, looked.moving, len(looked.rows[SMALL])) == (1, False, 1)


# Which frames


@settings(max_examples=60)
@given(
    st.lists(st.floats(0, 1e9), min_size=1, max_size=80).map(sorted),
    st.integers(1, 16),
    st.integers(1, 9),
)
def test_frames_are_as_many_as_are_asked_for_whatever_the_times_are(times: list[float], count: int, gop: int) -> None:
    chosen = spread(times, [frame % gop == 0 for frame in range(len(times))], count)
    assert chosen == sorted(set(chosen))
    assert len(chosen) == min(count, len(times))
    assert chosen[0] == 0
    assert count == 1 or chosen[-1] == len(times) - 1


def test_a_frame_that_says_it_is_shown_for_a_century_hides_no_more_than_half_of_the_others() -> None:
    times = [0.1 * frame for frame in range(500)] + [3e9]
    chosen = spread(times, [False] * len(times), 16)
    assert max(after - before for before, after in pairwise(chosen)) < 100


def test_the_frames_of_a_slow_part_are_spread_by_time() -> None:
    times = [0.01 * frame for frame in range(300)] + [3.0 + 1.0 * frame for frame in range(30)]
    chosen = spread(times, [False] * len(times), 16)
    assert sum(frame >= 300 for frame in chosen) >= 6


@pytest.mark.parametrize(
    ("seconds", "alone"),
    [
        ([0.04] * 100, {0}),
        ([0.04] * 50 + [0.5] + [0.04] * 50, {0, 50}),
        ([0.05, 10.0], {0, 1}),  # what is seen first
        ([0.9] * 5, {0, 1, 2, 3, 4}),  # a slideshow
        ([5.0, 0.1], {0}),
        ([0.1, 0.1], {0, 1}),  # two pictures in turn
        ([0.1] * 4, {0, 1, 2, 3}),
        ([0.1] * 5, {0}),
    ],
)
def test_a_frame_that_is_shown_like_a_picture_stands_alone(seconds: list[float], alone: set[int]) -> None:
    assert standing_alone(seconds) == alone


def test_what_is_seen_before_and_after_a_video_is_played_stands_alone() -> None:
    looked = seen(moving())
    assert [one.look.frame for one in looked.looks.pictures if one.look.alone] == [0, 39]


@pytest.mark.parametrize(
    ("count", "order"), [(0, []), (1, [0]), (2, [1, 0]), (3, [2, 0, 1]), (8, [7, 0, 4, 2, 6, 1, 5, 3])]
)
def test_the_end_is_decoded_first_and_then_what_is_spread(count: int, order: list[int]) -> None:
    assert last_then_spread(count) == order


# What is seen


@pytest.mark.parametrize(
    ("degrees", "turn"),
    [(90, Image.Transpose.ROTATE_90), (180, Image.Transpose.ROTATE_180), (270, Image.Transpose.ROTATE_270)],
)
def test_video_is_turned_as_players_turn_it(degrees: int, turn: Image.Transpose) -> None:
    looked = seen(film([drawn(3)] * 2, turned=degrees))
    wanted = drawn(3).transpose(turn)
    assert (looked.width, looked.height) == wanted.size
    assert shows(looked, wanted)


def test_what_hides_under_the_transparency_of_a_video_is_seen() -> None:
    hidden = drawn(4).convert("RGBA")
    hidden.putalpha(0)
    looked = seen(film([hidden] * 3, "webm", "libvpx-vp9", pixels="yuva420p"))
    ways = {one.look.how: at for at, one in enumerate(looked.looks.pictures) if one.look.frame == 1}
    assert set(ways) == {"on white", "without transparency", "on black"}
    assert looked.rows[SMALL][ways["on white"]].min() > 250
    assert shows(looked, drawn(4), ways["without transparency"])


def test_sound_is_left_alone_and_every_track_is_looked_at() -> None:
    assert seen(film([drawn(1)] * 3, sound=True)).gaps == []
    looked = seen(film([drawn(seed) for seed in range(30)], tracks=2))
    assert len(looked.rows[SMALL]) == 16
    assert [one.look.how for one in looked.looks.pictures] == [""] * 14 + ["track 2"] * 2
    assert len(set(numbers(looked))) == 16


def test_tracks_beyond_the_bound_are_a_gap() -> None:
    looked = seen(film([drawn(1)] * 2, tracks=3), DecodeLimits(video_tracks=2))
    assert looked.gaps == ["video: 1 further track not looked at"]


# What is refused, and bounds


def test_video_without_the_extra_says_which_one_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    kind, detail = refused(moving())
    assert kind is UnscannableKind.UNSUPPORTED
    assert detail == "video/mp4: nothing here decodes it; install the extra `video`: fediwarden[video]"


@pytest.mark.parametrize(
    ("data", "kind", "word"),
    [
        (moving()[:3000], UnscannableKind.BROKEN, "Invalid data"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", UnscannableKind.BROKEN, "video/mp4"),
        (b"\x1aE\xdf\xa3webm", UnscannableKind.BROKEN, "video/webm"),
        (patched(moving(), b"stsz", 4, bytes(8)), UnscannableKind.BROKEN, "no frame in it"),
        (patched(moving(), b"avcC", 0, b"\xff" * 20), UnscannableKind.BROKEN, "no frame of it can be decoded"),
        (film([drawn(1)] * 3, "mp4", "mpeg4"), UnscannableKind.UNSUPPORTED, "codec mpeg4"),
    ],
    ids=["cut", "mp4 header", "webm header", "no samples", "broken codec", "other codec"],
)
def test_what_shows_nothing_says_why(data: bytes, kind: UnscannableKind, word: str) -> None:
    found, detail = refused(data)
    assert found is kind
    assert word in detail


def test_video_that_breaks_off_is_seen_as_far_as_it_goes() -> None:
    data = moving("webm", "libvpx")
    looked = seen(data[: len(data) // 2])
    assert [finding.kind for finding in looked.findings] == ["truncated", "partly_seen"]
    assert 10 < looked.frames < 40
    data = early(moving())
    assert seen(data).gaps == []
    looked = seen(data[: len(data) // 2])
    assert [finding.kind for finding in looked.findings] == ["truncated", "partly_seen"]
    assert "this video could not be read to its end" in looked.findings[1].detail
    assert 10 < looked.frames < 40
    assert f"video: {40 - looked.frames} of 40 frames cannot be read" in looked.gaps


def test_a_track_without_a_decoder_takes_nothing_from_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def only_first(stream: Any, limits: DecodeLimits) -> Any:
        if stream.index:
            raise ValueError("no such decoder")
        return decoder(stream, limits)

    decoder = reel._decoder
    monkeypatch.setattr(reel, "_decoder", only_first)
    looked = seen(film([drawn(seed) for seed in range(30)], tracks=2))
    assert len(looked.rows[SMALL]) == 14
    assert looked.gaps == ["video, track 2: 0 of 2 sampled frames looked at, then broken: ValueError"]


def test_a_frame_that_cannot_be_shown_takes_nothing_from_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def shown(rows: Any) -> Image.Image:
        calls.append(len(rows))
        if len(calls) == 5:
            raise ValueError("not these")
        return Image.fromarray(rows)

    class Holed:
        """PIL's module, but for one frame's worth of pixels."""

        Transpose, fromarray = Image.Transpose, staticmethod(shown)

    calls: list[int] = []
    monkeypatch.setattr(reel, "Image", Holed)
    looked = seen(film([drawn(seed) for seed in range(10)]))
    assert len(looked.rows[SMALL]) == 9
    assert looked.gaps == ["video: 1 of 10 sampled frames cannot be read"]
    (finding,) = looked.findings
    assert (finding.kind, finding.detail) == (
        "partly_seen",
        "of this video only 9 of 10 sampled frames were looked at",
    )


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_file_behind_a_video_is_found(kind: str) -> None:
    codec = {"mp4": "libx264", "webm": "libvpx"}[kind]
    (finding,) = seen(moving(kind, codec) + b"PK\x03\x04" + bytes(50)).findings
    assert finding.detail == "zip archive appended, 54 bytes"


def test_bounds_on_pixels_packets_and_time() -> None:
    assert refused(moving(), DecodeLimits(video_pixels=10_000))[0] is UnscannableKind.TOO_LARGE
    looked = seen(moving(), DecodeLimits(video_packets=10))
    assert looked.frames == 10
    assert looked.gaps == ["video: what comes after 10 packets is not looked at"]
    (finding,) = looked.findings
    assert (finding.kind, finding.detail) == ("partly_seen", "this video could not be read to its end")
    kind, detail = refused(moving(), DecodeLimits(video_seconds=-1))
    assert kind is UnscannableKind.KILLED
    assert "out of time" in detail


def test_a_video_for_which_the_time_does_not_suffice_says_so_and_shows_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = reel.Reel._decoded
    calls: list[int] = []

    def slow(self: reel.Reel, packet: Any) -> Any:
        calls.append(0)
        if len(calls) > allowed:
            raise reel.OutOfTimeError
        return decoded(self, packet)

    monkeypatch.setattr(reel.Reel, "_decoded", slow)
    data = film([drawn(seed % 7) for seed in range(80)], gop=20)
    allowed = 30  # four key frames, each with its end, and the 20 frames up to the last one
    looked = seen(data)
    (gap,) = looked.gaps
    assert "of 16 sampled frames looked at, then out of time" in gap
    assert numbers(looked)[-1] == 79, "the end comes before what lies in between"
    (finding,) = looked.findings
    assert finding.kind == "partly_seen"
    assert finding.detail.startswith("of this video only ")
    calls.clear()
    allowed = 1000
    assert (seen(data).findings, seen(data).gaps) == ([], [])


def test_frames_that_share_their_bytes_cost_no_more_than_the_file_has() -> None:
    data = overlapping(moving(), frames=2000)
    looked = look(data, [SMALL], LIMITS)
    gaps = looked.gaps if isinstance(looked, Looked) else [looked.detail]
    assert any("are larger than the file" in gap for gap in gaps), gaps
    found = looked.findings if isinstance(looked, Looked) else []
    assert all("could not be read to its end" in finding.detail for finding in found), found


def test_frames_that_are_larger_than_the_file_said_are_not_decoded() -> None:
    # VP8 says its size in each key frame; the second one is not what the first one and the header say.
    data = bytearray(film([drawn(seed) for seed in range(6)], "webm", "libvpx", gop=3))
    starts = [at for at in range(len(data) - 3) if data[at : at + 3] == b"\x9d\x01\x2a"]
    for at in starts[1:]:
        data[at + 3 : at + 7] = b"\xff\x3f\xff\x3f"  # 16383 x 16383
    looked = seen(bytes(data))
    assert (looked.width, looked.height) == (120, 90)
    assert max(numbers(looked)) < 5
    assert any("sampled frames cannot be read" in gap for gap in looked.gaps)


@pytest.mark.parametrize(
    "lie",
    [
        (b"mvhd", 16, b"\xff" * 4),
        (b"mdhd", 16, b"\xff" * 4),
        (b"stts", 12, b"\x7f\xff\xff\xff"),
        (b"stts", 12, bytes(4)),
        (b"stts", 8, b"\xff" * 4),
        (b"mdhd", 12, bytes(4)),
        (b"stsd", 8 + 32, b"\xff" * 4),
    ],
    ids=["duration", "duration of the track", "slow", "no time", "endless", "no time scale", "size"],
)
def test_lies_of_the_header_hide_nothing(lie: tuple[bytes, int, bytes]) -> None:
    looked = seen(patched(moving(), *lie))
    assert len(looked.rows[SMALL]) == 16
    assert looked.frames == 40


class Listening:
    """A server that only notes who comes."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/next.mp4"

    def called(self) -> bool:
        try:
            self._socket.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        self._socket.close()


def playlists(url: str) -> Sequence[bytes]:
    return [
        f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{url}\n#EXT-X-ENDLIST\n".encode(),
        f"ffconcat version 1.0\nfile '{url}'\n".encode(),
        f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{url}</BaseURL></MPD>'.encode(),
        f"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\na=control:{url}\n".encode(),
    ]


def test_playlist_calls_nobody_whatever_it_is_named() -> None:
    server = Listening()
    try:
        for data in playlists(server.url):
            assert refused(data)[0] is UnscannableKind.NOT_MEDIA
            # Even if it came so far: the demuxer is named, and does not look for another one.
            gaps: list[str] = []
            result: Any = look_at_film(data, "video/mp4", Looks([SMALL]), LIMITS, gaps)
            assert isinstance(result, Unscannable)
            assert result.kind is UnscannableKind.BROKEN
        assert not server.called()
    finally:
        server.close()
