"""Pages: a cursor names the row at the edge of a page, and is not to be read by clients."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import parse_qsl, urlencode

from adapters.sandbox.lemmy.errors import LemmyError, unknown
from adapters.sandbox.lemmy.v4.errors import not_found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from adapters.sandbox.lemmy.rows import Json

# The alphabet of crates/diesel_utils/src/pagination.rs of Lemmy 1.0.0-beta.1, shuffled there to keep clients out.
_SHUFFLED = "AphruVFwvCetlckdZ2g-foxXBGNbyHnD96qUj3KL_YsE7P1OQiaIR0z4T58mMWJS"
URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_LONGEST_PAGE = 50

Key = tuple[float | int, ...]
R = TypeVar("R")


def decoded(text: str, alphabet: str) -> bytes:
    """Base 64 without padding, as strict as Lemmy's; raises ``ValueError`` with the words of its library."""
    for place, character in enumerate(text):
        if character not in alphabet:
            raise ValueError(f"Invalid symbol {ord(character)}, offset {place}.")
    rest = len(text) % 4
    if rest == 1:
        raise ValueError(f"Invalid input length: {len(text)}")
    if rest and alphabet.index(text[-1]) & (0b1111 if rest == 2 else 0b11):
        raise ValueError(f"Invalid last symbol {ord(text[-1])}, offset {len(text) - 1}.")
    standard = text.translate(str.maketrans(alphabet, URL_SAFE))
    try:
        return base64.urlsafe_b64decode(standard + "=" * (-len(standard) % 4))
    except binascii.Error as error:  # pragma: no cover - all that it could say has been said above
        raise ValueError(str(error)) from error


@dataclass(frozen=True, slots=True)
class Cursor:
    """``back``: to the page before. ``including``: the named row too, to come back from an empty page."""

    back: bool
    row: str
    including: bool = False

    @classmethod
    def read(cls, text: str) -> Cursor:
        """Raises ``unknown`` with what is wrong."""
        try:
            fields = dict(parse_qsl(decoded(text, _SHUFFLED).decode()))
            return cls(fields["b"] == "true", fields["d"], fields["r"] == "true")
        except KeyError as error:
            raise unknown(f"missing field `{error.args[0]}`") from error
        except ValueError as error:
            raise unknown(str(error)) from error

    @property
    def text(self) -> str:
        """As clients get it."""
        fields = {"b": str(self.back).lower(), "d": self.row, "r": str(self.including).lower()}
        standard = base64.urlsafe_b64encode(urlencode(fields).encode()).decode().rstrip("=")
        return standard.translate(str.maketrans(URL_SAFE, _SHUFFLED))


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[R]):
    """How a list is paged.

    ``order``: what stands first has the greatest key. ``name``: how a cursor calls a row. ``find``: the row of such a
    name, which need not be in the list any more, or ``None``.
    """

    order: Callable[[R], Key]
    name: Callable[[R], str]
    find: Callable[[str], R | None]

    def page(self, rows: Iterable[R], cursor: str | None, limit: int) -> tuple[list[R], Json]:
        """One page, and its ``next_page`` and ``prev_page``. Rows with the key of the edge are on neither page."""
        asked = None if cursor is None else Cursor.read(cursor)
        ordered = sorted(rows, key=self.order, reverse=True)
        if asked is not None:
            row = self.find(asked.row)
            if row is None:
                raise not_found()
            edge = self.order(row)
            if asked.back:
                ordered = [one for one in ordered if self.order(one) > edge or (asked.including and one == row)]
                ordered = ordered[-limit:]
            else:
                ordered = [one for one in ordered if self.order(one) < edge or (asked.including and one == row)]
        shown = ordered[:limit]
        return shown, self._around(shown, asked, limit)

    def _around(self, shown: list[R], asked: Cursor | None, limit: int) -> Json:
        full = len(shown) >= limit
        following = Cursor(False, self.name(shown[-1])) if shown else None
        before = Cursor(True, self.name(shown[0])) if shown else None
        if asked is None:
            before = None
            following = following if full else None
        elif not full and asked.back:
            before = None
        elif not full:
            following = None
        if not shown and asked is not None and not asked.including:
            again = Cursor(not asked.back, asked.row, including=True)
            following, before = (again, before) if asked.back else (following, again)
        found = {"next_page": following, "prev_page": before}
        return {key: made.text for key, made in found.items() if made is not None}


def checked_limit(limit: int | None, default: int) -> int:
    """How many rows a page has; raises ``invalid_fetch_limit``."""
    if limit is None:
        return default
    if not 1 <= limit <= _LONGEST_PAGE:
        raise LemmyError("invalid_fetch_limit")
    return limit


def number(text: str) -> int:
    """The number that a cursor calls a row by; raises ``unknown``."""
    if not (text.isascii() and text.isdigit()):
        raise unknown("invalid digit found in string")
    return int(text)
