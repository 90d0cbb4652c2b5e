"""``ProxyAllImages``: images of other servers are shown through our own."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx

from adapters.sandbox.lemmy.rows import ImageDetails
from adapters.sandbox.loopback import OutsideLoopbackError
from adapters.sandbox.pictrs.formats import BrokenMediaError, InvalidMediaError
from adapters.sandbox.pictrs.network import download
from adapters.sandbox.pictrs.validation import RefusedError, ValidatorUnreachableError

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.calling import Server
    from adapters.sandbox.pictrs.store import StoredFile

NOT_FETCHED = (
    OutsideLoopbackError,
    httpx.HTTPError,
    InvalidMediaError,
    BrokenMediaError,
    RefusedError,
    ValidatorUnreachableError,
)
"""What ``proxied_file`` may raise."""


def proxied_image(server: Server, url: str, *, thumbnail: bool = False) -> str:
    """The address under which we show an image; the same one unless it is elsewhere and the mode says so.

    Of a ``thumbnail`` 1.0 asks its proxy for a smaller copy.
    """
    if server.image_mode != "ProxyAllImages" or url.startswith(server.state.url + "/"):
        return url
    shown = server.proxy_url + quote(url, safe="-_.~")
    if thumbnail and server.api == "v4":
        shown += f"&max_size={server.thumbnail_side}"
    with server.state.lock:
        server.state.remote_images.add(url)
    try:
        file = proxied_file(server, url)
    except NOT_FETCHED:
        return shown
    with server.state.lock:
        server.state.image_details.setdefault(shown, details_of(shown, file))
    return shown


def details_of(link: str, file: StoredFile) -> ImageDetails:
    """What is kept of the size of the picture behind a link."""
    found = file.found
    return ImageDetails(
        link=link,
        width=found.width,
        height=found.height,
        content_type=found.format.content_type,
        blurhash=found.blurhash,
    )


def proxied_file(server: Server, url: str) -> StoredFile:
    """The file behind a URL, fetched if it is not here; raises what fetching and decoding raise."""
    known = server.files.proxied(url)
    if known is not None:
        return server.files.file(known)
    return server.files.ingest_proxied(url, download(url))
