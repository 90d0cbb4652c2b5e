"""Who stored a file: the upload list, remembered so that asking for many files costs few calls."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from adapters.lemmy.feeds import upload_feed
from bot.domain.errors import BadAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapters.lemmy.client import LemmyClient
    from adapters.lemmy.convert import Converter
    from adapters.lemmy.listing import Page, Place
    from adapters.lemmy.wire import Json
    from bot.domain.content import Upload

FRESH = 5.0
"""Seconds for which a look holds: an upload is asked for some time after it was made. Whoever had to wait for a look
that somebody else took does not take another: under a rate limit each of them may last longer than it holds."""

KEPT = 20_000
"""Uploads that are remembered; the oldest asked for go first."""


class UploadIndex:
    """The upload list of one server, by alias. Thread-safe."""

    def __init__(
        self,
        client: LemmyClient,
        converter: Converter,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``client``: the server to ask."""
        self._client = client
        self._converter = converter
        self._feed = upload_feed(client)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: dict[str, Upload] = {}
        self._met: set[str] = set()  # by the look that is not over: one that failed has left what is below them unread
        self._below: Place | None = None  # where the way down from the first look goes on
        self._at_end = False  # of that way
        self._looked_at: float | None = None

    def find(self, alias: str) -> Upload | None:
        """The upload of an alias. ``None``: not among those that Lemmy lists; thumbnails never are.

        Raises ``PlatformError`` when the server cannot be asked.
        """
        asked_at = self._monotonic()
        with self._lock:
            if alias in self._known:
                return self._known[alias]
            if self._looked_at is None or asked_at - self._looked_at > FRESH:
                self._read_top()
            while alias not in self._known and not self._at_end:
                self._read_down()
            return self._known.get(alias)

    def _read_top(self) -> None:
        """What is new since the last look, down to the first upload that is known."""
        if self._below is None and not self._at_end:
            self._read_down()
        else:
            place: Place | None = None
            while True:
                page, names = self._read(place)
                place = page.following
                if place is None or any(known and name not in self._met for name, known in names.items()):
                    break
                self._met.update(names)
        self._met.clear()
        self._looked_at = self._monotonic()

    def _read_down(self) -> None:
        page, _ = self._read(self._below)
        self._below, self._at_end = page.following, page.following is None

    def _read(self, place: Place | None) -> tuple[Page[Json], Mapping[str, bool]]:
        """Remember one page; with its aliases, and whether each was known before."""
        page = self._feed.page(place)
        staff = self._client.site().admins
        names: dict[str, bool] = {}
        for row in page.rows:
            try:
                upload = self._converter.upload(row, staff=staff, backlog=False)  # type: ignore[arg-type]
            except BadAnswerError:
                continue  # one row in another shape is no reason not to know the others
            name = str(upload.name.value)
            names[name] = name in self._known
            self._known[name] = upload
        while len(self._known) > KEPT:
            self._known.pop(next(iter(self._known)))
        return page, names
