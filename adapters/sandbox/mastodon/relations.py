"""Following, blocking, muting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.mastodon.accounts import account_by_id
from adapters.sandbox.mastodon.calling import Call, route
from adapters.sandbox.mastodon.errors import not_allowed, record_not_found
from adapters.sandbox.mastodon.notifying import notify

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from adapters.sandbox.mastodon.rows import Account, Json


def relationship(call: Call, other: Account) -> Json:
    """How the one who asks stands to somebody else."""
    state, me = call.state, call.me
    there, back = (me.id, other.id), (other.id, me.id)
    shown: Json = {
        "id": str(other.id),
        "following": there in state.follows,
        "showing_reblogs": there in state.follows,
        "notifying": False,
        "languages": None,
        "followed_by": back in state.follows,
        "blocking": there in state.blocks,
        "blocked_by": back in state.blocks,
        "muting": there in state.mutes,
        "muting_notifications": there in state.mutes,
    }
    if call.version.newer:
        shown["muting_expires_at"] = None
    return shown | {
        "requested": False,
        "requested_by": False,
        "domain_blocking": (me.id, other.domain) in state.domain_mutes,
        "endorsed": False,
        "note": "",
    }


@route("GET", "/api/v1/accounts/relationships", "read", "read:follows")
def relationships(call: Call) -> list[Any]:
    """How one stands to several accounts."""
    wanted = [int(text) for text in call.params.items("id") if text.isdigit()]
    found = [call.state.accounts[one] for one in wanted if one in call.state.accounts]
    return [relationship(call, other) for other in found]


def _changing(name: str, scope: str, change: Callable[[Call, Account], None]) -> None:
    def handler(call: Call) -> Json:
        other = account_by_id(call.state, call.path[0])
        if name in {"follow", "block", "mute"} and other.suspended:
            raise record_not_found()
        change(call, other)
        return relationship(call, other)

    route("POST", f"/api/v1/accounts/{{}}/{name}", "write", scope, "follow")(handler)


def _follow(call: Call, other: Account) -> None:
    state, me = call.state, call.me
    if other.id == me.id or (other.id, me.id) in state.blocks or (me.id, other.id) in state.blocks:
        raise not_allowed()
    if (me.id, other.id) not in state.follows:
        state.follows[me.id, other.id] = now()
        notify(state, other, me, "follow")
        call.server.federation.follow(me, other)


def _unfollow(call: Call, other: Account) -> None:
    if call.state.follows.pop((call.me.id, other.id), None) is not None:
        call.server.federation.follow(call.me, other, follows=False)


def _block(call: Call, other: Account) -> None:
    state, me = call.state, call.me
    if other.id == me.id:
        raise not_allowed()
    state.blocks.add((me.id, other.id))
    state.follows.pop((me.id, other.id), None)
    state.follows.pop((other.id, me.id), None)


def _unblock(call: Call, other: Account) -> None:
    call.state.blocks.discard((call.me.id, other.id))


def _mute(call: Call, other: Account) -> None:
    call.state.mutes.add((call.me.id, other.id))


def _unmute(call: Call, other: Account) -> None:
    call.state.mutes.discard((call.me.id, other.id))


_changing("follow", "write:follows", _follow)
_changing("unfollow", "write:follows", _unfollow)
_changing("block", "write:blocks", _block)
_changing("unblock", "write:blocks", _unblock)
_changing("mute", "write:mutes", _mute)
_changing("unmute", "write:mutes", _unmute)


@route("POST", "/api/v1/domain_blocks", "write", "write:blocks", "follow")
def hide_domain(call: Call) -> Json:
    """Hide a whole server from oneself."""
    call.state.domain_mutes.add((call.me.id, call.params.text("domain").lower()))
    return {}


@route("DELETE", "/api/v1/domain_blocks", "write", "write:blocks", "follow")
def show_domain(call: Call) -> Json:
    """Hide it no longer."""
    call.state.domain_mutes.discard((call.me.id, call.params.text("domain").lower()))
    return {}
