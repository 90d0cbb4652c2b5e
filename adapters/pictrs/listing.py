"""The listing of everything that a pict-rs holds, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.domain.errors import BadAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from adapters.pictrs.client import PictrsClient

_SHA256 = 64  # hexadecimal digits at the beginning of ``hex``; size and format follow


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One file. ``created_at``: when its bytes came for the first time, if pict-rs says so."""

    sha256: str
    aliases: Sequence[str]
    created_at: datetime | None


def held(client: PictrsClient, *, older_than: datetime | None = None, most: int) -> Iterator[Held]:
    """Up to ``most`` files, the newest first. Raises ``PlatformError``.

    To a place that it does not know pict-rs answers with the first page, so a page that leads to where we were ends it.
    """
    page = client.hashes(before=older_than)
    been: set[str] = set()
    told = 0
    while True:
        for entry in rows_of(page)[: most - told]:
            told += 1
            yield _held(entry)
        following = page.get("next")
        if told >= most or not isinstance(following, str) or following in been:
            return
        been.add(following)
        page = client.hashes(slug=following)


def rows_of(page: Mapping[str, Any]) -> Sequence[Any]:
    """The files of one answer, as they are. Raises ``BadAnswerError``."""
    rows = page.get("hashes")
    if not isinstance(rows, list):
        raise BadAnswerError("pict-rs lists no hashes where it has to: this is not pict-rs 0.5")
    return rows


def _held(entry: Any) -> Held:
    try:
        details = entry.get("details") or {}
        at = details.get("created_at")
        return Held(
            sha256=str(entry["hex"])[:_SHA256].lower(),
            aliases=[str(alias) for alias in entry["aliases"]],
            created_at=None if at is None else datetime.fromisoformat(at),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadAnswerError(f"pict-rs lists a file in a shape of its own ({type(error).__name__} {error})") from error
