"""The parts of Mastodon's API that we read, as 4.3 to 4.6 send them; other servers leave some out."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class Emoji(TypedDict):
    """A custom emoji."""

    shortcode: str
    url: str
    static_url: str


class Account(TypedDict):
    """An account. ``uri`` is missing at GoToSocial."""

    id: str
    username: str
    acct: str
    url: str
    created_at: str
    avatar: str
    header: str
    uri: NotRequired[str]
    note: NotRequired[str]
    roles: NotRequired[list[dict[str, Any]]]
    emojis: NotRequired[list[Emoji]]
    suspended: NotRequired[bool]


class MediaAttachment(TypedDict):
    """A file of a status. ``url is None`` while it is processed."""

    id: str
    type: str
    url: str | None
    preview_url: str | None
    remote_url: NotRequired[str | None]


class Card(TypedDict):
    """What the server made of a link."""

    url: str
    image: NotRequired[str | None]


class Status(TypedDict):
    """A post."""

    id: str
    uri: str
    url: str | None
    created_at: str
    edited_at: NotRequired[str | None]
    visibility: str
    sensitive: bool
    content: NotRequired[str]
    account: Account
    media_attachments: list[MediaAttachment]
    reblog: NotRequired[Any]
    quote: NotRequired[Any]
    card: NotRequired[Card | None]
    emojis: NotRequired[list[Emoji]]
    in_reply_to_account_id: NotRequired[str | None]


Json = dict[str, Any]
"""An answer whose shape the caller looks into."""
