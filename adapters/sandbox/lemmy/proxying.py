"""``ProxyAllImages``: images of other servers are shown through our own."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx

from adapters.sandbox.lemmy.rows import ImageDetails
from adapters.sandbox.loopback import OutsideLoopbackError, fetch
from adapters.sandbox.pictrs.api import USER_AGENT
from adapters.sandbox.pictrs.formats import BrokenMediaError, InvalidMediaError

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.calling import Server
    from adapters.sandbox.pictrs.store import StoredFile


def proxied_image(server: Server, url: str) -> str:
    """The address under which we show an image; the same one unless it is elsewhere and the mode says so."""
    if server.image_mode != "ProxyAllImages" or url.startswith(server.state.url + "/"):
        return url
    shown = f"{server.state.url}/api/v3/image_proxy?url={quote(url, safe='-_.~')}"
    with server.state.lock:
        server.state.remote_images.add(url)
    try:
        file = proxied_file(server, url)
    except (OutsideLoopbackError, httpx.HTTPError, InvalidMediaError, BrokenMediaError):
        return shown
    details = ImageDetails(
        link=shown, width=file.found.width, height=file.found.height, content_type=file.found.format.content_type
    )
    with server.state.lock:
        server.state.image_details.setdefault(shown, details)
    return shown


def proxied_file(server: Server, url: str) -> StoredFile:
    """The file behind a URL, fetched if it is not here; raises what fetching and decoding raise."""
    known = server.files.proxied(url)
    if known is not None:
        return server.files.file(known)
    return server.files.ingest_proxied(url, fetch(url, USER_AGENT).raise_for_status().content)
