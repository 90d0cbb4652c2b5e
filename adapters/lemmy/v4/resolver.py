"""Answers about files and addresses of one Lemmy 1.0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.lemmy.convert import is_private
from adapters.lemmy.resolver import LemmyResolver
from adapters.lemmy.v4 import wire
from adapters.lemmy.v4.feeds import EVERYTHING, ODD, POSTS
from bot.domain.content import Comment, CommunityPage, Post, Profile
from bot.domain.errors import BadAnswerError, NotFoundError, RejectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from adapters.lemmy.wire import Json
    from bot.domain.content import Name, SubjectKey

_FOUND = 50
_KINDS = {"post": Post.kind, "comment": Comment.kind, "person": Profile.kind, "community": CommunityPage.kind}


class V4Resolver(LemmyResolver):
    """Asks one server.

    Searching for a file costs three calls of the limiter of all listings. It waits for its turn, as a part of a deed: a
    bucket that is shared with what reads a backlog is empty for hours, and without an answer nothing is purged.
    """

    _people = "/person"

    def _found(self, name: Name) -> Iterator[Json]:
        whole = {**POSTS, "search_term": self._addresses.address(name), "search_url_only": True}
        yield {"posts": self._views("/post/list", whole, wire.post_view), "comments": ()}
        part = {"search_term": name.value}
        yield {
            "posts": self._views("/post/list", {**POSTS, **part}, wire.post_view),
            "comments": self._views("/comment/list", {**EVERYTHING, **part}, wire.comment_view),
        }

    def _views(self, path: str, query: Mapping[str, object], read: Callable[[Json], Json]) -> Sequence[Json]:
        answer = self._client.get(path, {**query, "limit": _FOUND}, urgent=True)
        try:
            views = [read(row) for row in answer["items"]]
        except ODD as error:
            raise BadAnswerError(f"the search is not in the shape of API v4 ({type(error).__name__})") from error
        return [view for view in views if not is_private(view["community"])]

    def _resolved(self, uri: str) -> SubjectKey | None:
        try:
            answer = self._client.get("/resolve_object", {"q": uri})
        except (NotFoundError, RejectedError):
            return None
        inner = answer.get("type_")
        kind, found = _KINDS.get(str(inner)), answer.get(str(inner))
        return None if kind is None or not isinstance(found, dict) else self._key(kind, found.get("id"))
