"""What a server offers and what the bot is there, by the server's own word: version strings alone decide nothing.

Asked are nodeinfo (which software), ``/api/v2/instance`` (feeds, streaming), OAuth metadata (scopes that exist), the
token's application (scopes that we have) and the account's role (permissions that we have).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

DELETES_BY_PLAIN_CALL = frozenset({"akkoma", "pleroma", "rebased", "sharkey"})
"""Servers whose ``DELETE /api/v1/statuses/:id`` obeys moderators: CommonAPI.delete; Sharkey's notes/delete."""

LIKE_MASTODON = frozenset({"mastodon", "hometown", "glitch", "glitch-soc", "fedibird"})
"""Servers that have all of Mastodon's admin API; nodeinfo calls most of them ``mastodon``."""

FORK_API = "admin:write:statuses"
"""The scope of the fork API that removes one status (mastodon/mastodon#27675); mainline has none of that name."""


class Permission(IntFlag):
    """Of a role: app/models/user_role.rb."""

    ADMINISTRATOR = 1 << 0
    VIEW_DASHBOARD = 1 << 3
    MANAGE_REPORTS = 1 << 4
    MANAGE_FEDERATION = 1 << 5
    MANAGE_BLOCKS = 1 << 7
    MANAGE_TAXONOMIES = 1 << 8
    MANAGE_USERS = 1 << 10
    MANAGE_WEBHOOKS = 1 << 15
    DELETE_USER_DATA = 1 << 19
    VIEW_FEEDS = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may read a public timeline: ``public``, ``authenticated`` or ``disabled``; the last lets roles that may."""

    local: str = "public"
    remote: str = "public"


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    """The bot's account. Scopes or permissions that are ``None``: the server does not tell.

    What is not known is taken to be so: the server will say no where it is not.
    """

    id: str
    handle: str
    language: str | None = None
    scopes: frozenset[str] | None = None
    role: str | None = None
    permissions: Permission | None = None
    two_factor: bool = False  # the role demands it (4.6 and newer)

    def may(self, permission: Permission) -> bool:
        """Whether the role has a permission; an administrator has all."""
        if self.permissions is None:
            return True
        return bool(self.permissions & (permission | Permission.ADMINISTRATOR))

    def has(self, scope: str) -> bool:
        """Whether the token has a scope, itself or within a broader one."""
        if self.scopes is None:
            return True
        parts = scope.split(":")
        return any(":".join(parts[:length]) in self.scopes for length in range(1, len(parts) + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """One server as it stands now."""

    software: str  # nodeinfo's name, lower case: "mastodon", "gotosocial"
    version: str
    api: int | None  # ``api_versions.mastodon``; 4.3 says 2, 4.6.5 says 11
    domain: str  # the host of its accounts
    streaming: str | None  # where its streaming server answers
    feeds: Access
    scopes: frozenset[str]  # that exist there; empty: it does not tell
    me: Me | None  # ``None``: the token is not accepted
    trouble: str = ""  # why ``me`` is not known

    @property
    def mainline(self) -> bool:
        """Whether it has Mastodon's own admin API, with its five account actions."""
        return self.software in LIKE_MASTODON

    @property
    def fork_api(self) -> bool:
        """Whether it advertises a call that removes one status."""
        return FORK_API in self.scopes

    @property
    def plain_delete(self) -> bool:
        """Whether a moderator removes a status as its author does."""
        return self.software in DELETES_BY_PLAIN_CALL

    @property
    def only_suspends(self) -> bool:
        """GoToSocial knows one account action, and it cannot be undone."""
        return self.software == "gotosocial"

    @property
    def snowflakes(self) -> bool:
        """Whether ids are numbers that hold a time."""
        return self.software in LIKE_MASTODON

    def feed_open(self, *, local: bool) -> bool:
        """Whether we are shown a public timeline."""
        access = self.feeds.local if local else self.feeds.remote
        return access != "disabled" or (self.me is not None and self.me.may(Permission.VIEW_FEEDS))
