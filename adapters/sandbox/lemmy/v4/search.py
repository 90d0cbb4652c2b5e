"""Searching through API v4, and resolving the addresses of things."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from adapters.sandbox.lemmy.errors import LemmyError
from adapters.sandbox.lemmy.posts import visible_post
from adapters.sandbox.lemmy.rights import is_mod_or_admin
from adapters.sandbox.lemmy.v4.calling import route
from adapters.sandbox.lemmy.v4.choices import SearchType
from adapters.sandbox.lemmy.v4.comments import existing
from adapters.sandbox.lemmy.v4.communities import communities_wanted, community_listing
from adapters.sandbox.lemmy.v4.cursors import checked_limit
from adapters.sandbox.lemmy.v4.errors import not_found
from adapters.sandbox.lemmy.v4.listing import (
    CommentQuery,
    PostQuery,
    comment_listing,
    comments_wanted,
    post_listing,
    posts_wanted,
)
from adapters.sandbox.lemmy.v4.messages.site import ResolveObject, Search
from adapters.sandbox.lemmy.v4.people import people_wanted, person_listing
from adapters.sandbox.lemmy.v4.posts import asked_community, asked_person
from adapters.sandbox.lemmy.v4.rows import visibility
from adapters.sandbox.lemmy.v4.views import Views

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.calling import Call
    from adapters.sandbox.lemmy.rows import Json

_LIMIT = 20
# In this order their cursors stand in one.
_KINDS = (SearchType.POSTS, SearchType.COMMENTS, SearchType.USERS, SearchType.COMMUNITIES, SearchType.MULTI_COMMUNITIES)


@route("GET", "/api/v4/search", Search, bucket="search", strict=True, private=True)
def search(call: Call, form: Search) -> Json:
    """A page of each kind that is searched, whatever kinds of communities the viewer lists."""
    kind = form.type_ or SearchType.ALL
    community_id = asked_community(call, form.community_id, form.community_name)
    creator_id = asked_person(call, form.creator_id, form.creator_username)
    narrowed = community_id is not None or form.creator_id is not None
    kinds = {kind} if kind != SearchType.ALL else set(_KINDS[:2] if narrowed else _KINDS)
    cursors = _cursors(form.page_cursor, kind)
    around: dict[SearchType, Json] = {}
    shown: dict[SearchType, list[Json]] = {one: [] for one in _KINDS}
    for one in _KINDS:
        if one in kinds and (form.page_cursor is None or cursors[one] is not None):
            # What goes wrong with one kind, a limit out of bounds for instance, looks as if nothing were found.
            with suppress(LemmyError):
                shown[one], around[one] = _found(call, form, one, cursors[one], community_id, creator_id)
    return {
        "resolve": _resolved(call, form.search_term),
        "comments": shown[SearchType.COMMENTS],
        "posts": shown[SearchType.POSTS],
        "communities": shown[SearchType.COMMUNITIES],
        "persons": shown[SearchType.USERS],
        "multi_communities": [],
        **_joined(around, kind, "prev_page"),
        **_joined(around, kind, "next_page"),
    }


def _found(
    call: Call, form: Search, kind: SearchType, cursor: str | None, community_id: int | None, creator_id: int | None
) -> tuple[list[Json], Json]:
    """A page of one kind, and the cursors around it."""
    limit, views, seconds = checked_limit(form.limit, _LIMIT), Views.of(call), form.time_range_seconds
    if kind == SearchType.POSTS:
        wanted = PostQuery(
            community_id=community_id,
            creator_id=creator_id,
            term=form.search_term,
            title_only=bool(form.title_only),
            url_only=bool(form.post_url_only),
            show_nsfw=form.show_nsfw,
            seconds=seconds,
        )
        posts, around = post_listing(call, wanted).page(posts_wanted(call, wanted), cursor, limit)
        return [views.post_view(row) for row in posts], around
    if kind == SearchType.COMMENTS:
        asked = CommentQuery(
            sort="new", community_id=community_id, creator_id=creator_id, term=form.search_term, seconds=seconds
        )
        comments, around = comment_listing(call, asked).page(comments_wanted(call, asked), cursor, limit)
        return [views.comment_view(row) for row in comments], around
    if kind == SearchType.USERS:
        people = people_wanted(call, form.search_term, title_only=bool(form.title_only))
        persons, around = person_listing(call, "new").page(people, cursor, limit)
        return [views.person_view(row) for row in persons], around
    if kind == SearchType.COMMUNITIES:
        found = communities_wanted(
            call,
            listing="all",
            show_nsfw=form.show_nsfw,
            term=form.search_term,
            title_only=bool(form.title_only),
        )
        places, around = community_listing(call, "new").page(found, cursor, limit)
        return [views.community_view(row) for row in places], around
    return [], {}


def _cursors(text: str | None, kind: SearchType) -> dict[SearchType, str | None]:
    found: dict[SearchType, str | None] = dict.fromkeys(_KINDS)
    if text is None:
        return found
    if kind != SearchType.ALL:
        return found | {kind: text}
    parts = text.split(",")
    if len(parts) != len(_KINDS):
        return found
    return {one: None if part == "none" else part for one, part in zip(_KINDS, parts, strict=True)}


def _joined(around: dict[SearchType, Json], kind: SearchType, name: str) -> Json:
    texts = [around.get(one, {}).get(name) for one in _KINDS]
    if kind == SearchType.ALL:
        return {name: ",".join(text or "none" for text in texts)}
    return {name: next((text for text in texts if text is not None), None)}


@route("GET", "/api/v4/resolve_object", ResolveObject, bucket="search", strict=True, private=True)
def resolve_object(call: Call, form: ResolveObject) -> Json:
    """The thing behind an address or a handle; whoever is logged in makes the server fetch what it lacks."""
    found = _known(call, form.q)
    if found is None and call.viewer is not None:
        call.server.resolve_remote(form.q)
        found = _known(call, form.q)
    if found is None:
        address = form.q.startswith(("http://", "https://"))
        raise LemmyError("resolve_object_failed", "Not found" if address else "Failed to resolve actor via webfinger")
    return found


def _resolved(call: Call, query: str) -> Json | None:
    """What a search term is the address of, if it is one of a thing known here."""
    try:
        return _known(call, query)
    except LemmyError:
        return None


def _known(call: Call, query: str) -> Json | None:
    state, views = call.state, Views.of(call)
    if query[:1] in {"!", "@"}:
        name, _, domain = query[1:].partition("@")
        if not domain:
            return None
        elsewhere = None if domain == state.host else domain
        community = state.community_by_name(name, elsewhere) if query[0] == "!" else None
        person = state.person_by_name(name, elsewhere) if query[0] == "@" else None
    else:
        for post in state.posts.values():
            if post.ap_id == query:
                if not visible_post(call, post, all_of_it=is_mod_or_admin(call, post.community_id)):
                    raise not_found()
                return {"type_": "post"} | views.post_view(post)
        for comment in state.comments.values():
            if comment.ap_id == query:
                return {"type_": "comment"} | views.comment_view(existing(call, comment.id))
        community = next((row for row in state.communities.values() if row.actor_id == query), None)
        person = next((row for row in state.people.values() if row.actor_id == query), None)
    if person is not None:
        if person.deleted and not call.viewer_is_admin:
            raise not_found()
        return {"type_": "person"} | views.person_view(person)
    if community is not None:
        gone = (community.deleted or community.removed) and not call.viewer_is_admin
        if gone or (visibility(community) == "local_only_private" and call.viewer is None):
            raise not_found()
        return {"type_": "community"} | views.community_view(community)
    return None
