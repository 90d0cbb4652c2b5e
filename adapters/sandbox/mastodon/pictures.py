"""What Mastodon makes of an uploaded picture: stored anew, never larger than it must be, with a preview and a blurhash.

4.3 works with ImageMagick and 4.6 with libvips, which store other bytes of the same picture; here both are Pillow, with
other settings. The same upload gives the same bytes every time.
"""

from __future__ import annotations

import io
import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageOps

from adapters.sandbox.blurhash import blurhash

if TYPE_CHECKING:
    from adapters.sandbox.mastodon.rows import Json
    from adapters.sandbox.mastodon.versions import Version

LARGEST = 3840 * 2160  # pixels of a stored picture
SMALL = 640 * 360  # pixels of a preview
LARGEST_MATRIX = 33_177_600  # pixels of an upload
_EXTENSIONS = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "GIF": "gif", "AVIF": "avif"}


class NotAPictureError(Exception):
    """Bytes that are no picture, or not the one that they say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An encoded picture."""

    data: bytes
    content_type: str
    extension: str
    width: int
    height: int

    @property
    def meta(self) -> Json:
        """Its measures as the API tells them."""
        return {
            "width": self.width,
            "height": self.height,
            "size": f"{self.width}x{self.height}",
            "aspect": self.width / self.height,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A picture, its preview and its blurhash."""

    original: Picture
    small: Picture
    blurhash: str


def open_picture(data: bytes) -> Image.Image:
    """Decode a picture whole. Raises ``NotAPictureError``."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            picture = Image.open(io.BytesIO(data), formats=list(_EXTENSIONS))
            if picture.width * picture.height <= LARGEST_MATRIX:
                picture.load()
                return picture
    except Exception as error:
        raise NotAPictureError from error
    raise NotAPictureError


def store_picture(data: bytes, version: Version) -> Stored:
    """Re-encode an upload. Raises ``NotAPictureError``."""
    source = open_picture(data)
    kind = source.format or "PNG"
    upright = ImageOps.exif_transpose(source)
    original = shrink(upright, LARGEST)
    small = shrink(upright, SMALL)
    return Stored(
        original=encode(original, kind, version),
        small=encode(small, kind, version),
        blurhash=blurhash(small, across=4, down=4),
    )


def profile_picture(data: bytes, size: tuple[int, int], version: Version) -> Picture:
    """Re-encode an avatar or a header, cut to its size. Raises ``NotAPictureError``."""
    source = open_picture(data)
    return encode(ImageOps.fit(ImageOps.exif_transpose(source), size), source.format or "PNG", version)


def shrink(picture: Image.Image, pixels: int) -> Image.Image:
    """A picture of at most so many pixels, in its own proportions."""
    if picture.width * picture.height <= pixels:
        return picture
    scale = math.sqrt(pixels / (picture.width * picture.height))
    return picture.resize((max(round(picture.width * scale), 1), max(round(picture.height * scale), 1)))


def encode(picture: Image.Image, kind: str, version: Version) -> Picture:
    """A picture as bytes, without anything else that the upload carried."""
    plain = Image.new(picture.mode, picture.size)
    plain.paste(picture)
    if picture.mode == "P" and picture.getpalette() is not None:
        plain = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    out = io.BytesIO()
    if kind == "JPEG":
        plain.convert("RGB").save(out, "JPEG", quality=85 if version.newer else 90)
    elif kind == "PNG":
        plain.save(out, "PNG", compress_level=3 if version.newer else 9)
    else:
        plain.convert("RGB").save(out, kind)
    return Picture(
        data=out.getvalue(),
        content_type=f"image/{kind.lower()}",
        extension=_EXTENSIONS[kind],
        width=picture.width,
        height=picture.height,
    )
