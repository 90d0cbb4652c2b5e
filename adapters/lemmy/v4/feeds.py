"""Listings of Lemmy 1.0, page by page. All of them have cursors, and what a cursor holds is the server's own affair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.lemmy.convert import moment
from adapters.lemmy.feeds import LIMIT
from adapters.lemmy.listing import Page
from adapters.lemmy.v4 import wire
from bot.domain.errors import BadAnswerError, NotFoundError, RejectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from adapters.lemmy.listing import Place
    from adapters.lemmy.v4.client import LemmyV4Client
    from adapters.lemmy.wire import Json

EVERYTHING: Mapping[str, Any] = {
    "type_": "all",
    "sort": "new",
    "time_range_seconds": 0,  # whatever the account or the site has set: all there is
}
ODD = (KeyError, TypeError, ValueError, AttributeError)
"""What a row raises that is not in the shape of API v4: the end of that one row only."""

POSTS: Mapping[str, Any] = {**EVERYTHING, "show_hidden": True, "show_read": True, "show_nsfw": True}


class CursorFeed:
    """One of them. A place is the page cursor that the page before named.

    Comments are sorted by their time alone (LemmyNet/lemmy 1.0.0-beta.1, crates/db_views/comment/src/impls.rs): of two
    of the same moment at the border of a page one may be left out, and is found by its number.
    """

    ends_at_cutoff = True

    def __init__(
        self,
        client: LemmyV4Client,
        *,
        thing: str,
        query: Mapping[str, Any],
        read: Callable[[Json], Json],
        path: str = "",
    ) -> None:
        """``thing``: ``post`` or ``comment``. ``read``: a view of v4 in the words of v3.

        ``path``: of a listing whose rows cannot be asked for one by one.
        """
        self._client = client
        self._path = path or f"/{thing}/list"
        self.has_numbers = not path
        self.denies = thing == "post"
        self._thing = thing
        self._query = query
        self._read = read

    def page(self, place: Place | None) -> Page[Json]:
        """A page; where the cursor is not valid (any more), or another Lemmy's, the newest."""
        if not isinstance(place, str):
            return self._page(None)
        try:
            return self._page(place)
        except (RejectedError, NotFoundError):
            return self._page(None)

    def spare(self) -> int:
        """As the client tells."""
        return self._client.spare()

    def one(self, number: int) -> Json:
        """A single row, which an admin is shown even if it was removed or deleted."""
        answer = self._client.get(f"/{self._thing}", {"id": number}, vouched=True)
        try:
            return self._understood(answer[f"{self._thing}_view"])
        except ODD as error:
            raise BadAnswerError(f"{self._thing} {number} is not in the shape of API v4 ({error})") from error

    def number(self, row: Json) -> int:
        """The local id."""
        return int(row[self._thing]["id"])

    def published(self, row: Json) -> datetime:
        """The author's server's word, and what Lemmy sorts by."""
        return moment(row[self._thing]["published_at"])

    def pinned(self, row: Json) -> bool:  # noqa: ARG002 - part of what a feed answers
        """Nothing is, among the newest."""
        return False

    def _page(self, cursor: str | None) -> Page[Json]:
        answer = self._client.get(self._path, {**self._query, "limit": LIMIT, "page_cursor": cursor})
        listed = answer.get("items")
        if not isinstance(listed, list):
            raise BadAnswerError(f"the listing of {self._thing}s has no items in it: this is not API v4 of Lemmy 1.0")
        rows, broken = [], []
        for place, row in enumerate(listed):
            try:
                rows.append(self._understood(row))
            except ODD as error:
                broken.append(f"row {place} of {self._thing}s has an unknown shape ({type(error).__name__} {error})")
        following, hole = answer.get("next_page") if listed else None, None
        if following is not None and following == cursor:
            following, hole = None, f"{self._thing}s behind a page that names itself as the next one"
        return Page(rows=rows, broken=broken, following=following, hole=hole)

    def _understood(self, row: Json) -> Json:
        view = self._read(row)
        self.number(view), self.published(view)
        return view


def post_feed(client: LemmyV4Client) -> CursorFeed:
    """The newest posts."""
    return CursorFeed(client, thing="post", query=POSTS, read=wire.post_view)


def comment_feed(client: LemmyV4Client) -> CursorFeed:
    """The newest comments."""
    return CursorFeed(client, thing="comment", query=EVERYTHING, read=wire.comment_view)


def message_feed(client: LemmyV4Client) -> CursorFeed:
    """Private messages that were reported, and no others."""
    query = {"type_": "private_messages", "sort": "new", "show_community_rule_violations": True}
    return CursorFeed(
        client, thing="private_message_report", query=query, read=wire.message_report, path="/report/list"
    )
