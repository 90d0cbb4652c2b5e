"""BlurHash of a picture (https://github.com/woltapp/blurhash/blob/master/Algorithm.md), four by three components."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"
_ACROSS, _DOWN = 4, 3
# The low frequencies are all that counts, so a tiny copy is as good as the whole and a thousand times faster.
_SAMPLE = 16


def blurhash(picture: Image.Image) -> str:
    """28 characters for any picture."""
    small = picture.convert("RGB").resize((_SAMPLE, _SAMPLE))
    raw = small.tobytes()
    pixels = [[_to_linear(raw[i]), _to_linear(raw[i + 1]), _to_linear(raw[i + 2])] for i in range(0, len(raw), 3)]
    factors = [_factor(pixels, i, j) for j in range(_DOWN) for i in range(_ACROSS)]
    average, rest = factors[0], factors[1:]
    strongest = max(abs(value) for factor in rest for value in factor)
    quantised = max(0, min(82, math.floor(strongest * 166 - 0.5)))
    scale = (quantised + 1) / 166
    out = _base83((_ACROSS - 1) + (_DOWN - 1) * 9, 1) + _base83(quantised, 1)
    red, green, blue = (_to_srgb(value) for value in average)
    out += _base83((red << 16) + (green << 8) + blue, 4)
    for factor in rest:
        levels = [max(0, min(18, math.floor(_signed_root(value / scale) * 9 + 9.5))) for value in factor]
        out += _base83((levels[0] * 19 + levels[1]) * 19 + levels[2], 2)
    return out


def _factor(pixels: list[list[float]], i: int, j: int) -> list[float]:
    across = [math.cos(math.pi * i * (x + 0.5) / _SAMPLE) for x in range(_SAMPLE)]
    down = [math.cos(math.pi * j * (y + 0.5) / _SAMPLE) for y in range(_SAMPLE)]
    norm = (1 if i == j == 0 else 2) / (_SAMPLE * _SAMPLE)
    sums = [0.0, 0.0, 0.0]
    for y in range(_SAMPLE):
        for x in range(_SAMPLE):
            weight = across[x] * down[y]
            pixel = pixels[y * _SAMPLE + x]
            sums[0] += weight * pixel[0]
            sums[1] += weight * pixel[1]
            sums[2] += weight * pixel[2]
    return [norm * value for value in sums]


def _to_linear(value: int) -> float:
    level = value / 255
    return level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4


def _to_srgb(value: float) -> int:
    level = max(0.0, min(1.0, value))
    curved = level * 12.92 if level <= 0.0031308 else 1.055 * level ** (1 / 2.4) - 0.055
    return int(curved * 255 + 0.5)


def _signed_root(value: float) -> float:
    return math.copysign(math.sqrt(abs(value)), value)


def _base83(value: int, length: int) -> str:
    digits = ""
    for _ in range(length):
        value, digit = divmod(value, 83)
        digits = _DIGITS[digit] + digits
    return digits
