"""Search: by name, or by an address that may lead to another server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.mastodon.account_views import account_view
from adapters.sandbox.mastodon.calling import Call, route
from adapters.sandbox.mastodon.errors import ApiError
from adapters.sandbox.mastodon.status_views import status_view
from adapters.sandbox.mastodon.visibility import may_see

if TYPE_CHECKING:
    from adapters.sandbox.mastodon.rows import Account, Json, Status


@route("GET", "/api/v2/search", "read", "read:search", access="maybe", cache=15)
def search(call: Call) -> Json:
    """Accounts, statuses and hashtags. The text of statuses is not searched, as on a server without Elasticsearch."""
    words = call.params.text("q").strip()
    if not words:
        raise ApiError(400, "param is missing or the value is empty: q")
    resolve = bool(call.params.flag("resolve"))
    if call.viewer is None and resolve:
        raise ApiError(401, "Search queries that resolve remote resources are not supported without authentication")
    kind = call.params.text("type")
    accounts: list[Account] = []
    statuses: list[Status] = []
    if words.startswith(("http://", "https://")):
        account, status = _by_address(call, words, resolve=resolve)
        accounts = [account] if account is not None and kind in {"", "accounts"} else []
        statuses = [status] if status is not None and kind in {"", "statuses"} else []
    elif kind in {"", "accounts"}:
        accounts = _by_name(call, words.removeprefix("@"), resolve=resolve)
    found: Json = {
        "accounts": [account_view(call.state, one, call.viewer) for one in accounts],
        "statuses": [status_view(call.state, one, call.viewer) for one in statuses],
        "hashtags": [],
    }
    return found | ({"collections": []} if call.version.newer else {})


def _by_address(call: Call, address: str, *, resolve: bool) -> tuple[Account | None, Status | None]:
    state, federation = call.state, call.server.federation
    account = next((one for one in state.accounts.values() if address in {one.uri, one.url}), None)
    status = next((one for one in state.statuses.values() if address in {one.uri, one.url}), None)
    if account is None and status is None and resolve:
        account = federation.find_account(address=address)
        status = federation.resolve(address)
    if status is not None and not (status.live and may_see(state, status, call.viewer)):
        status = None
    return account, status


def _by_name(call: Call, words: str, *, resolve: bool) -> list[Account]:
    state = call.state
    name, _, domain = words.partition("@")
    if domain:
        known = state.find(name, domain)
        if known is None and resolve:
            known = call.server.federation.find_account(handle=words)
        return [] if known is None else [known]
    limit = call.params.limit(20)
    found = (
        one
        for one in state.accounts.values()
        if one.id > 0 and not one.suspended and one.username.lower().startswith(name.lower())
    )
    return sorted(found, key=lambda one: (not one.local, one.id))[:limit]
