"""A listing that is newest first, page by page, and what was found in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

Row = TypeVar("Row")
Place = Any
"""Where a page begins, as its feed writes it. JSON only; it holds when rows have come or gone since it was noted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Row]):
    """One page. ``following is None``: there is nothing behind it. ``hole``: what cannot be read, in words."""

    rows: Sequence[Row]
    following: Place | None = None
    hole: str | None = None
    broken: Sequence[str] = ()  # rows that could not be understood, in words


class Feed(Protocol[Row]):
    """A listing, page by page."""

    ends_at_cutoff: bool
    has_numbers: bool  # ``number`` counts up by one, so that gaps mean something
    denies: bool  # a server whose database fails may say of a row that is there that it is not

    def one(self, number: int) -> Row:
        """A single row. Raises ``NotFoundError``."""
        ...

    def spare(self) -> int:
        """Calls that the server's limit has room for right now, besides those that are kept for deeds."""
        ...

    def page(self, place: Place | None) -> Page[Row]:
        """A page; the newest without a place."""
        ...

    def number(self, row: Row) -> int:
        """What grows from row to row, by our own server's word."""
        ...

    def published(self, row: Row) -> datetime:
        """What the listing is sorted by."""
        ...

    def pinned(self, row: Row) -> bool:
        """Stands on top although it is old."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Generic[Row]):
    """A row, and whether it was there before the bot, and whether this is the first time it is met on the way."""

    row: Row
    backlog: bool
    fresh: bool
    wanted: bool  # not older than what the operator asked for
    edited_since: datetime | None = None  # what is not ``wanted`` is, all the same, if it was edited since then
