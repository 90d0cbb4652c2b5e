"""Where else a Lemmy server shows pictures: communities, accounts, its own pages, messages that somebody reported.

Private messages that nobody reported and answers of applicants are none of the bot's business: nothing here asks for
them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from adapters.lemmy.convert import moment
from adapters.lemmy.feeds import PagedFeed
from adapters.lemmy.sources import Basket, LemmySource, Pace
from adapters.lemmy.tour import Tour, TourSource, Way
from bot.domain.errors import BadAnswerError, NotLoggedInError
from bot.ports import Batch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from adapters.lemmy.client import LemmyClient
    from adapters.lemmy.convert import Converter
    from adapters.lemmy.listing import Found
    from adapters.lemmy.reader import Reader
    from adapters.lemmy.wire import Json
    from bot.domain.content import Sighting, SubjectKey
    from bot.ports import Clock, Cursor, Gone, Source

SITE_EVERY = timedelta(minutes=2)
MESSAGES_EVERY = timedelta(minutes=1)


def of_message(
    converter: Converter, admins: Callable[[], frozenset[int]], clock: Clock
) -> Callable[[Found[Json], Basket], None]:
    """What a report of a private message shows: the message, and the pages of who wrote and who reported it.

    ``admins``: ids of the server's, as they are now.
    """

    def told(found: Found[Json], basket: Basket) -> None:
        if found.wanted:
            now, staff = clock.now(), admins()
            basket.add(converter.seen_in_message(found.row, staff=staff, at=now, backlog=found.backlog))
            for who in ("private_message_creator", "creator"):  # of the message, and of the report
                person: Any = found.row.get(who) or {}
                is_staff = person.get("id") in staff
                basket.add(converter.seen_in_profile(person, at=now, backlog=found.backlog, is_staff=is_staff))
        elif found.fresh:
            basket.drop("older than start_from")

    return told


def places(
    client: LemmyClient, converter: Converter, reader: Reader, clock: Clock, start_from: timedelta | None
) -> Sequence[Source]:
    """Sources beside the listings of posts, comments and uploads. All of them may bring nothing for a long time."""
    instance = converter.addresses.instance

    def tour(word: str, what: Tour) -> TourSource:
        return TourSource(f"{instance}/{word}", what, client=client, reader=reader, clock=clock, start_from=start_from)

    messages = PagedFeed(
        client,
        path="/private_message/report/list",
        key="private_message_reports",
        query={},
        ends_at_cutoff=True,
        has_numbers=False,
        number=lambda row: int(row["private_message_report"]["id"]),
        published=lambda row: moment(row["private_message_report"]["published"]),
    )
    return (
        tour("communities", communities(converter)),
        tour("profiles", profiles(converter)),
        SiteSource(f"{instance}/site", client, converter, reader, clock, start_from),
        LemmySource(
            f"{instance}/messages",
            messages,
            of_message(converter, lambda: client.site().admins, clock),
            client=client,
            reader=reader,
            clock=clock,
            start_from=start_from,
            every=MESSAGES_EVERY,
        ),
    )


def communities(converter: Converter) -> Tour:
    """``GET /community/list``: an admin is also shown those that are hidden, removed or deleted."""

    def seen(row: Json, at: datetime, backlog: bool) -> Sequence[Sighting]:
        return converter.seen_in_community(row["community"], at=at, backlog=backlog)

    def way(sort: str, **more: Any) -> Way:
        return Way(query={"type_": "All", "show_nsfw": "true", "sort": sort}, **more)

    hole = "communities between the newest five thousand and the oldest: Lemmy lists no more than 100 pages"
    return Tour(
        path="/community/list",
        key="communities",
        inner="community",
        ways=(way("New"), way("Old", rest=True, hole=hole)),
        seen=seen,
        pace=timedelta(seconds=15),
        top=timedelta(minutes=5),
        every=timedelta(hours=6),
    )


def profiles(converter: Converter) -> Tour:
    """``GET /search`` with an empty text: accounts of this server, then all others that it knows.

    Searches have a limit of their own, sixty in ten minutes by default; the places of a flagged file are searched for,
    too, and need most of it.
    """

    def seen(row: Json, at: datetime, backlog: bool) -> Sequence[Sighting]:
        staff = bool(row.get("is_admin"))
        return converter.seen_in_profile(row["person"], at=at, backlog=backlog, is_staff=staff)

    def way(listing: str, sort: str, **more: Any) -> Way:
        return Way(query={"q": "", "type_": "Users", "listing_type": listing, "sort": sort}, **more)

    hole = "accounts of this server between the newest five thousand and the oldest: Lemmy lists no more than 100 pages"
    return Tour(
        path="/search",
        key="users",
        inner="person",
        # That there are more accounts elsewhere than can be listed is no news: see docs/lemmy-reading.md.
        ways=(
            way("Local", "New"),
            way("Local", "Old", rest=True, hole=hole),
            way("All", "New"),
            way("All", "Old", rest=True),
        ),
        seen=seen,
        pace=timedelta(minutes=2),
        top=timedelta(minutes=10),
        every=timedelta(hours=12),
    )


class SiteSource:
    """The server's own pages: one call tells all of them.

    The cursor holds the revision of each, so that only what is new or was edited is told.
    """

    def __init__(
        self,
        name: str,
        client: LemmyClient,
        converter: Converter,
        reader: Reader,
        clock: Clock,
        start_from: timedelta | None,
    ) -> None:
        """``start_from`` as in ``LemmySource``."""
        self._name = name
        self._client = client
        self._converter = converter
        self._reader = reader
        self._clock = clock
        self._start_from = start_from
        self._pace = Pace(clock, SITE_EVERY)

    @property
    def name(self) -> str:
        """Key of the cursor: ``lemmy-main/site``."""
        return self._name

    def poll(self, after: Cursor | None) -> Batch:
        """What is shown there and was not, or not so."""
        if not self._pace.due():
            return Batch()
        site = self._client.site(fresh=True)
        if site.me is None:
            self._client.my_id()  # looks at the login, and says what is wrong with it
            site = self._client.site(fresh=True)
        if site.me is None:
            raise NotLoggedInError(f"{self._client.settings.url} does not say who the bot is")
        now, known = self._clock.now(), after["revisions"] if after is not None else {}
        try:
            found = self._pages(self._whole(site.json), now, backlog=after is None)
        except BadAnswerError as error:
            return Batch(holes=[str(error)])
        finally:
            self._pace.done()
        revisions = {str(one.subject.key): one.subject.revision for one in found}
        new = [one for one in found if known.get(str(one.subject.key)) != one.subject.revision]
        if after is None and self._start_from is not None:
            cutoff = now - self._start_from
            wanted = [one for one in new if one.subject.published_at is None or one.subject.published_at >= cutoff]
            dropped = {"older than start_from": len(new) - len(wanted)} if len(new) > len(wanted) else {}
            return Batch(sightings=wanted, cursor={"revisions": revisions}, dropped=dropped)
        return Batch(sightings=new, cursor={"revisions": revisions})

    def _pages(self, described: Json, at: datetime, *, backlog: bool) -> Sequence[Sighting]:
        """The pages of the server, and those of its admins, whom every visitor is shown."""
        found = list(self._converter.seen_on_site(described, at=at, backlog=backlog))
        for admin in described.get("admins") or ():
            found.extend(self._converter.seen_in_profile(admin["person"], at=at, backlog=backlog, is_staff=True))
        return found

    def read(self, what: SubjectKey) -> Batch | Gone:
        """One subject of any kind again, as it is now."""
        return self._reader.read(what)

    def _whole(self, described: Json) -> Json:
        """All that the server shows on pages of its own."""
        return described
