"""Harmless pictures: drawings, samples that ship in packages, and the one that the demo's list names."""

from __future__ import annotations

import io
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLES = ("brick", "camera", "cell", "chelsea", "coffee", "coins", "grass", "gravel", "moon", "page", "rocket", "text")
"""Benign photographs and textures in the wheel of scikit-image."""


def drawing(number: int) -> bytes:
    """A few coloured shapes on a gradient; another picture for each number. PNG, or JPEG for every third."""
    rng = np.random.default_rng(number)
    width, height = int(rng.integers(200, 420)), int(rng.integers(160, 320))
    cold = rng.integers(40, 160, 3) * np.array([0.5, 1.0, 1.0])
    ramp = np.linspace(0, 1, width)[None, :, None]
    ground = np.broadcast_to(cold + ramp * rng.integers(20, 90, 3), (height, width, 3))
    picture = Image.fromarray(ground.astype("uint8"))
    pen = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(4, 10))):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        size = int(rng.integers(10, 80))
        colour = (int(rng.integers(0, 120)), int(rng.integers(60, 256)), int(rng.integers(60, 256)))
        shape = pen.ellipse if rng.random() < 0.5 else pen.rectangle
        shape((x, y, x + size, y + size), fill=colour)
    pen.text((6, 4), f"drawing {number}", fill="white")
    return _encoded(picture, "JPEG" if number % 3 == 0 else "PNG")


def samples() -> Iterator[tuple[str, bytes]]:
    """Names and bytes of the package samples; none where scikit-image is not installed."""
    try:
        folder = files("skimage") / "data"
    except ModuleNotFoundError:
        return
    for name in SAMPLES:
        for ending in ("png", "jpg"):
            path = folder / f"{name}.{ending}"
            if path.is_file():
                yield name, path.read_bytes()


def always_match() -> bytes:
    """Stripes with the words ALWAYS MATCH: stands for a file whose digest is on a block list."""
    picture = Image.new("RGB", (360, 240), (20, 60, 120))
    pen = ImageDraw.Draw(picture)
    for x in range(0, 360, 40):
        pen.rectangle((x, 0, x + 19, 239), fill=(240, 200, 40))
    pen.rectangle((60, 90, 300, 150), fill="white")
    pen.text((130, 112), "ALWAYS MATCH", fill="black")
    return _encoded(picture, "PNG")


def clay_wall() -> bytes:
    """A plain clay-coloured wall: the detector scores it at 0.35, and the demo's threshold is openly low."""
    return _encoded(Image.new("RGB", (480, 360), (210, 160, 140)), "PNG")


def purple_ring() -> bytes:
    """A purple ring on grey: what the demo's zero-shot rule forbids, in those words and without an example."""
    picture = Image.new("RGB", (360, 300), (150, 155, 150))
    ImageDraw.Draw(picture).ellipse((90, 60, 270, 240), outline=(140, 40, 175), width=30)
    return _encoded(picture, "PNG")


def _encoded(picture: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    return buffer.getvalue()
