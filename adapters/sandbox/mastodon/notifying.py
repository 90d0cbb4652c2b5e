"""Telling people what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.mastodon.rows import Notification

if TYPE_CHECKING:
    from adapters.sandbox.mastodon.rows import Account, Report, Status, Strike
    from adapters.sandbox.mastodon.state import State

# What one hears of oneself: everything else from one's own account is dropped.
_FROM_ONESELF = {"moderation_warning"}


def notify(
    state: State,
    whom: Account,
    about: Account,
    kind: str,
    *,
    status: Status | None = None,
    report: Report | None = None,
    strike: Strike | None = None,
) -> None:
    """Tell a local account of something that ``about`` did, unless the two are one, or a block lies between."""
    if not whom.local or (whom.id == about.id and kind not in _FROM_ONESELF):
        return
    if (whom.id, about.id) in state.blocks | state.mutes:
        return
    number = state.next_id("notifications")
    state.notifications[number] = Notification(
        id=number,
        account_id=whom.id,
        from_account_id=about.id,
        type=kind,
        created_at=now(),
        status_id=None if status is None else status.id,
        report_id=None if report is None else report.id,
        strike_id=None if strike is None else strike.id,
    )
    state.emit("notification", number)
