"""What one is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.mastodon.calling import Call, route
from adapters.sandbox.mastodon.errors import record_not_found
from adapters.sandbox.mastodon.paging import link_pages, page
from adapters.sandbox.mastodon.report_views import notification_view

if TYPE_CHECKING:
    from typing import Any

    from adapters.sandbox.mastodon.rows import Json, Notification

_READ = ("read", "read:notifications")
_WRITE = ("write", "write:notifications")
_DEFAULT = 40


def _shown(call: Call, notification: Notification) -> bool:
    if notification.account_id != call.me.id:
        return False
    status = call.state.statuses.get(notification.status_id or 0)
    return notification.status_id is None or (status is not None and status.live)


@route("GET", "/api/v1/notifications", *_READ)
def index(call: Call) -> list[Any]:
    """One's own notifications, or those of some types."""
    wanted, unwanted = set(call.params.items("types")), set(call.params.items("exclude_types"))
    sender = call.params.text("account_id")
    found = [
        one
        for one in call.state.notifications.values()
        if _shown(call, one)
        and (not wanted or one.type in wanted)
        and one.type not in unwanted
        and sender in {"", str(one.from_account_id)}
    ]
    rows = page(call, found, call.params.limit(_DEFAULT))
    link_pages(call, rows, ("limit", "types", "exclude_types", "account_id"))
    return [notification_view(call.state, one) for one in rows]


@route("GET", "/api/v1/notifications/{}", *_READ)
def show(call: Call) -> Json:
    """One of them."""
    text = call.path[0]
    found = call.state.notifications.get(int(text)) if text.isdigit() else None
    if found is None or not _shown(call, found):
        raise record_not_found()
    return notification_view(call.state, found)


@route("POST", "/api/v1/notifications/clear", *_WRITE)
def clear(call: Call) -> Json:
    """Forget all of them."""
    notifications = call.state.notifications
    call.state.notifications = {key: one for key, one in notifications.items() if one.account_id != call.me.id}
    return {}
