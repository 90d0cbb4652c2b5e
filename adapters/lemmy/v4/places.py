"""Where else a Lemmy 1.0 shows pictures: communities, accounts, its own pages, messages that somebody reported.

All listings have cursors there and are read to their end, however long they are.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from adapters.lemmy.convert import is_private
from adapters.lemmy.feeds import LIMIT
from adapters.lemmy.places import MESSAGES_EVERY, SiteSource, of_message
from adapters.lemmy.sources import LemmySource
from adapters.lemmy.tour import Page, Tour, TourSource, Way
from adapters.lemmy.v4 import wire
from adapters.lemmy.v4.feeds import ODD, message_feed
from bot.domain.errors import BadAnswerError, NotFoundError, RejectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adapters.lemmy.convert import Converter
    from adapters.lemmy.reader import Reader
    from adapters.lemmy.v4.client import LemmyV4Client
    from adapters.lemmy.wire import Json
    from bot.domain.content import Sighting
    from bot.ports import Clock, Source


class CursorTour(TourSource):
    """A listing of communities or accounts, read round and round along its cursors."""

    def __init__(self, name: str, tour: Tour, translate: Callable[[Json], Json], **more: Any) -> None:
        """``translate``: a row in the words of v3. ``more`` as in ``TourSource``."""
        super().__init__(name, tour, **more)
        self._translate = translate

    def _next(self, state: dict[str, Any], now: datetime) -> tuple[int | None, int | str]:
        if state["way"] is not None and state["way"] >= len(self._tour.ways):
            state["way"] = None  # begun when the server was a 0.19, which needs more ways
        if not isinstance(state["page"], str):
            state["page"] = 1
        return super()._next(state, now)

    def _read(self, way: Way, number: int | str) -> Page:
        cursor = number if isinstance(number, str) else None
        query = {**way.query, "limit": LIMIT, "page_cursor": cursor}
        try:
            answer = self._client.get(self._tour.path, query, patient=False)
        except (RejectedError, NotFoundError):
            if cursor is None:
                raise
            return Page()  # what the cursor named is gone: the next round reads the rest
        listed = answer.get(self._tour.key)
        if not isinstance(listed, list):
            raise BadAnswerError(f"{self._tour.path} has no {self._tour.key!r} in it: this is not API v4 of Lemmy 1.0")
        following = answer.get("next_page") if listed else None
        page, rows = Page(following=None if following == cursor else following), []
        for row in listed:
            try:
                view = self._translate(row)
                self._number(view)
                rows.append(view)
            except ODD as error:
                page.broken.append(f"a row of {self._tour.path} has an unknown shape ({type(error).__name__} {error})")
        page.rows = rows
        return page


class V4SiteSource(SiteSource):
    """The server's own pages. Taglines and emoji are asked for by calls of their own."""

    _client: LemmyV4Client

    def _whole(self, described: Json) -> Json:
        return self._client.shown_on(described)


def places(
    client: LemmyV4Client, converter: Converter, reader: Reader, clock: Clock, start_from: timedelta | None
) -> Sequence[Source]:
    """Sources beside the listings of posts, comments and uploads, under the names that they have for 0.19."""
    instance = converter.addresses.instance
    common: dict[str, Any] = {"client": client, "reader": reader, "clock": clock, "start_from": start_from}

    def of_community(row: Json, at: datetime, backlog: bool) -> Sequence[Sighting]:
        if is_private(row["community"]):
            return ()
        return converter.seen_in_community(row["community"], at=at, backlog=backlog)

    def of_person(row: Json, at: datetime, backlog: bool) -> Sequence[Sighting]:
        staff = bool(row.get("is_admin"))
        return converter.seen_in_profile(row["person"], at=at, backlog=backlog, is_staff=staff)

    communities = Tour(
        path="/community/list",
        key="items",
        inner="community",
        ways=(Way(query={"type_": "all", "show_nsfw": "true", "sort": "new"}),),
        seen=of_community,
        pace=timedelta(seconds=15),
        top=timedelta(minutes=5),
        every=timedelta(hours=6),
    )
    profiles = Tour(
        path="/person/list",
        key="items",
        inner="person",
        ways=(Way(query={"type_": "local", "sort": "new"}), Way(query={"type_": "all", "sort": "new"})),
        seen=of_person,
        pace=timedelta(seconds=15),
        top=timedelta(minutes=5),
        every=timedelta(hours=12),
    )
    return (
        CursorTour(f"{instance}/communities", communities, wire.community_view, **common),
        CursorTour(f"{instance}/profiles", profiles, wire.person_view, **common),
        V4SiteSource(f"{instance}/site", client, converter, reader, clock, start_from),
        LemmySource(
            f"{instance}/messages",
            message_feed(client),
            of_message(converter, lambda: client.site().admins, clock),
            every=MESSAGES_EVERY,
            **common,
        ),
    )
