"""Videos: sampled frames of their tracks, decoded by PyAV (FFmpeg). Runs in a decode worker.

FFmpeg sees bytes in memory and nothing else: the demuxer is named, none is guessed, and whatever a file refers to is
not opened. Sound and subtitles are not read.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from bot.domain.evidence import Unscannable, UnscannableKind
from bot.media.frames import spread, standing_alone
from bot.media.reel import OutOfTimeError, Reel, Track, ours
from bot.media.structure import refuse_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import av
    from av.video.stream import VideoStream

    from bot.media.limits import DecodeLimits
    from bot.media.looks import Looks

EXTRA: Final = "install the extra `video`: fediwarden[video]"

_DEMUXERS: Final = {"video/mp4": "mov", "video/quicktime": "mov", "video/webm": "matroska"}
_CODECS: Final = frozenset({"h264", "hevc", "vp8", "vp9", "av1"})
"""What browsers play in these containers, and pict-rs and Mastodon store. FFmpeg knows some hundred more."""
_DECODERS: Final = "h264,hevc,vp8,vp9,libvpx,libvpx-vp9,av1,libdav1d"

_OTHERS: Final = 8  # each further track gets this part of the looks
_PROBED: Final = 5_000_000  # bytes, FFmpeg's own default for ``probesize``
_ANALYSED: Final = 2_000_000  # microseconds of the video


@dataclass(slots=True)
class Film:
    """What was learned of a video beside its pictures."""

    width: int  # pixels of the first track, upright
    height: int
    frames: int  # of the first track
    missed: str = ""  # in words, where not all frames that were chosen could be looked at
    to_its_end: bool = True  # whether it could be read so far


def available() -> bool:
    """Whether PyAV is installed."""
    try:
        import av  # noqa: F401
    except ImportError:
        return False
    return True


def look_at_film(
    data: bytes, media_type: str, looks: Looks, limits: DecodeLimits, gaps: list[str]
) -> Film | Unscannable:
    """Look at frames of a video. What is left out goes to ``gaps``. ``Unscannable`` where there is nothing to see."""
    if not available():
        detail = f"{media_type}: nothing here decodes it; {EXTRA}"
        return Unscannable(kind=UnscannableKind.UNSUPPORTED, detail=detail)
    stop = time.process_time() + limits.video_seconds
    try:
        with _opened(data, media_type, limits) as container:
            chosen = _chosen(container, media_type, limits, gaps)
            if isinstance(chosen, Unscannable):
                return chosen
            to_its_end = _read(container, chosen, len(data), stop, limits, gaps)
            film = _seen(chosen, media_type, looks, stop, limits, gaps)
            looks.sort()
            if isinstance(film, Film):
                film.to_its_end = to_its_end
            return film
    except Exception as error:
        if ours(error):
            raise
        return Unscannable(kind=UnscannableKind.BROKEN, detail=f"{media_type}: {_in_words(error)}")


@contextmanager
def _opened(data: bytes, media_type: str, limits: DecodeLimits) -> Iterator[av.container.InputContainer]:
    import av

    container = av.open(
        BytesIO(data),
        mode="r",
        format=_DEMUXERS[media_type],
        # These reach the decoders, too, which look into the file while it is opened.
        options={"threads": "1", "max_pixels": str(limits.video_pixels)},
        container_options={
            "protocol_whitelist": "none",
            "codec_whitelist": _DECODERS,
            "probesize": str(_PROBED),
            "analyzeduration": str(_ANALYSED),
            # Frames that an edit list hides are in the file all the same, and some viewers show them.
            **({"ignore_editlist": "1", "enable_drefs": "0"} if _DEMUXERS[media_type] == "mov" else {}),
        },
        metadata_errors="replace",
        io_open=_nothing_else,
    )
    with container:
        yield container


def _nothing_else(url: str, _flags: int, _options: dict[str, str]) -> object:
    raise PermissionError(f"a video refers to {url!r}")


def _chosen(
    container: av.container.InputContainer, media_type: str, limits: DecodeLimits, gaps: list[str]
) -> list[Track] | Unscannable:
    """The tracks that are looked at. Players start with the first, and offer the others."""
    from av.stream import Disposition

    tracks: list[Track] = []
    refused: Unscannable | None = None
    further = 0
    for number, stream in enumerate(container.streams.video, start=1):
        if stream.disposition & Disposition.attached_pic:
            gaps.append("video: a cover picture is not looked at")
            continue
        wrong = _refused(stream, limits)
        if number > limits.video_tracks:
            further += 1
        elif wrong is None:
            tracks.append(Track(stream))
        else:
            refused = refused or wrong
            gaps.append(f"video: track {number} is not looked at: {wrong.detail}")
    if further:
        gaps.append(f"video: {further:,} further track{'' if further == 1 else 's'} not looked at")
    if tracks:
        return tracks
    if refused is not None:
        return Unscannable(kind=refused.kind, detail=f"{media_type}: {refused.detail}")
    return Unscannable(kind=UnscannableKind.UNSUPPORTED, detail=f"{media_type}: no moving picture in it")


def _refused(stream: VideoStream, limits: DecodeLimits) -> Unscannable | None:
    context = stream.codec_context
    codec = "unknown" if context is None else context.codec.canonical_name
    if codec not in _CODECS:
        return Unscannable(kind=UnscannableKind.UNSUPPORTED, detail=f"codec {codec}: nothing here decodes it")
    width, height = context.width, context.height
    if not width or not height:
        return None  # the decoder will say
    if width * height > limits.video_pixels:
        return Unscannable(kind=UnscannableKind.TOO_LARGE, detail=f"{width} x {height} pixels in a video")
    return refuse_size(width, height, limits)


def _read(
    container: av.container.InputContainer,
    tracks: list[Track],
    size: int,
    stop: float,
    limits: DecodeLimits,
    gaps: list[str],
) -> bool:
    """All packets of these tracks, in no more bytes than the file has: ``size``. Whether there was no more to read."""
    import av

    by_index = {track.stream.index: track for track in tracks}
    number, left = 0, size
    whole = True
    try:
        for packet in container.demux(*(track.stream for track in tracks)):
            if time.process_time() > stop - limits.video_seconds / 2:
                gaps.append(f"video: read as far as its packet {number + 1:,}, then out of time")
                whole = False
                break
            if not packet.size:
                continue
            number += 1
            left -= packet.size
            if left < 0:
                gaps.append(f"video: its {number:,} first packets are larger than the file: what follows is not read")
                whole = False
                break
            if number > limits.video_packets:
                gaps.append(f"video: what comes after {limits.video_packets:,} packets is not looked at")
                whole = False
                break
            by_index[packet.stream.index].packets.append(packet)
        else:
            short = [track for track in tracks if track.stream.frames > len(track.packets)]
            gaps.extend(
                f"video: {track.stream.frames - len(track.packets):,} of {track.stream.frames:,} frames cannot be read"
                for track in short
            )
            whole = not short
    except av.FFmpegError as error:
        gaps.append(f"video: cannot be read behind its packet {number:,}: {_in_words(error)}")
        whole = False
    return whole


def _seen(
    tracks: Sequence[Track],
    media_type: str,
    looks: Looks,
    stop: float,
    limits: DecodeLimits,
    gaps: list[str],
) -> Film | Unscannable:
    film: Film | None = None
    missed: list[str] = []
    before = 0  # frames of the tracks before this one: each frame of the file has its number
    filled = [track for track in tracks if track.packets]
    # What players show unless they are told otherwise gets most of the looks.
    other = max(1, limits.video_frames // _OTHERS)
    for number, track in enumerate(filled):
        name = "" if number == 0 else f"track {number + 1}"
        share = other if number else max(1, limits.video_frames - other * (len(filled) - 1))
        seen, reached, wanted = _look_at_track(track, share, looks, stop, limits, gaps, before=before, name=name)
        film = film or seen
        if reached < wanted:
            missed.append(f"{reached} of {wanted} sampled frames" + (f" of {name}" if name else ""))
        before += len(track.packets)
    if film is None:
        why = "no frame of it can be decoded" if filled else "there is no frame in it"
        detail = "; ".join([f"{media_type}: {why}", *(gap.removeprefix("video: ") for gap in gaps)])
        kind = UnscannableKind.KILLED if time.process_time() > stop else UnscannableKind.BROKEN
        return Unscannable(kind=kind, detail=detail[:400])
    film.missed = ", ".join(missed)
    return film


def _look_at_track(
    track: Track,
    count: int,
    looks: Looks,
    stop: float,
    limits: DecodeLimits,
    gaps: list[str],
    *,
    before: int,
    name: str,
) -> tuple[Film | None, int, int]:
    """And how many frames were looked at, of how many that were chosen.

    ``count``: frames at most. ``before``: what the numbers of its frames begin with.
    """
    times = track.put_in_order()
    wanted = spread(times, [packet.is_keyframe for packet in track.in_order], count)
    film: Film | None = None
    done = 0
    where = f"video, {name}" if name else "video"
    try:
        for frame, picture in Reel(track, stop, limits).frames(wanted):
            done += 1
            film = film or Film(*picture.size, frames=len(times))
            looks.add(picture, frame=before + frame, at=round(max(0.0, times[frame] - times[0]), 3), of=name)
    except OutOfTimeError:
        gaps.append(f"{where}: {done} of {len(wanted)} sampled frames looked at, then out of time")
    except Exception as error:
        if ours(error):
            raise
        gaps.append(f"{where}: {done} of {len(wanted)} sampled frames looked at, then broken: {_in_words(error)}")
    else:
        if done < len(wanted):
            gaps.append(f"{where}: {len(wanted) - done} of {len(wanted)} sampled frames cannot be read")
    lasting = [behind - moment for moment, behind in pairwise(times)]
    alone = standing_alone(lasting) | {len(times) - 1}  # what is left to be seen when it has been played
    looks.stand_alone({before + frame for frame in alone})
    return film, done, len(wanted)


def _in_words(error: Exception) -> str:
    """Without what PyAV adds: it names the file, which here is an object."""
    return str(getattr(error, "strerror", "") or type(error).__name__)[:200]
