"""Who may see a status, and which statuses of an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.mastodon.errors import not_found
from adapters.sandbox.mastodon.text import number

if TYPE_CHECKING:
    from adapters.sandbox.mastodon.rows import Account, Status
    from adapters.sandbox.mastodon.state import State


def may_see(state: State, status: Status, viewer: Account | None) -> bool:
    """Whether a status that is there is shown to a viewer."""
    author = state.accounts[status.account_id]
    if author.suspended:
        return False
    own = viewer is not None and viewer.id == author.id
    named = viewer is not None and viewer.id in status.mentioned
    if status.visibility == "direct":
        return own or named
    if status.visibility == "private":
        return own or named or (viewer is not None and (viewer.id, author.id) in state.follows)
    return own or viewer is None or not shut_out(state, author, viewer)


def shut_out(state: State, author: Account, viewer: Account) -> bool:
    """Whether an author blocks the viewer, alone or with the viewer's server."""
    return (author.id, viewer.id) in state.blocks or (author.id, viewer.domain or "") in state.domain_mutes


def visible_status(state: State, text: str, viewer: Account | None) -> Status:
    """A status by its id in words, if the viewer may see it."""
    status = state.statuses.get(number(text)) if text.isdigit() else None
    if status is None or not status.live or not may_see(state, status, viewer):
        raise not_found()
    return status


def shown_of_account(state: State, author: Account, viewer: Account | None, status: Status) -> bool:
    """Whether a status is in the list of its author's statuses; what it lacks cannot be reported either."""
    if viewer is not None and viewer.id == author.id:
        return True
    if author.suspended or (viewer is not None and shut_out(state, author, viewer)):
        return False
    if status.visibility in {"public", "unlisted"}:
        return True
    if viewer is None:
        return False
    if viewer.id in status.mentioned:
        return True
    return status.visibility == "private" and (viewer.id, author.id) in state.follows
