"""Test pictures: random circles on white."""

from __future__ import annotations

import random
from io import BytesIO

from PIL import Image, ImageDraw


def circles(seed: int, kind: str = "PNG", size: tuple[int, int] = (640, 480)) -> bytes:
    """The same picture for the same number."""
    dice = random.Random(seed)
    picture = Image.new("RGB", size, "white")
    brush = ImageDraw.Draw(picture)
    for _ in range(14):
        x, y, radius = dice.randrange(size[0]), dice.randrange(size[1]), dice.randrange(10, size[1] // 4)
        colour = tuple(dice.randrange(256) for _ in range(3))
        brush.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    out = BytesIO()
    picture.save(out, kind)
    return out.getvalue()


def animation(seed: int, frames: int = 4, size: tuple[int, int] = (200, 150), duration: int = 100) -> bytes:
    """A GIF of moving circles; each frame is shown for ``duration`` milliseconds."""
    pictures = [Image.open(BytesIO(circles(seed + number, size=size))) for number in range(frames)]
    out = BytesIO()
    pictures[0].save(out, "GIF", save_all=True, append_images=pictures[1:], loop=0, duration=duration)
    return out.getvalue()
