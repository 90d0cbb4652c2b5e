"""Pages of rows by id, and the links to their neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar
from urllib.parse import quote_plus

from adapters.sandbox.mastodon.text import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from adapters.sandbox.mastodon.calling import Call

_HIGHEST = 1 << 62


class _HasId(Protocol):
    id: int


R = TypeVar("R", bound=_HasId)


def page(call: Call, rows: Iterable[R], limit: int) -> list[R]:
    """A page of rows, the newest first.

    ``min_id`` gives the rows right after it, ``since_id`` the newest ones down to it; a row that was put below either
    afterwards is not given.
    """
    below = _bound(call, "max_id", 0)
    least = _bound(call, "min_id", _HIGHEST)
    since = _bound(call, "since_id", _HIGHEST)
    found = sorted((row for row in rows if below is None or row.id < below), key=lambda row: row.id)
    if least is not None:
        return [row for row in found if row.id > least][:limit][::-1]
    kept = [row for row in found if since is None or row.id > since][::-1]
    return kept[:limit]


def _bound(call: Call, name: str, nothing: int) -> int | None:
    """A bound, or ``nothing``, which no row passes, for a word that is no id."""
    text = call.params.text(name)
    if not text:
        return None
    return number(text) if text.lstrip("+-").isdigit() else nothing


def link_pages(call: Call, rows: Sequence[R], names: Iterable[str], *, more: bool = True) -> None:
    """Add the links to the pages before and after; ``names`` are the parameters that go along."""
    if not rows:
        return
    kept = call.params.only(names)
    if more:
        call.links.append(("next", _address(call, [*kept, ("max_id", str(rows[-1].id))])))
    call.links.append(("prev", _address(call, [*kept, ("min_id", str(rows[0].id))])))


def _address(call: Call, pairs: list[tuple[str, str]]) -> str:
    query = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in sorted(pairs, key=lambda p: p[0]))
    return f"{call.state.url}{call.place}?{query}"
