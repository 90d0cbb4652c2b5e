"""The feeds. What they leave out is as important as what they show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.mastodon.calling import Call, route
from adapters.sandbox.mastodon.paging import link_pages, page
from adapters.sandbox.mastodon.rights import VIEW_FEEDS, can, require_working_login
from adapters.sandbox.mastodon.status_views import status_view
from adapters.sandbox.mastodon.visibility import may_see, shut_out

if TYPE_CHECKING:
    from typing import Any

    from adapters.sandbox.mastodon.rows import Account, Status
    from adapters.sandbox.mastodon.state import State

_PUBLIC_SECONDS = 15


@route("GET", "/api/v1/timelines/public", "read", "read:statuses", access="maybe", cache=_PUBLIC_SECONDS)
def public(call: Call) -> list[Any]:
    """Public statuses of here and elsewhere, without replies to others and boosts."""
    wanted = _sides(call)
    with_media = _ever_with_media(call)
    found = [
        status
        for status in in_public_feed(call.state, call.viewer)
        if ("local" if status.local else "remote") in wanted and (with_media is None or status.id in with_media)
    ]
    rows = page(call, found, call.params.limit(20))
    link_pages(call, rows, ("local", "remote", "limit", "only_media"))
    return [status_view(call.state, status, call.viewer) for status in rows]


def _sides(call: Call) -> set[str]:
    """Which halves of the feed the one who asks may have; asks for a login where the operator wants one."""
    settings = call.state.settings
    access = {"local": settings.feeds_local, "remote": settings.feeds_remote}
    wanted = {"local"} if call.params.flag("local") else {"remote"} if call.params.flag("remote") else set(access)
    if any(access[side] != "public" for side in wanted):
        require_working_login(call.me)
    if not call.version.newer or can(call.viewer, VIEW_FEEDS):
        return wanted
    return {side for side in wanted if access[side] != "disabled"}


def in_public_feed(state: State, viewer: Account | None) -> list[Status]:
    """Everything that the public feed has for a viewer; the streams have the same."""
    sent = (status for status in state.statuses.values() if broadcast(state, status))
    return [status for status in sent if not hidden(state, status, viewer)]


def broadcast(state: State, status: Status) -> bool:
    """Whether a status is in public feeds at all."""
    author = state.accounts[status.account_id]
    return (
        status.live
        and status.visibility == "public"
        and status.reblog_of_id is None
        and status.in_reply_to_account_id in {None, author.id}
        and not author.silenced
        and not author.suspended
    )


def hidden(state: State, status: Status, viewer: Account | None) -> bool:
    """Whether a viewer's own blocks, mutes and languages hide a status, or its author shuts the viewer out."""
    if viewer is None:
        return False
    author = state.accounts[status.account_id]
    if (viewer.id, author.id) in state.blocks | state.mutes or shut_out(state, author, viewer):
        return True
    if author.domain is not None and (viewer.id, author.domain) in state.domain_mutes:
        return True
    chosen = viewer.user.chosen_languages if viewer.user else None
    return bool(chosen) and status.language is not None and status.language not in (chosen or ())


def _ever_with_media(call: Call) -> set[int | None] | None:
    """The statuses that have files, or had some, if only those are wanted."""
    return {media.status_id for media in call.state.media.values()} if call.params.flag("only_media") else None


@route("GET", "/api/v1/timelines/home", "read", "read:statuses")
def home(call: Call) -> list[Any]:
    """What oneself and those one follows posted."""
    state, me = call.state, call.me
    wanted = state.follows_of(me.id) | {me.id}
    found = [
        status
        for status in state.statuses.values()
        if status.live
        and status.account_id in wanted
        and status.visibility != "direct"
        and status.in_reply_to_account_id in {None, status.account_id, *wanted}
        and may_see(state, status, me)
        and not hidden(state, status, me)
    ]
    rows = page(call, found, call.params.limit(20))
    link_pages(call, rows, ("local", "limit"))
    return [status_view(state, status, me) for status in rows]


@route("GET", "/api/v1/timelines/tag/{}", "read", "read:statuses", access="maybe", cache=_PUBLIC_SECONDS)
def tag(call: Call) -> list[Any]:
    """Public statuses with a hashtag; replies to others are among them."""
    state = call.state
    if state.settings.feeds_local != "public":
        require_working_login(call.me)
    with_media = _ever_with_media(call)
    found = [
        status
        for status in state.statuses.values()
        if status.live
        and call.path[0].lower() in status.tags
        and status.visibility == "public"
        and may_see(state, status, call.viewer)
        and not state.accounts[status.account_id].silenced
        and not hidden(state, status, call.viewer)
        and (status.local or not call.params.flag("local"))
        and (with_media is None or status.id in with_media)
    ]
    rows = page(call, found, call.params.limit(20))
    link_pages(call, rows, ("local", "limit", "only_media"))
    return [status_view(state, status, call.viewer) for status in rows]
