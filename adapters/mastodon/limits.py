"""Mastodon's rate limits: config/initializers/rack_attack.rb, the same from 4.2 to 4.7.

They are counted in windows aligned to the clock, so that a full bucket and its refill must fit into one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.buckets import Buckets
    from adapters.http import Query
    from bot.domain.errors import RateLimitedError

TOKEN = "token"  # noqa: S105 - the name of a limit
PAGING = "paging"
REMOVALS = "removals"

_PAGED = {"page", "min_id", "max_id", "since_id"}

_LIMITS = {
    TOKEN: (300, 300, 90),
    PAGING: (300, 900, 60),
    REMOVALS: (30, 1800, 10),
}
"""Calls, seconds, and how many of them at once."""


USUAL, WINDOW = _LIMITS[TOKEN][:2]


def feed(buckets: Buckets, calls: int = USUAL) -> None:
    """Before the first call: Mastodon does not tell its limits until it is called.

    ``calls``: what this server allows instead of ``USUAL``; its other limits are taken to be raised as far.
    """
    for name, (count, seconds, burst) in _LIMITS.items():
        buckets.feed(name, count=count * calls // USUAL, seconds=seconds, burst=max(1, burst * calls // USUAL))


def besides(method: str, path: str, params: Query) -> str | None:
    """The limit that a call counts against besides that of its token."""
    if _PAGED & set(params):
        return PAGING
    if method == "DELETE" and path.startswith("/api/v1/statuses/"):
        return REMOVALS
    return None


def resting(besides: str | None, error: RateLimitedError, calls: int) -> Sequence[str]:
    """The limits that a refusal is about. ``besides``: as above; ``calls``: what the server allows a token.

    A server does not say which of two has run out. Deeds do not page: they must not rest for a page, and are refused
    themselves where it was the limit of the token after all.
    """
    if besides is None:
        return [TOKEN]
    the_tokens = error.retry_after <= WINDOW and error.limit == calls
    return [besides, TOKEN] if the_tokens else [besides]
