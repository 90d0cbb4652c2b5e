"""The tables about the server itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adapters.sandbox.lemmy.rows import HIDDEN

if TYPE_CHECKING:
    from datetime import datetime


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
class Application:
    """What somebody answered who wants an account."""

    id: int
    local_user_id: int
    person_id: int = field(metadata=HIDDEN)
    answer: str
    admin_id: int | None = None  # who has decided on it
    deny_reason: str | None = None
    published: datetime
    updated: datetime | None = field(default=None, metadata=HIDDEN)  # 1.0 only


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
