"""Forms of the calls about posts, comments, communities, and their reports."""

from adapters.sandbox.lemmy.forms import Id, Long, form
from adapters.sandbox.lemmy.v4.choices import (
    CommentSortType,
    CommunitySortType,
    CommunityVisibility,
    ListingType,
    PostFeatureType,
    PostSortType,
    ReportSortType,
    ReportType,
)


@form
class CreatePost:
    """POST /post."""

    name: str
    community_id: Id
    url: str | None = None
    body: str | None = None
    alt_text: str | None = None
    honeypot: str | None = None
    nsfw: bool | None = None
    language_id: Id | None = None
    custom_thumbnail: str | None = None
    tags: list[Id] | None = None
    scheduled_publish_time_at: Long | None = None


@form
class EditPost:
    """PUT /post."""

    post_id: Id
    name: str | None = None
    url: str | None = None
    body: str | None = None
    alt_text: str | None = None
    nsfw: bool | None = None
    language_id: Id | None = None
    custom_thumbnail: str | None = None


@form
class GetPost:
    """GET /post."""

    id: Id | None = None
    comment_id: Id | None = None


@form
class GetPosts:
    """GET /post/list."""

    type_: ListingType | None = None
    sort: PostSortType | None = None
    time_range_seconds: Id | None = None
    community_id: Id | None = None
    community_name: str | None = None
    creator_id: Id | None = None
    creator_username: str | None = None
    multi_community_id: Id | None = None
    show_hidden: bool | None = None
    show_read: bool | None = None
    show_nsfw: bool | None = None
    hide_posts_with_media: bool | None = None
    mark_as_read: bool | None = None
    no_comments_only: bool | None = None
    search_term: str | None = None
    search_title_only: bool | None = None
    search_url_only: bool | None = None
    page_cursor: str | None = None
    limit: Long | None = None


@form
class DeletePost:
    """DELETE /post."""

    post_id: Id
    deleted: bool


@form
class RemovePost:
    """POST /post/remove."""

    post_id: Id
    removed: bool
    reason: str
    remove_children: bool | None = None


@form
class LockPost:
    """POST /post/lock."""

    post_id: Id
    locked: bool
    reason: str


@form
class FeaturePost:
    """POST /post/feature."""

    post_id: Id
    featured: bool
    feature_type: PostFeatureType


@form
class ModEditPost:
    """PUT /post/mod_edit."""

    post_id: Id
    nsfw: bool | None = None


@form
class HidePost:
    """POST /post/hide."""

    post_id: Id
    hide: bool


@form
class MarkPostAsRead:
    """POST /post/mark_as_read."""

    post_id: Id
    read: bool


@form
class WarnPost:
    """POST /post/warn, and purging a post."""

    post_id: Id
    reason: str


@form
class ReportPost:
    """POST /post/report."""

    post_id: Id
    reason: str
    violates_instance_rules: bool | None = None


@form
class CreateComment:
    """POST /comment."""

    content: str
    post_id: Id
    parent_id: Id | None = None
    language_id: Id | None = None


@form
class EditComment:
    """PUT /comment."""

    comment_id: Id
    content: str | None = None
    language_id: Id | None = None


@form
class GetComment:
    """GET /comment."""

    id: Id


@form
class GetComments:
    """GET /comment/list."""

    type_: ListingType | None = None
    sort: CommentSortType | None = None
    time_range_seconds: Id | None = None
    max_depth: Id | None = None
    page_cursor: str | None = None
    limit: Long | None = None
    community_id: Id | None = None
    community_name: str | None = None
    creator_id: Id | None = None
    creator_username: str | None = None
    post_id: Id | None = None
    parent_id: Id | None = None
    search_term: str | None = None


@form
class DistinguishComment:
    """POST /comment/distinguish."""

    comment_id: Id
    distinguished: bool


@form
class ListPostLikes:
    """GET /post/like/list."""

    post_id: Id
    page_cursor: str | None = None
    limit: Long | None = None


@form
class ListCommentLikes:
    """GET /comment/like/list."""

    comment_id: Id
    page_cursor: str | None = None
    limit: Long | None = None


@form
class DeleteComment:
    """DELETE /comment."""

    comment_id: Id
    deleted: bool


@form
class RemoveComment:
    """POST /comment/remove."""

    comment_id: Id
    removed: bool
    reason: str
    remove_children: bool | None = None


@form
class LockComment:
    """POST /comment/lock."""

    comment_id: Id
    locked: bool
    reason: str


@form
class WarnComment:
    """POST /comment/warn, and purging a comment."""

    comment_id: Id
    reason: str


@form
class ReportComment:
    """POST /comment/report."""

    comment_id: Id
    reason: str
    violates_instance_rules: bool | None = None


@form
class CreateCommunity:
    """POST /community."""

    name: str
    title: str | None = None
    sidebar: str | None = None
    summary: str | None = None
    nsfw: bool | None = None
    posting_restricted_to_mods: bool | None = None
    discussion_languages: list[Id] | None = None
    visibility: CommunityVisibility | None = None


@form
class EditCommunity:
    """PUT /community."""

    community_id: Id
    title: str | None = None
    sidebar: str | None = None
    summary: str | None = None
    nsfw: bool | None = None
    posting_restricted_to_mods: bool | None = None
    discussion_languages: list[Id] | None = None
    visibility: CommunityVisibility | None = None


@form
class GetCommunity:
    """GET /community."""

    id: Id | None = None
    name: str | None = None


@form
class ListCommunities:
    """GET /community/list."""

    type_: ListingType | None = None
    sort: CommunitySortType | None = None
    time_range_seconds: Id | None = None
    show_nsfw: bool | None = None
    search_term: str | None = None
    search_title_only: bool | None = None
    page_cursor: str | None = None
    limit: Long | None = None


@form
class FollowCommunity:
    """POST /community/follow."""

    community_id: Id
    follow: bool


@form
class RemoveCommunity:
    """POST /community/remove."""

    community_id: Id
    removed: bool
    reason: str


@form
class DeleteCommunity:
    """DELETE /community."""

    community_id: Id
    deleted: bool


@form
class BanFromCommunity:
    """POST /community/ban_user."""

    community_id: Id
    person_id: Id
    ban: bool
    reason: str
    remove_or_restore_data: bool | None = None
    expires_at: Long | None = None


@form
class AddModToCommunity:
    """POST /community/mod."""

    community_id: Id
    person_id: Id
    added: bool


@form
class ReportCommunity:
    """POST /community/report, and purging a community."""

    community_id: Id
    reason: str


@form
class CommunityId:
    """DELETE /community/icon and /community/banner; for their uploads it stands in the query."""

    id: Id


@form
class ListReports:
    """GET /report/list."""

    unresolved_only: bool | None = None
    type_: ReportType | None = None
    post_id: Id | None = None
    community_id: Id | None = None
    sort: ReportSortType | None = None
    page_cursor: str | None = None
    limit: Long | None = None
    show_community_rule_violations: bool | None = None
    my_reports_only: bool | None = None


@form
class ResolveReport:
    """PUT /post/report/resolve and its likes."""

    report_id: Id
    resolved: bool
    conclusion: str | None = None
