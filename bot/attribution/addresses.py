"""Where the bytes of a name are fetched: as our server shows them first, from their origin second. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from bot.domain.content import RemoteUrl

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bot.domain.content import Sighting


def carried(url: str) -> str | None:
    """The address in the query of another one: what an image proxy fetches for whoever asks it.

    A host that shows such a URL did not get the file from anybody who has an account there.
    """
    return next((value for _, value in _carrying(url)), None)


def by_proxy(seen: Sighting) -> bool:
    """Whether a server shows a file of another one by fetching it itself."""
    return (
        isinstance(seen.name, RemoteUrl) and seen.media.url != seen.name.value and carried(seen.media.url) is not None
    )


def to_fetch(origin: str, seen: Iterable[str]) -> Sequence[str]:
    """Addresses of a file of another server, best first. ``seen``: all under which our server was seen to show it.

    What a proxy is asked for besides the address that it carries is a smaller copy: that has other bytes.
    """
    shown = dict.fromkeys(_whole(url) for url in seen if url != origin and carried(url) is not None)
    return [*shown, origin]


def _whole(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(_carrying(url)), ""))


def _carrying(url: str) -> Sequence[tuple[str, str]]:
    try:
        query = urlsplit(url).query
    except ValueError:
        return ()
    return [(key, value) for key, value in parse_qsl(query) if value.lower().startswith(("http://", "https://"))]
