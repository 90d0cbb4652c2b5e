"""Answers about files and addresses of one Lemmy server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from adapters.etag import digest_in
from adapters.lemmy.addresses import alias_of, leads_to_a_file
from adapters.markup import looks_like_media
from adapters.whatwg import resolved
from bot.domain.content import Alias, Comment, CommunityPage, Post, Profile, SubjectKey
from bot.domain.errors import BadAnswerError, NotFoundError, RejectedError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from adapters.lemmy.client import LemmyClient
    from adapters.lemmy.convert import Converter
    from adapters.lemmy.wire import Json
    from adapters.public import PublicView
    from bot.domain.content import Name, Sighting, Subject, Upload
    from bot.ports import Clock

_POST = re.compile(r"/post/(\d+)/?")
_COMMENT = re.compile(r"/(?:comment|post/\d+)/(\d+)/?")
_PERSON = re.compile(r"/u/([^/]+)/?")
_COMMUNITY = re.compile(r"/c/([^/]+)/?")
FOUND = 50
"""Rows of a page of what was found: the most that Lemmy gives."""

PAGES = 4
"""Pages that are read of one search, as long as they are full: Lemmy 0.19 allows sixty in ten minutes, all together."""


class Uploads(Protocol):
    """What a server lists as stored by somebody."""

    def find(self, alias: str) -> Upload | None:
        """The upload of an alias. Raises ``PlatformError``."""
        ...


class LemmyResolver:
    """Asks one server."""

    _people = "/user"

    def __init__(
        self, client: LemmyClient, converter: Converter, uploads: Uploads, public: PublicView, clock: Clock
    ) -> None:
        """``uploads`` and ``public``: of the server of ``client``."""
        self._client = client
        self._converter = converter
        self._addresses = converter.addresses
        self._uploads = uploads
        self._public = public
        self._clock = clock

    def names(self, name: Name) -> Sequence[Name]:  # noqa: ARG002 - the promise of a resolver
        """Nothing: Lemmy does not know which of its names are of the same bytes."""
        return ()

    def uses(self, name: Name) -> Sequence[Subject]:
        """Posts and comments in which a search finds the file.

        Not searchable, and so not found: thumbnails, avatars, banners, icons, sidebars, private messages, and whatever
        was removed or deleted. Nor is what is behind two hundred posts, or comments, of one search. Costs two calls of
        the search limiter, and one more for each full page; does not wait for it.
        """
        found: dict[str, Subject] = {}
        for sighting in self._search(name):
            if sighting.name == name:
                found[str(sighting.subject.key)] = sighting.subject
        return list(found.values())

    def uploader(self, name: Name) -> Upload | None:
        """By the upload list, as far as this Lemmy shows it."""
        return self._uploads.find(name.value) if self._is_own(name) else None

    def address(self, name: Name) -> str:
        """Where our server shows it; a remote file keeps its own address."""
        return self._addresses.address(name)

    def digest(self, name: Name) -> str | None:
        """From the ETag of our own server's answer, which pict-rs 0.5.20 and newer send."""
        if not self._is_own(name):
            return None
        look = self._public.look(self._addresses.address(name))
        return digest_in(look.etag) if look.shown else None

    def named(self, url: str) -> Name:
        """By its host and path."""
        return self._addresses.name_of(url)

    def locate(self, text: str) -> Name | SubjectKey | None:
        """An alias, an address of this server, or the ActivityPub address of something that it knows.

        Of an address of a file that path alone, too, as access logs have it.
        """
        text = text.strip()
        if (alias := alias_of(text)) is not None:
            return Alias(instance=self._addresses.instance, value=alias)
        if not text.startswith(("http://", "https://")):
            if not leads_to_a_file(path := f"/{text.lstrip('/')}"):
                return None
            text = f"{self._addresses.url}{path}"
        text = resolved(text) or text
        name = self._addresses.name_of(text)
        if isinstance(name, Alias):
            return name
        if self._addresses.own(text):
            return self._page(urlsplit(text).path)
        return name if looks_like_media(text) else self._resolved(text)

    def lists_all_uploads(self) -> bool:
        """Yes: what Lemmy 0.19 lists no more, the feed of uploads has told."""
        return True

    def staff(self) -> Collection[str]:
        """The admins. Goes before listings, for a deed may wait for it."""
        return frozenset(str(number) for number in self._client.site(fresh=True, urgent=True).admins)

    def _is_own(self, name: Name) -> bool:
        return isinstance(name, Alias) and name.instance == self._addresses.instance

    def _search(self, name: Name) -> Iterator[Sighting]:
        at = self._clock.now()
        for found in self._found(name):
            try:
                for view in found["posts"]:
                    yield from self._converter.seen_in_post(view, at=at, backlog=False)
                for view in found["comments"]:
                    yield from self._converter.seen_in_comment(view, at=at, backlog=False)
            except (KeyError, TypeError) as error:
                raise BadAnswerError(f"the search has an unknown shape ({type(error).__name__})") from error

    def _found(self, name: Name) -> Iterator[Json]:
        """Views of posts and comments that may show it."""
        for kind, text in (("All", name.value), ("Url", self._addresses.address(name))):
            query = {"q": text, "type_": kind, "listing_type": "All", "sort": "New", "limit": FOUND}
            for page in range(1, PAGES + 1):
                answer = self._client.get("/search", {**query, "page": page}, patient=False)
                yield answer
                if max(len(answer["posts"]), len(answer["comments"])) < FOUND:
                    break

    def _page(self, path: str) -> SubjectKey | None:
        if match := _POST.fullmatch(path):
            return self._key(Post.kind, match[1])
        if match := _COMMENT.fullmatch(path):
            return self._key(Comment.kind, match[1])
        try:
            if match := _PERSON.fullmatch(path):
                answer = self._client.get(self._people, {"username": match[1], "limit": 1})
                return self._key(Profile.kind, answer["person_view"]["person"]["id"])
            if match := _COMMUNITY.fullmatch(path):
                answer = self._client.get("/community", {"name": match[1]})
                return self._key(CommunityPage.kind, answer["community_view"]["community"]["id"])
        except (NotFoundError, RejectedError):
            return None
        return None

    def _resolved(self, uri: str) -> SubjectKey | None:
        try:
            answer: Json = self._client.get("/resolve_object", {"q": uri})
        except (NotFoundError, RejectedError):
            return None
        for field, kind, inner in (
            ("post", Post.kind, "post"),
            ("comment", Comment.kind, "comment"),
            ("person", Profile.kind, "person"),
            ("community", CommunityPage.kind, "community"),
        ):
            if field in answer:
                return self._key(kind, answer[field][inner]["id"])
        return None

    def _key(self, kind: str, local_id: Any) -> SubjectKey:
        return SubjectKey(instance=self._addresses.instance, kind=kind, local_id=str(local_id))
