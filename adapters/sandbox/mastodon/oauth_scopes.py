"""The scopes that a server knows, in the order in which it announces them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapters.sandbox.mastodon.versions import Version

_BOTH = ("accounts", "blocks", "bookmarks", "collections", "favourites", "filters", "follows", "lists", "mutes")
_WRITE = sorted((*_BOTH, "conversations", "media", "notifications", "reports", "statuses"))
_READ = sorted((*_BOTH, "notifications", "search", "statuses"))
_BLOCKS = ("domain_allows", "domain_blocks", "ip_blocks", "email_domain_blocks", "canonical_email_blocks")
_ADMIN = ("accounts", "reports", *_BLOCKS)
_SINCE_4_6 = {"write:collections", "read:collections"}


def scopes_of(version: Version) -> list[str]:
    """Every scope."""
    known = [
        "read",
        "profile",
        "write",
        *(f"write:{name}" for name in _WRITE),
        *(f"read:{name}" for name in _READ),
        "follow",
        "push",
        "admin:read",
        *(f"admin:read:{name}" for name in _ADMIN),
        "admin:write",
        *(f"admin:write:{name}" for name in _ADMIN),
    ]
    return [scope for scope in known if version.newer or scope not in _SINCE_4_6]
