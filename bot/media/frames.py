"""Which frames of what moves are looked at, and which of them stand for themselves."""

from __future__ import annotations

import time
from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from PIL import Image

    from bot.media.limits import DecodeLimits

LONG: Final = 0.5
"""Seconds from which on a frame is looked at as a picture is. The blur of a movement, and what lies between two scenes,
is what detectors take for something else; it is over sooner."""

SHARE: Final = 0.25
"""Of the whole length: what shows four pictures in turn, however quickly, shows pictures."""

_UNKNOWN: Final = 0.1
"""Seconds that browsers show a frame whose duration is missing or absurdly short."""
_SHORTEST: Final = 0.02


def sample(total: int, limits: DecodeLimits) -> list[int]:
    """Frame numbers, from 0, spread over the first ``limits.first_frames``; the first and last of them always."""
    reach = min(total, limits.first_frames)
    count = min(reach, limits.max_frames)
    if count <= 1:
        return [0]
    return sorted({round(step * (reach - 1) / (count - 1)) for step in range(count)})


def later_frames(
    picture: Image.Image, total: int, limits: DecodeLimits, gaps: list[str], seconds: list[float]
) -> Iterator[int]:
    """The numbers of the sampled frames after the first: ``picture`` shows each until the next one is asked for.

    What is left out goes to ``gaps``; how long each frame is shown, sampled or not, to ``seconds``.
    """
    if total > limits.first_frames:
        gaps.append(f"animation: frames after {limits.first_frames} of {total} not looked at")
    wanted = sample(total, limits)
    stop = time.process_time() + limits.animation_seconds
    at = 0
    for number, frame in enumerate(wanted[1:], start=1):
        try:
            # One by one, for a seek over many frames could not be stopped in between.
            while at < frame:
                if time.process_time() > stop:
                    gaps.append(f"animation: {number} of {len(wanted)} sampled frames looked at, then out of time")
                    return
                at += 1
                picture.seek(at)
                picture.load()
                seconds.append(shown_for(picture))
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - a broken frame may raise anything; the frames before it stand
            gaps.append(f"animation: frame {at + 1} of {total} cannot be read ({type(error).__name__})")
            return
        yield frame


def shown_for(picture: Image.Image) -> float:
    """Seconds that browsers show the frame that is loaded."""
    said = picture.info.get("duration")
    seconds = said / 1000 if isinstance(said, int | float) else 0.0
    return seconds if seconds >= _SHORTEST else _UNKNOWN


def stays(picture: Image.Image) -> bool:
    """Whether the last frame of an animation is what is left to be seen when it has been played."""
    return picture.info.get("loop") != 0


def standing_alone(seconds: Sequence[float]) -> set[int]:
    """Frames that are seen like pictures, the first always: it is what is seen before anything moves, and what a
    thumbnail shows. ``seconds``: how long each is shown.
    """
    enough = min(LONG, SHARE * sum(seconds))
    return {0} | {number for number, shown in enumerate(seconds) if shown >= enough}


def spread(times: Sequence[float], keys: Sequence[bool], count: int) -> list[int]:
    """Frames of a video that are looked at, as places in the order of showing: the first, the last, and in between
    one of each part of equal length. In every second part that is what is shown in its middle: whoever makes a video
    says which frames are key frames, and may make them of nothing but what is harmless. In the others it is a key
    frame, if the part has one, which costs least.

    ``times``: of each frame, in ascending order, seconds from anywhere. Length is half of it time and half of it
    number: frames whose times lie, be they a second or a century apart, hide no more than half of the others.
    """
    total = len(times)
    if total <= count:
        return list(range(total))
    if count == 1:
        return [0]
    places = _places(times)
    chosen = {0, total - 1}
    parts = count - len(chosen)
    for part in range(parts):
        first, behind = (bisect_right(places, (part + end) / parts) for end in (0, 1))
        middle = (part + 0.5) / parts
        shown = bisect_right(places, middle) - 1
        inside = [frame for frame in range(first, behind) if keys[frame]] if part % 2 else []
        chosen.add(min(inside, key=lambda frame: abs(places[frame] - middle)) if inside else shown)
    return sorted(_filled(chosen, count))


def last_then_spread(count: int) -> list[int]:
    """In which order ``count`` parts of a video are decoded, so that what the time does not suffice for is not all at
    one end of it: the last, the first, and then in the middle of what is left between them.
    """
    bits = (count - 1).bit_length()
    reversed_bits = [int(f"{number:0{bits}b}"[::-1], 2) if bits else 0 for number in range(count)]
    return sorted(range(count), key=lambda number: (number != count - 1, reversed_bits[number]))


def _places(times: Sequence[float]) -> list[float]:
    """From 0 to 1, never falling."""
    last, length = len(times) - 1, times[-1] - times[0]
    return [
        ((moment - times[0]) / length if length > 0 else number / last) / 2 + number / last / 2
        for number, moment in enumerate(times)
    ]


def _filled(chosen: set[int], count: int) -> set[int]:
    """With the middles of the widest gaps, where several parts came to the same frame."""
    ranked = sorted(chosen)
    while len(ranked) < count:
        width, before = max((after - before, before) for before, after in pairwise(ranked))
        if width < 2:
            break
        ranked = sorted([*ranked, before + width // 2])
    return set(ranked)
