"""Counts that API v4 writes into every person, post, comment and community: made once for each answer."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adapters.sandbox.lemmy.calling import Server
    from adapters.sandbox.lemmy.rows import Comment, CommentReport, Community, Json, Post, PostReport
    from adapters.sandbox.lemmy.v4.tables import CommunityReport


class Counts:
    """What is neither removed nor deleted counts. Each table is counted when the first of its counts is asked for."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._state = server.state

    @cached_property
    def _posts(self) -> list[Post]:
        return [post for post in self._state.posts.values() if not post.removed and not post.deleted]

    @cached_property
    def _comments(self) -> list[Comment]:
        return [row for row in self._state.comments.values() if not row.removed and not row.deleted]

    @cached_property
    def posts_by(self) -> Counter[int]:
        """By author."""
        return Counter([post.creator_id for post in self._posts])

    @cached_property
    def comments_by(self) -> Counter[int]:
        """By author."""
        return Counter([comment.creator_id for comment in self._comments])

    @cached_property
    def _posts_in(self) -> Counter[int]:
        return Counter([post.community_id for post in self._posts])

    @cached_property
    def _comments_in(self) -> Counter[int]:
        places = {post.id: post.community_id for post in self._state.posts.values()}
        return Counter([places[comment.post_id] for comment in self._comments])

    @cached_property
    def _followers(self) -> Counter[int]:
        return Counter([community for community, _ in self._state.followers])

    @cached_property
    def _local_followers(self) -> Counter[int]:
        people = self._state.people
        return Counter([community for community, person in self._state.followers if people[person].local])

    @cached_property
    def post_reports(self) -> dict[int, tuple[int, int]]:
        """All reports of each post, and the open ones."""
        return _reports((report.post_id, report) for report in self._state.post_reports.values())

    @cached_property
    def comment_reports(self) -> dict[int, tuple[int, int]]:
        """All reports of each comment, and the open ones."""
        return _reports((report.comment_id, report) for report in self._state.comment_reports.values())

    @cached_property
    def _community_reports(self) -> dict[int, tuple[int, int]]:
        return _reports((report.community_id, report) for report in self._server.v4.community_reports.values())

    def of_community(self, community: Community) -> Json:
        """The counts of a community. Followers elsewhere of a remote community are not known here."""
        here = self._local_followers[community.id]
        every, open_ = self._community_reports.get(community.id, (0, 0))
        return {
            "subscribers": self._followers[community.id] if community.local else max(1, here),
            "posts": self._posts_in[community.id],
            "comments": self._comments_in[community.id],
            "users_active_day": 0,
            "users_active_week": 0,
            "users_active_month": 0,
            "users_active_half_year": 0,
            "subscribers_local": here,
            "report_count": every,
            "unresolved_report_count": open_,
        }


def _reports(rows: Iterable[tuple[int, PostReport | CommentReport | CommunityReport]]) -> dict[int, tuple[int, int]]:
    """All reports of each thing, and the open ones; what breaks the rules of the server is not counted as open."""
    found: dict[int, tuple[int, int]] = {}
    for target, report in rows:
        every, open_ = found.get(target, (0, 0))
        counts = not report.resolved and not getattr(report, "violates_instance_rules", False)
        found[target] = (every + 1, open_ + counts)
    return found
