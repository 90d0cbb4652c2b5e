"""Comments: writing, reading, listing, and what their authors do with them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy.calling import Call, route
from adapters.sandbox.lemmy.errors import LemmyError
from adapters.sandbox.lemmy.listing import CommentQuery, list_comments
from adapters.sandbox.lemmy.lookup import check_language, default_language, named_community
from adapters.sandbox.lemmy.messages.comments import (
    CreateComment,
    DeleteComment,
    DistinguishComment,
    EditComment,
    GetComment,
    GetComments,
)
from adapters.sandbox.lemmy.posts import existing_post, visible_post
from adapters.sandbox.lemmy.rights import check_mod_action, check_user_action, is_mod_or_admin, is_open_to
from adapters.sandbox.lemmy.rows import Comment, Json
from adapters.sandbox.lemmy.text import BODY_LIMIT, check_length
from adapters.sandbox.lemmy.views import comment_view
from adapters.sandbox.lemmy.wording import processed

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.state import State

_DEEPEST = 51  # parts of a path
_MENTION = re.compile(r"@([\w.]+)@([a-zA-Z0-9._:-]+)")


def existing_comment(call: Call, comment_id: int) -> Comment:
    """A comment by number, if its community is open to the viewer."""
    comment = call.state.comments.get(comment_id)
    if comment is not None:
        post = call.state.posts[comment.post_id]
        if is_open_to(call.state, call.state.communities[post.community_id], call.viewer_id):
            return comment
    raise LemmyError("couldnt_find_comment")


def notified(state: State, comment: Comment, sender: int, *, mentions: bool) -> list[int]:
    """The local users told of a comment: those it mentions, and the author of what it answers to."""
    told: list[int] = []
    if mentions:
        for name, domain in dict.fromkeys(_MENTION.findall(comment.content)):
            person = state.person_by_name(name) if domain == state.host else None
            user = None if person is None or person.id == sender else state.local_user(person.id)
            if user is not None:
                told.append(user.id)
    parts = comment.path.split(".")
    parent = state.comments.get(int(parts[-2])) if len(parts) > 2 else None
    author = (
        state.posts[comment.post_id].creator_id if len(parts) <= 2 else None if parent is None else parent.creator_id
    )
    user = None if author is None or author == sender else state.local_user(author)
    if user is not None and user.id not in told and (sender, user.person_id) not in state.person_blocks:
        told.append(user.id)
    return told


def answer_with(call: Call, comment: Comment, recipients: list[int]) -> Json:
    """``CommentResponse``."""
    return {"comment_view": comment_view(call.state, comment, call.viewer_id), "recipient_ids": recipients}


@route("POST", "/api/v3/comment", CreateComment, bucket="comment", login=True, locked=False)
def create_comment(call: Call, form: CreateComment) -> Json:
    """Write a comment."""
    content = processed(call.server, form.content) or ""
    check_length(content, BODY_LIMIT, "invalid_body_field")
    state = call.state
    with state.lock:
        post = existing_post(state, form.post_id)
        if not visible_post(call, post, all_of_it=True):
            raise LemmyError("couldnt_find_post")
        community = check_user_action(call, post.community_id)
        if post.deleted or post.removed:
            raise LemmyError("deleted")
        if post.locked and not is_mod_or_admin(call, community.id):
            raise LemmyError("locked")
        parent = state.comments.get(form.parent_id or 0)
        if parent is not None and parent.post_id != post.id:
            raise LemmyError("couldnt_create_comment")
        if parent is not None and parent.path.count(".") + 1 > _DEEPEST:
            raise LemmyError("max_comment_depth_reached")
        check_language(community, form.language_id)
        number, moment, me = state.next_id("comment"), now(), call.me.person_id
        comment = Comment(
            id=number,
            creator_id=me,
            post_id=post.id,
            content=content,
            published=moment,
            ap_id=f"{state.url}/comment/{number}",
            local=True,
            path=f"{'0' if parent is None else parent.path}.{number}",
            language_id=default_language(call, community) if form.language_id is None else form.language_id,
        )
        already = state.counted_comments(post.id)
        add_comment(state, comment)
        state.comment_votes[number] = {me: 1}
        state.read_comments[(post.id, me)] = already + 1
        return answer_with(call, comment, notified(state, comment, me, mentions=True))


def add_comment(state: State, comment: Comment) -> None:
    """Put a comment in its place."""
    state.comments[comment.id] = comment
    state.comments_of[comment.post_id].append(comment.id)
    post = state.posts[comment.post_id]
    post.newest_comment_time = max(post.newest_comment_time, comment.published)


@route("GET", "/api/v3/comment", GetComment, private=True)
def get_comment(call: Call, form: GetComment) -> Json:
    """One comment."""
    return answer_with(call, existing_comment(call, form.id), [])


@route("GET", "/api/v3/comment/list", GetComments, private=True)
def get_comments(call: Call, form: GetComments) -> Json:
    """A page of comments."""
    state = call.state
    community_id = form.community_id
    if form.community_name is not None:
        community_id = named_community(call, form.community_name).id
    if form.liked_only and form.disliked_only:
        raise LemmyError("contradicting_filters")
    parent = state.comments.get(form.parent_id or 0)
    if form.parent_id is not None and parent is None:
        raise LemmyError("couldnt_find_comment")
    default = state.local_site.default_post_listing_type if call.viewer is None else call.viewer.default_listing_type
    query = CommentQuery(
        listing="All" if community_id is not None else str(form.type_ or default),
        sort=None if form.sort is None else str(form.sort),
        max_depth=form.max_depth,
        community_id=community_id,
        post_id=form.post_id,
        parent_path=None if parent is None else parent.path,
        saved_only=bool(form.saved_only),
        liked_only=bool(form.liked_only),
        disliked_only=bool(form.disliked_only),
        page=form.page,
        limit=form.limit,
    )
    try:
        found = list_comments(call, query)
    except LemmyError as error:
        raise LemmyError("couldnt_get_comments") from error
    return {"comments": [comment_view(state, comment, call.viewer_id) for comment in found]}


@route("PUT", "/api/v3/comment", EditComment, login=True, locked=False)
def edit_comment(call: Call, form: EditComment) -> Json:
    """Change a comment of one's own."""
    state = call.state
    with state.lock:
        comment = existing_comment(call, form.comment_id)
        community = check_user_action(call, state.posts[comment.post_id].community_id)
        if comment.creator_id != call.me.person_id:
            raise LemmyError("no_comment_edit_allowed")
        check_language(community, form.language_id)
    content = processed(call.server, form.content)
    check_length(content, BODY_LIMIT, "invalid_body_field")
    with state.lock:
        comment.content = comment.content if content is None else content
        comment.language_id = comment.language_id if form.language_id is None else form.language_id
        comment.updated = now()
        return answer_with(call, comment, notified(state, comment, call.me.person_id, mentions=True))


@route("POST", "/api/v3/comment/distinguish", DistinguishComment, login=True)
def distinguish_comment(call: Call, form: DistinguishComment) -> Json:
    """Let a comment of one's own speak for the moderators, or no longer."""
    comment = existing_comment(call, form.comment_id)
    community_id = call.state.posts[comment.post_id].community_id
    check_user_action(call, community_id)
    if comment.creator_id != call.me.person_id:
        raise LemmyError("no_comment_edit_allowed")
    check_mod_action(call, community_id)
    comment.distinguished = form.distinguished
    return answer_with(call, comment, [])


@route("POST", "/api/v3/comment/delete", DeleteComment, login=True)
def delete_comment(call: Call, form: DeleteComment) -> Json:
    """Delete or restore a comment of one's own."""
    comment = existing_comment(call, form.comment_id)
    if comment.deleted == form.deleted:
        raise LemmyError("couldnt_update_comment")
    check_user_action(call, call.state.posts[comment.post_id].community_id)
    if comment.creator_id != call.me.person_id:
        raise LemmyError("no_comment_edit_allowed")
    comment.deleted = form.deleted
    return answer_with(call, comment, notified(call.state, comment, call.me.person_id, mentions=False))
