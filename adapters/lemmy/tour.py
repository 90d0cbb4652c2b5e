"""Listings that are not sorted by what changes in them: communities, and accounts by search. Read round and round.

Most pages of communities and accounts come with posts, comments and uploads. Those without any are only found here.

The cursor holds ``floor`` (the highest number at the first poll: what is below was there before the bot), ``cutoff``
(how far back the operator wants it), ``began`` (the present round), ``way`` and ``page`` (where it stands; ``way is
None``: it is over), ``full`` (whether the way before it was cut off by the server), ``top`` (when the newest were
read), ``first`` (whether this is the first round), ``old`` (by number, what those show that were left out because of
their age: an account that changes its picture has no date that says so) and ``over`` (whether more of them were met
than are kept).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from adapters.lemmy.convert import moment
from adapters.lemmy.errors import is_past_the_last_page
from adapters.lemmy.feeds import LAST_PAGE, LIMIT
from adapters.lemmy.sources import Basket, Pace
from adapters.lemmy.walk import FAILED, Patience
from bot.domain.errors import BadAnswerError, NotLoggedInError, RateLimitedError, RejectedError
from bot.ports import Batch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from adapters.lemmy.client import LemmyClient
    from adapters.lemmy.reader import Reader
    from adapters.lemmy.wire import Json
    from bot.domain.content import Sighting, SubjectKey
    from bot.ports import Clock, Cursor, Gone


OLD = 20_000
"""Rows that were left out because of their age and are watched for something new, the first met.

Lemmy 0.19 lists no more than that, and the cursor has 400 kB then.
"""

_DIGITS = 6  # hexadecimal: one change in sixteen million looks like none


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One order of a listing. ``rest``: the way before it, read from the other end where the server cut it off."""

    query: Mapping[str, str]
    rest: bool = False
    hole: str = ""  # what is in the middle, where this was cut off, too


@dataclass(frozen=True, slots=True, kw_only=True)
class Tour:
    """What is read, and how often."""

    path: str
    key: str  # where the rows are in the answer
    inner: str  # where in a row the thing itself is
    ways: Sequence[Way]
    seen: Callable[[Json, datetime, bool], Sequence[Sighting]]  # row, now, backlog
    pace: timedelta  # between two pages
    top: timedelta  # between two looks at the newest
    every: timedelta  # between the beginnings of two rounds


@dataclass(slots=True)
class Page:
    """One page. ``cut``: there is more behind it, and the server does not list it."""

    rows: Sequence[Json] = ()
    following: int | str | None = None  # where it goes on, if there is more behind it
    cut: bool = False  # there are, and the server does not list them
    broken: list[str] = field(default_factory=list)


class TourSource:
    """One such listing as a feed."""

    def __init__(
        self,
        name: str,
        tour: Tour,
        *,
        client: LemmyClient,
        reader: Reader,
        clock: Clock,
        start_from: timedelta | None,
    ) -> None:
        """``start_from`` as in ``LemmySource``."""
        self._name = name
        self._tour = tour
        self._client = client
        self._reader = reader
        self._clock = clock
        self._start_from = start_from
        self._pace = Pace(clock, tour.pace)
        self._patience = Patience()

    @property
    def name(self) -> str:
        """Key of the cursor: ``lemmy-main/communities``."""
        return self._name

    def poll(self, after: Cursor | None) -> Batch:
        """A page, if it is time. Where the server asks to slow down, there is time later."""
        if not self._pace.due():
            return Batch()
        now = self._clock.now()
        state: dict[str, Any] = {**after} if after is not None else self._begin(now)
        state |= {"old": {**state.get("old", {})}, "over": state.get("over", False)}
        way, number = self._next(state, now)
        if way is None:
            self._pace.done()
            return Batch(cursor=state)  # read to the end, and it is known to be so
        self._client.site()
        for _ in range(2):
            try:
                page = self._read(self._tour.ways[way], number)
            except RateLimitedError:
                self._pace.done()
                return Batch(cursor=state)  # it was asked, and is no feed in trouble
            except FAILED as error:
                if number == 1:
                    raise
                page = Page(cut=True, broken=[self._patience.lost(error, lambda: self._read(self._tour.ways[0], 1))])
            if self._client.still_logged_in():
                break
        else:
            raise NotLoggedInError(f"{self._client.settings.url} accepts the login, and then not the token it gave")
        self._pace.done()
        if number != 1:
            self._patience.polls = 0
        basket = Basket(holes=page.broken)
        if state["floor"] is None:
            state["floor"] = max((self._number(row) for row in page.rows), default=0)
        self._keep(page, state, now, basket)
        self._advance(state, way, number, page, now, basket)
        return Batch(
            sightings=list(basket.sightings.values()), cursor=state, dropped=basket.dropped, holes=basket.holes
        )

    def read(self, what: SubjectKey) -> Batch | Gone:
        """One subject of any kind again, as it is now."""
        return self._reader.read(what)

    def _begin(self, now: datetime) -> dict[str, Any]:
        cutoff = None if self._start_from is None else (now - self._start_from).isoformat()
        began = now.isoformat()
        return {"floor": None, "cutoff": cutoff, "began": began, "way": 0, "page": 1, "top": None, "first": True}

    def _next(self, state: dict[str, Any], now: datetime) -> tuple[int | None, int | str]:
        """Which page is read: the newest, where the round stands, or none."""
        if state["way"] is None and _passed(state["began"], self._tour.every, now):
            state |= {"began": now.isoformat(), "way": 0, "page": 1, "first": False}
        if state["top"] is not None and _passed(state["top"], self._tour.top, now) and state["way"] != 0:
            return 0, 1
        return state["way"], state["page"]

    def _advance(
        self, state: dict[str, Any], way: int, number: int | str, page: Page, now: datetime, basket: Basket
    ) -> None:
        if (way, number) == (0, 1):
            state["top"] = now.isoformat()
        if (way, number) != (state["way"], state["page"]):
            return  # a look at the newest in between
        if page.following is not None:
            state["page"] = page.following
            return
        ways = self._tour.ways
        if page.cut and ways[way].hole:
            basket.holes.append(ways[way].hole)
        following = way + 1
        while following < len(ways) and ways[following].rest and not page.cut:
            following += 1
        state |= {"way": following if following < len(ways) else None, "page": 1}

    def _read(self, way: Way, number: int | str) -> Page:
        """A page. Raises ``PlatformError``."""
        number = int(number)
        try:
            answer = self._client.get(self._tour.path, {**way.query, "limit": LIMIT, "page": number}, patient=False)
        except RejectedError as error:
            if number == 1 or not is_past_the_last_page(error):
                raise
            return Page(cut=True)  # 0.19.14 stops at page ten
        listed = answer.get(self._tour.key)
        if not isinstance(listed, list):
            raise BadAnswerError(f"{self._tour.path} has no {self._tour.key!r} in it: this is not API v3 of Lemmy 0.19")
        more = len(listed) >= LIMIT
        following = number + 1 if more and number < LAST_PAGE else None
        page = Page(following=following, cut=more and following is None)
        rows = []
        for row in listed:
            try:
                self._number(row)
            except (KeyError, TypeError, ValueError) as error:
                page.broken.append(f"a row of {self._tour.key} is not in the shape of API v3 ({type(error).__name__})")
            else:
                rows.append(row)
        page.rows = rows
        return page

    def _keep(self, page: Page, state: dict[str, Any], now: datetime, basket: Basket) -> None:
        cutoff = None if state["cutoff"] is None else datetime.fromisoformat(state["cutoff"])
        for row in page.rows:
            backlog = self._number(row) <= state["floor"]
            try:
                seen = self._tour.seen(row, now, backlog)
                old = backlog and cutoff is not None and _last_touched(row[self._tour.inner]) < cutoff
                if old and not self._is_new(self._number(row), seen, state, basket):
                    if state["first"]:
                        basket.drop("older than start_from")
                    continue
                basket.add(seen)
            except BadAnswerError as error:
                basket.holes.append(str(error))
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                basket.holes.append(
                    f"a row of {self._tour.key} is not in the shape of API v3 ({type(error).__name__} {error})"
                )

    def _is_new(self, number: int, seen: Sequence[Sighting], state: dict[str, Any], basket: Basket) -> bool:
        """Whether something old shows what it did not when it was met last."""
        old, shows = state["old"], _digest(seen)
        known = old.get(str(number))
        if known is None and len(old) >= OLD:
            if not state["over"]:
                what = self._name.rpartition("/")[2]
                basket.holes.append(
                    f"more than {OLD} {what} are from before start_from: what the others of them show from now on is "
                    "not seen there"
                )
            state["over"] = True
            return False
        old[str(number)] = shows
        return known is not None and known != shows and bool(seen)

    def _number(self, row: Json) -> int:
        return int(row[self._tour.inner]["id"])


def _digest(seen: Sequence[Sighting]) -> str:
    """Of what is shown there; short, for there may be thousands."""
    shown = sorted(f"{one.media.role} {one.media.url}" for one in seen)
    return hashlib.sha256("\n".join(shown).encode()).hexdigest()[:_DIGITS] if shown else ""


def _last_touched(item: Json) -> datetime:
    """An edit counts as much as a beginning; both are the word of the server that it is from."""
    published = moment(item["published"])
    return max(published, moment(item["updated"])) if "updated" in item else published


def _passed(since: str, span: timedelta, now: datetime) -> bool:
    return not timedelta(0) <= now - datetime.fromisoformat(since) < span
