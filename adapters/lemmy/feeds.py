"""Lemmy's listings, page by page: posts by cursor, comments and uploads by page number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.lemmy.convert import moment
from adapters.lemmy.listing import Page
from bot.domain.errors import BadAnswerError, NotFoundError, RejectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from adapters.lemmy.client import LemmyClient
    from adapters.lemmy.listing import Place
    from adapters.lemmy.wire import Json

LIMIT = 50  # rows on a page, the most that Lemmy gives
LAST_PAGE = 100  # 0.19.15 and newer; 0.19.14 stops at 10
_SPARE = 5  # cursors kept for one place: the row that a cursor names may be purged before it is used


class PostFeed:
    """``GET /post/list``. A place is a list of page cursors, the best first."""

    ends_at_cutoff = True
    has_numbers = True

    def __init__(self, client: LemmyClient) -> None:
        """``client``: the server to ask."""
        self._client = client

    def page(self, place: Place | None) -> Page[Json]:
        """A page; where no cursor of ``place`` is valid any more, the newest."""
        for cursor in place or ():
            try:
                return self._page(cursor)
            except RejectedError as error:
                if "pagination" not in str(error):
                    raise
        return self._page(None)

    def _page(self, cursor: str | None) -> Page[Json]:
        answer = self._client.get(
            "/post/list",
            {
                "type_": "All",
                "sort": "New",
                "limit": LIMIT,
                "show_hidden": True,
                "show_read": True,
                "show_nsfw": True,
                "page_cursor": cursor,
            },
        )
        rows, broken = _understood(answer, "posts", self.number, self.published)
        plain = [row for row in rows if not self.pinned(row)]
        cursors = [f"P{self.number(row):x}" for row in reversed(plain[-_SPARE:])]
        return Page(rows=rows, broken=broken, following=cursors if _full(answer, "posts") and cursors else None)

    def one(self, number: int) -> Json:
        """``GET /post``, which shows an admin what no listing does: posts that were removed or deleted."""
        return _single(self._client.get("/post", {"id": number}, vouched=True), "post_view", self.number)

    def resumed(self, place: Place) -> Place:
        """The same: a cursor names a row, and rows do not move."""
        return place

    def number(self, row: Json) -> int:
        """The local id."""
        return int(row["post"]["id"])

    def published(self, row: Json) -> datetime:
        """The author's server's word, and what Lemmy sorts by."""
        return moment(row["counts"]["published"] if "counts" in row else row["post"]["published"])

    def pinned(self, row: Json) -> bool:
        """Featured on the site: such posts come first even among the newest."""
        return bool(row["post"].get("featured_local"))


class PagedFeed:
    """A listing with page numbers. New rows shift the pages, so that a row can come twice, but none is skipped."""

    def __init__(
        self,
        client: LemmyClient,
        *,
        path: str,
        key: str,
        query: dict[str, str],
        ends_at_cutoff: bool,
        has_numbers: bool,
        number: Callable[[Json], int],
        published: Callable[[Json], datetime],
    ) -> None:
        """``key``: where the rows are in the answer."""
        self._client = client
        self._path, self._key, self._query = path, key, query
        self.ends_at_cutoff = ends_at_cutoff
        self.has_numbers = has_numbers
        self.number = number
        self.published = published

    def page(self, place: Place | None) -> Page[Json]:
        """A page; the hole behind the last one that Lemmy lists."""
        number = int(place or 1)
        try:
            answer = self._client.get(self._path, {**self._query, "limit": LIMIT, "page": number})
        except RejectedError:
            if number == 1:
                raise
            return Page(rows=(), hole=self._hole(number - 1))
        rows, broken = _understood(answer, self._key, self.number, self.published)
        full = _full(answer, self._key)
        if full and number >= LAST_PAGE:
            return Page(rows=rows, broken=broken, hole=self._hole(number))
        return Page(rows=rows, broken=broken, following=number + 1 if full else None)

    def one(self, number: int) -> Json:
        """``GET /comment``; uploads cannot be asked for."""
        if not self.has_numbers:
            raise NotFoundError(f"{self._key} have no numbers")
        return _single(self._client.get("/comment", {"id": number}, vouched=True), "comment_view", self.number)

    def resumed(self, place: Place) -> Place:
        """One page back: rows that were purged meanwhile have pulled the rest forward."""
        return max(1, int(place) - 1)

    def pinned(self, row: Json) -> bool:  # noqa: ARG002 - part of what a feed answers
        """Nothing is."""
        return False

    def _hole(self, pages: int) -> str:
        return f"{self._key} behind the newest {pages * LIMIT}: Lemmy lists no more than {pages} pages"


def comment_feed(client: LemmyClient) -> PagedFeed:
    """``GET /comment/list``."""
    return PagedFeed(
        client,
        path="/comment/list",
        key="comments",
        query={"type_": "All", "sort": "New"},
        ends_at_cutoff=True,
        has_numbers=True,
        number=lambda row: int(row["comment"]["id"]),
        published=lambda row: moment(row["comment"]["published"]),
    )


def upload_feed(client: LemmyClient) -> PagedFeed:
    """``GET /admin/list_all_media``. Rows have no id; their time is our own server's, in microseconds."""
    return PagedFeed(
        client,
        path="/admin/list_all_media",
        key="images",
        query={},
        ends_at_cutoff=False,
        has_numbers=False,
        number=lambda row: round(moment(row["local_image"]["published"]).timestamp() * 1_000_000),
        published=lambda row: moment(row["local_image"]["published"]),
    )


def _single(answer: Json, key: str, number: Callable[[Json], int]) -> Json:
    try:
        view: Json = answer[key]
        number(view)
    except (KeyError, TypeError, ValueError) as error:
        raise BadAnswerError(f"what was answered is no {key} of API v3 ({type(error).__name__} {error})") from error
    return view


def _full(answer: Json, key: str) -> bool:
    return len(answer[key]) >= LIMIT


def _understood(
    answer: Json, key: str, number: Callable[[Json], int], published: Callable[[Json], datetime]
) -> tuple[Sequence[Json], Sequence[str]]:
    """The rows that say which they are and when they are from; a broken one is the end of that one row only."""
    listed: Any = answer.get(key)
    if not isinstance(listed, list):
        raise BadAnswerError(f"the listing of {key} has no {key!r} in it: this is not API v3 of Lemmy 0.19")
    rows, broken = [], []
    for place, row in enumerate(listed):
        try:
            number(row), published(row)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            broken.append(f"row {place} of {key} is not in the shape of API v3 ({type(error).__name__} {error})")
        else:
            rows.append(row)
    return rows, broken
