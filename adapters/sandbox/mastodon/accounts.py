"""Accounts: one's own, others', and what they posted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.mastodon.account_views import account_view, credential_view
from adapters.sandbox.mastodon.calling import Call, route
from adapters.sandbox.mastodon.errors import record_not_found
from adapters.sandbox.mastodon.paging import link_pages, page
from adapters.sandbox.mastodon.profiles import change_profile
from adapters.sandbox.mastodon.status_views import status_view
from adapters.sandbox.mastodon.visibility import shown_of_account

if TYPE_CHECKING:
    from typing import Any

    from adapters.sandbox.mastodon.rows import Account, Json, Status
    from adapters.sandbox.mastodon.state import State

_PUBLIC_SECONDS = 15
_PAGED = ("limit", "only_media", "exclude_replies", "exclude_reblogs", "pinned", "tagged")


def account_by_id(state: State, text: str) -> Account:
    """An account by its id in words."""
    account = state.accounts.get(int(text)) if text.isdigit() else None
    if account is None:
        raise record_not_found()
    return account


def shown_account(call: Call) -> Account:
    """The account of the address, unless it still waits for its approval."""
    account = account_by_id(call.state, call.path[0])
    if account.user is not None and not account.user.approved:
        raise record_not_found()
    return account


@route("GET", "/api/v1/accounts/verify_credentials", "profile", "read", "read:accounts")
def verify_credentials(call: Call) -> Json:
    """One's own account."""
    return credential_view(call.state, call.me)


@route("PATCH", "/api/v1/accounts/update_credentials", "write", "write:accounts")
def update_credentials(call: Call) -> Json:
    """Change one's own profile."""
    change_profile(call, call.me)
    return credential_view(call.state, call.me)


@route("GET", "/api/v1/accounts/lookup", "read", "read:accounts", access="maybe", cache=_PUBLIC_SECONDS)
def lookup(call: Call) -> Json:
    """An account by its name; nobody is asked who does not know it."""
    name, _, domain = call.params.text("acct").strip().removeprefix("@").partition("@")
    account = call.state.find(name, domain or None)
    if account is None:
        raise record_not_found()
    return account_view(call.state, account, call.viewer)


@route("GET", "/api/v1/accounts/{}", "read", "read:accounts", access="maybe", cache=_PUBLIC_SECONDS)
def show(call: Call) -> Json:
    """An account. A suspended one is still named."""
    return account_view(call.state, shown_account(call), call.viewer)


@route("GET", "/api/v1/accounts", "read", "read:accounts", access="maybe", cache=_PUBLIC_SECONDS)
def several(call: Call) -> list[Any]:
    """Several accounts at once; those that are missing are left out."""
    wanted = [int(text) for text in call.params.items("id") if text.isdigit()]
    found = [call.state.accounts[number] for number in wanted if number in call.state.accounts]
    return [account_view(call.state, account, call.viewer) for account in found]


@route("GET", "/api/v1/accounts/{}/statuses", "read", "read:statuses", access="maybe", cache=_PUBLIC_SECONDS)
def statuses(call: Call) -> list[Any]:
    """What somebody posted, the newest first: unlisted statuses too, and replies to others."""
    author = shown_account(call)
    limit = call.params.limit(20)
    rows = page(call, _wanted(call, author), limit)
    link_pages(call, rows, _PAGED, more=len(rows) == limit)
    return [status_view(call.state, status, call.viewer) for status in rows]


def _wanted(call: Call, author: Account) -> list[Status]:
    state, params = call.state, call.params
    if author.suspended or params.flag("pinned"):
        return []
    tagged = params.text("tagged").lower()
    with_media = {media.status_id for media in state.media.values()} if params.flag("only_media") else None
    return [
        status
        for status in state.statuses_of(author.id)
        if shown_of_account(state, author, call.viewer, status)
        and (with_media is None or _has_media(call, status, with_media))
        and not (params.flag("exclude_reblogs") and status.reblog_of_id is not None)
        and not (params.flag("exclude_replies") and status.in_reply_to_account_id not in {None, author.id})
        and (not tagged or tagged in status.tags)
    ]


def _has_media(call: Call, status: Status, with_media: set[int | None]) -> bool:
    """What once had a file counts; since 4.6 only what has one now."""
    return bool(status.media_ids) if call.version.newer else status.id in with_media
