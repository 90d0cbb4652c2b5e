"""Answers about files and addresses of one Mastodon server.

The API knows no way from a file to its post: what we saw is in the ledger, under the id of the attachment, which object
keys and addresses of files hold. A file that nobody posted cannot be asked for at all, by nobody but its owner
(``GET /api/v1/media/:id``): only the database and the store know it, until Mastodon deletes it after a day.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from adapters.markup import looks_like_media
from adapters.whatwg import resolved
from bot.domain.content import Post, Profile, RemoteUrl, SubjectKey
from bot.domain.errors import NotFoundError, NotPermittedError, RejectedError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from adapters.mastodon.addresses import Addresses
    from adapters.mastodon.client import MastodonClient
    from adapters.mastodon.server import Server
    from bot.domain.content import Name, Subject, Upload

_STATUS = (
    re.compile(r"/(?:web/|deck/)?@[^/]+/(?:statuses/)?([0-9A-Za-z]+)/?"),
    re.compile(r"/(?:users|ap/users)/[^/]+/statuses/([0-9A-Za-z]+)(?:/activity)?/?"),
    re.compile(r"/(?:web/)?(?:statuses|notice|notes)/([0-9A-Za-z]+)/?"),
)
_ACCOUNT_ID = re.compile(r"/(?:ap/users|admin/accounts|web/accounts)/([0-9A-Za-z]+)/?")
_ACCOUNT_NAME = re.compile(r"/(?:(?:web/|deck/)?@|users/)([^/]+)/?")
_HANDLE = re.compile(r"@?([A-Za-z0-9_][A-Za-z0-9_.-]*@[A-Za-z0-9.-]+(?::\d+)?)|@([A-Za-z0-9_]+)")
_ID = re.compile(r"\d{15,20}|[0-9A-HJKMNP-TV-Z]{26}")


class MastodonResolver:
    """Asks one server."""

    def __init__(self, client: MastodonClient, server: Server, addresses: Addresses) -> None:
        """``server`` and ``addresses``: of the server of ``client``."""
        self._client = client
        self._server = server
        self._addresses = addresses

    def names(self, name: Name) -> Sequence[Name]:  # noqa: ARG002 - the promise of a resolver
        """Nothing: Mastodon does not know which of its files are of the same bytes."""
        return ()

    def uses(self, name: Name) -> Sequence[Subject]:  # noqa: ARG002
        """Nothing: a file belongs to one post, and no search leads from it there. What we saw is in the ledger."""
        return ()

    def uploader(self, name: Name) -> Upload | None:  # noqa: ARG002
        """Nobody: there is no list of uploads. An attachment belongs to its post's author, which its sighting tells."""
        return None

    def lists_all_uploads(self) -> bool:
        """No: there is no such list."""
        return False

    def staff(self) -> Collection[str]:
        """Everybody whose role has any permission of staff. Goes before listings, for a deed may wait for it."""
        return self._server.staff(fresh=True, urgent=True)

    def address(self, name: Name) -> str:
        """Where our server shows it. Of an attachment of which only the id is known: by the proxy that knows it so."""
        return self._addresses.address(name)

    def digest(self, name: Name) -> str | None:  # noqa: ARG002
        """Unknown: nothing that Mastodon says of a file is a digest of its bytes."""
        return None

    def named(self, url: str) -> Name:
        """By its host and path."""
        return self._addresses.name_of(url)

    def locate(self, text: str) -> Name | SubjectKey | None:
        """An object key, an address of this server, an id, a handle, or the address of something that it knows."""
        text = text.strip()
        if not text.startswith(("http://", "https://")):
            return self._addresses.key(text) or self._by_id(text) or self._by_handle(text)
        text = resolved(text) or text
        name = self._addresses.name_of(text)
        if not isinstance(name, RemoteUrl):
            return name
        if self._addresses.own(text):
            return self._page(unquote(urlsplit(text).path)) or self._resolved(text)
        return name if looks_like_media(text) else self._resolved(text)

    def _page(self, path: str) -> SubjectKey | None:
        for pattern in _STATUS:
            if match := pattern.fullmatch(path):
                return self._found(Post.kind, f"/api/v1/statuses/{match[1]}")
        if match := _ACCOUNT_ID.fullmatch(path):
            return self._found(Profile.kind, f"/api/v1/accounts/{match[1]}")
        if match := _ACCOUNT_NAME.fullmatch(path):
            return self._found(Profile.kind, "/api/v1/accounts/lookup", acct=match[1])
        return None

    def _by_id(self, text: str) -> Name | SubjectKey | None:
        """Of a post, or else of an attachment: both look alike."""
        if not _ID.fullmatch(text):
            return None
        return self._found(Post.kind, f"/api/v1/statuses/{text}") or self._addresses.attachment(text)

    def _by_handle(self, text: str) -> SubjectKey | None:
        match = _HANDLE.fullmatch(text)
        return (
            None if match is None else self._found(Profile.kind, "/api/v1/accounts/lookup", acct=match[1] or match[2])
        )

    def _found(self, kind: str, path: str, **query: str) -> SubjectKey | None:
        try:
            return self._key(kind, self._client.object(path, query)["id"])
        except (NotFoundError, RejectedError, KeyError):
            return None

    def _resolved(self, uri: str) -> SubjectKey | None:
        """By a search, which fetches what our server does not know yet. Wants the scope ``read:search``."""
        try:
            answer = self._client.object("/api/v2/search", {"q": uri, "resolve": True, "limit": 1})
        except (NotFoundError, RejectedError, NotPermittedError):
            return None
        for listed, kind in (("statuses", Post.kind), ("accounts", Profile.kind)):
            rows = answer.get(listed)
            if isinstance(rows, list) and rows and isinstance(rows[0], dict) and "id" in rows[0]:
                return self._key(kind, rows[0]["id"])
        return None

    def _key(self, kind: str, local_id: Any) -> SubjectKey:
        return SubjectKey(instance=self._addresses.instance, kind=kind, local_id=str(local_id))
