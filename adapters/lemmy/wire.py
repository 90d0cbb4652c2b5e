"""The parts of API v3 that we read, as Lemmy 0.19 sends them: what is ``None`` there is missing here."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class Person(TypedDict):
    """An account."""

    id: int
    name: str
    actor_id: str
    local: bool
    published: str
    banned: bool
    ban_expires: NotRequired[str]
    avatar: NotRequired[str]
    banner: NotRequired[str]
    bio: NotRequired[str]


class Community(TypedDict):
    """A community."""

    id: int
    name: str
    actor_id: str
    local: bool
    published: str
    visibility: NotRequired[str]
    icon: NotRequired[str]
    banner: NotRequired[str]
    description: NotRequired[str]


class Post(TypedDict):
    """A post."""

    id: int
    ap_id: str
    published: str
    removed: bool
    deleted: bool
    url: NotRequired[str]
    url_content_type: NotRequired[str]
    thumbnail_url: NotRequired[str]
    embed_video_url: NotRequired[str]
    body: NotRequired[str]
    alt_text: NotRequired[str]
    featured_community: NotRequired[bool]
    featured_local: NotRequired[bool]


class Comment(TypedDict):
    """A comment."""

    id: int
    ap_id: str
    content: str
    published: str
    removed: bool
    deleted: bool


class PostView(TypedDict):
    """A post with those around it."""

    post: Post
    creator: Person
    community: Community
    creator_is_admin: NotRequired[bool]
    creator_is_moderator: NotRequired[bool]
    creator_banned_from_community: NotRequired[bool]


class CommentView(TypedDict):
    """A comment with those around it."""

    comment: Comment
    creator: Person
    community: Community
    creator_is_admin: NotRequired[bool]
    creator_is_moderator: NotRequired[bool]
    creator_banned_from_community: NotRequired[bool]


class LocalImage(TypedDict):
    """A row of the upload list. Its delete token is left alone."""

    pictrs_alias: str
    published: str


class LocalImageView(TypedDict):
    """An upload and who made it."""

    local_image: LocalImage
    person: Person


Json = dict[str, Any]
"""An answer whose shape the caller looks into."""
