"""A file's structure, read before anything decodes it: real format, size by its header, what hangs behind its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.domain.evidence import Finding, Unscannable, UnscannableKind
from bot.media.appended import what_else
from bot.media.formats.avif import walk_avif
from bot.media.formats.gif import walk_gif
from bot.media.formats.jpeg import walk_jpeg
from bot.media.formats.matroska import walk_matroska
from bot.media.formats.mp4 import walk_mp4
from bot.media.formats.png import walk_png
from bot.media.formats.webp import walk_webp
from bot.media.limits import DecodeLimits
from bot.media.magic import UNKNOWN, Family, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.media.formats.walk import Walk

_WALKERS: Final[dict[str, Callable[[bytes], Walk]]] = {
    "image/avif": walk_avif,
    "image/gif": walk_gif,
    "image/jpeg": walk_jpeg,
    "image/png": walk_png,
    "image/webp": walk_webp,
    "video/mp4": walk_mp4,
    "video/quicktime": walk_mp4,
    "video/webm": walk_matroska,
}
_SAME: Final = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "image/apng": "image/png",
    "image/vnd.mozilla.apng": "image/png",
    "video/x-m4v": "video/mp4",
    "video/x-matroska": "video/webm",
    "video/matroska": "video/webm",
}
_NO_CLAIM: Final = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/unknown"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """A file's own account of itself. Its decoder may find otherwise."""

    media_type: str
    video: bool
    width: int | None  # pixels
    height: int | None
    frames: int
    lossless: bool
    findings: Sequence[Finding] = ()

    @property
    def truncated(self) -> bool:
        """Whether the file breaks off before the end of the picture."""
        return any(finding.kind == "truncated" for finding in self.findings)


def inspect(data: bytes, limits: DecodeLimits | None = None) -> Structure | Unscannable:
    """Look at the structure of a whole file. Never raises, whatever the bytes are.

    ``Unscannable``: ``NOT_MEDIA`` or ``UNSUPPORTED`` by its first bytes, ``TOO_LARGE`` by its header, ``BROKEN`` when
    it is empty or claims no area.
    """
    limits = limits or DecodeLimits()
    if not data:
        return Unscannable(kind=UnscannableKind.BROKEN, detail="the file is empty")
    kind = kind_of(data)
    if kind.family is Family.NOT_MEDIA:
        detail = "no known media format" if kind is UNKNOWN else kind.media_type
        return Unscannable(kind=UnscannableKind.NOT_MEDIA, detail=detail)
    if kind.family is Family.OTHER_MEDIA:
        return Unscannable(kind=UnscannableKind.UNSUPPORTED, detail=f"{kind.media_type}: nothing here decodes it")
    walk = _WALKERS[kind.media_type](data)
    if walk.width is not None and walk.height is not None:
        refused = refuse_size(walk.width, walk.height, limits)
        if refused is not None:
            return refused
    return Structure(
        media_type=kind.media_type,
        video=kind.family is Family.VIDEO,
        width=walk.width,
        height=walk.height,
        frames=walk.frames,
        lossless=walk.lossless,
        findings=(*_breaks_off(data, walk.end), *what_else(data, walk.end, kind.media_type)),
    )


def refuse_size(width: int, height: int, limits: DecodeLimits) -> Unscannable | None:
    """``TOO_LARGE`` or ``BROKEN`` for a size (pixels) that is not decoded."""
    if width <= 0 or height <= 0:
        return Unscannable(kind=UnscannableKind.BROKEN, detail=f"its header says {width} x {height} pixels")
    if max(width, height) > limits.max_side or width * height > limits.max_pixels:
        return Unscannable(kind=UnscannableKind.TOO_LARGE, detail=f"{width} x {height} pixels")
    return None


def declared_type_finding(declared: str | None, actual: str) -> Finding | None:
    """``declared_type_differs`` when a server names another type than the bytes are. Says nothing of missing claims."""
    claim = (declared or "").partition(";")[0].strip().lower()
    claim = _SAME.get(claim, claim)
    if claim in _NO_CLAIM or claim == actual:
        return None
    shown = "".join(letter if letter.isprintable() else "?" for letter in claim[:60])
    return Finding(kind="declared_type_differs", detail=f"declared {shown}, is {actual}")


def _breaks_off(data: bytes, end: int | None) -> Sequence[Finding]:
    return () if end is not None else (Finding(kind="truncated", detail=f"breaks off after {len(data):,} bytes"),)
