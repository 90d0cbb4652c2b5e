"""Who voted through API v4; only those who moderate are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.lemmy import posts
from adapters.sandbox.lemmy.rights import require_mod_or_admin
from adapters.sandbox.lemmy.v4.calling import route
from adapters.sandbox.lemmy.v4.comments import existing
from adapters.sandbox.lemmy.v4.cursors import Listing, checked_limit, number
from adapters.sandbox.lemmy.v4.messages.content import ListCommentLikes, ListPostLikes
from adapters.sandbox.lemmy.v4.views import Views

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.calling import Call
    from adapters.sandbox.lemmy.rows import Json, Person

_LIMIT = 20


def _page(call: Call, votes: dict[int, int], community_id: int, form: ListPostLikes | ListCommentLikes) -> Json:
    require_mod_or_admin(call, community_id)
    state, views = call.state, Views.of(call)
    listing: Listing[Person] = Listing(
        order=lambda person: (-votes.get(person.id, 0), person.id),
        name=lambda person: str(person.id),
        find=lambda text: state.people.get(number(text)),
    )
    voters = [state.people[person] for person in votes]
    found, around = listing.page(voters, form.page_cursor, checked_limit(form.limit, _LIMIT))
    items = [
        {
            "creator": views.person(person),
            "creator_banned": person.banned,
            "creator_banned_from_community": (community_id, person.id) in state.community_bans,
            "is_upvote": votes[person.id] > 0,
        }
        for person in found
    ]
    return {"items": items} | around


@route("GET", "/api/v4/post/like/list", ListPostLikes, login=True)
def list_post_likes(call: Call, form: ListPostLikes) -> Json:
    """Who voted on a post."""
    post = posts.existing_post(call.state, form.post_id)
    return _page(call, call.state.post_votes.get(post.id, {}), post.community_id, form)


@route("GET", "/api/v4/comment/like/list", ListCommentLikes, login=True)
def list_comment_likes(call: Call, form: ListCommentLikes) -> Json:
    """Who voted on a comment."""
    comment = existing(call, form.comment_id)
    community_id = call.state.posts[comment.post_id].community_id
    return _page(call, call.state.comment_votes.get(comment.id, {}), community_id, form)
