"""Lemmy's listings, page by page: posts by cursor, comments and uploads by page number."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from adapters.lemmy.convert import moment
from adapters.lemmy.errors import is_past_the_last_page
from adapters.lemmy.listing import Page
from bot.domain.errors import BadAnswerError, NotFoundError, RejectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from adapters.lemmy.client import LemmyClient
    from adapters.lemmy.listing import Place
    from adapters.lemmy.wire import Json

LIMIT = 50  # rows on a page, the most that Lemmy gives
LAST_PAGE = 100
"""0.19.15 and newer (LemmyNet/lemmy, crates/db_schema/src/utils.rs, ``PAGE_LIMIT_MAX``)."""

SHORTER_LISTS: Mapping[tuple[int, ...], int] = {(0, 19, 14): 10}
"""The last page of other versions. The next one of comments they refuse with the word of a database that fails."""

PINNED_PAGES = 10
"""Pages of pinned posts in a row that are read on; posts that an admin pins to the front page come first in every order
(LemmyNet/lemmy 0.19.20, crates/db_views/src/post_view.rs)."""

ODD = (KeyError, TypeError, ValueError, AttributeError)
"""What a row raises that is not in the shape of API v3."""

_SPARE = 5  # cursors kept for one place: the row that a cursor names may be purged before it is used


class PostFeed:
    """``GET /post/list``. A place is a list of page cursors, the best first."""

    ends_at_cutoff = True
    has_numbers = True
    denies = True

    def __init__(self, client: LemmyClient) -> None:
        """``client``: the server to ask."""
        self._client = client

    def page(self, place: Place | None) -> Page[Json]:
        """A page that does not end among pinned posts; where no cursor of ``place`` is valid any more, the newest.

        A cursor stands where its post stands now: one of a pinned post, which may be unpinned by the next poll, would
        then lead past all that is newer than it. So it is used at once, and is no place.
        """
        page, pinned = self._at(place or ())
        for _ in range(PINNED_PAGES):
            if not pinned:
                return page
            below, pinned = self._at(pinned)
            rows, broken = [*page.rows, *below.rows], [*page.broken, *below.broken]
            page = Page(rows=rows, broken=broken, following=below.following)
        return replace(page, hole=f"posts below the first {len(page.rows)}, for all of those are pinned")

    def _at(self, cursors: Sequence[str]) -> tuple[Page[Json], Sequence[str]]:
        for cursor in cursors:
            try:
                return self._page(cursor)
            except RejectedError as error:
                if "pagination" not in str(error):
                    raise
        return self._page(None)

    def _page(self, cursor: str | None) -> tuple[Page[Json], Sequence[str]]:
        """A page as it is listed; and where it goes on if there is nothing but pinned posts on it."""
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
        listed = answer["posts"] if len(answer["posts"]) >= LIMIT else ()
        cursors = self._cursors(listed, pinned=False)
        page = Page(rows=rows, broken=broken, following=cursors or None)
        return page, () if cursors else self._cursors(listed, pinned=True)

    def _cursors(self, listed: Sequence[Any], *, pinned: bool) -> Sequence[str]:
        """Of the last rows that have a number, in whatever shape they are besides: what is below them is not."""
        found: list[str] = []
        for row in reversed(listed):
            try:
                if self.pinned(row) is pinned:
                    found.append(f"P{self.number(row):x}")
            except ODD:
                continue
        return found[:_SPARE]

    def spare(self) -> int:
        """As the client tells."""
        return self._client.spare()

    def one(self, number: int) -> Json:
        """``GET /post``, which shows an admin what no listing does: posts that were removed or deleted."""
        return _single(self._client.get("/post", {"id": number}, vouched=True), "post_view", self.number)

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
    """A listing with page numbers.

    New rows shift the pages, so that a row can come twice, and purges pull up what is below them. So each page begins
    above the last row that was read, and one that begins below it is read from further up instead. A place is how many
    rows are above it, and when the last of them is from.
    """

    denies = False

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
        self._last_pages = {**SHORTER_LISTS}

    def page(self, place: Place | None) -> Page[Json]:
        """A page; the hole behind the last one that Lemmy lists."""
        above, last = _noted(place)
        page, joins = self._page(above, last)
        if not joins:
            page, joins = self._page(max(0, above - LIMIT), last)
        return page if joins else self._page(0, None)[0]

    def _page(self, above: int, last: datetime | None) -> tuple[Page[Json], bool]:
        """The rows behind so many, and whether they begin no later than behind the one of ``last``."""
        end = self.last_page()
        cut = cut_behind(above, end)
        if cut is None:
            return Page(rows=(), hole=self._hole(above, end)), True
        size, number = cut
        try:
            answer = self._client.get(self._path, {**self._query, "limit": size, "page": number})
        except RejectedError as error:
            if number == 1 or not is_past_the_last_page(error):
                raise
            self._last_pages[self._client.site().version] = number - 1
            return self._page(above, last)
        rows, broken = _understood(answer, self._key, self.number, self.published)
        listed, first = answer[self._key], size * (number - 1)
        following, hole = None, None
        if len(listed) >= size:
            if cut_behind(first + size, end) is None:
                hole = self._hole(first + size, end)
            else:
                following = {"rows": first + size, "last": self.published(rows[-1]).isoformat() if rows else None}
        # Of a first row that cannot be read nobody knows where it stands; a page that is empty began too far down.
        told = not listed or (bool(rows) and rows[0] is listed[0])
        joins = last is None or not 0 < first < above or not told or (bool(rows) and self.published(rows[0]) >= last)
        return Page(rows=rows, broken=broken, following=following, hole=hole), joins

    def last_page(self) -> int:
        """The number of the last page that this server gives."""
        return self._last_pages.get(self._client.site().version, LAST_PAGE)

    def spare(self) -> int:
        """As the client tells."""
        return self._client.spare()

    def one(self, number: int) -> Json:
        """``GET /comment``; uploads cannot be asked for."""
        if not self.has_numbers:
            raise NotFoundError(f"{self._key} have no numbers")
        return _single(self._client.get("/comment", {"id": number}, vouched=True), "comment_view", self.number)

    def pinned(self, row: Json) -> bool:  # noqa: ARG002 - part of what a feed answers
        """Nothing is."""
        return False

    def _hole(self, rows: int, pages: int) -> str:
        return f"{self._key} behind the newest {rows}: Lemmy lists no more than {pages} pages"


def cut_behind(above: int, last_page: int) -> tuple[int, int] | None:
    """Size and number of the page that leads furthest below the first ``above`` rows and begins above the last of them.

    Near the end of what Lemmy lists there may be only one that begins right behind them. ``None``: there is no page.
    """
    for shared in (1, 0):
        cuts = [(size, max(0, above - shared) // size + 1) for size in range(1, LIMIT + 1)]
        further = [(size, number) for size, number in cuts if number <= last_page and size * number > above]
        if further:
            return max(further, key=lambda cut: cut[0] * cut[1])
    return None


def _noted(place: Place | None) -> tuple[int, datetime | None]:
    """How many rows are above a place, and when the last of them is from."""
    if place is None:
        return 0, None
    if isinstance(place, int):  # the number of a page, by a bot of before, which read the page before it again
        return max(0, place - 2) * LIMIT, None
    return int(place["rows"]), None if place["last"] is None else moment(place["last"])


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
        except ODD as error:
            broken.append(f"row {place} of {key} is not in the shape of API v3 ({type(error).__name__} {error})")
        else:
            rows.append(row)
    return rows, broken
