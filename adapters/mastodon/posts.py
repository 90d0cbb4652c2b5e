"""Where a post stands: there, gone, or hidden with its account; and who has removed it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adapters.mastodon.files import HIDES_AT_ONCE, REMEMBERED, proxied
from adapters.mastodon.report_book import SKEW
from bot.domain.errors import NotFoundError, NotLoggedInError, NotPermittedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from adapters.mastodon.client import MastodonClient
    from adapters.mastodon.files import Files
    from adapters.mastodon.report_book import ReportBook
    from adapters.mastodon.server import Server
    from adapters.mastodon.statuses import Statuses
    from adapters.mastodon.ways import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """``there is None``: it cannot be told. ``json``: as it is, as far as anybody shows it to us."""

    there: bool | None
    json: Mapping[str, Any] | None = None
    hidden: bool = False  # with its whole account

    @property
    def sensitive(self) -> bool:
        """Whether its media is behind a warning."""
        return bool(self.json and self.json.get("sensitive"))

    @property
    def has_media(self) -> bool:
        """Whether there is something that a warning covers: Mastodon offers none for words alone."""
        return bool(self.json and (self.json.get("media_attachments") or self.json.get("card")))


class Posts:
    """Posts of one server, and what became of them. Thread-safe."""

    def __init__(
        self,
        client: MastodonClient,
        server: Server,
        book: ReportBook,
        statuses: Statuses,
        files: Files,
        lists: Sequence[Callable[[Target], bool | None]],
    ) -> None:
        """``lists``: who else can tell whether a post is there that nobody is shown."""
        self._client = client
        self._server = server
        self._book = book
        self._statuses = statuses
        self._files = files
        self._lists = lists
        self._removed: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, target: Target) -> Found:
        """The post as strangers see it; of a suspended account as moderators do, as far as they are shown it."""
        shown = self._statuses.look(target.status_id)
        if shown.json is not None:
            self._files.remember(shown.json)
            return Found(there=True, json=shown.json)
        if target.status_id in self._removed or not self._is_suspended(target.account_id):
            self._files.removed(target.status_id)
            return Found(there=False)
        return self._behind(target)

    def _behind(self, target: Target) -> Found:
        """A post that is hidden with its account: nobody but moderators can tell whether it is there."""
        ours = self._book.ours_about(target.account_id)
        json = next((filed.statuses[target.status_id] for filed in ours if target.status_id in filed.statuses), None)
        there: bool | None = None
        if json is not None:
            self._files.remember(json)
            there = self._kept(json, target)
        for lists in self._lists:
            there = lists(target) if there is None else there
        return Found(there=there, json=json, hidden=True)

    def _kept(self, json: Mapping[str, Any], target: Target) -> bool | None:
        """Of a removed remote post nothing is left. Since 4.4 files of a removed local one are for moderators."""
        if target.remote:
            return True
        api = self._server.now(urgent=True).api
        urls = [str(one.get("url")) for one in json.get("media_attachments") or ()]
        if not urls or api is None or api < HIDES_AT_ONCE:
            return None
        return not all(proxied(url) for url in urls)

    def _has_book(self) -> bool:
        """Whether the server shows its reports, and its accounts, as Mastodon does."""
        caps = self._server.now(urgent=True)
        return caps.mainline or caps.only_suspends

    def closed_since(self, target: Target, since: datetime) -> bool:
        """Whether a report of ours on this post alone was closed since then, as far as clocks agree."""
        ours = self._book.ours_about(target.account_id) if self._has_book() else iter(())
        mine = [filed for filed in ours if filed.names_only(target.status_id)]
        return any(filed.resolved_at is not None and filed.resolved_at >= since - SKEW for filed in mine)

    def ours(self, target: Target) -> bool | None:
        """Who closed our reports that are, or were, on this post alone; ``None`` where that does not tell.

        What is left of a report whose remote posts are gone is an empty one: it may have been on any post.
        """
        if target.status_id in self._removed:
            return True
        if not self._has_book():
            return None
        ours = list(self._book.ours_about(target.account_id))
        for filed in ours:
            for status in filed.statuses.values():
                self._files.remember(status)
        mine = [filed for filed in ours if filed.names_only(target.status_id)]
        if not mine and target.remote:
            mine = [filed for filed in ours if not filed.statuses]
        closers = {filed.resolved_by_us for filed in mine}
        return closers.pop() if len(closers) == 1 else None

    def elsewhere(self) -> Sequence[str]:
        """Hosts of the newest local posts' files that no setting names. Raises ``PlatformError``."""
        query = {"local": True, "only_media": True, "limit": 20}
        try:
            rows = self._client.listing("/api/v1/timelines/public", query).rows
        except (NotFoundError, NotPermittedError, NotLoggedInError):  # that is said where timelines are checked
            return ()
        return self._files.elsewhere([url for row in rows for url in self._files.addresses(row)])

    def removed(self, target: Target) -> None:
        """We have just removed it."""
        with self._lock:
            self._removed[target.status_id] = None
            while len(self._removed) > REMEMBERED:
                self._removed.popitem(last=False)

    def _is_suspended(self, account_id: str) -> bool:
        if not self._has_book():
            return False
        try:
            found = self._client.object(f"/api/v1/admin/accounts/{account_id}", urgent=True)
        except (NotFoundError, NotPermittedError):
            return False
        return bool(found.get("suspended"))
