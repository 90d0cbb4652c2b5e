"""A picture in 36 characters: https://github.com/woltapp/blurhash/blob/master/Algorithm.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"
_PARTS = 4  # components across and down
_SAMPLE = 32  # pixels of the copy that is looked at, across and down


def blurhash(picture: Image.Image) -> str:
    """The blurhash of a picture, of four by four components as Mastodon makes it."""
    small = np.asarray(picture.convert("RGB").resize((_SAMPLE, _SAMPLE)), dtype=np.float64) / 255
    linear = np.where(small <= 0.04045, small / 12.92, ((small + 0.055) / 1.055) ** 2.4)
    waves = np.cos(np.pi * np.outer(np.arange(_PARTS), np.arange(_SAMPLE)) / _SAMPLE)
    factors = np.einsum("jy,ix,yxc->jic", waves, waves, linear) / _SAMPLE**2 * 2
    factors[0, 0] /= 2
    flat = factors.reshape(-1, 3)
    most = float(np.abs(flat[1:]).max())
    scale = max(0, min(82, int(most * 166 - 0.5)))
    largest = (scale + 1) / 166
    first = [_srgb(value) for value in flat[0]]
    made = _base83((_PARTS - 1) + (_PARTS - 1) * 9, 1) + _base83(scale, 1)
    made += _base83((first[0] << 16) + (first[1] << 8) + first[2], 4)
    for factor in flat[1:]:
        red, green, blue = (_step(float(value) / largest) for value in factor)
        made += _base83(red * 361 + green * 19 + blue, 2)
    return made


def _srgb(value: float) -> int:
    value = min(max(value, 0.0), 1.0)
    return int((value * 12.92 if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055) * 255 + 0.5)


def _step(value: float) -> int:
    root = np.sign(value) * abs(value) ** 0.5
    return int(max(0, min(18, np.floor(root * 9 + 9.5))))


def _base83(value: int, digits: int) -> str:
    made = ""
    for place in range(digits - 1, -1, -1):
        made += _DIGITS[value // 83**place % 83]
    return made
