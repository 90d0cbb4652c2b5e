"""The listing of everything that a pict-rs holds, newest first: one reader for all who walk down it.

A page names the file with which the next one begins. That file may be purged before it is asked for, and to a place
that it does not know pict-rs answers with its first page. So a page that does not begin where it was asked to is not
taken, and what is older than the last file that was read is asked for instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from bot.domain.errors import BadAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from adapters.pictrs.client import PictrsClient

_SHA256 = 64  # hexadecimal digits at the beginning of ``hex``; size and format follow

Place: TypeAlias = "Mapping[str, str]"
"""Where a page begins: ``slug``, and ``at``, when the file before it was stored. JSON only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One file. ``at``: when its bytes came for the first time."""

    hex: str
    aliases: Sequence[str]
    at: datetime

    @property
    def sha256(self) -> str:
        """Of the stored bytes."""
        return self.hex[:_SHA256].lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page. ``following is None``: there is nothing behind it. ``broken``: rows of another shape, in words."""

    files: Sequence[Held]
    following: Place | None
    broken: Sequence[str] = ()


def page_at(client: PictrsClient, place: Place | None, *, older_than: datetime | None = None) -> Page:
    """The page at a place; without one the first, of what is ``older_than`` that. Raises ``PlatformError``.

    ``timestamp`` is exclusive, so that the files of the very moment of a lost place are asked for once more.
    """
    last = None
    if place is None:
        found = client.hashes(before=older_than)
    else:
        last = datetime.fromisoformat(place["at"])
        found = client.hashes(slug=place["slug"])
        if found.get("current") != place["slug"]:
            found = client.hashes(before=last + timedelta(seconds=1))
    listed = _rows_of(found)
    moments = _moments(listed, last)
    files, broken = [], []
    for row, at in zip(listed, moments, strict=True):
        try:
            files.append(Held(hex=_hex(row), aliases=[str(name) for name in row["aliases"]], at=at))
        except (KeyError, TypeError, ValueError) as error:
            broken.append(f"a row of /internal/hashes is not in the shape of pict-rs 0.5 ({type(error).__name__})")
    following = found.get("next")
    if not isinstance(following, str) or not listed:
        return Page(files=files, following=None, broken=broken)
    return Page(files=files, following={"slug": following, "at": moments[-1].isoformat()}, broken=broken)


def held(client: PictrsClient, *, older_than: datetime | None = None, most: int) -> Iterator[Held]:
    """Up to ``most`` files, the newest first. Raises ``PlatformError``.

    Whoever reads to the end and finds nothing may say that nothing is there: what keeps the walk from being complete is
    raised there, ``BadAnswerError`` where a row cannot be read or the listing leads in a circle.
    """
    page = page_at(client, None, older_than=older_than)
    been: set[str] = set()
    before: set[str] = set()
    broken: list[str] = []
    told = 0
    while True:
        broken += page.broken
        for one in page.files:
            if one.hex in before:  # of a page that had to be asked for by its time
                continue
            if told >= most:
                return
            told += 1
            yield one
        if page.following is None or told >= most:
            break
        if page.following["slug"] in been:
            raise BadAnswerError("pict-rs lists what it holds in a circle: not all of it could be read")
        been.add(page.following["slug"])
        before = {one.hex for one in page.files}
        page = page_at(client, page.following)
    if broken:
        raise BadAnswerError(broken[0])


def _rows_of(page: Mapping[str, Any]) -> Sequence[Any]:
    """The files of one answer, as they are. Raises ``BadAnswerError``."""
    rows = page.get("hashes")
    if not isinstance(rows, list):
        raise BadAnswerError("pict-rs lists no hashes where it has to: this is not pict-rs 0.5")
    return rows


def _hex(row: Mapping[str, Any]) -> str:
    value = str(row["hex"])
    bytes.fromhex(value)
    if len(value) < _SHA256:
        raise ValueError(value)
    return value


def _moments(listed: Sequence[Any], last: datetime | None) -> Sequence[datetime]:
    """When each was stored. A file whose facts pict-rs has lost stands between its neighbours.

    ``last``: of the file before the first of these.
    """
    told = [_moment(row) for row in listed]
    newer = next((at for at in told if at is not None), last)
    found = []
    for at in told:
        newer = at or newer
        found.append(newer or datetime.fromtimestamp(0, UTC))
    return found


def _moment(row: Any) -> datetime | None:
    try:
        parsed = datetime.fromisoformat(row["details"]["created_at"])
    except (KeyError, TypeError, ValueError):
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
