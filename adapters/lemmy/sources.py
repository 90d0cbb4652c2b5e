"""What is new on a Lemmy server: posts, comments, uploads."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from adapters.lemmy.convert import is_private, moment
from adapters.lemmy.walk import Patience, Walk
from bot.domain.errors import BadAnswerError, NotLoggedInError, PlatformError
from bot.ports import Batch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from adapters.lemmy.client import LemmyClient
    from adapters.lemmy.convert import Converter
    from adapters.lemmy.listing import Feed, Found
    from adapters.lemmy.reader import Reader
    from adapters.lemmy.wire import Json
    from bot.domain.content import Sighting, SubjectKey, Upload
    from bot.ports import Clock, Cursor, Gone


@dataclass(slots=True)
class Basket:
    """What one poll has gathered so far. Pages of authors and communities come with every row and are kept once."""

    sightings: dict[object, Sighting] = field(default_factory=dict)
    uploads: list[Upload] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)
    holes: list[str] = field(default_factory=list)

    def add(self, sightings: Sequence[Sighting]) -> None:
        """The first of what is the same."""
        for one in sightings:
            self.sightings.setdefault((one.subject.key, one.media.url, one.media.role), one)

    def drop(self, reason: str) -> None:
        """Count something that is left out on purpose."""
        self.dropped[reason] = self.dropped.get(reason, 0) + 1


class Pace:
    """Keeps a source that seldom has news from asking for them all the time."""

    def __init__(self, clock: Clock, every: timedelta) -> None:
        """Due at once, and then ``every`` so often."""
        self._clock = clock
        self._every = every
        self._last: datetime | None = None

    def due(self) -> bool:
        """Whether it is time; after the clock was set back, it is."""
        now = self._clock.now()
        return self._last is None or not timedelta(0) <= now - self._last < self._every

    def done(self, *, more: bool = False) -> None:
        """It was asked just now; with ``more`` the next time is now."""
        self._last = None if more else self._clock.now()


class LemmySource:
    """One listing as a feed of sightings and uploads."""

    def __init__(
        self,
        name: str,
        feed: Feed[Json],
        gather: Callable[[Found[Json], Basket], None],
        *,
        client: LemmyClient,
        reader: Reader,
        clock: Clock,
        start_from: timedelta | None,
        every: timedelta = timedelta(0),
    ) -> None:
        """``start_from``: how far before the first poll to begin (zero: now); ``None``: with everything there is.

        ``every``: what is asked more often than that brings nothing and costs no call.
        """
        self._name = name
        self._feed = feed
        self._gather = gather
        self._client = client
        self._reader = reader
        self._clock = clock
        self._start_from = start_from
        self._pace = Pace(clock, every)
        self._patience = Patience()

    @property
    def name(self) -> str:
        """Key of the cursor: ``lemmy-main/posts``."""
        return self._name

    def poll(self, after: Cursor | None) -> Batch:
        """A few pages of what is new since ``after``, and of the backlog; see ``adapters.lemmy.walk``.

        Where a page fails, those before it are told all the same: what they list may be deleted by the next poll.
        """
        if not self._pace.due():
            return Batch()
        self._client.site()  # learns the server's limits before it meets them
        for _ in range(2):
            walk = Walk(feed=self._feed, clock=self._clock, start_from=self._start_from, patience=self._patience)
            try:
                walk.go(after)
                logged_in = self._client.still_logged_in()
            except PlatformError as error:
                if not walk.found:
                    raise
                basket = self._gathered(walk)
                return Batch(sightings=list(basket.sightings.values()), uploads=basket.uploads, trouble=str(error))
            if logged_in:
                self._pace.done(more=walk.more)
                return self._batch(walk)
        raise NotLoggedInError(f"{self._client.settings.url} accepts the login, and then not the token that it gave")

    def read(self, what: SubjectKey) -> Batch | Gone:
        """One subject of any kind again, as it is now."""
        return self._reader.read(what)

    def _gathered(self, walk: Walk[Json]) -> Basket:
        basket = Basket(holes=walk.holes)
        for found in walk.found:
            try:
                self._gather(found, basket)
            except BadAnswerError as error:
                basket.holes.append(str(error))
        return basket

    def _batch(self, walk: Walk[Json]) -> Batch:
        basket = self._gathered(walk)
        return Batch(
            sightings=list(basket.sightings.values()),
            uploads=basket.uploads,
            cursor=walk.cursor,
            more=walk.more,
            dropped=basket.dropped,
            holes=basket.holes,
            trouble=walk.trouble,
        )


def sources(
    client: LemmyClient,
    converter: Converter,
    reader: Reader,
    clock: Clock,
    start_from: timedelta | None,
    *,
    posts: Feed[Json],
    comments: Feed[Json],
    uploads: Feed[Json] | None = None,
) -> Sequence[LemmySource]:
    """What the listings of one server bring. ``uploads``: where those can be read page by page, too."""
    instance = converter.addresses.instance

    def of_post(found: Found[Json], basket: Basket) -> None:
        post = found.row["post"]
        if (reason := _hidden(post, found.row)) is not None or not _wanted(found, post):
            if found.fresh:
                basket.drop(reason or "older than start_from")
            return
        now = clock.now()
        basket.add(converter.seen_in_post(found.row, at=now, backlog=found.backlog))  # type: ignore[arg-type]
        basket.add(converter.seen_around(found.row, at=now, backlog=found.backlog))  # type: ignore[arg-type]

    def of_comment(found: Found[Json], basket: Basket) -> None:
        comment = found.row["comment"]
        if (reason := _hidden(comment, found.row)) is not None or not _wanted(found, comment):
            if found.fresh:
                basket.drop(reason or "older than start_from")
            return
        now = clock.now()
        basket.add(converter.seen_in_comment(found.row, at=now, backlog=found.backlog))  # type: ignore[arg-type]
        basket.add(converter.seen_around(found.row, at=now, backlog=found.backlog))  # type: ignore[arg-type]

    def of_upload(found: Found[Json], basket: Basket) -> None:
        staff = client.site().admins
        upload = converter.upload(found.row, staff=staff, backlog=found.backlog)  # type: ignore[arg-type]
        basket.uploads.append(upload)
        if found.wanted:
            person = found.row["person"]
            basket.add(
                converter.seen_in_profile(
                    person, at=clock.now(), backlog=found.backlog, is_staff=upload.uploader.is_staff
                )
            )

    def source(word: str, feed: Feed[Json], gather: Callable[[Found[Json], Basket], None]) -> LemmySource:
        return LemmySource(
            f"{instance}/{word}",
            feed,
            gather,
            client=client,
            reader=reader,
            clock=clock,
            start_from=start_from,
        )

    found = [source("posts", posts, of_post), source("comments", comments, of_comment)]
    return found if uploads is None else [*found, source("uploads", uploads, of_upload)]


def _hidden(item: Json, view: Json) -> str | None:
    """Why nobody sees a post or comment (any more), or only those who were let in."""
    if is_private(view.get("community")):
        return "in a private community"
    if item.get("removed"):
        return "removed"
    return "deleted by its author" if item.get("deleted") else None


def _wanted(found: Found[Json], item: Json) -> bool:
    """Whether something is young enough, or was edited since then. That is its author's server's word, like its age."""
    if found.wanted or found.edited_since is None or "updated" not in item:
        return found.wanted
    return moment(item["updated"]) >= found.edited_since
