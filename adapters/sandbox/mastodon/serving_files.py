"""Files for the public: what is stored here, and what is fetched from elsewhere when somebody asks for it."""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING

import httpx
from PIL import Image
from starlette.responses import Response

from adapters.sandbox.clock import http_date
from adapters.sandbox.loopback import OutsideLoopbackError, fetch
from adapters.sandbox.mastodon.calling import Call, route
from adapters.sandbox.mastodon.errors import PageError
from adapters.sandbox.mastodon.pictures import NotAPictureError, open_picture
from adapters.sandbox.mastodon.rights import MANAGE_REPORTS, can
from adapters.sandbox.mastodon.text import number

if TYPE_CHECKING:
    from adapters.sandbox.mastodon.rows import Media


@route("GET", "/system/*", access="open", locked=False)
def stored(call: Call) -> Response:
    """A stored file, if it is handed out."""
    found = call.state.files.served(call.place)
    if found is None:
        # A web server that may not read a file says so; to Mastodon what is gone was never there.
        raise PageError(404 if call.state.files.get(call.place) is None else 403)
    return Response(
        found.data,
        headers={
            "last-modified": http_date(found.modified_ns),
            "content-type": found.content_type,
            "cache-control": "public, max-age=2419200, immutable",
        },
    )


@route("GET", "/avatars/original/missing.png", access="open", locked=False)
@route("GET", "/headers/original/missing.png", access="open", locked=False)
def missing_picture(_: Call) -> Response:
    """The picture of those who have none."""
    return Response(_plain(), headers={"content-type": "image/png", "cache-control": "public, max-age=2419200"})


@cache
def _plain() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (120, 120), (40, 44, 55)).save(out, "PNG")
    return out.getvalue()


@route("GET", "/media_proxy/{}", access="open", locked=False)
@route("GET", "/media_proxy/{}/{}", access="open", locked=False)
def proxy(call: Call) -> Response:
    """Lead to a remote file, which is fetched and kept if it is not here; 500 if its server is away."""
    with call.state.lock:
        media, live = _proxied(call)
    if media.original is None:
        # Without the lock: the server that is asked may be another sandbox in this process.
        data = _fetched(call, media)
        with call.state.lock:
            call.server.federation.keep(media, data)
    small = len(call.path) > 1 and call.path[1] == "small"
    place = (media.small if small else media.original) or ""
    kept = None if live else call.state.files.get(place)
    if kept is not None:
        # Its own address may be closed, so that the file comes from here.
        return Response(kept.data, headers={"content-type": kept.content_type, "cache-control": "private, no-store"})
    headers = {"content-type": "text/html; charset=utf-8", "cache-control": "private, no-store"}
    return Response(b"", 302, headers | {"location": f"{call.state.url}{place}"})


def _proxied(call: Call) -> tuple[Media, bool]:
    """The file that is asked for, and whether its status is there for everybody."""
    state = call.state
    media = state.media.get(number(call.path[0])) if call.path[0].isdigit() else None
    status = None if media is None or media.status_id is None else state.statuses.get(media.status_id)
    if media is None or status is None or status.erased or state.accounts[media.account_id].suspended:
        raise PageError(404)
    if media.remote_url is None and not call.version.newer:
        raise PageError(404)
    if not status.live:
        # What a moderator took away is for moderators, by their web session.
        visitor = call.server.web_user(call.headers, "GET")
        if visitor is None or not can(state.accounts.get(visitor), MANAGE_REPORTS):
            raise PageError(404)
    return media, status.live


def _fetched(call: Call, media: Media) -> bytes:
    try:
        answer = fetch(media.remote_url or "", f"Mastodon/{call.version.number}")
        answer.raise_for_status()
        open_picture(answer.content)
    except (OutsideLoopbackError, httpx.HTTPError, NotAPictureError):
        raise PageError(500) from None
    return answer.content
