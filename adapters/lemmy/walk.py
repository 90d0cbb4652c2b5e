"""How a listing that is newest first is read without losing anything: what is read next, and when to stop.

Rows are told apart by a number that only our own server gives out (local id, time of upload), never by ``published``,
which a remote author chooses: an item dated into the future would hide everything after it.

The cursor holds ``high`` (every row up to it was read), ``floor`` (``high`` at the first poll: what is below was there
before the bot), ``cutoff`` (how far back the operator wants it), ``walk`` (a way down from the top that is not finished
and the number it will raise ``high`` to), ``back`` (how far into the past the backlog has been read), ``gaps``
(numbers that no page showed, and since when they wait to be asked for one by one), ``asked`` (when that was done last),
``ahead`` (the next number behind ``high`` to try), ``sky`` (the last page that begins with rows dated into the future),
``again`` and ``watch`` (see ``adapters.lemmy.again``). New rows go before the backlog.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from adapters.lemmy import again, gaps
from bot.domain.errors import BadAnswerError, NotFoundError, RejectedError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.ports import Clock, Cursor

Row = TypeVar("Row")
Place = Any
"""Where a page begins, as its feed writes it: a page number, or page cursors. JSON only."""

PAGES_AT_ONCE = 5
"""Pages that one poll reads; three at least, for one is the top and one may be read again."""

ASKED_AT_ONCE = 5
"""Numbers that one poll asks for: a call each, and most of them are of nothing."""

ASKED_EVERY = timedelta(seconds=10)
"""At most so often, for a source that has much to read is polled without a pause."""

EARLY = timedelta(minutes=5)
"""How far a row may be dated ahead of our clock, which may be late, and count as one of now."""

NEVER = sys.maxsize
"""No row that is met again is new."""

SETTLED = timedelta(seconds=30)
"""Age at which a gap is asked for: numbers are given out before their rows can be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Row]):
    """One page. ``following is None``: there is nothing behind it. ``hole``: what cannot be read, in words."""

    rows: Sequence[Row]
    following: Place | None = None
    hole: str | None = None
    broken: Sequence[str] = ()  # rows that could not be understood, in words


class There(Enum):
    """Whether there is a row of some number. ``UNREADABLE``: perhaps a page of a proxy, that is gone a minute later."""

    YES = auto()
    NO = auto()
    UNREADABLE = auto()
    UNTOLD = auto()  # the server failed, after several tries


class Feed(Protocol[Row]):
    """A listing, page by page."""

    ends_at_cutoff: bool
    has_numbers: bool  # ``number`` counts up by one, so that gaps mean something

    def one(self, number: int) -> Row:
        """A single row. Raises ``NotFoundError``."""
        ...

    def page(self, place: Place | None) -> Page[Row]:
        """A page; the newest without a place."""
        ...

    def resumed(self, place: Place) -> Place:
        """Where to go on from ``place`` when time has passed since it was noted."""
        ...

    def number(self, row: Row) -> int:
        """What grows from row to row, by our own server's word."""
        ...

    def published(self, row: Row) -> datetime:
        """What the listing is sorted by."""
        ...

    def pinned(self, row: Row) -> bool:
        """Stands on top although it is old."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Generic[Row]):
    """A row, and whether it was there before the bot, and whether this is the first time it is met on the way."""

    row: Row
    backlog: bool
    fresh: bool
    wanted: bool  # not older than what the operator asked for
    edited_since: datetime | None = None  # what is not ``wanted`` is, all the same, if it was edited since then


@dataclass(slots=True, kw_only=True)
class Walk(Generic[Row]):
    """One poll of one feed."""

    feed: Feed[Row]
    clock: Clock
    start_from: timedelta | None
    found: list[Found[Row]] = field(default_factory=list)
    holes: list[str] = field(default_factory=list)
    _state: dict[str, Any] = field(default_factory=dict)
    _left: int = field(default_factory=lambda: PAGES_AT_ONCE)

    def go(self, after: Cursor | None) -> None:
        """Read from where ``after`` stopped. Raises ``PlatformError``; then nothing of this walk counts."""
        if after is None:
            self._begin()
        else:
            self._state = {**after}
            self._forward()
        self._backward(resuming=after is not None)
        if self.feed.has_numbers and after is not None and self._state["walk"] is None:
            self._ask()
            self._again()

    @property
    def cursor(self) -> Cursor:
        """Where to go on."""
        return dict(self._state)

    @property
    def more(self) -> bool:
        """Whether something is left to read right now."""
        return self._state["walk"] is not None or self._state["back"] is not None

    def _begin(self) -> None:
        cutoff = None if self.start_from is None else (self.clock.now() - self.start_from).isoformat()
        page = self._read(None)
        high = max((self.feed.number(row) for row in page.rows), default=0)
        self._state = {"high": high, "floor": high, "cutoff": cutoff, "walk": None, "back": None, "gaps": []}
        if self.feed.has_numbers:
            self._state["again"] = again.Rounds.begin(self.clock.now()).kept()
        self._keep(page, fresh_above=-1)
        self._state["back"] = self._behind(page)

    def _forward(self) -> None:
        """From the top, or from where the last poll stopped, to a page on which every row of now or before is known.

        What is dated into the future stays on top for as long, known or not, and tells nothing of what is below it.
        """
        high, walk = self._state["high"], self._state["walk"] or {}
        place, top = (self.feed.resumed(walk["at"]), walk["top"]) if walk else (None, high)
        missing: gaps.Ranges = walk.get("missing", [])
        lost: Sequence[int] = walk.get("lost", ())
        below_future_only = walk.get("below_future_only", not walk)  # all that was read so far on this walk
        page = None
        while self._left > 0:
            page = page or self._read(place)
            now = [row for row in page.rows if self._of_now(row)]
            if below_future_only and place is not None and page.rows and not self._of_now(page.rows[0]):
                self._state["sky"] = place
            below_future_only = below_future_only and not now
            self._keep(page, fresh_above=high)
            numbers = [self.feed.number(row) for row in page.rows]
            if self.feed.has_numbers:
                missing, top = gaps.passed_over(missing, top, numbers, high)
                missing, lost = gaps.thinned(missing, lost)
            else:
                top = max([top, *numbers])
            at_top, place, page = place is None, page.following, None
            if place is None or (now and all(self.feed.number(row) <= high for row in now)):
                if top > high:
                    self._state["ahead"] = 0
                self._state["high"], self._state["walk"] = top, None
                self.holes.extend(gaps.told(lost))
                self._note_gaps(missing)
                return
            if at_top and not now and self._left > 1:
                place, page = self._below_the_sky(place)
        self._state["walk"] = {
            "at": place,
            "top": top,
            "missing": missing,
            "lost": list(lost),
            "below_future_only": below_future_only,
        }

    def _of_now(self, row: Row) -> bool:
        return not self.feed.pinned(row) and self.feed.published(row) <= self.clock.now() + EARLY

    def _below_the_sky(self, following: Place) -> tuple[Place, Page[Row] | None]:
        """Where to go on from a top that is all in the future, and the page there, if it was read.

        Above a page that begins in the future there is nothing of now.
        """
        sky = self._state.get("sky")
        if sky is None:
            return following, None
        place = self.feed.resumed(sky)
        page = self._read(place)
        if page.rows and not self._of_now(page.rows[0]):
            return place, page
        self._keep(page, fresh_above=self._state["high"])
        self._state["sky"] = None
        return following, None

    def _note_gaps(self, missing: gaps.Ranges) -> None:
        kept, holes = gaps.bounded(missing)
        self.holes.extend(holes)
        if kept:
            waiting = [*self._state["gaps"], {"since": self.clock.now().isoformat(), "numbers": kept}]
            self._state["gaps"], holes = gaps.within(waiting)
            self.holes.extend(holes)

    def _ask(self) -> None:
        """Ask by number for what no page showed: gaps that have settled, what is watched, and what may come next."""
        now, left = self.clock.now(), ASKED_AT_ONCE
        last = self._state.get("asked")
        if last is not None and timedelta(0) <= now - datetime.fromisoformat(last) < ASKED_EVERY:
            return
        self._state["asked"] = now.isoformat()
        watch = self._state.setdefault("watch", [])
        for number in again.next_due(watch, now, 1):
            left -= 1
            there = self._one(number, fresh=False)
            self._state["watch"] = again.looked_at(self._state["watch"], number, now, there=there is not There.NO)
            if there in {There.UNTOLD, There.UNREADABLE}:
                if all(one["number"] != number for one in self._state["watch"]):
                    self.holes.append(f"number {number} is asked for no more: the server failed at it to the end")
                return
        left -= self._fill_gaps(left)
        if left > 0 and not self._state["gaps"]:
            self._look_ahead()

    def _one(self, number: int, *, fresh: bool = True) -> There:
        """Ask for a row. What is there was found."""
        try:
            row = self.feed.one(number)
        except NotFoundError:
            return There.NO
        except RejectedError as error:  # what the server refuses for one number must not keep all others waiting
            self.holes.append(f"number {number} was never listed, and cannot be asked for: {error}")
            return There.NO
        except BadAnswerError as error:
            if fresh:
                self.holes.append(f"number {number} cannot be read, and is asked for again: {error}")
            return There.UNREADABLE
        except UnreachableError:
            # Where all of the server is away, whoever asks for the login after this walk is told, and nothing counts.
            return There.UNTOLD
        backlog = number <= self._state["floor"]
        self.found.append(Found(row=row, backlog=backlog, fresh=fresh, wanted=True))
        return There.YES

    def _fill_gaps(self, most: int) -> int:
        """Ask for the oldest numbers that no page showed; how many those were."""
        waiting, left, now = list(self._state["gaps"]), most, self.clock.now()
        while waiting and left > 0 and not timedelta(0) <= now - datetime.fromisoformat(waiting[0]["since"]) < SETTLED:
            (number,), rest = gaps.first_of(waiting[0]["numbers"], 1)
            left -= 1
            waiting = [{**waiting[0], "numbers": rest}, *waiting[1:]] if rest else waiting[1:]
            there = self._one(number)
            if there is not There.NO:
                self._watch(number, now)
            if there is There.UNTOLD:
                left = 0  # each failure takes several tries, and it is seldom the only one
        self._state["gaps"] = waiting
        return most - left

    def _look_ahead(self) -> None:
        """Behind the highest number, in turn: the newest may be dated into the past, and nothing newer tells of it."""
        high, offset = self._state["high"], self._state.get("ahead", 0) % gaps.AHEAD
        self._state["ahead"] = offset + 1
        number = high + 1 + offset
        if self._one(number) is There.YES:
            self._watch(number, self.clock.now())
            self._state["high"], self._state["ahead"] = number, 0
            if offset:
                self._note_gaps([[high + 1, number - 1]])

    def _watch(self, number: int, now: datetime) -> None:
        self._state["watch"], holes = again.watched(self._state["watch"], number, now)
        self.holes.extend(holes)

    def _again(self) -> None:
        """A page of what was read before, if it is time."""
        now = self.clock.now()
        rounds = again.Rounds.of(self._state.get("again"), now)
        which = rounds.due(now)
        if which is not None:
            # Not a page back, as ``resumed`` would: a page for each poll, and it would never get on.
            page = self.feed.page(rounds.place(which))
            self.holes.extend(page.broken)
            self._keep(page, fresh_above=NEVER)
            dates = [self.feed.published(row) for row in page.rows if not self.feed.pinned(row)]
            over = not dates or rounds.over(which, min(dates), now)
            rounds = rounds.after(which, None if over else page.following, now)
        self._state["again"] = rounds.kept()

    def _backward(self, *, resuming: bool) -> None:
        while self._left > 0 and self._state["back"] is not None and self._state["walk"] is None:
            place = self._state["back"]
            page = self._read(self.feed.resumed(place) if resuming else place)
            resuming = False
            self._keep(page, fresh_above=-1, backlog=True)
            self._state["back"] = self._behind(page)

    def _behind(self, page: Page[Row]) -> Place | None:
        """Where the backlog goes on behind this page, if the operator wants any of it."""
        cutoff = self._cutoff()
        if cutoff is None or not self.feed.ends_at_cutoff:
            return page.following
        older = any(self.feed.published(row) < cutoff for row in page.rows if not self.feed.pinned(row))
        return None if older else page.following

    def _read(self, place: Place | None) -> Page[Row]:
        self._left -= 1
        page = self.feed.page(place)
        self.holes.extend(page.broken)
        if page.hole is not None:
            self.holes.append(page.hole)
        return page

    def _keep(self, page: Page[Row], *, fresh_above: int, backlog: bool = False) -> None:
        cutoff, everything = self._cutoff(), backlog
        for row in page.rows:
            number = self.feed.number(row)
            backlog = everything or number <= self._state["floor"]
            wanted = not backlog or cutoff is None or self.feed.published(row) >= cutoff
            fresh = number > fresh_above
            self.found.append(Found(row=row, backlog=backlog, fresh=fresh, wanted=wanted, edited_since=cutoff))

    def _cutoff(self) -> datetime | None:
        text = self._state["cutoff"]
        return None if text is None else datetime.fromisoformat(text)
