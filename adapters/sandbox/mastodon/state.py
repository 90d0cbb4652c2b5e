"""Everything a Mastodon server knows, in memory, behind one lock."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adapters.sandbox.clock import now

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from adapters.sandbox.mastodon.block_rows import DomainBlock, IpBlock
    from adapters.sandbox.mastodon.files import Files
    from adapters.sandbox.mastodon.rows import (
        Account,
        App,
        Media,
        Notification,
        Report,
        Role,
        Rule,
        Status,
        Strike,
        Token,
    )
    from adapters.sandbox.mastodon.versions import Version

    Listener = Callable[[str, str], None]

_SEQUENCE_BITS = 16


@dataclass(slots=True)
class Settings:
    """What the operator may set in the web pages.

    ``feeds_local`` and ``feeds_remote``: ``public``, ``authenticated`` or ``disabled``; 4.3 knows only the first two,
    by the name *preview*, and for both at once.
    """

    feeds_local: str = "public"
    feeds_remote: str = "public"
    approval_required: bool = False


@dataclass(slots=True)
class State:
    """The tables. Hold ``lock`` while reading or changing them."""

    url: str
    version: Version
    files: Files
    lock: threading.RLock = field(default_factory=threading.RLock)
    settings: Settings = field(default_factory=Settings)
    roles: dict[str, Role] = field(default_factory=dict)  # by name
    accounts: dict[int, Account] = field(default_factory=dict)
    apps: dict[int, App] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    statuses: dict[int, Status] = field(default_factory=dict)
    media: dict[int, Media] = field(default_factory=dict)
    reports: dict[int, Report] = field(default_factory=dict)
    strikes: dict[int, Strike] = field(default_factory=dict)
    notifications: dict[int, Notification] = field(default_factory=dict)
    rules: dict[int, Rule] = field(default_factory=dict)
    follows: dict[tuple[int, int], datetime] = field(default_factory=dict)  # (who, whom)
    blocks: set[tuple[int, int]] = field(default_factory=set)  # (who, whom)
    mutes: set[tuple[int, int]] = field(default_factory=set)  # (who, whom)
    domain_mutes: set[tuple[int, str]] = field(default_factory=set)  # (who, domain)
    domain_blocks: dict[int, DomainBlock] = field(default_factory=dict)
    ip_blocks: dict[int, IpBlock] = field(default_factory=dict)
    tombstones: set[str] = field(default_factory=set)  # addresses of remote statuses that must not come back
    _ids: dict[str, int] = field(default_factory=dict)
    _last_snowflake: int = 0
    _listeners: list[Listener] = field(default_factory=list)

    @property
    def host(self) -> str:
        """Our host name, with its port."""
        return self.url.split("://", 1)[1]

    def next_id(self, table: str) -> int:
        """The next number of a table that counts from one."""
        self._ids[table] = self._ids.get(table, 0) + 1
        return self._ids[table]

    def snowflake(self, moment: datetime | None = None) -> int:
        """An id made of milliseconds and a sequence: of now and rising, or of an earlier moment.

        https://github.com/mastodon/mastodon/blob/main/lib/mastodon/snowflake.rb
        """
        if moment is None:
            made = (int(now().timestamp() * 1000) << _SEQUENCE_BITS) + random.getrandbits(_SEQUENCE_BITS)
            self._last_snowflake = made = max(made, self._last_snowflake + 1)
            return made
        base = int(moment.timestamp() * 1000) << _SEQUENCE_BITS
        while (made := base + random.getrandbits(_SEQUENCE_BITS)) in self.statuses:
            pass
        return made

    def subscribe(self, listener: Listener) -> None:
        """Call ``listener(event, id)`` after each change, in the thread that made it, with the lock held.

        Events: ``status.created``, ``status.updated``, ``status.deleted``, ``account.created``, ``account.updated``,
        ``account.approved``, ``account.suspended``, ``report.created``, ``report.updated``, ``notification``. The row
        of a deleted status is still in ``statuses``. A listener must be quick and must not raise.
        """
        self._listeners.append(listener)

    def emit(self, event: str, number: int) -> None:
        """Tell everybody who subscribed."""
        for listener in self._listeners:
            listener(event, str(number))

    def local(self, username: str) -> Account | None:
        """An account of this server by name."""
        return self.find(username, None)

    def find(self, username: str, domain: str | None) -> Account | None:
        """An account by name and domain; our own host name counts as no domain."""
        wanted = None if domain in {None, self.host} else domain.lower() if domain else None
        return next(
            (
                account
                for account in self.accounts.values()
                if account.domain == wanted and account.username.lower() == username.lower()
            ),
            None,
        )

    def follows_of(self, account_id: int) -> set[int]:
        """Whom an account follows."""
        return {whom for who, whom in self.follows if who == account_id}

    def statuses_of(self, account_id: int) -> list[Status]:
        """Every status of an account that is there, the newest first."""
        found = [status for status in self.statuses.values() if status.account_id == account_id and status.live]
        return sorted(found, key=lambda status: status.id, reverse=True)
