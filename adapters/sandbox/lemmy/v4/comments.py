"""Comments through API v4."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.lemmy import comments
from adapters.sandbox.lemmy.errors import LemmyError
from adapters.sandbox.lemmy.messages import comments as old
from adapters.sandbox.lemmy.rights import is_mod_or_admin
from adapters.sandbox.lemmy.v4.calling import route
from adapters.sandbox.lemmy.v4.cursors import checked_limit
from adapters.sandbox.lemmy.v4.errors import not_found
from adapters.sandbox.lemmy.v4.listing import CommentQuery, comment_listing, comments_wanted
from adapters.sandbox.lemmy.v4.messages.content import (
    CreateComment,
    DeleteComment,
    DistinguishComment,
    EditComment,
    GetComment,
    GetComments,
)
from adapters.sandbox.lemmy.v4.posts import (
    asked_community,
    asked_person,
    default_limit,
    default_listing,
    given,
    time_range,
)
from adapters.sandbox.lemmy.v4.views import Views

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.calling import Call
    from adapters.sandbox.lemmy.rows import Comment, Json

_TREE_LIMIT = 300  # comments of a tree asked for by its depth, whatever limit is named


def existing(call: Call, comment_id: int) -> Comment:
    """A comment by number, if its community is open to the viewer."""
    return comments.existing_comment(call, comment_id)


def answer_with(call: Call, comment: Comment) -> Json:
    """``CommentResponse``."""
    return {"comment_view": Views.of(call).comment_view(comment)}


def _check_parent(call: Call, form: CreateComment) -> None:
    """What is answered may be closed to answers, or gone."""
    parent, post = call.state.comments.get(form.parent_id or 0), call.state.posts.get(form.post_id)
    if parent is None or post is None:
        return
    if parent.locked and not is_mod_or_admin(call, post.community_id):
        raise LemmyError("locked")
    if parent.removed or parent.deleted:
        raise LemmyError("deleted")


@route("POST", "/api/v4/comment", CreateComment, bucket="comment", login=True, locked=False)
def create_comment(call: Call, form: CreateComment) -> Json:
    """Write a comment."""
    with call.state.lock:
        _check_parent(call, form)
    made = comments.create_comment(call, old.CreateComment(**given(form)))
    with call.state.lock:
        comment = existing(call, made["comment_view"]["comment"]["id"])
        call.server.v4.did("vote_comment", comment.id, call.me.person_id)
        call.server.v4.did("read_comments", comment.post_id, call.me.person_id)
        return answer_with(call, comment)


@route("PUT", "/api/v4/comment", EditComment, login=True, locked=False)
def edit_comment(call: Call, form: EditComment) -> Json:
    """Change a comment of one's own."""
    comments.edit_comment(call, old.EditComment(**given(form)))
    with call.state.lock:
        return answer_with(call, existing(call, form.comment_id))


@route("GET", "/api/v4/comment", GetComment, private=True)
def get_comment(call: Call, form: GetComment) -> Json:
    """One comment."""
    return answer_with(call, existing(call, form.id))


@route("GET", "/api/v4/comment/list", GetComments, private=True)
def get_comments(call: Call, form: GetComments) -> Json:
    """A page of comments."""
    state = call.state
    community_id = asked_community(call, form.community_id, form.community_name)
    parent = state.comments.get(form.parent_id or 0)
    if form.parent_id is not None and parent is None:
        raise not_found()
    sort = form.sort
    if sort is None:
        tables = call.server.v4
        preferences = None if call.viewer is None else tables.preferences_of(call.viewer.id)
        default = (preferences or tables.settings).default_comment_sort_type
    query = CommentQuery(
        listing=default_listing(call, form.type_, community_id),
        sort=default if sort is None else str(sort),
        max_depth=form.max_depth,
        community_id=community_id,
        creator_id=asked_person(call, form.creator_id, form.creator_username),
        post_id=form.post_id,
        parent_path=None if parent is None else parent.path,
        term=form.search_term,
        seconds=time_range(call, form.time_range_seconds),
    )
    limit = _TREE_LIMIT if form.max_depth is not None else checked_limit(form.limit, default_limit(call))
    found, around = comment_listing(call, query).page(comments_wanted(call, query), form.page_cursor, limit)
    views = Views.of(call)
    return {"items": [views.comment_view(comment) for comment in found]} | around


@route("POST", "/api/v4/comment/distinguish", DistinguishComment, login=True)
def distinguish_comment(call: Call, form: DistinguishComment) -> Json:
    """Let a comment of one's own speak for the moderators, or no longer."""
    comments.distinguish_comment(call, old.DistinguishComment(**given(form)))
    return answer_with(call, existing(call, form.comment_id))


@route("DELETE", "/api/v4/comment", DeleteComment, login=True)
def delete_comment(call: Call, form: DeleteComment) -> Json:
    """Delete or restore a comment of one's own."""
    comments.delete_comment(call, old.DeleteComment(comment_id=form.comment_id, deleted=form.deleted))
    return answer_with(call, existing(call, form.comment_id))
