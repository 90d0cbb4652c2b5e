"""Accounts for moderators: lists, actions, their undoing, and deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.mastodon.account_views import admin_account_view
from adapters.sandbox.mastodon.accounts import account_by_id
from adapters.sandbox.mastodon.admin_filters import of_v1, of_v2
from adapters.sandbox.mastodon.calling import Call, route
from adapters.sandbox.mastodon.errors import CrashError, invalid, not_allowed
from adapters.sandbox.mastodon.moderation import ACCOUNT_ACTIONS, act_on_account, empty, report_by_id, unsuspend
from adapters.sandbox.mastodon.paging import link_pages, page
from adapters.sandbox.mastodon.rights import DELETE_USER_DATA, MANAGE_USERS, require
from adapters.sandbox.mastodon.seeding import tell_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from adapters.sandbox.mastodon.rows import Account, Json, User

_READ = ("admin:read", "admin:read:accounts")
_WRITE = ("admin:write", "admin:write:accounts")
_PLACE = "/api/v1/admin/accounts"
_MOST = 200
_LISTED = (
    *("local", "remote", "by_domain", "active", "pending", "disabled", "sensitized", "silenced", "suspended", "staff"),
    *("username", "display_name", "email", "ip", "invited_by", "origin", "status", "permissions", "role_ids", "limit"),
)


def _listed(call: Call, wanted: Callable[[Account], bool]) -> list[Any]:
    viewer = require(call, MANAGE_USERS)
    limit = call.params.limit(100, _MOST)
    rows = page(
        call, [account for account in call.state.accounts.values() if account.id > 0 and wanted(account)], limit
    )
    link_pages(call, rows, _LISTED, more=len(rows) == limit)
    return [admin_account_view(call.state, account, viewer) for account in rows]


@route("GET", _PLACE, *_READ, access="maybe")
def index_v1(call: Call) -> list[Any]:
    """Local accounts in use, or those that the switches ask for."""
    return _listed(call, of_v1(call.state, call.params))


@route("GET", "/api/v2/admin/accounts", *_READ, access="maybe")
def index_v2(call: Call) -> list[Any]:
    """All accounts, or those that the filters ask for."""
    return _listed(call, of_v2(call.state, call.params))


@route("GET", f"{_PLACE}/{{}}", *_READ, access="maybe")
def show(call: Call) -> Json:
    """One account."""
    viewer = require(call, MANAGE_USERS)
    return admin_account_view(call.state, account_by_id(call.state, call.path[0]), viewer)


@route("POST", f"{_PLACE}/{{}}/action", *_WRITE, access="maybe")
def action(call: Call) -> Json:
    """Act on an account. The account is told, unless the caller says otherwise."""
    viewer = require(call, MANAGE_USERS)
    target = account_by_id(call.state, call.path[0])
    kind = call.params.text("type")
    chosen = next((one for one in ACCOUNT_ACTIONS if one == kind), None)
    if chosen is None:
        blank = () if kind else ("Type can't be blank",)
        raise invalid(*blank, "Type is not included in the list")
    reported = call.params.text("report_id")
    tell = call.params.flag("send_email_notification")
    act_on_account(
        call.state,
        target,
        chosen,
        viewer,
        text=call.params.text("text"),
        report=report_by_id(call.state, reported) if reported else None,
        tell=tell is not False,
    )
    return {}


@route("DELETE", f"{_PLACE}/{{}}", *_WRITE, access="maybe")
def delete(call: Call) -> Json:
    """Delete what a suspended account left; to say so again changes nothing."""
    require(call, DELETE_USER_DATA)
    target = account_by_id(call.state, call.path[0])
    if not target.suspended or not (target.deletable or target.emptied):
        raise not_allowed()
    for who, whom in list(call.state.follows):
        if whom == target.id:
            call.server.federation.follow(call.state.accounts[who], target, follows=False)
    empty(call.state, target)
    return {}


def _undoing(name: str, undo: Callable[[Call, Account], None]) -> None:
    def handler(call: Call) -> Json:
        viewer = require(call, MANAGE_USERS)
        target = account_by_id(call.state, call.path[0])
        undo(call, target)
        return admin_account_view(call.state, target, viewer)

    route("POST", f"{_PLACE}/{{}}/{name}", *_WRITE, access="maybe")(handler)


def _login(target: Account) -> User:
    if target.user is None:
        raise CrashError
    return target.user


def _enable(call: Call, target: Account) -> None:
    _login(target).disabled = False
    call.state.emit("account.updated", target.id)


def _unsilence(call: Call, target: Account) -> None:
    target.silenced = False
    call.state.emit("account.updated", target.id)


def _unsensitive(call: Call, target: Account) -> None:
    target.sensitized = False
    call.state.emit("account.updated", target.id)


def _unsuspend(call: Call, target: Account) -> None:
    if not target.suspended:
        raise not_allowed()
    unsuspend(call.state, target)


def _approve(call: Call, target: Account) -> None:
    if _login(target).approved:
        raise not_allowed()
    _login(target).approved = True
    call.state.emit("account.approved", target.id)
    tell_of(call.state, target)


for _name, _undo in {
    "enable": _enable,
    "unsilence": _unsilence,
    "unsensitive": _unsensitive,
    "unsuspend": _unsuspend,
    "approve": _approve,
}.items():
    _undoing(_name, _undo)


@route("POST", f"{_PLACE}/{{}}/reject", *_WRITE, access="maybe")
def reject(call: Call) -> Json:
    """Turn an application down; nothing is left of it."""
    require(call, MANAGE_USERS)
    target = account_by_id(call.state, call.path[0])
    if _login(target).approved:
        raise not_allowed()
    del call.state.accounts[target.id]
    return {}
