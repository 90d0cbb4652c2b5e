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

GONE = frozenset({404, 410})
"""How a host says that there is no such file."""

HIDDEN = GONE | {401, 403}
"""How our own web server says that a file is not for the public. Of other hosts it may as well mean how we ask: an
object store refuses by address or by referrer what it hands to others.
"""

FEW = 3
"""Hosts that are named to people."""

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
    """Of several files, how many the public gets. ``unknown``: nobody could tell.

    ``elsewhere``: hosts of those that the bot does not look at, for it does not know them.
    """

    public: int = 0
    hidden: int = 0
    unknown: int = 0
    elsewhere: tuple[str, ...] = ()

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
            return f"{which} still public: {HELPS}{self._unseen}"
        if self.unknown:
            return f"whether its files are still public could not be seen{self._unseen}"
        return "its file is not public any more" if self.total == 1 else "its files are not public any more"

    @property
    def _unseen(self) -> str:
        if not self.elsewhere:
            return ""
        return f" (on {' and '.join(self.elsewhere[:FEW])} the bot looks only if `files_url` says that files are there)"


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
        found = self.addresses(status)
        account = str((status.get("account") or {}).get("id", ""))
        if found:
            with self._lock:
                self._known[str(status["id"])] = _Known(account, found)
                self._known.move_to_end(str(status["id"]))
                while len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
        return found

    def addresses(self, status: Mapping[str, Any]) -> tuple[str, ...]:
        """Where this server's files of a post are; on whatever host, for a server may keep them anywhere."""
        urls = [attachment.get("url") for attachment in status.get("media_attachments") or ()]
        remote = "@" in str((status.get("account") or {}).get("acct", ""))
        return tuple(
            url
            for url in urls
            if isinstance(url, str)
            and (self._view(url) is not None or _stored(url, remote=remote))
            and not proxied(url)
        )

    def elsewhere(self, urls: Iterable[str]) -> tuple[str, ...]:
        """Hosts at which nobody looks, for no setting names them."""
        return tuple(dict.fromkeys(_netloc(url) for url in urls if self._view(url) is None and _stored(url)))

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
        urls = list(dict.fromkeys(urls))
        for url in urls:
            shown = self._shown(url)
            public += shown is True
            hidden += shown is False
            unknown += shown is None
        return Count(public=public, hidden=hidden, unknown=unknown, elsewhere=self.elsewhere(urls))

    def settled(self, urls: Sequence[str], *, hidden: bool) -> Count:
        """Look until all are ``hidden``, or until one is not, for as long as a server may take for that.

        A server that has hidden nothing in that time will not do so the next time: then one look is enough.
        """
        deadline = self._monotonic() + (WAIT if self._hides or not hidden else 0.0)
        wait = 0.1
        while True:
            count = self.count(urls)
            if (not count.public if hidden else count.public) or not any(self._view(url) for url in urls):
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
        views[_netloc(settings.files_url)] = PublicView(Transport(_origin(settings.files_url)), hidden=GONE)
    reached, headers = _origin(settings.public), {}
    if settings.public_url is None and settings.host is not None:  # nothing but the host's name leads there
        reached, headers = settings.url, {"Host": settings.host, "X-Forwarded-Proto": "https"}
    views[_netloc(settings.public)] = PublicView(Transport(reached), headers=headers, hidden=HIDDEN)
    return views


def _netloc(url: str) -> str:
    return urlsplit(url).netloc.lower()


def _origin(url: str) -> str:
    """Without a path: an address of a file has all of it, the bucket's too."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _stored(url: str, *, remote: bool = False) -> bool:
    """Whether an address is one of a store of ours: those of other servers' files are copies."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and (not remote or "/cache/" in parts.path)


def proxied(url: str) -> bool:
    """Whether an address leads to who fetches or hides a file, and not to the file."""
    return urlsplit(url).path.startswith("/media_proxy/")
