"""Forms of the calls about comments and their reports."""

from adapters.sandbox.lemmy.forms import Id, Long, Small, form
from adapters.sandbox.lemmy.messages.choices import CommentSortType, ListingType


@form
class CreateComment:
    """POST /comment."""

    content: str
    post_id: Id
    parent_id: Id | None = None
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
    max_depth: Id | None = None
    page: Long | None = None
    limit: Long | None = None
    community_id: Id | None = None
    community_name: str | None = None
    post_id: Id | None = None
    parent_id: Id | None = None
    saved_only: bool | None = None
    liked_only: bool | None = None
    disliked_only: bool | None = None


@form
class EditComment:
    """PUT /comment."""

    comment_id: Id
    content: str | None = None
    language_id: Id | None = None


@form
class DeleteComment:
    """POST /comment/delete."""

    comment_id: Id
    deleted: bool


@form
class RemoveComment:
    """POST /comment/remove."""

    comment_id: Id
    removed: bool
    reason: str | None = None


@form
class DistinguishComment:
    """POST /comment/distinguish."""

    comment_id: Id
    distinguished: bool


@form
class ListCommentLikes:
    """GET /comment/like/list."""

    comment_id: Id
    page: Long | None = None
    limit: Long | None = None


@form
class LikeComment:
    """POST /comment/like."""

    comment_id: Id
    score: Small


@form
class SaveComment:
    """PUT /comment/save."""

    comment_id: Id
    save: bool


@form
class CreateCommentReport:
    """POST /comment/report."""

    comment_id: Id
    reason: str


@form
class ListCommentReports:
    """GET /comment/report/list."""

    comment_id: Id | None = None
    page: Long | None = None
    limit: Long | None = None
    unresolved_only: bool | None = None
    community_id: Id | None = None


@form
class PurgeComment:
    """POST /admin/purge/comment."""

    comment_id: Id
    reason: str | None = None
