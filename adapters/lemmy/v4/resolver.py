"""Answers about files and addresses of one Lemmy 1.0."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from adapters.lemmy.convert import is_private
from adapters.lemmy.resolver import FOUND, PAGES, LemmyResolver
from adapters.lemmy.v4 import wire
from adapters.lemmy.v4.feeds import EVERYTHING, ODD, POSTS
from bot.domain.content import Comment, CommunityPage, Post, Profile
from bot.domain.errors import BadAnswerError, NotFoundError, RejectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from adapters.lemmy.v4.uploads import V4Uploads
    from adapters.lemmy.wire import Json
    from bot.domain.content import Name, SubjectKey

LOOKED_AT = timedelta(minutes=5)
"""For how long it holds whether the list of images can be read on: until the server is upgraded."""

_KINDS = {"post": Post.kind, "comment": Comment.kind, "person": Profile.kind, "community": CommunityPage.kind}


class V4Resolver(LemmyResolver):
    """Asks one server.

    Searching for a file costs four calls of the limiter of all listings, and one more for each full page. It waits for
    its turn, as a part of a deed: a bucket that is shared with what reads a backlog is empty for hours, and without an
    answer nothing is purged.
    """

    _people = "/person"
    _uploads: V4Uploads
    _listed: tuple[datetime, bool] | None = None

    def lists_all_uploads(self) -> bool:
        """Whether the list of images can be read to its end, as it was at the last look."""
        now = self._clock.now()
        if self._listed is None or not timedelta(0) <= now - self._listed[0] < LOOKED_AT:
            self._listed = now, not self._uploads.is_cut()
        return self._listed[1]

    def _found(self, name: Name) -> Iterator[Json]:
        for address in self._addresses.all_of(name):
            whole = {**POSTS, "search_term": address, "search_url_only": True}
            yield from self._pages("posts", "/post/list", whole, wire.post_view)
        part = {"search_term": name.value}
        yield from self._pages("posts", "/post/list", {**POSTS, **part}, wire.post_view)
        yield from self._pages("comments", "/comment/list", {**EVERYTHING, **part}, wire.comment_view)

    def _pages(self, what: str, path: str, query: Mapping[str, object], read: Callable[[Json], Json]) -> Iterator[Json]:
        """As long as they are full, and there are not too many."""
        cursor = None
        for _ in range(PAGES):
            answer = self._client.get(path, {**query, "limit": FOUND, "page_cursor": cursor}, urgent=True)
            try:
                views, cursor = [read(row) for row in answer["items"]], answer.get("next_page")
            except ODD as error:
                raise BadAnswerError(f"the search is not in the shape of API v4 ({type(error).__name__})") from error
            yield {"posts": (), "comments": (), what: [v for v in views if not is_private(v["community"])]}
            if cursor is None or len(views) < FOUND:
                return

    def _resolved(self, uri: str) -> SubjectKey | None:
        try:
            answer = self._client.get("/resolve_object", {"q": uri})
        except (NotFoundError, RejectedError):
            return None
        inner = answer.get("type_")
        kind, found = _KINDS.get(str(inner)), answer.get(str(inner))
        return None if kind is None or not isinstance(found, dict) else self._key(kind, found.get("id"))
