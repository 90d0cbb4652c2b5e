"""Changing one's own profile, pictures included."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from adapters.sandbox.mastodon.errors import invalid
from adapters.sandbox.mastodon.files import stored_path
from adapters.sandbox.mastodon.forms import Upload
from adapters.sandbox.mastodon.pictures import NotAPictureError, profile_picture

if TYPE_CHECKING:
    from typing import Literal

    from adapters.sandbox.mastodon.calling import Call
    from adapters.sandbox.mastodon.rows import Account

_LONGEST_NOTE = 500
_LONGEST_NAME = 30
_SIZES = {"avatar": (400, 400), "header": (1500, 500)}


def change_profile(call: Call, account: Account) -> None:
    """Take over what the request names, and tell of it."""
    params = call.params
    if "display_name" in params:
        account.display_name = params.text("display_name")
        if len(account.display_name) > (40 if call.version.newer else _LONGEST_NAME):
            raise invalid("Display name is too long")
    if "note" in params:
        note = params.text("note")
        if len(note) > _LONGEST_NOTE:
            raise invalid("Note is too long")
        account.note = f"<p>{html.escape(note, quote=False)}</p>" if note else ""
    for name in ("locked", "bot", "discoverable", "indexable", "hide_collections"):
        if name in params:
            setattr(account, name, params.flag(name))
    _change_source(call, account)
    for which in ("avatar", "header"):
        sent = params.get(which)
        if isinstance(sent, Upload):
            _set_picture(call, account, which, sent)
    call.state.emit("account.updated", account.id)


def _change_source(call: Call, account: Account) -> None:
    source, user = call.params.get("source"), account.user
    if not isinstance(source, dict) or user is None:
        return
    if source.get("privacy") in {"public", "unlisted", "private"}:
        user.privacy = source["privacy"]
    if "sensitive" in source:
        user.sensitive = str(source["sensitive"]).lower() in {"true", "1"}
    if "language" in source:
        user.language = source["language"] or None


def _set_picture(call: Call, account: Account, which: Literal["avatar", "header"], sent: Upload) -> None:
    try:
        picture = profile_picture(sent.data, _SIZES[which], call.version)
    except NotAPictureError:
        raise invalid(f"{which.capitalize()} has contents that are not what they are reported to be") from None
    state = call.state
    state.files.delete(getattr(account, which))
    path = stored_path(f"accounts/{which}s", account.id, "original", picture.extension)
    state.files.put(path, picture.data, picture.content_type)
    setattr(account, which, path)
