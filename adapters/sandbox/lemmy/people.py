"""People: profiles, lists of the banned, blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy.calling import Call, route
from adapters.sandbox.lemmy.errors import LemmyError
from adapters.sandbox.lemmy.listing import CommentQuery, PostQuery, list_comments, list_posts
from adapters.sandbox.lemmy.lookup import named_person
from adapters.sandbox.lemmy.messages.people import BlockPerson, GetPersonDetails
from adapters.sandbox.lemmy.messages.site import Nothing
from adapters.sandbox.lemmy.rights import require_admin
from adapters.sandbox.lemmy.rows import as_json
from adapters.sandbox.lemmy.views import comment_view, person_view, post_view

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.rows import Community, Json, Person

_COMMENT_SORTS = {
    "New": "New",
    "NewComments": "New",
    "MostComments": "New",
    "Old": "Old",
    "Active": "Hot",
    "Hot": "Hot",
    "Scaled": "Hot",
}


def comment_sort(sort: str | None) -> str | None:
    """The order of comments that goes with an order of posts."""
    if sort is None:
        return None
    return "Controversial" if sort == "Controversial" else _COMMENT_SORTS.get(sort, "Top")


def _wanted_person(call: Call, form: GetPersonDetails) -> Person:
    if form.person_id is None and form.username is None:
        raise LemmyError("no_id_given")
    if form.person_id is not None:
        person = call.state.people.get(form.person_id)
    else:
        try:
            person = named_person(call, form.username or "")
        except LemmyError as error:
            raise LemmyError("couldnt_find_person", status=error.status) from error
    if person is None or (person.deleted and not call.viewer_is_admin):
        raise LemmyError("couldnt_find_person")
    return person


@route("GET", "/api/v3/user", GetPersonDetails, private=True)
def get_person(call: Call, form: GetPersonDetails) -> Json:
    """A person with a page of what he wrote; administrators also see what was removed."""
    state, person = call.state, _wanted_person(call, form)
    creator = None if form.saved_only else person.id
    sort = None if form.sort is None else str(form.sort)
    posts = list_posts(
        call,
        PostQuery(
            sort=sort,
            creator_id=creator,
            community_id=form.community_id,
            saved_only=bool(form.saved_only),
            page=form.page,
            limit=form.limit,
        ),
    )
    comments = list_comments(
        call,
        CommentQuery(
            sort=comment_sort(sort),
            creator_id=creator,
            community_id=form.community_id,
            saved_only=bool(form.saved_only),
            page=form.page,
            limit=form.limit,
        ),
    )
    site = state.site_of(person.actor_id)
    return {
        "person_view": person_view(state, person),
        **({} if site is None else {"site": as_json(site)}),
        "comments": [comment_view(state, comment, call.viewer_id) for comment in comments],
        "posts": [post_view(state, post, call.viewer_id) for post in posts],
        "moderates": moderated(call, person),
    }


def moderated(call: Call, person: Person) -> list[Json]:
    """The communities that somebody moderates, as far as the viewer may know."""
    state = call.state

    def shows(community: Community) -> bool:
        if community.deleted and call.viewer_id != person.id:
            return False
        return (not community.removed or call.viewer_is_admin) and (
            community.visibility == "Public" or call.viewer is not None
        )

    mine = [state.communities[community] for community, moderator in state.moderators if moderator == person.id]
    return [{"community": as_json(community), "moderator": as_json(person)} for community in mine if shows(community)]


@route("GET", "/api/v3/user/banned", Nothing, login=True)
def banned_people(call: Call, _: Nothing) -> Json:
    """Everybody of our own server who is banned from it."""
    require_admin(call)
    found = [
        person
        for person in call.state.people.values()
        if person.local
        and person.banned
        and not person.deleted
        and (person.ban_expires is None or person.ban_expires > now())
    ]
    return {"banned": [person_view(call.state, person) for person in found]}


@route("POST", "/api/v3/user/block", BlockPerson, login=True)
def block_person(call: Call, form: BlockPerson) -> Json:
    """Hide somebody from one's own lists."""
    state, key = call.state, (form.person_id, call.me.person_id)
    if form.person_id == call.me.person_id:
        raise LemmyError("cant_block_yourself")
    target = state.people.get(form.person_id)
    if target is None:
        raise LemmyError("person_block_already_exists")
    if target.deleted:
        raise LemmyError("couldnt_find_person")
    if state.is_admin(target.id):
        raise LemmyError("cant_block_admin")
    if form.block:
        state.person_blocks.add(key)
    else:
        state.person_blocks.discard(key)
    return {"person_view": person_view(state, target), "blocked": form.block}
