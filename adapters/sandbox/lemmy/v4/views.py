"""Rows put together as API v4 shows them to one viewer. The order of keys is Lemmy's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from adapters.sandbox.lemmy.v4 import rows
from adapters.sandbox.lemmy.v4.counts import Counts
from adapters.sandbox.lemmy.v4.rows import present

if TYPE_CHECKING:
    from datetime import datetime

    from adapters.sandbox.lemmy.calling import Call, Server
    from adapters.sandbox.lemmy.rows import Comment, Community, Json, LocalImage, LocalUser, Person, Post

_AUTHOR = (
    "creator_is_admin",
    "tags",
    "can_mod",
    "creator_banned",
    "creator_ban_expires_at",
    "creator_is_moderator",
    "creator_banned_from_community",
    "creator_community_ban_expires_at",
)


class Views:
    """All that one answer shows to its viewer, who may be a stranger (``None``)."""

    def __init__(self, server: Server, viewer: int | None) -> None:
        self.server = server
        self.viewer = viewer
        self.counts = Counts(server)

    @classmethod
    def of(cls, call: Call) -> Self:
        """For whoever calls."""
        return cls(call.server, call.viewer_id)

    # -- single rows

    def person(self, row: Person) -> Json:
        """``Person``."""
        return rows.person(row, self.counts)

    def post(self, row: Post) -> Json:
        """``Post``."""
        return rows.post(self.server, row, self.counts)

    def comment(self, row: Comment) -> Json:
        """``Comment`` with its text, whatever became of it."""
        return rows.comment(self.server, row, self.counts)

    def community(self, row: Community) -> Json:
        """``Community``."""
        return rows.community(row, self.counts)

    # -- what the viewer has to do with a row

    def can_mod(self, community_id: int, creator: int | None = None) -> bool:
        """Whether the viewer moderates a community, as administrators do all of them.

        What a ``creator`` wrote there is not for moderators if he is an administrator, or moderated before they did.
        """
        state, me = self.server.state, self.viewer
        if me is None or state.is_admin(me):
            return me is not None
        since, earlier = (state.moderators.get((community_id, person)) for person in (me, creator or 0))
        if since is None or (creator is not None and state.is_admin(creator)):
            return False
        return earlier is None or earlier >= since

    def _when(self, act: str, target: int, default: datetime) -> datetime:
        return self.server.v4.moments.get((act, target, self.viewer or 0), default)

    def community_actions(self, row: Community) -> Json:
        """``community_actions``, if there are any."""
        state, me = self.server.state, self.viewer
        if me is None:
            return {}
        key, made = (row.id, me), row.published
        pending = state.followers.get(key)
        banned = key in state.community_bans
        waiting = "approval_required" if row.visibility == "Private" else "pending"
        found = present(
            followed_at=None if pending is None else self._when("follow", row.id, made),
            blocked_at=self._when("block", row.id, made) if key in state.community_blocks else None,
            became_moderator_at=state.moderators.get(key),
            received_ban_at=self._when("ban", row.id, made) if banned else None,
            ban_expires_at=state.community_bans.get(key),
            follow_state={None: None, True: waiting, False: "accepted"}[pending],
        )
        return {"community_actions": found} if found else {}

    def person_actions(self, row: Person) -> Json:
        """``person_actions``, if the viewer blocks somebody."""
        if (row.id, self.viewer) not in self.server.state.person_blocks:
            return {}
        return {"person_actions": present(blocked_at=self._when("block_person", row.id, row.published))}

    def post_actions(self, row: Post) -> Json:
        """``post_actions``, if there are any."""
        state, me, made = self.server.state, self.viewer, row.published
        if me is None:
            return {}
        key, vote = (row.id, me), state.post_votes.get(row.id, {}).get(me)
        comments = state.read_comments.get(key)
        found = present(
            read_at=self._when("read", row.id, made) if key in state.read_posts else None,
            read_comments_at=None if comments is None else self._when("read_comments", row.id, made),
            saved_at=state.saved_posts.get(key),
            voted_at=None if vote is None else self._when("vote_post", row.id, made),
            hidden_at=self._when("hide", row.id, made) if key in state.hidden_posts else None,
            read_comments_amount=comments,
            vote_is_upvote=None if vote is None else vote > 0,
        )
        return {"post_actions": found} if found else {}

    def comment_actions(self, row: Comment) -> Json:
        """``comment_actions``, if there are any."""
        state, me = self.server.state, self.viewer
        vote = state.comment_votes.get(row.id, {}).get(me or 0)
        found = present(
            voted_at=None if vote is None else self._when("vote_comment", row.id, row.published),
            saved_at=state.saved_comments.get((row.id, me or 0)),
            vote_is_upvote=None if vote is None else vote > 0,
        )
        return {"comment_actions": found} if found else {}

    # -- views

    def standing(self, community: Community, creator: Person) -> Json:
        """What is said of an author in a report: administrator, moderator, banned."""
        state = self.server.state
        key = (community.id, creator.id)
        return present(
            creator_is_admin=state.is_admin(creator.id),
            creator_is_moderator=state.is_moderator(*key),
            creator_banned=creator.banned,
            creator_ban_expires_at=creator.ban_expires,
            creator_banned_from_community=key in state.community_bans,
            creator_community_ban_expires_at=state.community_bans.get(key),
        )

    def _author(self, community: Community, creator: Person) -> Json:
        """The same in the order of posts and comments, with what the viewer may do."""
        found = self.standing(community, creator) | {"tags": [], "can_mod": self.can_mod(community.id, creator.id)}
        return {key: found[key] for key in _AUTHOR if key in found}

    def post_view(self, row: Post) -> Json:
        """``PostView``; only moderators and administrators read what was removed or deleted, not its author."""
        state = self.server.state
        creator, community = state.people[row.creator_id], state.communities[row.community_id]
        hides = (row.removed or row.deleted) and not self.can_mod(community.id, creator.id)
        details = state.image_details.get(row.thumbnail_url or "")
        return {
            "post": rows.post(self.server, row, self.counts, body="" if hides else None),
            "creator": self.person(creator),
            "community": self.community(community),
            **({} if details is None else {"image_details": rows.image_details(details)}),
            **self.community_actions(community),
            **self.person_actions(creator),
            **self.post_actions(row),
            **self._author(community, creator),
        }

    def comment_view(self, row: Comment) -> Json:
        """``CommentView``; only moderators and administrators read what was removed or deleted."""
        state = self.server.state
        post = state.posts[row.post_id]
        creator, community = state.people[row.creator_id], state.communities[post.community_id]
        hides = (row.removed or row.deleted) and not self.can_mod(community.id, creator.id)
        return {
            "comment": rows.comment(self.server, row, self.counts, content="" if hides else None),
            "creator": self.person(creator),
            "post": self.post(post),
            "community": self.community(community),
            **self.community_actions(community),
            **self.comment_actions(row),
            **self.person_actions(creator),
            **self._author(community, creator),
        }

    def person_view(self, row: Person) -> Json:
        """``PersonView``: here a ban is told."""
        return {
            "person": self.person(row),
            "is_admin": self.server.state.is_admin(row.id),
            **self.person_actions(row),
            **present(banned=row.banned, ban_expires_at=row.ban_expires),
        }

    def local_user_view(self, user: LocalUser) -> Json:
        """``LocalUserView``: here the end of a ban is ``null`` where there is none."""
        row = self.server.state.people[user.person_id]
        expires = present(ban_expires_at=row.ban_expires)
        return {
            "local_user": rows.local_user(self.server, user),
            "person": self.person(row),
            "banned": row.banned,
            "ban_expires_at": expires.get("ban_expires_at"),
        }

    def community_view(self, row: Community) -> Json:
        """``CommunityView``."""
        return {
            "community": self.community(row),
            **self.community_actions(row),
            "can_mod": self.can_mod(row.id),
            "tags": [],
        }

    def moderator_views(self, row: Community) -> list[Json]:
        """``CommunityModeratorView`` of all moderators of a community."""
        state = self.server.state
        return [
            {"community": self.community(row), "moderator": self.person(state.people[person])}
            for person in state.moderators_of(row.id)
        ]

    def image_view(self, image: LocalImage, owner: Person) -> Json:
        """``LocalImageView``. Of a thumbnail ``owner`` is the author of the post, whoever uploaded the original."""
        post = self.server.state.posts.get(image.thumbnail_for_post_id or 0)
        row = present(
            pictrs_alias=image.pictrs_alias,
            published_at=image.published,
            person_id=owner.id,
            thumbnail_for_post_id=image.thumbnail_for_post_id,
        )
        shown = {} if post is None else {"post": self.post(post)}
        return {"local_image": row, "person": self.person(owner)} | shown
