"""Searching, and resolving the addresses of things."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.lemmy import posts
from adapters.sandbox.lemmy.calling import Call, route
from adapters.sandbox.lemmy.community_lists import list_communities
from adapters.sandbox.lemmy.errors import LemmyError, record_not_found
from adapters.sandbox.lemmy.listing import CommentQuery, PostQuery, list_comments, list_posts
from adapters.sandbox.lemmy.lookup import named_community
from adapters.sandbox.lemmy.messages.choices import SearchType
from adapters.sandbox.lemmy.messages.site import ResolveObject, Search
from adapters.sandbox.lemmy.people import comment_sort
from adapters.sandbox.lemmy.rights import is_open_to
from adapters.sandbox.lemmy.text import matches, span
from adapters.sandbox.lemmy.views import comment_view, community_view, person_counts, person_view, post_view

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.rows import Comment, Community, Json, Person
    from adapters.sandbox.lemmy.state import State


def _people(state: State, form: Search, page: slice) -> list[Person]:
    found = [
        person
        for person in state.people.values()
        if not person.deleted
        and matches(form.q, person.name, person.display_name)
        and (form.listing_type != "Local" or person.local)
        and form.listing_type != "Subscribed"
    ]
    if form.sort in {"New", "NewComments"}:
        found.sort(key=lambda person: person.published, reverse=True)
    elif form.sort == "Old":
        found.sort(key=lambda person: person.published)
    elif form.sort == "MostComments":
        found.sort(key=lambda person: person_counts(state, person)["comment_count"], reverse=True)
    else:
        found.sort(key=lambda person: _comment_score(state, person), reverse=True)
    return found[page]


def _comment_score(state: State, person: Person) -> int:
    own = [comment.id for comment in state.comments.values() if comment.creator_id == person.id]
    return sum(sum(state.comment_votes.get(number, {}).values()) for number in own)


@route("GET", "/api/v3/search", Search, bucket="search", strict=True, private=True)
def search(call: Call, form: Search) -> Json:
    """A page of each kind that is searched."""
    state, kind = call.state, form.type_ or SearchType.ALL
    community_id = form.community_id
    if form.community_name is not None:
        community_id = named_community(call, form.community_name).id
    sort = None if form.sort is None else str(form.sort)
    listing = None if form.listing_type is None else str(form.listing_type)
    page = span(form.page, form.limit)
    answer: Json = {"type_": str(kind), "comments": [], "posts": [], "communities": [], "users": []}
    if kind in {SearchType.ALL, SearchType.POSTS, SearchType.URL}:
        query = PostQuery(
            sort=sort,
            listing=listing,
            community_id=community_id,
            creator_id=form.creator_id,
            term=None if kind == SearchType.URL else form.q,
            url=form.q if kind == SearchType.URL else None,
            title_only=bool(form.post_title_only) and kind != SearchType.URL,
            page=form.page,
            limit=form.limit,
        )
        answer["posts"] = [post_view(state, post, call.viewer_id) for post in list_posts(call, query)]
    if kind in {SearchType.ALL, SearchType.COMMENTS}:
        wanted = CommentQuery(
            sort=comment_sort(sort),
            listing=listing,
            community_id=community_id,
            creator_id=form.creator_id,
            term=form.q,
            page=form.page,
            limit=form.limit,
        )
        answer["comments"] = [comment_view(state, row, call.viewer_id) for row in list_comments(call, wanted)]
    narrowed = kind == SearchType.ALL and (community_id is not None or form.creator_id is not None)
    if kind in {SearchType.ALL, SearchType.COMMUNITIES} and not narrowed:
        found = list_communities(call, sort=sort, listing=listing, show_nsfw=False, page=page, term=form.q)
        answer["communities"] = [community_view(state, row, call.viewer_id) for row in found]
    if kind in {SearchType.ALL, SearchType.USERS} and not narrowed:
        answer["users"] = [person_view(state, person) for person in _people(state, form, page)]
    return answer


@route("GET", "/api/v3/resolve_object", ResolveObject, strict=True, private=True)
def resolve_object(call: Call, form: ResolveObject) -> Json:
    """The thing behind an address or a handle; whoever is logged in makes the server fetch what it lacks."""
    found = _known(call, form.q)
    if not found and call.viewer is not None:
        call.server.resolve_remote(form.q)
        found = _known(call, form.q)
    if not found:
        raise LemmyError("couldnt_find_object")
    return found


def _check_there(*, gone: bool) -> None:
    """What the viewer could see but is removed or deleted is not found in the database's way."""
    if gone:
        raise record_not_found("couldnt_find_object")


def _place_of(state: State, comment: Comment) -> Community:
    return state.communities[state.posts[comment.post_id].community_id]


def _known(call: Call, query: str) -> Json:
    state, viewer = call.state, call.viewer_id
    if query[:1] in {"!", "@"}:
        if viewer is None:
            return {}
        name, _, domain = query[1:].partition("@")
        elsewhere = None if domain == state.host else domain
        community = state.community_by_name(name, elsewhere) if query[0] == "!" else None
        person = state.person_by_name(name, elsewhere) if query[0] == "@" else None
    else:
        for post in state.posts.values():
            if post.ap_id == query and posts.visible_post(call, post):
                _check_there(gone=post.deleted or post.removed)
                return {"post": post_view(state, post, viewer)}
        for comment in state.comments.values():
            if comment.ap_id == query and is_open_to(state, _place_of(state, comment), viewer):
                _check_there(gone=comment.deleted or comment.removed)
                return {"comment": comment_view(state, comment, viewer)}
        community = next((row for row in state.communities.values() if row.actor_id == query), None)
        person = next((row for row in state.people.values() if row.actor_id == query), None)
    if person is not None and not person.deleted:
        return {"person": person_view(state, person)}
    if community is not None and not (community.deleted or community.removed) and is_open_to(state, community, viewer):
        return {"community": community_view(state, community, viewer)}
    return {}
