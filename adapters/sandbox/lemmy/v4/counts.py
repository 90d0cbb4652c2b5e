"""Counts that API v4 writes into every person, post, comment and community: made once for each answer."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adapters.sandbox.lemmy.calling import Server
    from adapters.sandbox.lemmy.rows import CommentReport, Community, Json, PostReport
    from adapters.sandbox.lemmy.v4.tables import CommunityReport


class Counts:
    """What is neither removed nor deleted counts."""

    def __init__(self, server: Server) -> None:
        state = server.state
        self._state = state
        self.posts_by: Counter[int] = Counter()
        self.comments_by: Counter[int] = Counter()
        self._posts_in: Counter[int] = Counter()
        self._comments_in: Counter[int] = Counter()
        for post in state.posts.values():
            if not post.removed and not post.deleted:
                self.posts_by[post.creator_id] += 1
                self._posts_in[post.community_id] += 1
        for comment in state.comments.values():
            if not comment.removed and not comment.deleted:
                self.comments_by[comment.creator_id] += 1
                self._comments_in[state.posts[comment.post_id].community_id] += 1
        self._followers: Counter[int] = Counter(community for community, _ in state.followers)
        self._local_followers: Counter[int] = Counter(
            community for community, person in state.followers if state.people[person].local
        )
        self.post_reports = _reports((report.post_id, report) for report in state.post_reports.values())
        self.comment_reports = _reports((report.comment_id, report) for report in state.comment_reports.values())
        self._community_reports = _reports(
            (report.community_id, report) for report in server.v4.community_reports.values()
        )

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
