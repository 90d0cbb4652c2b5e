"""One track of a video, and the decoding of single frames of it. Runs in a decode worker."""

from __future__ import annotations

import time
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from PIL import Image

from bot.media.frames import last_then_spread
from bot.media.structure import refuse_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from bot.media.limits import DecodeLimits

_WITH_ALPHA: Final = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""Transparency of a WebM is a second picture beside the first, which FFmpeg's own decoders leave out."""

_USUAL_RATE: Final = 30  # frames in a second, where nothing says when they are shown
_INTRA: Final = 1  # AV_PICTURE_TYPE_I: needs no other picture
_KEYS_TRIED: Final = 3
_HELD_BACK: Final = 17  # packets after which a frame comes out at last: H.264 reorders 16 at most, annex A.3.1
_TURNS: Final = {
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_270,
}


class OutOfTimeError(Exception):
    """The video's share of processor time is used up."""


@dataclass(slots=True)
class Track:
    """The packets of one video track, in the order in which they are decoded."""

    stream: VideoStream
    packets: list[Packet[Any]] = field(default_factory=list)
    in_order: list[Packet[Any]] = field(default_factory=list)  # of showing
    places: list[int] = field(default_factory=list)  # where each of those stands in ``packets``

    def put_in_order(self) -> list[float]:
        """Seconds at which each frame is shown, in the order of showing, which becomes the time of each packet.

        Times that are not there, or not for all, say nothing: then frames are shown as they are stored.
        """
        base = self.stream.time_base
        said = [packet.pts if packet.pts is not None else packet.dts for packet in self.packets]
        known = [moment for moment in said if moment is not None]
        if base and len(known) == len(said) and max(known) > min(known):
            ranked = sorted(range(len(said)), key=lambda number: (known[number], number))
            times = [float(known[number] * base) for number in ranked]
        else:
            ranked = list(range(len(said)))
            times = [number / _USUAL_RATE for number in ranked]
        self.places = ranked
        self.in_order = [self.packets[number] for number in ranked]
        for frame, packet in enumerate(self.in_order):
            packet.pts = frame
        for number, packet in enumerate(self.packets):
            packet.dts = number
        return times


class Reel:
    """A track and its decoder."""

    def __init__(self, track: Track, stop: float, limits: DecodeLimits) -> None:
        self._track = track
        self._stop = stop
        self._limits = limits
        self._decoder = _decoder(track.stream, limits)
        self._keys = [number for number, packet in enumerate(track.packets) if packet.is_keyframe]
        self._proven: dict[int, bool] = {}  # whether a key frame, by its packet, is one

    def frames(self, wanted: Sequence[int]) -> Iterator[tuple[int, Image.Image]]:
        """Those of the wanted frames that can be decoded. Key frames come first: each costs one decoding only. Then
        comes what has to be decoded from the last key frame on, and then the others, spread over the whole.
        """
        rest: dict[int, list[int]] = {}  # by the packet from which on has to be decoded
        later = []
        for frame in wanted:
            number = self._track.places[frame]
            picture = self._alone(number) if self._track.packets[number].is_keyframe else None
            if picture is None:
                later.append(frame)
            else:
                yield frame, picture
        for frame in later:
            rest.setdefault(self._start(self._track.places[frame]), []).append(frame)
        ranked = sorted(rest.items())
        for part in last_then_spread(len(ranked)):
            yield from self._in_passing(*ranked[part])

    def _alone(self, number: int) -> Image.Image | None:
        """A key frame; ``None`` where the decoder knows better than the file, and would show rubbish."""
        made = [frame for part in (self._track.packets[number], None) for frame in self._decoded(part)]
        self._decoder.flush_buffers()
        good = [frame for frame in made if frame.key_frame and frame.pict_type == _INTRA and not frame.is_corrupt]
        self._proven[number] = bool(good)
        return self._picture(good[0]) if good else None

    def _start(self, number: int) -> int:
        """The packet of the last true key frame up to this one. Of what says that it is one, few are tried."""
        before = self._keys[: bisect_right(self._keys, number)]
        for key in before[: -_KEYS_TRIED - 1 : -1]:
            if key not in self._proven:
                self._alone(key)
            if self._proven[key]:
                return key
        return max((key for key, true in self._proven.items() if true and key <= number), default=0)

    def _in_passing(self, start: int, wanted: Sequence[int]) -> Iterator[tuple[int, Image.Image]]:
        """Frames for which all between a key frame and themselves has to be decoded."""
        places = self._track.places
        left = sorted(wanted)
        behind = max(places[frame] for frame in left) + 2 + _HELD_BACK
        for part in (*self._track.packets[start:behind], None):
            for made in self._decoded(part):
                if made.pts is None or not 0 <= made.pts < len(places):
                    continue
                # Packets that show nothing are no damage: some prepare what the next one shows.
                lost = places[made.pts] - _HELD_BACK
                reached = [frame for frame in left if frame == made.pts or places[frame] <= lost]
                picture = self._picture(made) if reached else None
                if picture is not None:
                    left = [frame for frame in left if frame not in reached]
                    yield reached[-1], picture
            if not left:
                break
        self._decoder.flush_buffers()

    def _decoded(self, packet: Packet[Any] | None) -> Sequence[VideoFrame]:
        """What comes out for one packet, or for the end; nothing where it is damaged."""
        import av

        if time.process_time() > self._stop:
            raise OutOfTimeError
        try:
            return self._decoder.decode(packet)
        except av.FFmpegError:
            return ()

    def _picture(self, frame: VideoFrame) -> Image.Image | None:
        """Upright, in RGB or RGBA; ``None`` for a frame that is larger than its file said, and than is allowed, and for
        one in which nothing can be seen: the frames beside it stand.
        """
        width, height = frame.width, frame.height
        if width * height > self._limits.video_pixels or refuse_size(width, height, self._limits) is not None:
            return None
        form = "rgba" if any(component.is_alpha for component in frame.format.components) else "rgb24"
        try:
            picture = Image.fromarray(frame.to_ndarray(format=form))
        except Exception as error:
            if ours(error):
                raise
            return None
        turn = _TURNS.get(frame.rotation % 360)
        return picture if turn is None else picture.transpose(turn)


def ours(error: Exception) -> bool:
    """Whether there was no memory for this process; what FFmpeg was refused says more of the file."""
    import av

    return isinstance(error, MemoryError) and not isinstance(error, av.FFmpegError)


def _decoder(stream: VideoStream, limits: DecodeLimits) -> VideoCodecContext:
    """That of the track; where it has transparency, the one that can show it."""
    from av import CodecContext

    decoder = stream.codec_context
    canonical = decoder.codec.canonical_name
    if stream.metadata.get("alpha_mode") == "1" and canonical in _WITH_ALPHA:
        decoder = cast("VideoCodecContext", CodecContext.create(_WITH_ALPHA[canonical], "r"))
    decoder.thread_count = 1
    decoder.options = {"max_pixels": str(limits.video_pixels)}
    return decoder
