"""The tables of a Lemmy server. Fields stand in the order in which Lemmy writes them as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from adapters.sandbox.clock import chrono

HIDDEN = {"hidden": True}  # metadata of a field that is never written as JSON

Json = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Person:
    """An account, local or not."""

    id: int
    name: str
    display_name: str | None = None
    avatar: str | None = None
    banned: bool = False
    published: datetime
    updated: datetime | None = None
    actor_id: str
    bio: str | None = None
    local: bool
    banner: str | None = None
    deleted: bool = False
    matrix_user_id: str | None = None
    bot_account: bool = False
    ban_expires: datetime | None = None
    instance_id: int


@dataclass(slots=True, kw_only=True)
class LocalUser:
    """What only an account of our own server has."""

    id: int
    person_id: int
    password: str = field(metadata=HIDDEN)
    email: str | None = None
    show_nsfw: bool = False
    theme: str = "browser"
    default_sort_type: str = "Active"
    default_listing_type: str = "Local"
    interface_language: str = "browser"
    show_avatars: bool = True
    send_notifications_to_email: bool = False
    show_scores: bool = True
    show_bot_accounts: bool = True
    show_read_posts: bool = True
    email_verified: bool = False
    accepted_application: bool = True
    totp_2fa_secret: str | None = field(default=None, metadata=HIDDEN)
    open_links_in_new_tab: bool = False
    blur_nsfw: bool = True
    auto_expand: bool = False
    infinite_scroll_enabled: bool = False
    admin: bool = False
    post_listing_mode: str = "List"
    totp_2fa_enabled: bool = False
    enable_keyboard_navigation: bool = False
    enable_animated_images: bool = True
    collapse_bot_comments: bool = False
    last_donation_notification: datetime
    languages: set[int] = field(metadata=HIDDEN)


@dataclass(slots=True, kw_only=True)
class VoteDisplayMode:
    """How votes are shown to a local account."""

    local_user_id: int
    score: bool = False
    upvotes: bool = True
    downvotes: bool = True
    upvote_percentage: bool = False


@dataclass(slots=True, kw_only=True)
class LoginToken:
    """One session of a local account."""

    token: str = field(metadata=HIDDEN)
    user_id: int
    published: datetime
    ip: str | None = None
    user_agent: str | None = None
    exp: int | None = field(default=None, metadata=HIDDEN)  # Unix seconds; 1.0 only


@dataclass(slots=True, kw_only=True)
class Community:
    """A community, local or not."""

    id: int
    name: str
    title: str
    description: str | None = None
    removed: bool = False
    published: datetime
    updated: datetime | None = None
    deleted: bool = False
    nsfw: bool = False
    actor_id: str
    local: bool
    icon: str | None = None
    banner: str | None = None
    hidden: bool = False
    posting_restricted_to_mods: bool = False
    instance_id: int
    visibility: str = "Public"
    summary: str | None = field(default=None, metadata=HIDDEN)  # 1.0 only
    languages: set[int] = field(metadata=HIDDEN)


@dataclass(slots=True, kw_only=True)
class Post:
    """A post, local or not."""

    id: int
    name: str
    url: str | None = None
    body: str | None = None
    creator_id: int
    community_id: int
    removed: bool = False
    locked: bool = False
    published: datetime
    updated: datetime | None = None
    deleted: bool = False
    nsfw: bool = False
    embed_title: str | None = None
    embed_description: str | None = None
    thumbnail_url: str | None = None
    ap_id: str
    local: bool
    embed_video_url: str | None = None
    language_id: int = 0
    featured_community: bool = False
    featured_local: bool = False
    url_content_type: str | None = None
    alt_text: str | None = None
    newest_comment_time: datetime = field(metadata=HIDDEN)


@dataclass(slots=True, kw_only=True)
class Comment:
    """A comment, local or not. ``path`` holds the ids from the root to this one, like ``0.12.34``."""

    id: int
    creator_id: int
    post_id: int
    content: str
    removed: bool = False
    published: datetime
    updated: datetime | None = None
    deleted: bool = False
    ap_id: str
    local: bool
    path: str
    distinguished: bool = False
    language_id: int = 0
    locked: bool = field(default=False, metadata=HIDDEN)


@dataclass(slots=True, kw_only=True)
class PostReport:
    """A report of a post, with a copy of what was reported."""

    id: int
    creator_id: int
    post_id: int
    original_post_name: str
    original_post_url: str | None = None
    original_post_body: str | None = None
    reason: str
    resolved: bool = False
    resolver_id: int | None = None
    published: datetime
    updated: datetime | None = None
    violates_instance_rules: bool = field(default=False, metadata=HIDDEN)
    conclusion: str | None = field(default=None, metadata=HIDDEN)


@dataclass(slots=True, kw_only=True)
class CommentReport:
    """A report of a comment, with a copy of its text."""

    id: int
    creator_id: int
    comment_id: int
    original_comment_text: str
    reason: str
    resolved: bool = False
    resolver_id: int | None = None
    published: datetime
    updated: datetime | None = None
    violates_instance_rules: bool = field(default=False, metadata=HIDDEN)
    conclusion: str | None = field(default=None, metadata=HIDDEN)


@dataclass(slots=True, kw_only=True)
class LocalImage:
    """Who uploaded which alias. A thumbnail that the server made has no uploader."""

    local_user_id: int | None = None
    pictrs_alias: str
    pictrs_delete_token: str
    published: datetime
    thumbnail_for_post_id: int | None = field(default=None, metadata=HIDDEN)


@dataclass(slots=True, kw_only=True)
class ImageDetails:
    """The size of the picture behind a URL."""

    link: str
    width: int
    height: int
    content_type: str
    blurhash: str | None = field(default=None, metadata=HIDDEN)


_WRITTEN: dict[type, tuple[str, ...]] = {}


def _written(kind: type[Any]) -> tuple[str, ...]:
    if kind not in _WRITTEN:
        _WRITTEN[kind] = tuple(item.name for item in fields(kind) if not item.metadata.get("hidden"))
    return _WRITTEN[kind]


def as_json(row: Any) -> Json:
    """A row as Lemmy writes it: absent values are left out."""
    out: Json = {}
    for name in _written(type(row)):
        value = getattr(row, name)
        if value is not None:
            out[name] = chrono(value) if isinstance(value, datetime) else value
    return out
