"""Which frames of an animation are looked at."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image

    from bot.media.limits import DecodeLimits


def sample(total: int, limits: DecodeLimits) -> list[int]:
    """Frame numbers, from 0, spread over the first ``limits.first_frames``; the first and last of them always."""
    reach = min(total, limits.first_frames)
    count = min(reach, limits.max_frames)
    if count <= 1:
        return [0]
    return sorted({round(step * (reach - 1) / (count - 1)) for step in range(count)})


def later_frames(picture: Image.Image, total: int, limits: DecodeLimits, gaps: list[str]) -> Iterator[Image.Image]:
    """The sampled frames after the first, each valid until the next is asked for. What is left out goes to ``gaps``."""
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
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - a broken frame may raise anything; the frames before it stand
            gaps.append(f"animation: frame {at + 1} of {total} cannot be read ({type(error).__name__})")
            return
        yield picture
