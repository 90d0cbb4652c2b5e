"""Scopes of tokens and permissions of roles. A call needs both, and says which one is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.mastodon.errors import ApiError, not_allowed, outside_scopes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adapters.sandbox.mastodon.calling import Call
    from adapters.sandbox.mastodon.rows import Account, Token, User
    from adapters.sandbox.mastodon.state import State

ADMINISTRATOR = 1 << 0
VIEW_DASHBOARD = 1 << 3
MANAGE_REPORTS = 1 << 4
MANAGE_FEDERATION = 1 << 5
MANAGE_BLOCKS = 1 << 7
MANAGE_USERS = 1 << 10
DELETE_USER_DATA = 1 << 19
VIEW_FEEDS = 1 << 20
_NOBODY = -1  # the position of those without a role


def can(account: Account | None, permission: int) -> bool:
    """Whether somebody's role has a permission."""
    if account is None or account.user is None:
        return False
    permissions = account.user.role.permissions
    return bool(permissions & (ADMINISTRATOR | permission))


def require(call: Call, permission: int) -> Account:
    """The account that asks, whose role must have a permission."""
    if call.viewer is None or not can(call.viewer, permission):
        raise not_allowed()
    require_working_login(call.viewer)
    return call.viewer


def overrules(by: Account, target: Account) -> bool:
    """Whether a role stands above another; remote accounts have none."""
    if target.user is None:
        return True
    position = by.user.role.position if by.user else _NOBODY
    return position > target.user.role.position


def require_scope(token: Token, wanted: Iterable[str]) -> None:
    """A token with one of these scopes; none wanted is any."""
    wanted = tuple(wanted)
    if token.revoked:
        raise ApiError(401, "The access token was revoked")
    if wanted and not set(wanted) & set(token.scopes):
        raise outside_scopes(*wanted)


def require_working_login(account: Account) -> User:
    """A user who may use the server."""
    user = account.user
    if user is None or account.suspended or user.disabled:
        raise ApiError(403, "Your login is currently disabled", early=account.suspended)
    if not user.confirmed:
        raise ApiError(403, "Your login is missing a confirmed e-mail address")
    if not user.approved:
        raise ApiError(403, "Your login is currently pending approval")
    return user


def moderators(state: State) -> list[Account]:
    """Everybody who deals with reports."""
    return [account for account in state.accounts.values() if can(account, MANAGE_REPORTS)]
