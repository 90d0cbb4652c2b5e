"""What the public gets to see of a file: the last word on whether it is gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.domain.decisions import STILL_SERVED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.http import Answer, Transport

_PAST_CACHES = {"Cache-Control": "no-cache", "Pragma": "no-cache"}
_ONE_BYTE = {"Range": "bytes=0-0"}

CACHED = f"{STILL_SERVED}: a cache in front of it has it, or another store"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """``shown is None``: the answer was neither a file nor its absence."""

    shown: bool | None
    detail: str
    etag: str | None = None


class PublicView:
    """Looks at one server from outside, without credentials."""

    def __init__(
        self,
        transport: Transport,
        *,
        headers: Mapping[str, str] | None = None,
        hidden: frozenset[int] = frozenset({404, 410}),
    ) -> None:
        """``transport``: to the server's public address. ``headers``: sent with every look.

        ``hidden``: statuses by which it says that the public does not get a file.
        """
        self._transport = transport
        self._headers = dict(headers or {})
        self._hidden = hidden

    def look(self, url: str) -> Look:
        """Ask for the first byte of a file, past the caches that let themselves be asked so.

        Raises ``UnreachableError`` and its kin. Only path and query of ``url`` are used: the host is always our own.
        """
        return self._seen(self._transport.read(lambda: self._get(url, _PAST_CACHES)))

    def proof(self, url: str) -> Look:
        """Whether the public still gets a file: asked as anybody asks, caches included. Raises as ``look`` does.

        Gone is what neither a cache nor the server behind it gives out.
        """
        public = self._seen(self._transport.read(lambda: self._get(url, {})))
        if public.shown is None:
            return public
        behind = self.look(url)
        if public.shown and behind.shown is False:
            return Look(shown=True, detail=CACHED)
        # A cache may remember an absence that is over, but an answer that says nothing takes nothing back.
        return behind if behind.shown and not public.shown else public

    def _get(self, url: str, headers: dict[str, str]) -> Answer:
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        return self._transport.call("GET", path, headers={**self._headers, **_ONE_BYTE, **headers}, most=1, whole=False)

    def _seen(self, answer: Answer) -> Look:
        if answer.status in self._hidden:
            return Look(shown=False, detail=f"the public address answers {answer.status}")
        if answer.status in {200, 206, 416}:
            return Look(shown=True, detail="the public address still shows the file", etag=answer.headers.get("etag"))
        return Look(shown=None, detail=f"the public address answers {answer.status}, which says nothing of the file")
