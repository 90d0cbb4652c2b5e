"""The mod log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.sandbox.clock import chrono, now
from adapters.sandbox.lemmy.calling import Call, route
from adapters.sandbox.lemmy.messages.choices import ModlogActionType
from adapters.sandbox.lemmy.messages.site import GetModlog
from adapters.sandbox.lemmy.modlog_rows import ModlogEntry
from adapters.sandbox.lemmy.rights import is_mod_of_any_or_admin
from adapters.sandbox.lemmy.rows import as_json
from adapters.sandbox.lemmy.state import newest
from adapters.sandbox.lemmy.text import span

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.rows import Json
    from adapters.sandbox.lemmy.state import State

K = ModlogActionType

# Array of the answer, kind, name of the row in it.
_ARRAYS = (
    ("removed_posts", K.MOD_REMOVE_POST, "mod_remove_post"),
    ("locked_posts", K.MOD_LOCK_POST, "mod_lock_post"),
    ("featured_posts", K.MOD_FEATURE_POST, "mod_feature_post"),
    ("removed_comments", K.MOD_REMOVE_COMMENT, "mod_remove_comment"),
    ("removed_communities", K.MOD_REMOVE_COMMUNITY, "mod_remove_community"),
    ("banned_from_community", K.MOD_BAN_FROM_COMMUNITY, "mod_ban_from_community"),
    ("banned", K.MOD_BAN, "mod_ban"),
    ("added_to_community", K.MOD_ADD_COMMUNITY, "mod_add_community"),
    ("transferred_to_community", K.MOD_TRANSFER_COMMUNITY, "mod_transfer_community"),
    ("added", K.MOD_ADD, "mod_add"),
    ("admin_purged_persons", K.ADMIN_PURGE_PERSON, "admin_purge_person"),
    ("admin_purged_communities", K.ADMIN_PURGE_COMMUNITY, "admin_purge_community"),
    ("admin_purged_posts", K.ADMIN_PURGE_POST, "admin_purge_post"),
    ("admin_purged_comments", K.ADMIN_PURGE_COMMENT, "admin_purge_comment"),
    ("hidden_communities", K.MOD_HIDE_COMMUNITY, "mod_hide_community"),
)
_PURGES = {K.ADMIN_PURGE_PERSON, K.ADMIN_PURGE_COMMUNITY, K.ADMIN_PURGE_POST, K.ADMIN_PURGE_COMMENT}
_WITHOUT_OTHER_PERSON = _PURGES | {K.MOD_REMOVE_COMMUNITY, K.MOD_HIDE_COMMUNITY}
_WITHOUT_COMMUNITY = _PURGES | {K.MOD_BAN, K.MOD_ADD, K.MOD_REMOVE_COMMUNITY}
_ABOUT_POSTS = {K.MOD_REMOVE_POST, K.MOD_LOCK_POST, K.MOD_FEATURE_POST}
_FLAGS = {
    K.MOD_REMOVE_POST: "removed",
    K.MOD_LOCK_POST: "locked",
    K.MOD_FEATURE_POST: "featured",
    K.MOD_REMOVE_COMMENT: "removed",
    K.MOD_REMOVE_COMMUNITY: "removed",
    K.MOD_BAN_FROM_COMMUNITY: "banned",
    K.MOD_BAN: "banned",
    K.MOD_ADD_COMMUNITY: "removed",
    K.MOD_ADD: "removed",
}


def note(call: Call, kind: ModlogActionType, **facts: Any) -> None:
    """Write down what the viewer has done."""
    number = call.state.next_id(f"modlog {kind}")
    call.state.modlog.append(ModlogEntry(id=number, kind=kind, mod_person_id=call.me.person_id, when=now(), **facts))


@route("GET", "/api/v3/modlog", GetModlog, strict=True, private=True)
def get_modlog(call: Call, form: GetModlog) -> Json:
    """A page of each kind of entry. Who did it is told to moderators, and to others if the site says so."""
    hides_names = call.state.local_site.hide_modlog_mod_names and not is_mod_of_any_or_admin(call)
    page, wanted = span(form.page, form.limit), form.type_ or K.ALL
    answer: Json = {}
    for array, kind, row_name in _ARRAYS:
        entries = [
            entry
            for entry in call.state.modlog
            if entry.kind == kind and wanted in {K.ALL, kind} and _wanted(call.state, form, entry, hides_names)
        ]
        answer[array] = [_view(call.state, entry, row_name, hides_names) for entry in newest(entries)[page]]
    return answer


def _wanted(state: State, form: GetModlog, entry: ModlogEntry, hides_names: bool) -> bool:
    kind = entry.kind
    if form.other_person_id is not None and kind in _WITHOUT_OTHER_PERSON:
        return False
    if form.community_id is not None and (
        kind in _WITHOUT_COMMUNITY or _community_of(state, entry) != form.community_id
    ):
        return False
    if form.mod_person_id is not None and not hides_names and entry.mod_person_id != form.mod_person_id:
        return False
    if form.post_id is not None and not (kind in _ABOUT_POSTS and entry.post_id == form.post_id):
        return False
    if form.comment_id is not None and not (kind == K.MOD_REMOVE_COMMENT and entry.comment_id == form.comment_id):
        return False
    return form.other_person_id is None or _person_of(state, entry) == form.other_person_id


def _community_of(state: State, entry: ModlogEntry) -> int | None:
    if entry.comment_id is not None:
        return state.posts[state.comments[entry.comment_id].post_id].community_id
    return state.posts[entry.post_id].community_id if entry.post_id is not None else entry.community_id


def _person_of(state: State, entry: ModlogEntry) -> int | None:
    if entry.comment_id is not None:
        return state.comments[entry.comment_id].creator_id
    return state.posts[entry.post_id].creator_id if entry.post_id is not None else entry.other_person_id


def _row(entry: ModlogEntry) -> Json:
    """The entry itself, in the order of its table."""
    row: Json = {"id": entry.id}
    if entry.kind == K.MOD_HIDE_COMMUNITY:
        row |= {"community_id": entry.community_id, "mod_person_id": entry.mod_person_id, "when_": chrono(entry.when)}
        return row | ({} if entry.reason is None else {"reason": entry.reason}) | {"hidden": entry.on}
    row["admin_person_id" if entry.kind in _PURGES else "mod_person_id"] = entry.mod_person_id
    for name in ("other_person_id", "community_id", "post_id", "comment_id", "reason"):
        value = getattr(entry, name)
        if value is not None:
            row[name] = value
    if entry.kind in _FLAGS:
        row[_FLAGS[entry.kind]] = entry.on
    if entry.expires is not None:
        row["expires"] = chrono(entry.expires)
    row["when_"] = chrono(entry.when)
    if entry.kind == K.MOD_FEATURE_POST:
        row["is_featured_community"] = entry.in_community
    return row


def _view(state: State, entry: ModlogEntry, row_name: str, hides_names: bool) -> Json:
    view: Json = {row_name: _row(entry)}
    by_admin = entry.kind in _PURGES or entry.kind == K.MOD_HIDE_COMMUNITY
    if not hides_names:
        view["admin" if by_admin else "moderator"] = as_json(state.people[entry.mod_person_id])
    if entry.comment_id is not None:
        comment = state.comments[entry.comment_id]
        view["comment"] = as_json(comment)
        view["commenter"] = as_json(state.people[comment.creator_id])
    post_id = state.comments[entry.comment_id].post_id if entry.comment_id is not None else entry.post_id
    if post_id is not None:
        view["post"] = as_json(state.posts[post_id])
    community_id = _community_of(state, entry)
    if community_id is not None and entry.kind != K.ADMIN_PURGE_COMMENT:
        view["community"] = as_json(state.communities[community_id])
    if entry.other_person_id is not None:
        banned = entry.kind in {K.MOD_BAN, K.MOD_BAN_FROM_COMMUNITY}
        view["banned_person" if banned else "modded_person"] = as_json(state.people[entry.other_person_id])
    return view
