"""Everything that is learned from decoding one file. Runs in a decode worker; never raises but ``MemoryError``."""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from PIL import AvifImagePlugin, GifImagePlugin, Image, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from bot.domain.evidence import Finding, Unscannable, UnscannableKind
from bot.media.colours import as_seen, eight_bit, odd_gamma, upright
from bot.media.fingerprint import pdq, pixels_digest
from bot.media.formats.png import without_text
from bot.media.frames import later_frames
from bot.media.structure import Structure, inspect, refuse_size
from bot.media.views import needed_side, render, shrink

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from bot.media.limits import DecodeLimits
    from bot.ports import ViewSpec

_PLUGINS: Final = (JpegImagePlugin, PngImagePlugin, WebPImagePlugin, GifImagePlugin, AvifImagePlugin)
FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")
"""Pillow plugins that may see hostile bytes. They are imported above, or Pillow would import all that it has."""

MAX_TEXT: Final = 1024 * 1024  # bytes of one PNG text chunk, unpacked


@dataclass(slots=True, kw_only=True)
class Looked:
    """What was found in a file. ``rows``: for each view, one ``(crop, crop, 3) uint8`` for each picture looked at."""

    media_type: str
    width: int  # pixels, upright, as shown
    height: int
    frames: int
    pixels: str | None = None
    pdq: str | None = None
    pdq_quality: int | None = None
    rows: Mapping[ViewSpec, list[np.ndarray[Any, Any]]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)


class _Opened(NamedTuple):
    """The first frame, loaded."""

    picture: Image.Image
    size: tuple[int, int]  # of the picture in the file, which may have been decoded at a fraction of it
    damage: Sequence[Finding] = ()
    gaps: Sequence[str] = ()


def configure(limits: DecodeLimits) -> None:
    """Pillow's own bounds, for the whole process. They are a second line: ``look`` goes by headers before."""
    Image.MAX_IMAGE_PIXELS = limits.max_pixels
    PngImagePlugin.MAX_TEXT_CHUNK = MAX_TEXT
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # there are as many workers as cores already


def look(data: bytes, views: Sequence[ViewSpec], limits: DecodeLimits) -> Looked | Unscannable:
    """Structure, pixels, hash and views of one file.

    What breaks off is looked at as far as it goes: a finding, ``truncated`` or ``damaged``, and a gap. A file whose
    decoder shows nothing at all is ``BROKEN``.
    """
    structure = inspect(data, limits)
    if isinstance(structure, Unscannable):
        return structure
    try:
        opened = _open(data, structure, needed_side(views), limits)
        return opened if isinstance(opened, Unscannable) else _examine(opened, structure, views, limits)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - decoders raise what they like (AVIF: RuntimeError, zTXt: ValueError)
        return Unscannable(kind=UnscannableKind.BROKEN, detail=f"{structure.media_type}: {error}"[:300])


def _open(data: bytes, structure: Structure, side: int, limits: DecodeLimits) -> _Opened | Unscannable:
    """Strictly first, then a PNG without its texts, then as far as it goes."""
    try:
        return _load(data, side, limits)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it was, the next way decides
        damage = Finding(kind="damaged", detail=f"the decoder refuses a part of it: {error}"[:200])
    findings = () if structure.truncated else (damage,)
    if structure.media_type == "image/png":
        # Nobody sees the texts, and their size must not hide the picture.
        with contextlib.suppress(OSError, SyntaxError, ValueError):
            bare = _load(without_text(data), side, limits)
            return bare if isinstance(bare, Unscannable) else bare._replace(damage=findings)
    rest = _load(data, side, limits, lenient=True)
    if isinstance(rest, Unscannable):
        return rest
    return rest._replace(damage=findings, gaps=["picture: incomplete, looked at as far as it goes"])


def _load(data: bytes, side: int, limits: DecodeLimits, *, lenient: bool = False) -> _Opened | Unscannable:
    ImageFile.LOAD_TRUNCATED_IMAGES = lenient
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about odd metadata
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            picture = Image.open(BytesIO(data), formats=FORMATS)
            size = picture.size
            refused = refuse_size(*size, limits)
            if refused is not None:
                return refused
            picture.draft(None, (side, side))  # does nothing but for JPEG
            picture.load()
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            return Unscannable(kind=UnscannableKind.TOO_LARGE, detail=str(error)[:200])
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = False
    return _Opened(picture, size)


def _examine(opened: _Opened, structure: Structure, views: Sequence[ViewSpec], limits: DecodeLimits) -> Looked:
    picture, size, damage, broken_off = opened
    gaps = list(broken_off)
    total = _frames(picture, gaps)
    first = eight_bit(upright(picture) if total == 1 else picture)
    turned = (first.width > first.height) != (picture.width > picture.height)
    looked = Looked(
        media_type=structure.media_type,
        width=size[1] if turned else size[0],
        height=size[0] if turned else size[1],
        frames=total,
        rows={view: [] for view in views},
        findings=[*structure.findings, *damage],
        gaps=gaps,
    )
    exponent = odd_gamma(picture)
    if exponent is not None:
        looked.findings.append(Finding(kind="odd_gamma", detail=f"browsers apply the exponent {exponent:.2g}"))
    if structure.lossless and total == 1 and not structure.truncated and not damage and exponent is None:
        looked.pixels = pixels_digest(first)
    side = needed_side(views)
    looked.pdq, looked.pdq_quality = pdq(_render(first, side, looked.rows))
    if total > 1:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for frame in later_frames(picture, total, limits, gaps):
                _render(eight_bit(frame), side, looked.rows)
    return looked


def _frames(picture: Image.Image, gaps: list[str]) -> int:
    try:
        return max(1, int(getattr(picture, "n_frames", 1)))
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - counting reads the whole file; the first frame is there already
        gaps.append(f"animation: frames cannot be counted ({type(error).__name__})")
        return 1


def _render(frame: Image.Image, side: int, rows: Mapping[ViewSpec, list[np.ndarray[Any, Any]]]) -> Image.Image:
    """Adds to ``rows`` of every view, once for each way in which the frame may be seen; returns the first of them."""
    pictures = [shrink(picture, side) for picture in as_seen(frame)]
    for view, seen in rows.items():
        seen += [render(picture, view) for picture in pictures]
    return pictures[0]
