"""Whoever listens to the streaming server: with which token, to which channels."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapters.sandbox.mastodon.rows import Account
    from adapters.sandbox.mastodon.state import State

_SCOPES = {"user:notification": {"read", "read:notifications"}}
_READING = {"read", "read:statuses"}


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """No stream for this one."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One event on one channel. ``payload`` is JSON, or an id."""

    channel: str
    event: str
    payload: str


@dataclass(slots=True, eq=False)
class Listener:
    """One connection. Its queue ends with none; ``abruptly``: without a word to the other side."""

    account: Account
    scopes: frozenset[str]
    loop: asyncio.AbstractEventLoop
    queue: asyncio.Queue[Message | None] = field(default_factory=asyncio.Queue)
    channels: set[str] = field(default_factory=set)
    abruptly: bool = False

    def require_scope(self, channel: str) -> None:
        """Raise ``Refused`` for a channel that the token is not good for."""
        if not self.scopes & _SCOPES.get(channel, _READING):
            raise Refused(401, "Access token does not have the required scopes")

    def put(self, message: Message | None) -> None:
        """Say something, from any thread."""
        try:
            self.loop.call_soon_threadsafe(self.queue.put_nowait, message)
        except RuntimeError:  # the server has stopped meanwhile
            return


def admitted(state: State, token: str | None, channel: str | None = None) -> Listener:
    """A listener with this token, called in the loop that will serve it. Raises ``Refused``."""
    if token is None:
        raise Refused(401, "Missing access token")
    with state.lock:
        found = state.tokens.get(token)
        account = None if found is None or found.account_id is None else state.accounts.get(found.account_id)
        if found is None or found.revoked or account is None or not _may_listen(account):
            raise Refused(401, "Invalid access token")
        listener = Listener(account, frozenset(found.scopes), asyncio.get_running_loop())
    if channel is not None:
        listener.require_scope(channel)
    return listener


def _may_listen(account: Account) -> bool:
    return account.user is not None and not account.suspended and not account.user.disabled
