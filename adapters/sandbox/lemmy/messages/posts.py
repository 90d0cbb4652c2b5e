"""Forms of the calls about posts and their reports."""

from adapters.sandbox.lemmy.forms import Id, Long, Small, form
from adapters.sandbox.lemmy.messages.choices import ListingType, PostFeatureType, SortType


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


@form
class GetPost:
    """GET /post."""

    id: Id | None = None
    comment_id: Id | None = None


@form
class GetPosts:
    """GET /post/list."""

    type_: ListingType | None = None
    sort: SortType | None = None
    page: Long | None = None
    limit: Long | None = None
    community_id: Id | None = None
    community_name: str | None = None
    saved_only: bool | None = None
    liked_only: bool | None = None
    disliked_only: bool | None = None
    show_hidden: bool | None = None
    show_read: bool | None = None
    show_nsfw: bool | None = None
    page_cursor: str | None = None


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
class DeletePost:
    """POST /post/delete."""

    post_id: Id
    deleted: bool


@form
class RemovePost:
    """POST /post/remove."""

    post_id: Id
    removed: bool
    reason: str | None = None


@form
class MarkPostAsRead:
    """POST /post/mark_as_read."""

    post_ids: list[Id]
    read: bool


@form
class HidePost:
    """POST /post/hide."""

    post_ids: list[Id]
    hide: bool


@form
class LockPost:
    """POST /post/lock."""

    post_id: Id
    locked: bool


@form
class FeaturePost:
    """POST /post/feature."""

    post_id: Id
    featured: bool
    feature_type: PostFeatureType


@form
class ListPostLikes:
    """GET /post/like/list."""

    post_id: Id
    page: Long | None = None
    limit: Long | None = None


@form
class LikePost:
    """POST /post/like."""

    post_id: Id
    score: Small


@form
class SavePost:
    """PUT /post/save."""

    post_id: Id
    save: bool


@form
class CreatePostReport:
    """POST /post/report."""

    post_id: Id
    reason: str


@form
class ListPostReports:
    """GET /post/report/list."""

    page: Long | None = None
    limit: Long | None = None
    unresolved_only: bool | None = None
    community_id: Id | None = None
    post_id: Id | None = None


@form
class ResolveReport:
    """PUT /post/report/resolve and /comment/report/resolve."""

    report_id: Id
    resolved: bool


@form
class PurgePost:
    """POST /admin/purge/post."""

    post_id: Id
    reason: str | None = None
