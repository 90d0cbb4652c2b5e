"""Rows put together as Lemmy shows them to one viewer. The order of keys is Lemmy's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.clock import chrono
from adapters.sandbox.lemmy.rows import Json, as_json

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.rows import (
        Comment,
        CommentReport,
        Community,
        LocalImage,
        LocalUser,
        Person,
        Post,
        PostReport,
    )
    from adapters.sandbox.lemmy.site_rows import CustomEmoji
    from adapters.sandbox.lemmy.state import State


def subscribed(state: State, community_id: int, viewer: int | None) -> str:
    """How the viewer stands to a community."""
    pending = None if viewer is None else state.followers.get((community_id, viewer))
    return {None: "NotSubscribed", True: "Pending", False: "Subscribed"}[pending]


def _votes(given: dict[int, int] | None) -> Json:
    scores = list((given or {}).values())
    ups, downs = sum(score > 0 for score in scores), sum(score < 0 for score in scores)
    return {"score": ups - downs, "upvotes": ups, "downvotes": downs}


def post_counts(state: State, post: Post) -> Json:
    """The counts of a post."""
    return {
        "post_id": post.id,
        "comments": state.counted_comments(post.id),
        **_votes(state.post_votes.get(post.id)),
        "published": chrono(post.published),
        "newest_comment_time": chrono(post.newest_comment_time),
    }


def comment_counts(state: State, comment: Comment) -> Json:
    """The counts of a comment."""
    return {
        "comment_id": comment.id,
        **_votes(state.comment_votes.get(comment.id)),
        "published": chrono(comment.published),
        "child_count": state.children(comment),
    }


def person_counts(state: State, person: Person) -> Json:
    """The counts of a person: what is neither removed nor deleted."""
    posts = sum(post.creator_id == person.id and not post.removed and not post.deleted for post in state.posts.values())
    comments = sum(
        comment.creator_id == person.id and not comment.removed and not comment.deleted
        for comment in state.comments.values()
    )
    return {"person_id": person.id, "post_count": posts, "comment_count": comments}


def community_counts(state: State, community: Community) -> Json:
    """The counts of a community. Followers elsewhere of a remote community are not known here."""
    posts = [
        post
        for post in state.posts.values()
        if post.community_id == community.id and not post.removed and not post.deleted
    ]
    following = [person for (of, person) in state.followers if of == community.id]
    here = sum(state.people[person].local for person in following)
    return {
        "community_id": community.id,
        "subscribers": len(following) if community.local else max(1, here),
        "posts": len(posts),
        "comments": sum(state.counted_comments(post.id) for post in posts),
        "published": chrono(community.published),
        "users_active_day": 0,
        "users_active_week": 0,
        "users_active_month": 0,
        "users_active_half_year": 0,
        "subscribers_local": here,
    }


def _optional(key: str, value: object) -> Json:
    return {} if value is None else {key: value}


def post_view(state: State, post: Post, viewer: int | None) -> Json:
    """``PostView``."""
    community = state.communities[post.community_id]
    details = state.image_details.get(post.thumbnail_url or "")
    counts = post_counts(state, post)
    mine = (post.id, viewer or 0)
    return {
        "post": as_json(post),
        "creator": as_json(state.people[post.creator_id]),
        "community": as_json(community),
        **_optional("image_details", None if details is None else as_json(details)),
        "creator_banned_from_community": (community.id, post.creator_id) in state.community_bans,
        "banned_from_community": (community.id, viewer) in state.community_bans,
        "creator_is_moderator": state.is_moderator(community.id, post.creator_id),
        "creator_is_admin": state.is_admin(post.creator_id),
        "counts": counts,
        "subscribed": subscribed(state, community.id, viewer),
        "saved": mine in state.saved_posts,
        "read": mine in state.read_posts,
        "hidden": mine in state.hidden_posts,
        "creator_blocked": (post.creator_id, viewer) in state.person_blocks,
        **_optional("my_vote", state.post_votes.get(post.id, {}).get(viewer or 0)),
        "unread_comments": counts["comments"] - state.read_comments.get(mine, 0),
    }


def comment_view(state: State, comment: Comment, viewer: int | None) -> Json:
    """``CommentView``; only administrators read what was removed or deleted."""
    post = state.posts[comment.post_id]
    community = state.communities[post.community_id]
    row = as_json(comment)
    if (comment.removed or comment.deleted) and not (viewer is not None and state.is_admin(viewer)):
        row["content"] = ""
    return {
        "comment": row,
        "creator": as_json(state.people[comment.creator_id]),
        "post": as_json(post),
        "community": as_json(community),
        "counts": comment_counts(state, comment),
        "creator_banned_from_community": (community.id, comment.creator_id) in state.community_bans,
        "banned_from_community": (community.id, viewer) in state.community_bans,
        "creator_is_moderator": state.is_moderator(community.id, comment.creator_id),
        "creator_is_admin": state.is_admin(comment.creator_id),
        "subscribed": subscribed(state, community.id, viewer),
        "saved": (comment.id, viewer or 0) in state.saved_comments,
        "creator_blocked": (comment.creator_id, viewer) in state.person_blocks,
        **_optional("my_vote", state.comment_votes.get(comment.id, {}).get(viewer or 0)),
    }


def person_view(state: State, person: Person) -> Json:
    """``PersonView``."""
    return {
        "person": as_json(person),
        "counts": person_counts(state, person),
        "is_admin": state.is_admin(person.id),
    }


def community_view(state: State, community: Community, viewer: int | None) -> Json:
    """``CommunityView``."""
    return {
        "community": as_json(community),
        "subscribed": subscribed(state, community.id, viewer),
        "blocked": (community.id, viewer) in state.community_blocks,
        "counts": community_counts(state, community),
        "banned_from_community": (community.id, viewer) in state.community_bans,
    }


def moderator_views(state: State, community: Community) -> list[Json]:
    """``CommunityModeratorView`` of all moderators of a community."""
    return [
        {"community": as_json(community), "moderator": as_json(state.people[person])}
        for person in state.moderators_of(community.id)
    ]


def post_report_view(state: State, report: PostReport, viewer: int) -> Json:
    """``PostReportView``. ``creator_is_moderator`` speaks of the viewer there; that is Lemmy's doing."""
    post = state.posts[report.post_id]
    community = state.communities[post.community_id]
    counts, mine = post_counts(state, post), (post.id, viewer)
    return {
        "post_report": as_json(report),
        "post": as_json(post),
        "community": as_json(community),
        "creator": as_json(state.people[report.creator_id]),
        "post_creator": as_json(state.people[post.creator_id]),
        "creator_banned_from_community": (community.id, post.creator_id) in state.community_bans,
        "creator_is_moderator": state.is_moderator(community.id, viewer),
        "creator_is_admin": state.is_admin(post.creator_id),
        "subscribed": subscribed(state, community.id, viewer),
        "saved": mine in state.saved_posts,
        "read": mine in state.read_posts,
        "hidden": mine in state.hidden_posts,
        "creator_blocked": (post.creator_id, viewer) in state.person_blocks,
        **_optional("my_vote", state.post_votes.get(post.id, {}).get(viewer)),
        "unread_comments": counts["comments"] - state.read_comments.get(mine, 0),
        "counts": counts,
        **_resolver(state, report),
    }


def comment_report_view(state: State, report: CommentReport, viewer: int) -> Json:
    """``CommentReportView``."""
    comment = state.comments[report.comment_id]
    post = state.posts[comment.post_id]
    community = state.communities[post.community_id]
    return {
        "comment_report": as_json(report),
        "comment": as_json(comment),
        "post": as_json(post),
        "community": as_json(community),
        "creator": as_json(state.people[report.creator_id]),
        "comment_creator": as_json(state.people[comment.creator_id]),
        "counts": comment_counts(state, comment),
        "creator_banned_from_community": (community.id, comment.creator_id) in state.community_bans,
        "creator_is_moderator": state.is_moderator(community.id, comment.creator_id),
        "creator_is_admin": state.is_admin(comment.creator_id),
        "creator_blocked": (comment.creator_id, viewer) in state.person_blocks,
        "subscribed": subscribed(state, community.id, viewer),
        "saved": (comment.id, viewer) in state.saved_comments,
        **_optional("my_vote", state.comment_votes.get(comment.id, {}).get(viewer)),
        **_resolver(state, report),
    }


def _resolver(state: State, report: PostReport | CommentReport) -> Json:
    return {} if report.resolver_id is None else {"resolver": as_json(state.people[report.resolver_id])}


def image_view(state: State, image: LocalImage, uploader: LocalUser) -> Json:
    """``LocalImageView``."""
    return {"local_image": as_json(image), "person": as_json(state.people[uploader.person_id])}


def emoji_view(emoji: CustomEmoji) -> Json:
    """``CustomEmojiView``."""
    keywords = [{"custom_emoji_id": emoji.id, "keyword": keyword} for keyword in emoji.keywords]
    return {"custom_emoji": as_json(emoji), "keywords": keywords}
