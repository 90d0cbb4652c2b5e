"""What the public gets to see of a file: the last word on whether it is gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from adapters.http import Answer, Transport

_PAST_CACHES = {"Cache-Control": "no-cache", "Pragma": "no-cache"}
_ONE_BYTE = {"Range": "bytes=0-0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """``shown is None``: the answer was neither a file nor its absence."""

    shown: bool | None
    detail: str
    etag: str | None = None


class PublicView:
    """Looks at one server from outside, without credentials."""

    def __init__(self, transport: Transport) -> None:
        """``transport``: to the server's public address."""
        self._transport = transport

    def look(self, url: str) -> Look:
        """Ask for the first byte of a file, past caches. Raises ``UnreachableError`` and its kin.

        Only path and query of ``url`` are used: the host is always our own.
        """
        answer = self._transport.read(lambda: self._get(url, past_caches=True))
        if answer.status in {404, 410}:
            return Look(shown=False, detail=f"the public address answers {answer.status}{self._cached(url)}")
        if answer.status in {200, 206, 416}:
            return Look(shown=True, detail="the public address still shows the file", etag=answer.headers.get("etag"))
        return Look(shown=None, detail=f"the public address answers {answer.status}, which says nothing of the file")

    def _get(self, url: str, *, past_caches: bool) -> Answer:
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        headers = {**_ONE_BYTE, **(_PAST_CACHES if past_caches else {})}
        return self._transport.call("GET", path, headers=headers, most=1, whole=False)

    def _cached(self, url: str) -> str:
        """A cache between the server and the public may show a file for days after its end."""
        answer = self._transport.read(lambda: self._get(url, past_caches=False))
        return ", but a cache in front of it still has the file: purge it there" if answer.status in {200, 206} else ""
