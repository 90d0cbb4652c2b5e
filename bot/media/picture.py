"""Everything that is learned from decoding one file. Runs in a decode worker; never raises but ``MemoryError``."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from PIL import Image

from bot.domain.evidence import Finding, Unscannable, UnscannableKind
from bot.media.colours import as_seen, eight_bit, odd_gamma, upright
from bot.media.fingerprint import pdq, pixels_digest
from bot.media.frames import later_frames
from bot.media.opening import in_words, load, ways
from bot.media.structure import Structure, inspect
from bot.media.views import needed_side, render, shrink

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from bot.media.limits import DecodeLimits
    from bot.media.opening import Way
    from bot.ports import ViewSpec


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


def look(data: bytes, views: Sequence[ViewSpec], limits: DecodeLimits) -> Looked | Unscannable:
    """Structure, pixels, hash and views of one file.

    What breaks off is looked at as far as it goes: a finding, ``truncated`` or ``damaged``, and a gap. A file whose
    decoder shows nothing at all is ``BROKEN``.
    """
    structure = inspect(data, limits)
    if isinstance(structure, Unscannable):
        return structure
    complaint = ""
    for way in ways(data, structure):
        try:
            return _look(way, structure, views, limits, complaint)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - decoders raise what they like (AVIF: RuntimeError, PNG: ValueError)
            complaint = complaint or in_words(error)
    return Unscannable(kind=UnscannableKind.BROKEN, detail=f"{structure.media_type}: {complaint}")


def _look(
    way: Way, structure: Structure, views: Sequence[ViewSpec], limits: DecodeLimits, complaint: str
) -> Looked | Unscannable:
    """``complaint``: what the decoder said of the ways before, empty for the first."""
    opened = load(way, needed_side(views), limits)
    if isinstance(opened, Unscannable):
        return opened
    picture, size = opened
    total = _frames(picture, structure)
    several = structure.media_type == "image/jpeg"  # pictures beside each other, which turn as one alone does
    first = eight_bit(upright(picture) if total == 1 or several else picture)
    turned = (first.width > first.height) != (picture.width > picture.height)
    looked = Looked(
        media_type=structure.media_type,
        width=size[1] if turned else size[0],
        height=size[0] if turned else size[1],
        frames=total,
        rows={view: [] for view in views},
        findings=[*structure.findings],
        gaps=[*way.gaps],
    )
    if complaint and not structure.truncated:
        detail = f"the decoder refuses a part of it: {complaint}"
        looked.findings.append(Finding(kind="damaged", detail=detail))
    exponent = odd_gamma(picture)
    if exponent is not None:
        looked.findings.append(Finding(kind="odd_gamma", detail=f"browsers apply the exponent {exponent:.2g}"))
    if structure.lossless and total == 1 and not structure.truncated and not complaint and exponent is None:
        looked.pixels = pixels_digest(first)
    side = needed_side(views)
    looked.pdq, looked.pdq_quality = pdq(_render(first, side, looked.rows))
    if total > 1:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)  # one that is larger than the first
            for frame in later_frames(picture, total, limits, looked.gaps):
                _render(eight_bit(upright(frame) if several else frame), side, looked.rows)
    return looked


def _frames(picture: Image.Image, structure: Structure) -> int:
    """As many as the file was found to have where the decoder would have to read it once more to count them."""
    if structure.media_type == "image/gif":
        return structure.frames
    return max(1, int(getattr(picture, "n_frames", 1)))


def _render(frame: Image.Image, side: int, rows: Mapping[ViewSpec, list[np.ndarray[Any, Any]]]) -> Image.Image:
    """Adds to ``rows`` of every view, once for each way in which the frame may be seen; returns the first of them."""
    pictures = [shrink(picture, side) for picture in as_seen(frame)]
    for view, seen in rows.items():
        seen += [render(picture, view) for picture in pictures]
    return pictures[0]
