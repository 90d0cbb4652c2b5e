"""From whatever mode a file has to what people see."""

from __future__ import annotations

from typing import Final

import numpy as np
from PIL import Image

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


def upright(picture: Image.Image) -> Image.Image:
    """Turned as its EXIF orientation says; an unreadable or unknown one says nothing."""
    try:
        turn = _TURNS.get(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - EXIF is a hostile TIFF, and Pillow's reader raises whatever it meets
        return picture
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


def as_seen(picture: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """RGB on white; and, where something is transparent, RGB with transparency ignored.

    Both are looked at: what is hidden by transparency shows in another viewer, or on another background.
    """
    if not picture.has_transparency_data:
        return (picture if picture.mode == "RGB" else picture.convert("RGB")), None
    layered = picture if picture.mode == "RGBA" else picture.convert("RGBA")
    alpha = layered.getchannel("A")
    bare = layered.convert("RGB")
    if alpha.getextrema()[0] == 255:
        return bare, None
    white = Image.new("RGB", layered.size, "white")
    white.paste(bare, mask=alpha)
    return white, bare
