"""What is known of a file, and of who put it there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.domain.content import Account, Name, SubjectKey


class How(IntEnum):
    """How we know who the uploader is; a larger number is weaker evidence. Rules may demand a minimum."""

    LISTED = 1  # the platform's own upload list
    ATTACHED = 2  # an attachment is its author's (Mastodon)
    DATABASE = 3
    HOSTED_BY_AUTHORS_SERVER = 4  # a federated post showing a file of its author's own server
    THUMBNAIL_OF = 5  # the server made it from a file of known origin
    PROXIED_FOR = 6
    AUTHOR_OF_ONLY_USE = 7
    LOOKS_LIKE = 8
    UNKNOWN = 9

    @property
    def word(self) -> str:
        """The spelling used in the config and on screen: ``listed``."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Who uploaded a file, how that is known, where it is shown and which other names it has."""

    uploader: Account | None
    how: How
    subjects: Sequence[SubjectKey] = ()
    names: Sequence[Name] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something odd about a file's structure: trailing data, a lying header, a truncated picture."""

    kind: str
    detail: str


PARTLY_SEEN: Final = "partly_seen"
"""The kind of the finding of a video or an animation of which not every frame that was to be looked at could be."""


class MatchedBy(StrEnum):
    """Which fingerprint matched. Only the first two are *exact*."""

    SHA256 = "sha256"
    PIXELS = "pixels"
    PDQ = "pdq"

    @property
    def exact(self) -> bool:
        """Same bytes, or same pixels of a lossless format. PDQ is never exact."""
        return self is not MatchedBy.PDQ


class ListMode(StrEnum):
    """What a list says of the files on it."""

    BLOCK = "block"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A file matched an entry of a list."""

    list_id: str
    mode: ListMode
    by: MatchedBy
    entry: str  # the entry's hexadecimal digest
    distance: int = 0  # Hamming distance in bits, PDQ only
    note: str = ""
    where: str = ""  # which of several looks at the file matched, in words; empty for the file itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One picture that was made of a file and looked at.

    An ordinary picture has one. There are more of what moves, one for each sampled frame; and of what looks different
    on another background. ``alone``: what moves shows this frame for as long as people look at a picture.
    """

    frame: int = 0  # from 0, in the order in which they are shown
    at: float | None = None  # seconds from the beginning, for a video
    how: str = ""  # in words, where there is more than one way to see the frame
    alone: bool = False
    pdq: str | None = None  # 64 hexadecimal digits
    pdq_quality: int | None = None  # 0 to 100

    @property
    def where(self) -> str:
        """``frame 12 at 0.5 s, on black``; the first frame is frame 1."""
        time = "" if self.at is None else f" at {self.at:.1f} s"
        return f"frame {self.frame + 1}{time}" + (f", {self.how}" if self.how else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A detector's answer for one label, between 0 and 1, with the revision that gave it.

    Of what moves ``value`` is the highest of all frames that were looked at, and ``frames`` has the value of each, in
    the order in which they are shown; of anything else it is empty. ``alone``: the highest of those frames that are
    shown for as long as people look at a picture; 0 without any.
    """

    detector: str  # the operator's id of the detector
    revision: str
    label: str
    value: float
    frames: Sequence[float] = ()
    alone: float = 0.0

    def agreed(self, frames: int) -> float:
        """The value that so many frames reach; all of them, where fewer were looked at. One picture needs no second.

        A frame that is shown like a picture counts by itself, or one blank frame behind a picture would hide it.
        """
        if not self.frames:
            return self.value
        ranked = sorted(self.frames, reverse=True)
        return max(ranked[min(frames, len(ranked)) - 1], self.alone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A file that could be read, at least in part.

    A known hash is evidence even where decoding failed: what could not be looked at is a *gap*.
    """

    sha256: str  # 64 hexadecimal digits
    media_type: str  # by magic, not by what anybody declared
    size: int  # bytes
    width: int | None = None
    height: int | None = None
    pixels: str | None = None  # digest of the decoded pixels, lossless formats only
    pdq: str | None = None  # 64 hexadecimal digits
    pdq_quality: int | None = None  # 0 to 100
    looks: Sequence[Look] = ()  # where there is more than one; ``pdq`` is that of the first
    findings: Sequence[Finding] = ()
    hits: Sequence[Hit] = ()
    scores: Sequence[Score] = ()
    gaps: Sequence[str] = ()


def failed(detector: str, revision: str) -> str:
    """The gap of a file on which this revision of a detector failed; another revision may do better."""
    return f"{detector}: failed, revision {revision}"


def has_failed(gap: str) -> bool:
    """Whether a gap tells of a detector that failed on the file."""
    return gap.partition(": ")[2].startswith("failed")


class UnscannableKind(StrEnum):
    """Why a file has no evidence. Never a verdict: not clean, and not guilty."""

    GONE = "gone"  # 404 or 410
    UNREACHABLE = "unreachable"  # time-out, refused, 5xx
    FORBIDDEN_ADDRESS = "forbidden_address"  # leads into a private network
    TOO_LARGE = "too_large"
    NOT_MEDIA = "not_media"  # HTML, SVG, text
    UNSUPPORTED = "unsupported"  # a media format that nothing here decodes
    BROKEN = "broken"
    KILLED = "killed"  # the decoder died or ran out of time or memory
    UNAVAILABLE = "unavailable"  # a detector or list is down


@dataclass(frozen=True, slots=True, kw_only=True)
class Unscannable:
    """A file that could not be read, and when to try again (``None``: never by itself)."""

    kind: UnscannableKind
    detail: str
    retry_at: datetime | None = None


Scan: TypeAlias = Evidence | Unscannable
