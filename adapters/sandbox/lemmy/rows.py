"""The tables of a Lemmy server. Fields stand in the order in which Lemmy writes them as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from adapters.sandbox.clock import chrono

HIDDEN = {"hidden": True}  # metadata of a field that is never written as JSON

Json = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Site:
    """A server, our own or another one."""

    id: int
    name: str
    sidebar: str | None = None
    published: datetime
    updated: datetime | None = None
    icon: str | None = None
    banner: str | None = None
    description: str | None = None
    actor_id: str
    last_refreshed_at: datetime
    inbox_url: str
    public_key: str
    instance_id: int
    content_warning: str | None = None


@dataclass(slots=True, kw_only=True)
class LocalSite:
    """Settings of our own server."""

    id: int = 1
    site_id: int = 1
    site_setup: bool = True
    enable_downvotes: bool = True
    enable_nsfw: bool = True
    community_creation_admin_only: bool = False
    require_email_verification: bool = False
    application_question: str | None = (
        "to verify that you are human, please explain why you want to create an account on this site"
    )
    private_instance: bool = False
    default_theme: str = "browser"
    default_post_listing_type: str = "Local"
    legal_information: str | None = None
    hide_modlog_mod_names: bool = True
    application_email_admins: bool = False
    slur_filter_regex: str | None = None
    actor_name_max_length: int = 20
    federation_enabled: bool = True
    captcha_enabled: bool = False
    captcha_difficulty: str = "medium"
    published: datetime
    updated: datetime | None = None
    registration_mode: str = "Open"
    reports_email_admins: bool = False
    federation_signed_fetch: bool = False
    default_post_listing_mode: str = "List"
    default_sort_type: str = "Active"


@dataclass(slots=True, kw_only=True)
class RateLimits:
    """Calls per seconds, for each kind of call (``local_site_rate_limit``)."""

    local_site_id: int = 1
    message: int
    message_per_second: int
    post: int
    post_per_second: int
    register: int
    register_per_second: int
    image: int
    image_per_second: int
    comment: int
    comment_per_second: int
    search: int
    search_per_second: int
    published: datetime
    updated: datetime | None = None
    import_user_settings: int = 1
    import_user_settings_per_second: int = 86400


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


@dataclass(slots=True, kw_only=True)
class LocalImage:
    """Who uploaded which alias. A thumbnail that the server made has no uploader."""

    local_user_id: int | None = None
    pictrs_alias: str
    pictrs_delete_token: str
    published: datetime


@dataclass(slots=True, kw_only=True)
class ImageDetails:
    """The size of the picture behind a URL."""

    link: str
    width: int
    height: int
    content_type: str


@dataclass(slots=True, kw_only=True)
class CustomEmoji:
    """A custom emoji."""

    id: int
    local_site_id: int = 1
    shortcode: str
    image_url: str
    alt_text: str
    category: str
    published: datetime
    updated: datetime | None = None
    keywords: list[str] = field(metadata=HIDDEN)


@dataclass(slots=True, kw_only=True)
class Tagline:
    """One of the lines at the top of the front page."""

    id: int
    local_site_id: int = 1
    content: str
    published: datetime
    updated: datetime | None = None


@dataclass(slots=True, kw_only=True)
class BlockedUrl:
    """A URL that posts and comments must not contain."""

    id: int
    url: str
    published: datetime
    updated: datetime | None = None


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
