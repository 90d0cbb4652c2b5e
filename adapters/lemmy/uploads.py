"""Who stored a file: the upload list, remembered so that asking for many files costs few calls."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from adapters.lemmy.feeds import LAST_PAGE, upload_feed
from bot.domain.errors import BadAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.lemmy.client import LemmyClient
    from adapters.lemmy.convert import Converter
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
        pages: int = LAST_PAGE,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``pages``: how deep to look for an alias that is not known yet."""
        self._client = client
        self._converter = converter
        self._feed = upload_feed(client)
        self._pages = pages
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: dict[str, Upload] = {}
        self._depth = 0  # pages below the top that were read without a gap
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
            while alias not in self._known and self._depth < self._pages:
                if not self._read(self._depth + 1):
                    self._depth = self._pages  # the end of the list
            return self._known.get(alias)

    def _read_top(self) -> None:
        """What is new since the last look, down to the first upload that is known."""
        for page in range(1, self._pages + 1):
            before = len(self._known)
            rows = self._read(page, deeper=self._depth == 0)
            if self._depth <= 1 or rows == 0 or len(self._known) - before < rows:
                break
        self._looked_at = self._monotonic()

    def _read(self, page: int, *, deeper: bool = True) -> int:
        """Remember one page; the number of its rows, zero behind the end."""
        found = self._feed.page(page)
        staff = self._client.site().admins
        for row in found.rows:
            try:
                upload = self._converter.upload(row, staff=staff, backlog=False)  # type: ignore[arg-type]
            except BadAnswerError:
                continue  # one row in another shape is no reason not to know the others
            self._known[str(upload.name.value)] = upload
        while len(self._known) > KEPT:
            self._known.pop(next(iter(self._known)))
        if deeper:
            self._depth = max(self._depth, page) if found.following is not None else self._pages
        return len(found.rows)
