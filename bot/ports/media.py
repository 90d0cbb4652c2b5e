"""Protocols of the media stages: fetching, decoding, matching, scoring."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from bot.domain.evidence import Finding, Hit, Look, Score, Unscannable


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """Bytes that came from a URL. ``final_url`` is where the redirects led."""

    url: str
    final_url: str
    data: bytes
    declared_type: str | None


WITHIN = "picture-sha256-"
"""How the fragment of an address begins that stands for a picture in the text that is read there, by its digest."""


class Fetcher(Protocol):
    """Downloads hostile bytes."""

    async def fetch(self, url: str) -> Fetched | Unscannable:
        """Download at most the configured number of bytes.

        Every redirect target is resolved and checked before it is contacted, so that a post cannot make the bot call
        into its own network. ``Unscannable`` for anything the remote end did wrong; raises only for our own faults.
        """
        ...


VIEWS = 2
"""How the decode workers make views: a part of every detector's revision, for scores change with it.

To be raised with whatever shows detectors of the same file something else than before, by more than rounding: how
pictures are opened, turned, put on a background, scaled and cut, and which frames of what moves are taken. Thresholds
that were measured before then have ended, and known files are scanned anew when they are met.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewSpec:
    """What the decode workers make of each frame for a detector: everything that changes its scores, and ``dtype``.

    The frame is turned upright, put on white where it is transparent, resized to ``resize`` (``squash``: both sides,
    aspect ratio given up; ``shortest``: the shorter side, the other in proportion), cut to the central ``crop`` square,
    and sent through JPEG at ``jpeg_quality`` if that is set. What comes of it are whole numbers from 0 to 255, less
    ``subtract``; a detector gets them as ``float32``, or as ``uint8``, a quarter of the bytes, if it says so and
    subtracts nothing. Raises ``ValueError`` for ``uint8`` less something.
    """

    resize: int  # pixels
    crop: int  # pixels
    channels: str  # "RGB" or "BGR"
    jpeg_quality: int | None = None
    subtract: tuple[float, float, float] = (0.0, 0.0, 0.0)  # per channel, in the order of ``channels``
    fit: Literal["squash", "shortest"] = "squash"
    resample: Literal["bilinear", "bicubic"] = "bilinear"
    dtype: Literal["float32", "uint8"] = field(default="float32", repr=False)  # no part of a revision: same numbers

    def __post_init__(self) -> None:
        if self.dtype == "uint8" and any(self.subtract):
            raise ValueError("a view in uint8 subtracts nothing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What one decode of a file gives: fingerprints, and the views of each picture in it.

    Pictures are the sampled frames, each several times where transparency hides something: on white, without
    transparency, and on black. ``looks`` says of each picture what it is.
    """

    media_type: str
    width: int
    height: int
    frames: int  # frames in the file, as far as counted
    pixels: str | None  # SHA-256 of mode, size and decoded pixels; lossless single pictures only
    pdq: str | None  # 64 hexadecimal digits
    pdq_quality: int | None
    views: Mapping[ViewSpec, np.ndarray[Any, Any]]  # (pictures, crop, crop, 3); may be read-only
    looks: Sequence[Look] = ()  # one for each picture; the first has the PDQ of the file
    moving: bool = False  # an animation or a video: its pictures are moments of one thing
    findings: Sequence[Finding] = ()
    gaps: Sequence[str] = ()


class Decoder(Protocol):
    """Looks into files in processes that may die."""

    async def decode(self, data: bytes, views: Sequence[ViewSpec]) -> Decoded | Unscannable:
        """Structure check, then decode in a worker under limits of time and memory.

        A file that kills its worker is ``Unscannable(KILLED)``; the next file meets a new worker.
        """
        ...


class Matcher(Protocol):
    """Compares fingerprints with the lists."""

    def match(
        self,
        *,
        sha256: str,
        pixels: str | None,
        pdq: str | None,
        pdq_quality: int | None,
        looks: Sequence[Look] = (),
    ) -> Sequence[Hit]:
        """Every entry of every list that a file matches, exact ones first.

        ``looks``: further pictures of it, each of which is compared by its PDQ. One that matches is enough.
        """
        ...


class Detector(Protocol):
    """A model. ``infer`` runs on its one device thread; the other two anywhere."""

    @property
    def id(self) -> str:
        """The operator's name for it."""
        ...

    @property
    def revision(self) -> str:
        """Changes with anything that changes scores: weights digest, labels, preprocessing, engine."""
        ...

    @property
    def views(self) -> tuple[ViewSpec, ...]:
        """What the decode workers must make of each frame."""
        ...

    def infer(self, batch: Sequence[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
        """``batch``: for each view one array ``(n, crop, crop, 3)`` of its ``dtype``; returns ``(n, any) float32``."""
        ...

    def finish(self, raw: np.ndarray[Any, Any]) -> Sequence[Mapping[str, float]]:
        """Label to score, for each row."""
        ...


class Scorer(Protocol):
    """All detectors together, batched."""

    @property
    def revisions(self) -> Mapping[str, str]:
        """Detector id to revision."""
        ...

    @property
    def passed_over(self) -> Mapping[str, str]:
        """Detector id to the gap of a file that is not worth its time, for those that look only after another one."""
        ...

    @property
    def views(self) -> Sequence[ViewSpec]:
        """The union of what the detectors need."""
        ...

    async def score(self, decoded: Decoded) -> tuple[Sequence[Score], Sequence[str]]:
        """Scores (the highest over the frames, and each frame of what moves), and gaps.

        A gap is ``"nsfw: unavailable"`` for a detector that failed.
        """
        ...
