"""Votes, and what people save for themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy import comments, posts
from adapters.sandbox.lemmy.calling import Call, route
from adapters.sandbox.lemmy.errors import LemmyError
from adapters.sandbox.lemmy.messages.comments import LikeComment, ListCommentLikes, SaveComment
from adapters.sandbox.lemmy.messages.posts import LikePost, ListPostLikes, SavePost
from adapters.sandbox.lemmy.rights import check_user_action, require_mod_or_admin
from adapters.sandbox.lemmy.rows import as_json
from adapters.sandbox.lemmy.text import span

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.rows import Json


def _vote(call: Call, votes: dict[int, dict[int, int]], target: int, score: int) -> None:
    given = votes.setdefault(target, {})
    given.pop(call.me.person_id, None)
    if score in {-1, 1}:
        given[call.me.person_id] = score


def _check_vote(call: Call, score: int) -> None:
    if score == -1 and not call.state.local_site.enable_downvotes:
        raise LemmyError("downvotes_are_disabled")
    if call.person.bot_account:
        raise LemmyError("invalid_bot_action")


@route("POST", "/api/v3/post/like", LikePost, login=True)
def like_post(call: Call, form: LikePost) -> Json:
    """Vote on a post."""
    _check_vote(call, form.score)
    post = posts.existing_post(call.state, form.post_id)
    check_user_action(call, post.community_id)
    _vote(call, call.state.post_votes, post.id, form.score)
    call.state.read_posts.add((post.id, call.me.person_id))
    return posts.answer_with(call, post)


@route("PUT", "/api/v3/post/save", SavePost, login=True)
def save_post(call: Call, form: SavePost) -> Json:
    """Keep a post in one's list."""
    post, key = posts.existing_post(call.state, form.post_id), (form.post_id, call.me.person_id)
    if form.save:
        call.state.saved_posts[key] = now()
    else:
        call.state.saved_posts.pop(key, None)
    call.state.read_posts.add(key)
    return posts.answer_with(call, post)


@route("POST", "/api/v3/comment/like", LikeComment, login=True)
def like_comment(call: Call, form: LikeComment) -> Json:
    """Vote on a comment."""
    _check_vote(call, form.score)
    comment = comments.existing_comment(call, form.comment_id)
    check_user_action(call, call.state.posts[comment.post_id].community_id)
    _vote(call, call.state.comment_votes, comment.id, form.score)
    told = comments.notified(call.state, comment, comment.creator_id, mentions=False)
    return comments.answer_with(call, comment, told)


def _vote_views(call: Call, votes: dict[int, int], community_id: int, page: slice) -> list[Json]:
    """One page of those who voted, with the downvotes first."""
    require_mod_or_admin(call, community_id)
    return [
        {
            "creator": as_json(call.state.people[person]),
            "creator_banned_from_community": (community_id, person) in call.state.community_bans,
            "score": score,
        }
        for person, score in sorted(votes.items(), key=lambda vote: vote[1])[page]
    ]


@route("GET", "/api/v3/post/like/list", ListPostLikes, login=True)
def list_post_likes(call: Call, form: ListPostLikes) -> Json:
    """Who voted on a post; only those who moderate it are told."""
    post = posts.existing_post(call.state, form.post_id)
    votes = call.state.post_votes.get(post.id, {})
    return {"post_likes": _vote_views(call, votes, post.community_id, span(form.page, form.limit))}


@route("GET", "/api/v3/comment/like/list", ListCommentLikes, login=True)
def list_comment_likes(call: Call, form: ListCommentLikes) -> Json:
    """Who voted on a comment; only those who moderate it are told."""
    comment = comments.existing_comment(call, form.comment_id)
    community_id = call.state.posts[comment.post_id].community_id
    votes = call.state.comment_votes.get(comment.id, {})
    return {"comment_likes": _vote_views(call, votes, community_id, span(form.page, form.limit))}


@route("PUT", "/api/v3/comment/save", SaveComment, login=True)
def save_comment(call: Call, form: SaveComment) -> Json:
    """Keep a comment in one's list."""
    comment, key = comments.existing_comment(call, form.comment_id), (form.comment_id, call.me.person_id)
    if form.save:
        call.state.saved_comments[key] = now()
    else:
        call.state.saved_comments.pop(key, None)
    return comments.answer_with(call, comment, [])
