"""Who is who in a recording of Mastodon, found in the recording itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .replay import Exchange

CHAPTERS = (
    "instance",
    "auth",
    "scopes-and-roles",
    "media-and-statuses",
    "feeds",
    "reports",
    "actions",
    "blocks",
    "streaming",
    "rate-limit",
    "moderation-web",
    "webhooks",
    "federation",
)


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a recorded value, the outer ones first."""
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from objects(item)
    elif isinstance(value, list):
        for item in value:
            yield from objects(item)


def accounts(exchanges: list[Exchange]) -> dict[str, str]:
    """The ids of accounts by their names, as they are called on that server."""
    return {one["acct"]: one["id"] for one in objects(exchanges) if "acct" in one and "statuses_count" in one}


def statuses(exchanges: list[Exchange]) -> dict[str, dict[str, Any]]:
    """Every status by its id, as it was seen first."""
    found: dict[str, dict[str, Any]] = {}
    for one in objects(exchanges):
        if "visibility" in one and "account" in one and "media_attachments" in one:
            found.setdefault(one["id"], one)
    return found
