"""Reports put together as API v4 shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.lemmy.v4 import rows
from adapters.sandbox.lemmy.v4.rows import present
from adapters.sandbox.lemmy.v4.views import Views

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.private_messages import PrivateMessageReport
    from adapters.sandbox.lemmy.rows import CommentReport, Json, PostReport
    from adapters.sandbox.lemmy.v4.tables import CommunityReport


class ReportViews(Views):
    """All reports that one answer shows to a moderator. ``creator`` is the reporter."""

    def _resolver(self, number: int | None) -> Json:
        return {} if number is None else {"resolver": self.person(self.server.state.people[number])}

    def of_post(self, report: PostReport) -> Json:
        """``PostReportView``."""
        state = self.server.state
        post = state.posts[report.post_id]
        community, author = state.communities[post.community_id], state.people[post.creator_id]
        return {
            "post_report": rows.post_report(report),
            "post": self.post(post),
            "community": self.community(community),
            "creator": self.person(state.people[report.creator_id]),
            "post_creator": self.person(author),
            **self.community_actions(community),
            **self.post_actions(post),
            **self.person_actions(author),
            **self._resolver(report.resolver_id),
            **self.standing(community, author),
            "tags": [],
        }

    def of_comment(self, report: CommentReport) -> Json:
        """``CommentReportView``."""
        state = self.server.state
        comment = state.comments[report.comment_id]
        post = state.posts[comment.post_id]
        community, author = state.communities[post.community_id], state.people[comment.creator_id]
        return {
            "comment_report": rows.comment_report(report),
            "comment": self.comment(comment),
            "post": self.post(post),
            "community": self.community(community),
            "creator": self.person(state.people[report.creator_id]),
            "comment_creator": self.person(author),
            **self.comment_actions(comment),
            **self._resolver(report.resolver_id),
            **self.person_actions(author),
            **self.community_actions(community),
            **self.standing(community, author),
            "tags": [],
        }

    def of_community(self, report: CommunityReport) -> Json:
        """``CommunityReportView``. It has no author: nobody is an administrator, moderator or banned in it."""
        state = self.server.state
        nobody = ("is_admin", "is_moderator", "banned", "banned_from_community")
        return {
            "community_report": rows.community_report(report),
            "community": self.community(state.communities[report.community_id]),
            "creator": self.person(state.people[report.creator_id]),
            **self._resolver(report.resolver_id),
            **{f"creator_{what}": False for what in nobody},
        }

    def of_private_message(self, report: PrivateMessageReport) -> Json:
        """``PrivateMessageReportView``."""
        state = self.server.state
        message = state.private_messages[report.private_message_id]
        author = state.people[message.creator_id]
        return {
            "private_message_report": rows.private_message_report(report),
            "private_message": rows.private_message(message),
            "creator": self.person(state.people[report.creator_id]),
            "private_message_creator": self.person(author),
            **self._resolver(report.resolver_id),
            **present(
                creator_is_admin=state.is_admin(author.id),
                creator_banned=author.banned,
                creator_ban_expires_at=author.ban_expires,
            ),
        }
