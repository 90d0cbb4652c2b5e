"""Who stored a file, as far as Lemmy 1.0 tells: ``GET /image/list``.

Of 1.0.0-beta.1 only the first fifty rows can be read, in no order: the next page is answered with 404, for the query
behind it has no column to go on from (crates/db_views/local_image/src/impls.rs). That is a fault of the server and not
the end of the list. New files are therefore found in pict-rs, and this list is asked for their uploaders.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from adapters.lemmy.convert import moment
from adapters.lemmy.v4 import wire
from bot.domain.errors import BadAnswerError, NotFoundError
from bot.ports import Batch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adapters.lemmy.convert import Converter
    from adapters.lemmy.reader import Reader
    from adapters.lemmy.v4.client import LemmyV4Client
    from adapters.lemmy.wire import Json
    from bot.domain.content import SubjectKey, Upload
    from bot.ports import Clock, Cursor, Gone

LIMIT = 50

FRESH = 5.0
"""Seconds for which what was read holds: an upload is asked for some time after it was made."""

PAGES = 100
"""Pages that are read for one alias, where the server lets itself be asked for more than the first."""

PAGES_AT_ONCE = 5
"""Pages that one poll reads."""

DEEP = 300.0
"""Seconds between two walks to the end of the list for an alias that is not in it."""

KEPT = 50_000
"""Uploads that are remembered; the oldest asked for go first."""

NOT_PAGED = (
    "who uploaded most files: this version of Lemmy shows the first 50 rows of its list of images and answers 404 for "
    "the next page, which is a fault of the server"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePage:
    """One page. ``cut``: the server named it as the next one, and then did not give it."""

    uploads: Sequence[Upload] = ()
    broken: Sequence[str] = ()
    following: str | None = None
    cut: bool = False


class V4Uploads:
    """The list of images of one server, by alias. Thread-safe."""

    def __init__(
        self,
        client: LemmyV4Client,
        converter: Converter,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``client``: the server to ask."""
        self._client = client
        self._converter = converter
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: dict[str, Upload] = {}
        self._looked_at: float | None = None
        self._deep_at: float | None = None

    def find(self, alias: str) -> Upload | None:
        """The upload of an alias. ``None``: not among those that the server shows, or a thumbnail of its own.

        Raises ``PlatformError`` when the server cannot be asked.
        """
        with self._lock:
            if alias in self._known or (self._looked_at is not None and self._monotonic() - self._looked_at <= FRESH):
                return self._known.get(alias)
        self._look_for(alias)
        return self._known.get(alias)

    def page(self, cursor: str | None) -> ImagePage:
        """A page; the first without a cursor. Raises ``PlatformError``."""
        try:
            answer = self._client.get("/image/list", {"limit": LIMIT, "page_cursor": cursor})
        except NotFoundError:
            if cursor is None:
                raise
            return ImagePage(cut=True)
        uploads, broken = self._read(answer)
        with self._lock:
            self._known.update({str(upload.name.value): upload for upload in uploads})
            while len(self._known) > KEPT:
                self._known.pop(next(iter(self._known)))
        following = answer.get("next_page")
        return ImagePage(uploads=uploads, broken=broken, following=None if following == cursor else following)

    def is_cut(self) -> bool:
        """Whether there is a page behind the first one that the server does not give. Raises ``PlatformError``."""
        following = self.page(None).following
        return following is not None and self.page(following).cut

    def _look_for(self, alias: str) -> None:
        at = self._monotonic()
        page = self.page(None)
        if alias in self._known:
            return
        if self._deep_at is None or at - self._deep_at >= DEEP:
            for _ in range(PAGES):
                if page.following is None:
                    break
                page = self.page(page.following)
                if alias in self._known:
                    return
            self._deep_at = at
        # Only now: what was read until something else was found tells nothing of other names.
        self._looked_at = at

    def _read(self, answer: Json) -> tuple[Sequence[Upload], Sequence[str]]:
        if not isinstance(answer.get("items"), list):
            raise BadAnswerError("the list of images has no items in it: this is not API v4 of Lemmy 1.0")
        staff = self._client.site().admins
        uploads, broken = [], []
        for place, row in enumerate(answer["items"]):
            try:
                if row["local_image"].get("thumbnail_for_post_id") is None:  # else the person is the author of a post
                    image = wire.image(row)
                    uploads.append(self._converter.upload(image, staff=staff, backlog=False))  # type: ignore[arg-type]
            except (BadAnswerError, KeyError, TypeError, AttributeError) as error:
                broken.append(f"row {place} of the images has an unknown shape ({type(error).__name__} {error})")
        return uploads, broken


class UploadSource:
    """The list of images as a feed.

    The cursor holds ``since`` (the first poll: what is older was there before the bot), ``newest`` (down to the upload
    of that time everything was read), ``walk`` (a way down from the top that has not come so far yet, and the time that
    it will raise ``newest`` to), ``back`` (where the part below the first page goes on, until it was read) and ``cut``
    (that the server gives no more than one page was told).
    """

    def __init__(self, name: str, uploads: V4Uploads, reader: Reader, clock: Clock) -> None:
        """``uploads`` and ``reader``: of one server."""
        self._name = name
        self._uploads = uploads
        self._reader = reader
        self._clock = clock
        self._cut = False

    @property
    def is_cut(self) -> bool:
        """Whether the server gave one page only, when it was read last: what is new is hardly ever on that."""
        return self._cut

    @property
    def name(self) -> str:
        """Key of the cursor: ``lemmy-main/uploads``."""
        return self._name

    def poll(self, after: Cursor | None) -> Batch:
        """The newest pages, and one more of the backlog. Raises ``PlatformError``."""
        known = after if after is not None and "newest" in after else None
        since = moment(str(known["since"])) if known is not None else _first_poll(after) or self._clock.now()
        newest = moment(str(known["newest"])) if known is not None else since
        walk = (known or {}).get("walk") or {}
        at, top = walk.get("at"), moment(str(walk["top"])) if walk else newest
        pages: list[ImagePage] = []
        while len(pages) < PAGES_AT_ONCE:
            pages.append(self._uploads.page(at))
            at, found = pages[-1].following, [upload.uploaded_at for upload in pages[-1].uploads]
            top = max([top, *found])
            if known is None or at is None or any(when <= newest for when in found):
                newest, walk = top, {}
                break
            walk = {"at": at, "top": top.isoformat()}
        back = pages[0].following if known is None else known["back"]
        if known is not None and back is not None:
            pages.append(self._uploads.page(str(back)))
            back = pages[-1].following
        uploads = [upload for page in pages for upload in page.uploads]
        told, cut = known is not None and bool(known["cut"]), any(page.cut for page in pages)
        self._cut = told or cut
        return Batch(
            uploads=[replace(upload, backlog=upload.uploaded_at <= since) for upload in uploads],
            cursor={
                "since": since.isoformat(),
                "newest": newest.isoformat(),
                "walk": walk or None,
                "back": back,
                "cut": self._cut,
            },
            more=back is not None or bool(walk),
            holes=[*(line for page in pages for line in page.broken), *([NOT_PAGED] if cut and not told else [])],
        )

    def read(self, what: SubjectKey) -> Batch | Gone:
        """One subject of any kind again, as it is now."""
        return self._reader.read(what)


def _first_poll(after: Cursor | None) -> datetime | None:
    """When a cursor of Lemmy 0.19 was begun, which counted in microseconds: the server was upgraded since."""
    try:
        return datetime.fromtimestamp(int((after or {})["floor"]) / 1_000_000, UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None
