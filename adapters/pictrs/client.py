"""The internal API of one pict-rs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from adapters.etag import digest_in
from bot.domain.errors import BadAnswerError, NotFoundError, NotLoggedInError, RejectedError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from adapters.http import Answer, Transport
    from adapters.pictrs.settings import PictrsSettings


PAGE = 100
"""Files on a page; pict-rs asks its database once for each of them."""


class PictrsClient:
    """Calls to one pict-rs. Thread-safe."""

    def __init__(self, settings: PictrsSettings, transport: Transport) -> None:
        """``transport``: to ``settings.url``."""
        self.url = settings.url
        self._key = settings.api_key
        self._transport = transport

    def __repr__(self) -> str:
        return f"PictrsClient({self.url!r})"

    def aliases(self, alias: str) -> Sequence[str]:
        """All names of the same bytes, this one included; none if pict-rs does not know it (any more)."""
        try:
            return self._names(self._read("/internal/aliases", {"alias": alias}))
        except NotFoundError:
            return ()

    def aliases_of_proxied(self, url: str) -> Sequence[str]:
        """All names of the bytes that pict-rs fetched from a URL for the image proxy; none if it does not have them."""
        try:
            return self._names(self._read("/internal/aliases", {"proxy": url}))
        except NotFoundError:
            return ()

    def identifier(self, alias: str) -> str | None:
        """Where the file of a name lies: a path below the folder of the file store, or an object key."""
        try:
            found = self._read("/internal/identifier", {"alias": alias}).get("identifier")
        except NotFoundError:
            return None
        return found if isinstance(found, str) and found else None

    def purge(self, alias: str) -> Sequence[str]:
        """Delete a file with all its names and variants; what the names were. The file goes a moment later.

        Raises ``NotFoundError`` if there is no such name.
        """
        return self._names(self._call("POST", "/internal/purge", {"alias": alias}))

    def digest(self, alias: str) -> str | None:
        """SHA-256 of the stored file, from the ETag of its first byte; ``None``: gone, or pict-rs before 0.5.20."""

        def ask() -> Answer:
            return self._transport.call(
                "GET", f"/image/original/{quote(alias, safe='')}", headers={"Range": "bytes=0-0"}, most=1, whole=False
            )

        answer = self._transport.read(ask)
        return digest_in(answer.headers.get("etag")) if answer.status in {200, 206} else None

    def hashes(self, *, slug: str | None = None, before: datetime | None = None) -> Mapping[str, Any]:
        """A page of everything stored, newest first: from the file that ``slug`` names on, or older than ``before``."""
        query = {"limit": str(PAGE)}
        if before is not None:
            query["timestamp"] = before.isoformat()
        elif slug is not None:
            query["slug"] = slug
        page = self._read("/internal/hashes", query).get("page")
        if not isinstance(page, dict):
            raise BadAnswerError("pict-rs gave no page of what it stores: this is not pict-rs 0.5")
        return page

    def check(self) -> None:
        """Whether pict-rs is there and accepts the key. Raises what is wrong."""
        self._read("/internal/hashes", {"limit": "1"})

    def _read(self, path: str, query: Mapping[str, str]) -> Mapping[str, Any]:
        return self._transport.read(lambda: self._call("GET", path, query))

    def _call(self, method: str, path: str, query: Mapping[str, str]) -> Mapping[str, Any]:
        headers = {"X-Api-Token": self._key.get_secret_value()}
        answer = self._transport.call(method, path, params=query, headers=headers)
        found = answer.json()
        if not isinstance(found, dict):
            raise BadAnswerError(f"{answer.what}: this is not pict-rs 0.5; check `pictrs.url`")
        if answer.status >= 400:
            raise self._error(answer, str(found.get("code", "")), str(found.get("msg", ""))[:200])
        return found

    def _error(self, answer: Answer, code: str, message: str) -> Exception:
        if code == "invalid-api-token" or answer.status in {401, 403}:
            return NotLoggedInError(
                f"pict-rs at {self.url} refuses the key: `pictrs.api_key` has to be the value of "
                "PICTRS__SERVER__API_KEY there",
                code=code,
            )
        if answer.status == 404 and code:
            return NotFoundError(f"{answer.what}: {message}", code=code)
        if code == "read-only":
            return UnreachableError(f"{answer.what}: pict-rs is in read-only mode", sent=False, code=code)
        if not code:
            return BadAnswerError(f"{answer.what}: status {answer.status}; this is not pict-rs 0.5, check `pictrs.url`")
        return RejectedError(f"{answer.what}: {message or code}", code=code)

    def _names(self, found: Mapping[str, Any]) -> Sequence[str]:
        names = found.get("aliases")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise BadAnswerError("pict-rs named no aliases where it has to: this is not pict-rs 0.5")
        return names
