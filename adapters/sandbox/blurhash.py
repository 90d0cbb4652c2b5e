"""A picture in some thirty characters: https://github.com/woltapp/blurhash/blob/master/Algorithm.md."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"
# The low frequencies are all that counts, so a tiny copy is as good as the whole and a thousand times faster.
_SAMPLE = 16


def blurhash(picture: Image.Image, *, across: int, down: int) -> str:
    """The blurhash of so many components: pict-rs makes four by three of them, Mastodon four by four."""
    small = np.asarray(picture.convert("RGB").resize((_SAMPLE, _SAMPLE)))
    factors = _waves(down) @ (_waves(across) @ _linear()[small]).reshape(_SAMPLE, -1)
    flat = factors.reshape(-1, 3) / _SAMPLE**2 * 2
    flat[0] /= 2
    scale = max(0, min(82, int(float(np.abs(flat[1:]).max()) * 166 - 0.5)))
    red, green, blue = (_srgb(float(value)) for value in flat[0])
    made = _base83((across - 1) + (down - 1) * 9, 1) + _base83(scale, 1)
    made += _base83((red << 16) + (green << 8) + blue, 4)
    rest = flat[1:] / ((scale + 1) / 166)
    steps = np.clip(np.floor(np.sign(rest) * np.sqrt(np.abs(rest)) * 9 + 9.5), 0, 18).astype(int)
    return made + "".join(_base83(int(value), 2) for value in steps @ (361, 19, 1))


@cache
def _waves(parts: int) -> Any:
    return np.cos(np.pi * np.outer(np.arange(parts), np.arange(_SAMPLE)) / _SAMPLE)


@cache
def _linear() -> Any:
    level = np.arange(256) / 255
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)


def _srgb(value: float) -> int:
    value = min(max(value, 0.0), 1.0)
    return int((value * 12.92 if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055) * 255 + 0.5)


def _base83(value: int, digits: int) -> str:
    made = ""
    for place in range(digits - 1, -1, -1):
        made += _DIGITS[value // 83**place % 83]
    return made
