"""Moving pictures without a codec library.

An animated GIF becomes an MP4 of JPEG frames, which players and decoders can read; Mastodon would encode H.264. A
video is stored as it came, if it is an MP4 whose boxes can be read; no frame of it can be decoded here, so that its
preview is plain black. Everything else is refused.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageSequence

from adapters.sandbox.blurhash import blurhash
from adapters.sandbox.mastodon.boxes import NotBoxesError, Track, jpeg_movie, read_track
from adapters.sandbox.mastodon.pictures import SMALL, Picture, open_picture, shrink

if TYPE_CHECKING:
    from adapters.sandbox.mastodon.rows import Json

_SHORTEST_FRAME = 20  # milliseconds; what claims less is shown for 100, as browsers do
_USUAL_FRAME = 100


class NotAVideoError(Exception):
    """Bytes that are no video, or none that the sandbox can take; the text says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """A stored video, its preview and what is known of it."""

    original: Picture
    small: Picture
    blurhash: str
    meta: Json


def store_animation(data: bytes) -> Moving | None:
    """A GIF as a video; none if it does not move. Raises ``NotAPictureError``."""
    picture = open_picture(data)
    if getattr(picture, "n_frames", 1) < 2:
        return None
    frames, durations = [], []
    first: Image.Image | None = None
    for frame in ImageSequence.Iterator(picture):
        shown = frame.convert("RGB")
        first = first or shown
        out = io.BytesIO()
        shown.save(out, "JPEG", quality=90)
        frames.append(out.getvalue())
        lasts = int(frame.info.get("duration", _USUAL_FRAME))
        durations.append(lasts if lasts >= _SHORTEST_FRAME else _USUAL_FRAME)
    movie = jpeg_movie(frames, durations, picture.width, picture.height)
    track = Track(
        width=picture.width, height=picture.height, seconds=sum(durations) / 1000, frames=len(frames), kind="jpeg"
    )
    return _moving(movie, track, first or picture.convert("RGB"))


def store_video(data: bytes) -> Moving:
    """An MP4 as it came. Raises ``NotAVideoError``."""
    if data[4:8] != b"ftyp":
        if data[:4] in {b"\x1aE\xdf\xa3", b"OggS", b"0&\xb2u"}:
            raise NotAVideoError("The sandbox takes no video but MP4")
        raise NotAVideoError
    try:
        track = read_track(data)
    except (NotBoxesError, struct.error) as error:
        raise NotAVideoError from error
    return _moving(data, track, Image.new("RGB", (track.width, track.height)))


def _moving(data: bytes, track: Track, frame: Image.Image) -> Moving:
    small = shrink(frame, SMALL)
    out = io.BytesIO()
    small.save(out, "PNG")
    rate = f"{round(track.frames / track.seconds)}/1" if track.seconds else "0/0"
    return Moving(
        original=Picture(data=data, content_type="video/mp4", extension="mp4", width=track.width, height=track.height),
        small=Picture(
            data=out.getvalue(), content_type="image/png", extension="png", width=small.width, height=small.height
        ),
        blurhash=blurhash(small, across=4, down=4),
        meta={
            "width": track.width,
            "height": track.height,
            "frame_rate": rate,
            "duration": round(track.seconds, 6),
            "bitrate": int(len(data) * 8 / track.seconds) if track.seconds else 0,
        },
    )
