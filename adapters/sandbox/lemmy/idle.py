"""Calls of Lemmy's own web page about things that do not exist here: their empty answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.lemmy.calling import Call, route
from adapters.sandbox.lemmy.links import look_at
from adapters.sandbox.lemmy.messages.people import ListMedia
from adapters.sandbox.lemmy.messages.site import GetSiteMetadata, Nothing
from adapters.sandbox.lemmy.text import parse_url, span

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.rows import Json


@route("GET", "/api/v3/user/unread_count", login=True)
def unread_count(_: Call, __: Nothing) -> Json:
    """Notifications are not kept."""
    return {"replies": 0, "mentions": 0, "private_messages": 0}


@route("GET", "/api/v3/user/replies", ListMedia, login=True)
def replies(_: Call, form: ListMedia) -> Json:
    """Notifications are not kept."""
    span(form.page, form.limit)
    return {"replies": []}


@route("GET", "/api/v3/user/mention", ListMedia, login=True)
def mentions(_: Call, form: ListMedia) -> Json:
    """Notifications are not kept."""
    span(form.page, form.limit)
    return {"mentions": []}


@route("GET", "/api/v3/post/site_metadata", GetSiteMetadata, login=True, locked=False)
def site_metadata(call: Call, form: GetSiteMetadata) -> Json:
    """What a link says of itself, before it is posted."""
    found = look_at(call.server, parse_url(form.url))
    told = {
        "title": found.title,
        "description": found.description,
        "image": found.image,
        "embed_video_url": found.video,
        "content_type": found.content_type,
    }
    return {"metadata": {key: value for key, value in told.items() if value is not None}}
