"""Pictures for benchmarks: generated, the same ones each time."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

SIZES = {"0.5 MP": (800, 600), "2 MP": (1600, 1200), "12 MP": (4000, 3000)}


def generate(size: tuple[int, int], seed: int) -> bytes:
    """A JPEG: soft, with the noise of a sensor, in a colour to which open_nsfw gives scores other than nought."""
    random = np.random.default_rng(seed)
    cells = (np.array([224, 172, 140]) + random.normal(0, 12, (4, 5, 3))).clip(0, 255).astype(np.uint8)
    soft = np.asarray(Image.fromarray(cells).resize(size, Image.Resampling.BICUBIC)).astype(np.int16)
    noise = random.integers(-8, 9, (size[1], size[0], 1), dtype=np.int16)
    buffer = io.BytesIO()
    Image.fromarray((soft + noise).clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def several(megapixels: str, count: int) -> list[bytes]:
    """``count`` different ones of a size of ``SIZES``."""
    return [generate(SIZES[megapixels], seed) for seed in range(count)]
