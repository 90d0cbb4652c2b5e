"""The mod log of 1.0: one list of all kinds, in which the parts of a bulk deed are hidden behind it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from adapters.sandbox.clock import chrono
from adapters.sandbox.lemmy.errors import MalformedRequestError
from adapters.sandbox.lemmy.rights import is_member, is_mod_or_admin
from adapters.sandbox.lemmy.v4 import rows
from adapters.sandbox.lemmy.v4.calling import route
from adapters.sandbox.lemmy.v4.choices import MODLOG_KINDS
from adapters.sandbox.lemmy.v4.cursors import Listing, checked_limit, number
from adapters.sandbox.lemmy.v4.messages.site import GetModlog
from adapters.sandbox.lemmy.v4.tables import Entry
from adapters.sandbox.lemmy.v4.views import Views

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.calling import Call, Server
    from adapters.sandbox.lemmy.rows import Comment, Json, Post

DEFAULT_LIMIT = 20


def write(server: Server, mod_id: int, kind: str, *, done: bool = True, **facts: Any) -> Entry:
    """Write down a deed of ``mod_id``, or that it was taken back (not ``done``)."""
    entry = Entry(id=server.state.next_id("modlog v4"), kind=kind, is_revert=not done, mod_id=mod_id, **facts)
    server.v4.modlog.append(entry)
    return entry


def about_post(post: Post) -> dict[str, Any]:
    """What an entry about a post points at."""
    return {"person_id": post.creator_id, "community_id": post.community_id, "post_id": post.id}


def about_comment(server: Server, comment: Comment) -> dict[str, Any]:
    """What an entry about a comment points at."""
    community = server.state.posts[comment.post_id].community_id
    return {
        "person_id": comment.creator_id,
        "community_id": community,
        "post_id": comment.post_id,
        "comment_id": comment.id,
    }


@route("GET", "/api/v4/modlog", GetModlog, private=True)
def get_modlog(call: Call, form: GetModlog) -> Json:
    """A page of entries, the newest first. Who did it is told to administrators and moderators of the community."""
    kind = form.type_
    if kind is not None and kind != "all" and kind not in MODLOG_KINDS:
        raise MalformedRequestError(
            "Query deserialize error: data did not match any variant of untagged enum ModlogKindFilter"
        )
    limit = checked_limit(form.limit, DEFAULT_LIMIT)
    entries = {entry.id: entry for entry in call.server.v4.modlog}
    wanted = [entry for entry in entries.values() if _wanted(call, form, entry)]
    listing: Listing[Entry] = Listing(
        order=lambda entry: (entry.published.timestamp(), entry.id),
        name=lambda entry: str(entry.id),
        find=lambda text: entries.get(number(text)),
    )
    found, around = listing.page(wanted, form.page_cursor, limit)
    parts = Counter(entry.parent_id for entry in entries.values())
    views, tells = Views.of(call), _tells(call, form)
    return {"items": [_view(call, views, entry, parts[entry.id], tells=tells) for entry in found]} | around


def _wanted(call: Call, form: GetModlog, entry: Entry) -> bool:
    if form.type_ not in {None, "all", entry.kind}:
        return False
    if form.bulk_action_parent_id is not None:
        if entry.parent_id != form.bulk_action_parent_id:
            return False
    elif entry.parent_id is not None and not form.show_bulk:
        return False
    state = call.state
    # What has been purged is not found by its number: the entry stays, but points at nothing.
    asked = (
        (form.mod_person_id if _tells(call, form) else None, entry.mod_id, state.people),
        (form.other_person_id, entry.person_id, state.people),
        (form.community_id, entry.community_id, state.communities),
        (form.post_id, entry.post_id, state.posts),
        (form.comment_id, entry.comment_id, state.comments),
    )
    if any(given is not None and (given != has or has not in table) for given, has, table in asked):
        return False
    community = state.communities.get(entry.community_id or 0)
    follows = community is not None and is_member(state, community.id, call.viewer_id)
    if community is not None and community.visibility == "Private" and not (follows or call.viewer_is_admin):
        return False
    match form.listing_type:
        case "local":
            return community is not None and community.local
        case "subscribed":
            return follows
        case "moderator_view":
            return community is not None and (community.id, call.viewer_id) in call.state.moderators
        case "suggested":
            return False
    return True


def _tells(call: Call, form: GetModlog) -> bool:
    """Whether the viewer is told who did things: administrators, and moderators of the community asked for."""
    return call.viewer_is_admin if form.community_id is None else is_mod_or_admin(call, form.community_id)


def _view(call: Call, views: Views, entry: Entry, parts: int, *, tells: bool) -> Json:
    """``ModlogView``. Here what is not there is ``null``, at least in the entry itself."""
    state = call.state
    shown: Json = {
        "modlog": {
            "id": entry.id,
            "kind": entry.kind,
            "is_revert": entry.is_revert,
            "reason": entry.reason,
            "expires_at": None if entry.expires is None else chrono(entry.expires),
            "published_at": chrono(entry.published),
            "bulk_action_parent_id": entry.parent_id,
            "child_count": parts,
        }
    }
    if tells:
        shown["moderator"] = views.person(state.people[entry.mod_id])
    if entry.person_id in state.people:
        shown["target_person"] = views.person(state.people[entry.person_id])
    if entry.instance_id is not None:
        instance = state.instances[entry.instance_id]
        own = entry.instance_id == state.site.instance_id
        shown["target_instance"] = rows.instance(instance, updated=instance.published if own else None)
    if entry.community_id in state.communities:
        shown["target_community"] = views.community(state.communities[entry.community_id])
    if entry.post_id in state.posts:
        shown["target_post"] = views.post(state.posts[entry.post_id])
    if entry.comment_id in state.comments:
        shown["target_comment"] = views.comment(state.comments[entry.comment_id])
    return shown
