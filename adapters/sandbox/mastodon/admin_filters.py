"""Which accounts a moderator asks for, in the words of both versions of the list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.mastodon.rights import MANAGE_REPORTS, can

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.sandbox.mastodon.forms import Params
    from adapters.sandbox.mastodon.rows import Account
    from adapters.sandbox.mastodon.state import State

    Filter = Callable[[Account], bool]

_STATUSES: dict[str, Filter] = {
    "active": lambda account: not account.suspended and (account.user is None or account.user.approved),
    "pending": lambda account: account.user is not None and not account.user.approved,
    "disabled": lambda account: account.user is not None and account.user.disabled,
    "silenced": lambda account: account.silenced,
    "suspended": lambda account: account.suspended,
    "sensitized": lambda account: account.sensitized,
}


def of_v1(state: State, params: Params) -> Filter:
    """Switches that are on or not; without any, local accounts in use."""
    chosen = [name for name in _STATUSES if params.flag(name)] or ["active"]
    remote = bool(params.flag("remote"))
    common = _common(state, params)
    return lambda account: (
        account.local != remote
        and all(_STATUSES[name](account) for name in chosen)
        and (not params.flag("staff") or can(account, MANAGE_REPORTS))
        and common(account)
    )


def of_v2(state: State, params: Params) -> Filter:
    """Filters with values; without any, everybody."""
    origin, status = params.text("origin"), params.text("status")
    roles = set(params.items("role_ids"))
    staff = params.text("permissions") == "staff"
    common = _common(state, params)
    return lambda account: (
        (not origin or account.local == (origin == "local"))
        and (status not in _STATUSES or _STATUSES[status](account))
        and (not staff or can(account, MANAGE_REPORTS))
        and (not roles or (account.user is not None and str(account.user.role.id) in roles))
        and common(account)
    )


def _common(state: State, params: Params) -> Filter:
    username, shown = params.text("username").lower(), params.text("display_name").lower()
    domain, email, address = params.text("by_domain"), params.text("email"), params.text("ip")
    invited = params.text("invited_by")

    def passes(account: Account) -> bool:
        user = account.user
        return (
            account.username.lower().startswith(username)
            and account.display_name.lower().startswith(shown)
            and domain in {"", account.domain or state.host}
            and (not email or (user is not None and user.email.startswith(email)))
            and (not address or (user is not None and user.sign_up_ip == address))
            and not invited
        )

    return passes
