"""From whatever mode a file has to what people see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

_ORIENTATION: Final = 0x0112
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_DISPLAY_GAMMA: Final = 2.2
_GAMMA_TOLERANCE: Final = 0.25
"""How far an exponent may be from 1: old Macs wrote gAMA 1/1.8, which is 0.82, and meant nothing by it."""


def turn_of(picture: Image.Image) -> Image.Transpose | None:
    """How its EXIF orientation says that it has to be turned; an unreadable or unknown one says nothing.

    ``getexif`` would also go by XMP, which browsers do not. For AVIF Pillow writes the turn of the container there.
    """
    exif = Image.Exif()
    try:
        exif.load(picture.info.get("exif") or b"")
        return _TURNS.get(exif.get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - EXIF is a hostile TIFF, and Pillow's reader raises whatever it meets
        return None


def turned(picture: Image.Image, turn: Image.Transpose | None) -> Image.Image:
    """Upright."""
    return picture if turn is None else picture.transpose(turn)


def eight_bit(picture: Image.Image) -> Image.Image:
    """16-bit grey as 8-bit grey (with alpha where one grey value is declared transparent); other modes as they are.

    Pillow's own conversion clips at 255, which turns nearly everything white.
    """
    if not picture.mode.startswith("I"):
        return picture
    deep = np.asarray(picture)
    grey = Image.fromarray((np.clip(deep, 0, 65535) >> 8).astype(np.uint8))
    transparent = picture.info.get("transparency")
    if not isinstance(transparent, int):
        return grey
    alpha = Image.fromarray(np.where(deep == transparent, 0, 255).astype(np.uint8))
    return Image.merge("LA", (grey, alpha))


def odd_gamma(picture: Image.Image) -> float | None:
    """The exponent that browsers apply to a PNG's samples (0 to 1) because of its gAMA chunk, if it changes much.

    Pillow leaves the chunk alone, and so do most tools that make thumbnails: one file can show one picture in a list
    and another when it is opened. A profile or sRGB chunk overrides it: https://www.w3.org/TR/png-3/#11gAMA.
    """
    gamma = picture.info.get("gamma")
    if not isinstance(gamma, float) or gamma <= 0 or "srgb" in picture.info or _has_profile(picture):
        return None
    exponent = 1 / (gamma * _DISPLAY_GAMMA)
    return None if abs(exponent - 1) < _GAMMA_TOLERANCE else exponent


def _has_profile(picture: Image.Image) -> bool:
    """Whether there is a colour profile that a browser would take for one: ICC.1:2022, 7.2.11."""
    profile = picture.info.get("icc_profile")
    return isinstance(profile, bytes) and profile[36:40] == b"acsp"


def as_seen(picture: Image.Image) -> Iterator[tuple[str, Image.Image]]:
    """RGB on white; where something is transparent, RGB with transparency ignored and on black; each in its odd gamma.

    All are looked at: what is hidden in one viewer, or on one background, shows in another. White on nothing shows on
    black only, and a picture whose transparency is the picture itself on one of the two. Each with its name in words,
    empty where there is only one. One by one, so that large ones need not exist at the same time.
    """
    exponent = odd_gamma(picture)
    for how, layer in _layers(picture):
        yield how, layer
        if exponent is not None:
            table = [round(255 * (value / 255) ** exponent) for value in range(256)] * 3
            yield f"{how}, with its gamma" if how else "with its gamma", layer.point(table)


def _layers(picture: Image.Image) -> Iterator[tuple[str, Image.Image]]:
    if not picture.has_transparency_data:
        yield "", picture if picture.mode == "RGB" else picture.convert("RGB")
        return
    layered = picture if picture.mode == "RGBA" else picture.convert("RGBA")
    alpha = layered.getchannel("A")
    bare = layered.convert("RGB")
    del layered
    if alpha.getextrema() == (255, 255):
        yield "", bare
        return
    yield "on white", _on("white", bare, alpha)
    yield "without transparency", bare
    yield "on black", _on("black", bare, alpha)


def _on(colour: str, bare: Image.Image, alpha: Image.Image) -> Image.Image:
    ground = Image.new("RGB", bare.size, colour)
    ground.paste(bare, mask=alpha)
    return ground
