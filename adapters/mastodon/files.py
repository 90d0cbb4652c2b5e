"""Whether the public still gets the files of a post that is gone: on Mastodon that is another question than the post.

A moderator's removal leaves them where they are (4.3) or hides them within seconds (4.4 and newer); a suspension hides
them for as long as it lasts, and its end shows all of them again, those of removed posts too.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from adapters.http import Transport
from adapters.public import PublicView
from bot.domain.errors import PlatformError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from adapters.mastodon.settings import MastodonSettings

HIDDEN = frozenset({401, 403, 404, 410})
"""How a web server or an object store says that a file is not for the public."""

REMEMBERED = 10_000
"""Posts whose files are remembered, by the addresses that they had before they were removed."""

WAIT = 5.0
"""Seconds that a server gets to hide or show files: it does so after it has answered."""

HIDES_AT_ONCE = 6
"""The API version (4.4) from which on a removal hides the files, a moment later."""

HELPS = (
    "suspending the account hides them while it lasts, deleting the account's data or the file in the store removes "
    "them for good"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Of several files, how many the public gets. ``unknown``: nobody could tell."""

    public: int = 0
    hidden: int = 0
    unknown: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.public + self.hidden + self.unknown

    @property
    def said(self) -> str:
        """For people, with what would help; empty where there are no files."""
        if not self.total:
            return ""
        if self.public:
            which = "its file is" if self.total == 1 else f"{self.public} of its {self.total} files are"
            return f"{which} still public: {HELPS}"
        if self.unknown:
            return "whether its files are still public could not be seen"
        return "its file is not public any more" if self.total == 1 else "its files are not public any more"


@dataclass(slots=True)
class _Known:
    account: str
    urls: tuple[str, ...]
    removed: bool = False


class Files:
    """The stored files of one server, as the world sees them. Thread-safe."""

    def __init__(
        self,
        settings: MastodonSettings,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Contacts nobody yet."""
        self._views = _views(settings)
        self._sleep = sleep
        self._monotonic = monotonic
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._lock = threading.Lock()
        self._hides = True  # what is removed, after a moment

    def remember(self, status: Mapping[str, Any]) -> Sequence[str]:
        """The addresses of a post's files, kept for when the post is gone. Nothing is learned from a removed one."""
        found = tuple(
            url
            for attachment in status.get("media_attachments") or ()
            if isinstance(url := attachment.get("url"), str) and self._view(url) is not None and not proxied(url)
        )
        account = str((status.get("account") or {}).get("id", ""))
        if found:
            with self._lock:
                self._known[str(status["id"])] = _Known(account, found)
                self._known.move_to_end(str(status["id"]))
                while len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
        return found

    def of(self, status_id: str) -> Sequence[str]:
        """What was remembered of a post."""
        with self._lock:
            known = self._known.get(status_id)
            return known.urls if known is not None else ()

    def removed(self, status_id: str) -> None:
        """The post is gone."""
        with self._lock:
            known = self._known.get(status_id)
            if known is not None:
                known.removed = True

    def of_removed(self, account_id: str) -> Sequence[str]:
        """The addresses of files of an account's posts that are gone, as far as they are remembered."""
        with self._lock:
            gone = [known for known in self._known.values() if known.removed and known.account == account_id]
        return [url for known in gone for url in known.urls]

    def count(self, urls: Iterable[str]) -> Count:
        """Look at each. A store that cannot be reached says nothing, and is no error."""
        public = hidden = unknown = 0
        for url in dict.fromkeys(urls):
            shown = self._shown(url)
            public += shown is True
            hidden += shown is False
            unknown += shown is None
        return Count(public=public, hidden=hidden, unknown=unknown)

    def settled(self, urls: Sequence[str], *, hidden: bool) -> Count:
        """Look until all are ``hidden``, or until one is not, for as long as a server may take for that.

        A server that has hidden nothing in that time will not do so the next time: then one look is enough.
        """
        deadline = self._monotonic() + (WAIT if self._hides or not hidden else 0.0)
        wait = 0.1
        while True:
            count = self.count(urls)
            if (not count.public if hidden else count.public) or not count.total:
                self._hides = self._hides or (hidden and bool(count.hidden))
                return count
            if self._monotonic() >= deadline:
                self._hides = self._hides and not hidden
                return count
            self._sleep(wait)
            wait = min(wait * 2, 1.0)

    def _shown(self, url: str) -> bool | None:
        view = self._view(url)
        if view is None:
            return None
        try:
            return view.proof(url).shown
        except PlatformError:
            return None

    def _view(self, url: str) -> PublicView | None:
        try:
            return self._views.get(urlsplit(url).netloc.lower())
        except ValueError:
            return None


def _views(settings: MastodonSettings) -> dict[str, PublicView]:
    """Host to who looks there: addresses of other hosts are not followed."""
    views: dict[str, PublicView] = {}
    if settings.files_url is not None:
        views[urlsplit(settings.files_url).netloc.lower()] = PublicView(Transport(settings.files_url), hidden=HIDDEN)
    reached, headers = settings.public, {}
    if settings.public_url is None and settings.host is not None:  # nothing but the host's name leads there
        reached, headers = settings.url, {"Host": settings.host, "X-Forwarded-Proto": "https"}
    views[urlsplit(settings.public).netloc.lower()] = PublicView(Transport(reached), headers=headers, hidden=HIDDEN)
    return views


def proxied(url: str) -> bool:
    """Whether an address leads to who fetches or hides a file, and not to the file."""
    return urlsplit(url).path.startswith("/media_proxy/")
