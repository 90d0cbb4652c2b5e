"""From bytes to the first picture of a file."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Final, NamedTuple

from PIL import (
    AvifImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from bot.domain.evidence import Unscannable, UnscannableKind
from bot.media.formats import png, webp
from bot.media.structure import refuse_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.media.limits import DecodeLimits
    from bot.media.structure import Structure

_PLUGINS: Final = (JpegImagePlugin, PngImagePlugin, WebPImagePlugin, GifImagePlugin, AvifImagePlugin)
FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")
"""Pillow plugins that may see hostile bytes. They are imported above, or Pillow would import all that it has."""

MAX_TEXT: Final = 1024 * 1024  # bytes of one PNG text chunk, unpacked
_INCOMPLETE: Final = ("picture: incomplete, looked at as far as it goes",)
_STILL: Final = ("animation: cannot be read, only its first picture looked at",)


class Way(NamedTuple):
    """Bytes to give to the decoder, whether it shall go as far as it can, and what is not seen that way."""

    data: bytes
    lenient: bool = False
    gaps: Sequence[str] = ()


class Opened(NamedTuple):
    """The first frame, loaded."""

    picture: Image.Image
    size: tuple[int, int]  # of the picture in the file, which may have been decoded at a fraction of it


def configure(limits: DecodeLimits) -> None:
    """Pillow's own bounds, for the whole process. They are a second line: ``inspect`` goes by headers before."""
    Image.MAX_IMAGE_PIXELS = limits.max_pixels
    PngImagePlugin.MAX_TEXT_CHUNK = MAX_TEXT
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # there are as many workers as cores already


def in_words(error: Exception) -> str:
    """What a decoder complains of, without the addresses of objects that Pillow puts into its texts."""
    if isinstance(error, UnidentifiedImageError):
        return "its beginning cannot be read"
    return str(error)[:200] or type(error).__name__


def ways(data: bytes, structure: Structure) -> Iterator[Way]:
    """Each is to be tried only if those before failed: strictly, mended as viewers do it, then as far as it goes."""
    match structure.media_type:
        case "image/png":
            yield Way(png.shown(data))
            yield Way(png.mended(data))
            still = png.mended(data, moving=False)
            if structure.frames > 1:
                yield Way(still, gaps=_STILL)
            yield Way(still, lenient=True, gaps=_INCOMPLETE)
        case "image/webp":
            yield Way(data)
            if structure.truncated:
                yield Way(webp.mended(data), gaps=_INCOMPLETE)
        case _:
            yield Way(data)
            yield Way(data, lenient=True, gaps=_INCOMPLETE)


def load(way: Way, side: int, limits: DecodeLimits) -> Opened | Unscannable:
    """``side``: pixels below which neither side is scaled down while decoding. Raises whatever a decoder raises."""
    ImageFile.LOAD_TRUNCATED_IMAGES = way.lenient
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about odd metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(BytesIO(way.data), formats=FORMATS)
            size = picture.size
            refused = refuse_size(*size, limits)
            if refused is not None:
                return refused
            picture.draft(None, (side, side))  # does nothing but for JPEG
            picture.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return Unscannable(kind=UnscannableKind.TOO_LARGE, detail="a part of it is larger than is allowed")
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False
    return Opened(picture, size)
