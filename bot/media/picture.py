"""Everything that is learned from decoding one file. Runs in a decode worker; never raises but ``MemoryError``."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from bot.domain.evidence import PARTLY_SEEN, Finding, Unscannable, UnscannableKind
from bot.media.colours import eight_bit, odd_gamma, turn_of, turned
from bot.media.film import look_at_film
from bot.media.fingerprint import pixels_digest
from bot.media.frames import later_frames, sample, shown_for, standing_alone, stays
from bot.media.looks import Looks
from bot.media.opening import in_words, load, ways
from bot.media.structure import Structure, inspect
from bot.media.views import needed_side

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from bot.media.limits import DecodeLimits
    from bot.media.opening import Way
    from bot.ports import ViewSpec


BESIDE: Final = "image/jpeg"
"""The format whose further pictures stand beside the first, and are no moments of one thing."""


@dataclass(slots=True, kw_only=True)
class Looked:
    """What was found in a file."""

    media_type: str
    width: int  # pixels, upright, as shown
    height: int
    frames: int
    pixels: str | None = None
    pdq: str | None = None
    pdq_quality: int | None = None
    moving: bool = False
    looks: Looks
    findings: list[Finding] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)

    @property
    def rows(self) -> Mapping[ViewSpec, Sequence[np.ndarray[Any, Any]]]:
        """For each view, one ``(crop, crop, 3) uint8`` for each picture looked at."""
        return {view: [one.rows[at] for one in self.looks.pictures] for at, view in enumerate(self.looks.views)}


def look(data: bytes, views: Sequence[ViewSpec], limits: DecodeLimits) -> Looked | Unscannable:
    """Structure, pixels, hash and views of one file.

    What breaks off is looked at as far as it goes: a finding, ``truncated`` or ``damaged``, and a gap. A file whose
    decoder shows nothing at all is ``BROKEN``.
    """
    structure = inspect(data, limits)
    if isinstance(structure, Unscannable):
        return structure
    if structure.video:
        return _look_at_video(data, structure, views, limits)
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
    turn = turn_of(picture)
    first = eight_bit(turned(picture, turn))
    sideways = (first.width > first.height) != (picture.width > picture.height)
    looks = Looks(views)
    looked = Looked(
        media_type=structure.media_type,
        width=size[1] if sideways else size[0],
        height=size[0] if sideways else size[1],
        frames=total,
        moving=total > 1 and structure.media_type != BESIDE,
        looks=looks,
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
    looks.add(first)
    looked.pdq, looked.pdq_quality = looks.pictures[0].look.pdq, looks.pictures[0].look.pdq_quality
    reached = 1
    if total > 1:
        reached += _look_further(picture, total, limits, looked, looks, turn)
    # Where the decoder refused the later frames, what they are a part of is shown as a still picture.
    there = max(total, structure.frames) if complaint else total
    wanted = len(sample(there, limits))
    what = "file" if structure.media_type == BESIDE else "animation"
    missed = [f"only {reached} of {wanted} sampled frames were looked at"] if reached < wanted else []
    if there > limits.first_frames:
        missed.append(f"no frame after its first {limits.first_frames} was looked at")
    if missed:
        looked.findings.append(Finding(kind=PARTLY_SEEN, detail=f"of this {what} {', and '.join(missed)}"))
    return looked


def _look_at_video(
    data: bytes, structure: Structure, views: Sequence[ViewSpec], limits: DecodeLimits
) -> Looked | Unscannable:
    looks, gaps = Looks(views), list[str]()
    film = look_at_film(data, structure.media_type, looks, limits, gaps)
    if isinstance(film, Unscannable):
        return film
    first = looks.pictures[0].look
    parts = [f"of this video only {film.missed} were looked at"] if film.missed else []
    if structure.truncated or not film.to_its_end:
        parts.append("this video could not be read to its end")
    missed = [Finding(kind=PARTLY_SEEN, detail="; ".join(parts))] if parts else []
    return Looked(
        media_type=structure.media_type,
        width=film.width,
        height=film.height,
        frames=film.frames,
        pdq=first.pdq,
        pdq_quality=first.pdq_quality,
        moving=len({one.look.frame for one in looks.pictures}) > 1,
        looks=looks,
        findings=[*structure.findings, *missed],
        gaps=gaps,
    )


def _look_further(
    picture: Image.Image,
    total: int,
    limits: DecodeLimits,
    looked: Looked,
    looks: Looks,
    turn: Image.Transpose | None,
) -> int:
    """At the other frames; how many could be looked at. Which stand for themselves is known when all lengths are."""
    seconds = [shown_for(picture)]
    reached = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)  # one that is larger than the first
        for frame in later_frames(picture, total, limits, looked.gaps, seconds):
            # Pictures beside each other say each for itself how they are turned.
            own = turn if looked.moving else turn_of(picture)
            looks.add(eight_bit(turned(picture, own)), frame=frame)
            reached += 1
    if looked.moving:
        last = {total - 1} if stays(picture) else set()
        looks.stand_alone(standing_alone(seconds) | last)
    return reached


def _frames(picture: Image.Image, structure: Structure) -> int:
    """As many as the file was found to have where the decoder would have to read it once more to count them."""
    if structure.media_type == "image/gif":
        return structure.frames
    return max(1, int(getattr(picture, "n_frames", 1)))
