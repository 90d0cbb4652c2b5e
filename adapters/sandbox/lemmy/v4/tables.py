"""What a Lemmy 1.0 keeps and a 0.19 does not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adapters.sandbox.clock import now

if TYPE_CHECKING:
    from datetime import datetime

    from adapters.sandbox.lemmy.site_rows import LocalSite, RateLimits, Site

Act = tuple[str, int, int]  # what was done, to which row, by which person


@dataclass(slots=True, kw_only=True)
class Preferences:
    """Settings of a local account that 0.19 does not have, in the words of the API."""

    private_messages_enabled: bool = True
    default_comment_sort_type: str = "hot"
    auto_mark_fetched_posts_as_read: bool = False
    hide_posts_with_media: bool = False
    default_post_time_range_seconds: int | None = None
    show_score: bool = False
    show_upvotes: bool = True
    show_downvotes: str = "show"
    show_upvote_percentage: bool = False
    show_person_votes: bool = True
    default_items_per_page: int = 20
    show_media: bool = True
    blocking_keywords: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class SiteSettings:
    """Settings of the server that 0.19 has in a file, or not at all."""

    image_proxy_bypass_domains: str | None = None
    image_upload_timeout_seconds: int = 30
    image_max_thumbnail_size: int = 512  # pixels, as the three below
    image_max_avatar_size: int = 512
    image_max_banner_size: int = 1024
    image_max_upload_size: int = 1024
    image_allow_video_uploads: bool = True
    image_upload_disabled: bool = False
    max_invites_per_user_allowed: int = 10
    default_items_per_page: int = 20
    default_post_time_range_seconds: int | None = None
    default_comment_sort_type: str = "hot"
    oauth_registration: bool = True
    post_upvotes: str = "all"
    post_downvotes: str = "all"
    comment_upvotes: str = "all"
    comment_downvotes: str = "all"
    email_notifications_disabled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the mod log: one table for all kinds here, and reverts marked as such."""

    id: int
    kind: str
    is_revert: bool
    mod_id: int
    published: datetime = field(default_factory=now)
    reason: str | None = None
    expires: datetime | None = None
    person_id: int | None = None
    community_id: int | None = None
    post_id: int | None = None
    comment_id: int | None = None
    instance_id: int | None = None
    parent_id: int | None = None  # the ban that this removal is a part of


@dataclass(slots=True, kw_only=True)
class CommunityReport:
    """A report of a whole community."""

    id: int
    creator_id: int
    community_id: int
    original_community_name: str
    original_community_title: str | None
    original_community_summary: str | None
    original_community_sidebar: str | None
    original_community_icon: str | None
    original_community_banner: str | None
    reason: str
    resolved: bool = False
    resolver_id: int | None = None
    published: datetime = field(default_factory=now)
    updated: datetime | None = None
    conclusion: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The settings as they were at a moment of the monotonic clock."""

    at: float
    site: Site
    local_site: LocalSite
    rate_limits: RateLimits
    settings: SiteSettings
    image_mode: str


@dataclass(slots=True)
class Tables:
    """The rows. The lock of ``State`` guards them too."""

    preferences: dict[int, Preferences] = field(default_factory=dict)  # by local user
    settings: SiteSettings = field(default_factory=SiteSettings)
    moments: dict[Act, datetime] = field(default_factory=dict)
    modlog: list[Entry] = field(default_factory=list)
    community_reports: dict[int, CommunityReport] = field(default_factory=dict)
    block_ends: dict[int, datetime] = field(default_factory=dict)  # by blocked instance
    snapshot: Snapshot | None = None

    def preferences_of(self, local_user_id: int) -> Preferences:
        """The newer settings of an account."""
        return self.preferences.setdefault(local_user_id, Preferences())

    def did(self, act: str, target: int, person: int) -> None:
        """Note when somebody did something: ``read``, ``read_comments``, ``vote``, ``save``, ``hide``, ``follow`` …"""
        self.moments[(act, target, person)] = now()
