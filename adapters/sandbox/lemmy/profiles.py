"""Pictures of people, communities and the site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.lemmy.proxying import proxied_image
from adapters.sandbox.lemmy.text import parse_url
from adapters.sandbox.pictrs.store import AliasNotFoundError

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.calling import Call


def replaced_picture(call: Call, given: str | None, old: str | None) -> str | None:
    """The picture after an update: ``None`` keeps it, an empty text takes it away. One's old upload is deleted."""
    if given is None:
        return old
    new = parse_url(given) if given else None
    if old is not None and new != old:
        _delete_old(call, old)
    return None if new is None else proxied_image(call.server, new)


def _delete_old(call: Call, url: str) -> None:
    alias = url.rsplit("/", 1)[-1]
    with call.state.lock:
        image = call.state.images.get(alias)
        if image is None or not (call.me.admin or image.local_user_id == call.me.id):
            return
        del call.state.images[alias]
    try:
        call.server.files.delete_by_token(image.pictrs_alias, image.pictrs_delete_token)
    except AliasNotFoundError:
        return
