"""Statuses: posting, reading, editing, boosting, deleting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.mastodon.attaching import attachable
from adapters.sandbox.mastodon.calling import Call, route
from adapters.sandbox.mastodon.errors import ApiError, CrashError, invalid, not_found, record_not_found
from adapters.sandbox.mastodon.posting import boost, delete, edit, post, snapshot
from adapters.sandbox.mastodon.rights import require_working_login
from adapters.sandbox.mastodon.status_views import edit_view, status_view
from adapters.sandbox.mastodon.text import length, number
from adapters.sandbox.mastodon.visibility import may_see, visible_status

if TYPE_CHECKING:
    from typing import Any

    from adapters.sandbox.mastodon.rows import Account, Json, Status

_PUBLIC_SECONDS = 15
_LONGEST = 500
_VISIBILITIES = ("public", "unlisted", "private", "direct")


@route("POST", "/api/v1/statuses", "write", "write:statuses")
def create(call: Call) -> Json:
    """Post. What was posted with the same ``Idempotency-Key`` is given again."""
    state, me, params = call.state, call.me, call.params
    key = call.headers.get("idempotency-key")
    if key is not None and (me.id, key) in call.server.repeated:
        return status_view(state, state.statuses[call.server.repeated[me.id, key]], me)
    for missing in ("poll", "scheduled_at", "quoted_status_id"):
        if params.get(missing):
            raise ApiError(501, f"The sandbox does not know {missing}")
    user = require_working_login(me)
    text, spoiler = params.text("status"), params.text("spoiler_text")
    if not text.strip() and spoiler:
        text, spoiler = spoiler, ""
    visibility = params.text("visibility") or user.privacy
    if visibility not in _VISIBILITIES:
        raise CrashError
    if visibility == "public" and me.silenced:
        visibility = "unlisted"
    parent = _parent(call)
    media = attachable(state, me, params.items("media_ids"))
    _check_text(text, spoiler, has_media=bool(media))
    asked = params.flag("sensitive")
    status = post(
        state,
        me,
        text,
        media=media,
        visibility=visibility,  # type: ignore[arg-type]
        sensitive=user.sensitive if asked is None else asked,
        spoiler_text=spoiler,
        language=params.text("language") or user.language or user.locale,
        reply_to=parent,
        app=None if call.token is None else call.token.app,
    )
    if key is not None:
        call.server.repeated[me.id, key] = status.id
    return status_view(state, status, me)


def _parent(call: Call) -> Status | None:
    text = call.params.text("in_reply_to_id")
    if not text:
        return None
    found = call.state.statuses.get(number(text))
    if found is None or not found.live or not may_see(call.state, found, call.viewer):
        raise ApiError(404, "The post you are trying to reply to does not appear to exist.")
    return found


def _check_text(text: str, spoiler: str, *, has_media: bool) -> None:
    if not text.strip() and not has_media:
        raise invalid("Text can't be blank")
    if length(text) + len(spoiler) > _LONGEST:
        raise invalid(f"Text character limit of {_LONGEST} exceeded")


@route("GET", "/api/v1/statuses", "read", "read:statuses", access="maybe", cache=_PUBLIC_SECONDS)
def several(call: Call) -> list[Any]:
    """Several statuses at once; those that are missing are left out."""
    wanted = sorted({int(text) for text in call.params.items("id") if text.isdigit()}, reverse=True)
    found = [call.state.statuses[one] for one in wanted if one in call.state.statuses]
    shown = [status for status in found if status.live and may_see(call.state, status, call.viewer)]
    return [status_view(call.state, status, call.viewer) for status in shown]


@route("GET", "/api/v1/statuses/{}", "read", "read:statuses", access="maybe", cache=_PUBLIC_SECONDS)
def show(call: Call) -> Json:
    """One status."""
    return status_view(call.state, visible_status(call.state, call.path[0], call.viewer), call.viewer, alone=True)


@route("GET", "/api/v1/statuses/{}/history", "read", "read:statuses", access="maybe", cache=_PUBLIC_SECONDS)
def history(call: Call) -> list[Any]:
    """A status as it was, from the first version to the one of now."""
    status = visible_status(call.state, call.path[0], call.viewer)
    return [edit_view(call.state, line, call.viewer) for line in status.edits or [snapshot(status)]]


@route("GET", "/api/v1/statuses/{}/source", "read", "read:statuses")
def source(call: Call) -> Json:
    """What the author typed."""
    status = visible_status(call.state, call.path[0], call.viewer)
    return {"id": str(status.id), "text": status.text, "spoiler_text": status.spoiler_text}


@route("GET", "/api/v1/statuses/{}/context", "read", "read:statuses", access="maybe", cache=_PUBLIC_SECONDS)
def context(call: Call) -> Json:
    """What a status replies to, and what replies to it."""
    state = call.state
    status = visible_status(state, call.path[0], call.viewer)
    above: list[Status] = []
    at = state.statuses.get(status.in_reply_to_id or 0)
    while at is not None:
        above.insert(0, at)
        at = state.statuses.get(at.in_reply_to_id or 0)
    below: list[Status] = []
    parents = {status.id}
    for other in sorted(state.statuses.values(), key=lambda one: one.id):
        if other.in_reply_to_id in parents:
            parents.add(other.id)
            below.append(other)
    return {
        "ancestors": [status_view(state, one, call.viewer) for one in above if _shown(call, one)],
        "descendants": [status_view(state, one, call.viewer) for one in below if _shown(call, one)],
    }


def _shown(call: Call, status: Status) -> bool:
    return status.live and may_see(call.state, status, call.viewer)


def _own(call: Call) -> Status:
    status = call.state.statuses.get(number(call.path[0])) if call.path[0].isdigit() else None
    if status is None or not status.live or status.account_id != call.me.id:
        raise record_not_found()
    return status


@route("PUT", "/api/v1/statuses/{}", "write", "write:statuses")
def update(call: Call) -> Json:
    """Edit one's own status. What is not sent is taken away, files and warning included."""
    status, params = _own(call), call.params
    media = attachable(call.state, call.me, params.items("media_ids"), status=status)
    text, spoiler = params.text("status"), params.text("spoiler_text")
    _check_text(text, spoiler, has_media=bool(media))
    sensitive = bool(params.flag("sensitive")) or bool(spoiler)
    before = (status.text, status.spoiler_text, status.sensitive, status.media_ids)
    if before != (text, spoiler, sensitive, [one.id for one in media]):
        status.language = params.text("language") or status.language
        edit(call.state, status, by=call.me, text=text, spoiler_text=spoiler, sensitive=sensitive, media=media)
    return status_view(call.state, status, call.me)


@route("DELETE", "/api/v1/statuses/{}", "write", "write:statuses")
def destroy(call: Call) -> Json:
    """Delete one's own status; the answer has what is needed to post it again."""
    status = _own(call)
    shown = status_view(call.state, status, call.me, source=True)
    if not call.version.newer:
        # 4.3 counts it out before it answers.
        shown["account"]["statuses_count"] -= 1
    delete(call.state, status, with_media=call.version.newer and bool(call.params.flag("delete_media")))
    return shown


@route("POST", "/api/v1/statuses/{}/reblog", "write", "write:statuses")
def reblog(call: Call) -> Json:
    """Boost."""
    status = visible_status(call.state, call.path[0], call.viewer)
    if status.visibility == "direct" or (status.visibility == "private" and status.account_id != call.me.id):
        raise not_found()
    return status_view(call.state, boost(call.state, call.me, _original(call, status)), call.me, alone=True)


def _original(call: Call, status: Status) -> Status:
    return status if status.reblog_of_id is None else call.state.statuses[status.reblog_of_id]


@route("POST", "/api/v1/statuses/{}/unreblog", "write", "write:statuses")
def unreblog(call: Call) -> Json:
    """Take one's boost back."""
    status = visible_status(call.state, call.path[0], call.viewer)
    for other in call.state.statuses_of(call.me.id):
        if other.reblog_of_id == status.id:
            delete(call.state, other)
    return status_view(call.state, status, call.me)


@route("POST", "/api/v1/statuses/{}/favourite", "write", "write:favourites")
def favourite(call: Call) -> Json:
    """Like a status."""
    return _liked(call, visible_status(call.state, call.path[0], call.viewer), call.me, likes=True)


@route("POST", "/api/v1/statuses/{}/unfavourite", "write", "write:favourites")
def unfavourite(call: Call) -> Json:
    """Like it no longer."""
    return _liked(call, visible_status(call.state, call.path[0], call.viewer), call.me, likes=False)


def _liked(call: Call, status: Status, who: Account, *, likes: bool) -> Json:
    (status.favourited_by.add if likes else status.favourited_by.discard)(who.id)
    return status_view(call.state, status, who)
