"""Statuses and their files as the API shows them to one viewer, or to nobody in particular."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.mastodon.account_views import account_view
from adapters.sandbox.mastodon.text import iso, iso_or_none

if TYPE_CHECKING:
    from adapters.sandbox.mastodon.rows import Account, Edit, Json, Media, Status
    from adapters.sandbox.mastodon.state import State

_PINNABLE = {"public", "unlisted", "private"}


def media_view(state: State, media: Media) -> Json:
    """A file. What is not kept here has the type ``unknown`` and the address of the proxy."""
    status = None if media.status_id is None else state.statuses.get(media.status_id)
    # Since 4.4 what a moderator took away is shown by way of the proxy.
    hidden = state.version.newer and status is not None and status.deleted_at is not None
    proxied = hidden or (media.remote_url is not None and media.original is None)
    ready = media.processed
    return {
        "id": str(media.id),
        "type": media.type if media.original is not None else "unknown",
        "url": _address(state, media, "original", proxied=proxied) if ready else None,
        "preview_url": _address(state, media, "small", proxied=proxied),
        "remote_url": media.remote_url,
        "preview_remote_url": None,
        "text_url": None,
        "meta": media.meta,
        "description": media.description,
        "blurhash": media.blurhash,
    }


def _address(state: State, media: Media, style: str, *, proxied: bool) -> str | None:
    if proxied:
        return f"{state.url}/media_proxy/{media.id}/{style}"
    path = media.original if style == "original" else media.small
    return None if path is None else f"{state.url}{path}"


def status_view(
    state: State, status: Status, viewer: Account | None = None, *, source: bool = False, alone: bool = False
) -> Json:
    """A status for a viewer, or as a webhook tells it.

    ``source``: the typed text instead of the HTML. ``alone``: not one of a list; only then a boost itself tells what
    the viewer did with what it boosts.
    """
    author = state.accounts[status.account_id]
    mine = viewer is not None and viewer.id == author.id
    newer = state.version.newer
    shown: Json = {
        "id": str(status.id),
        "created_at": iso(status.created_at),
        "in_reply_to_id": _text(status.in_reply_to_id),
        "in_reply_to_account_id": _text(status.in_reply_to_account_id),
        "sensitive": status.sensitive or (author.sensitized and not mine),
        "spoiler_text": status.spoiler_text,
        "visibility": status.visibility,
        "language": status.language,
        "uri": status.uri,
        "url": status.url,
        "replies_count": status.replies_count,
        "reblogs_count": status.reblogs_count,
        "favourites_count": len(status.favourited_by),
    }
    if newer:
        shown["quotes_count"] = 0
    shown["edited_at"] = iso_or_none(status.edited_at)
    if viewer is not None:
        shown |= _relation(state, status, viewer, alone=alone)
        if mine and status.reblog_of_id is None and status.visibility in _PINNABLE:
            shown["pinned"] = False
    shown |= {"text": status.text} if source else {"content": status.content}
    if viewer is not None:
        shown["filtered"] = []
    reblogged = None if status.reblog_of_id is None else state.statuses.get(status.reblog_of_id)
    shown["reblog"] = None if reblogged is None else status_view(state, reblogged, viewer)
    if status.local:
        app = status.app
        shown["application"] = None if app is None else {"name": app.name, "website": app.website}
    shown |= {
        "account": account_view(state, author, viewer),
        "media_attachments": [media_view(state, state.media[one]) for one in status.media_ids if one in state.media],
        "mentions": [_mention(state.accounts[account]) for account in status.mentioned],
        "tags": [{"name": tag, "url": f"{state.url}/tags/{tag}"} for tag in status.tags],
        "emojis": [],
    }
    if newer:
        shown |= {"tagged_collections": [], "quote": None}
    shown |= {"card": None, "poll": None}
    if newer:
        quotable = status.local and status.visibility in {"public", "unlisted"}
        may = "automatic" if viewer is not None and (quotable or (mine and status.local)) else "denied"
        shown["quote_approval"] = {"automatic": ["public"] if quotable else [], "manual": [], "current_user": may}
    return shown


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)


def _relation(state: State, status: Status, viewer: Account, *, alone: bool) -> Json:
    own = status.reblog_of_id if alone and status.reblog_of_id is not None else status.id
    reblogged = any(
        other.reblog_of_id == own and other.account_id == viewer.id and other.live for other in state.statuses.values()
    )
    return {
        "favourited": own in state.statuses and viewer.id in state.statuses[own].favourited_by,
        "reblogged": reblogged,
        "muted": False,
        "bookmarked": False,
    }


def _mention(account: Account) -> Json:
    return {"id": str(account.id), "username": account.username, "url": account.url, "acct": account.shown_acct}


def edit_view(state: State, edit: Edit, viewer: Account | None) -> Json:
    """One line of a status's history. Its files are shown even where they have left the status."""
    return {
        "content": edit.content,
        "spoiler_text": edit.spoiler_text,
        "sensitive": edit.sensitive,
        "created_at": iso(edit.created_at),
        "account": account_view(state, state.accounts[edit.account_id], viewer),
        "media_attachments": [
            media_view(state, state.media[media]) for media in edit.media_ids if media in state.media
        ],
        "emojis": [],
    }
