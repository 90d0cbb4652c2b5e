"""How a listing that is newest first is read without losing anything: what is read next, and when to stop.

Rows are told apart by a number that only our own server gives out (local id, time of upload), never by ``published``,
which a remote author chooses: an item dated into the future would hide everything after it.

The cursor holds ``high`` (every row up to it was read), ``floor`` (``high`` at the first poll: what is below was there
before the bot), ``cutoff`` (how far back the operator wants it), ``walk`` (a way down from the top that is not finished
and the number it will raise ``high`` to), ``since`` (when the last way down that was finished began), ``back`` (how far
into the past the backlog has been read), ``stuck`` (polls that have failed at the next page of it), ``sky`` (the
last page that begins with rows dated into the future), ``gaps`` (numbers that no page showed, and since when they wait
to be asked for one by one), ``asked`` (when that was done last) and ``ahead`` (the next number behind ``high`` to try;
see ``adapters.lemmy.by_number``), ``again`` and ``watch`` (see ``adapters.lemmy.again``), ``denied`` (see
``adapters.lemmy.denied``). New rows go before the backlog.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic

from adapters.lemmy import again, gaps
from adapters.lemmy.by_number import ByNumber
from adapters.lemmy.listing import Found, Page, Row
from bot.domain.errors import BadAnswerError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adapters.lemmy.listing import Feed, Place
    from bot.domain.errors import PlatformError
    from bot.ports import Clock, Cursor

PAGES_AT_ONCE = 5
"""Pages that one poll reads; three at least, for one is the top and one may be where the future ends."""

IN_VAIN = 20
"""Polls that end at a page which the server fails at, each after several tries, while it gives the newest: so many, and
what begins there is a hole. Until then nothing is lost, and what is new waits."""

FAILED = (UnreachableError, BadAnswerError)
"""What a page may raise that the server fails at; the latter as a firewall does, which dislikes an address."""

EARLY = timedelta(minutes=5)
"""How far a row may be dated ahead of our clock, which may be late, and count as one of now."""

SKEW = timedelta(seconds=10)
"""How far our clock may be ahead of the server's."""

NEVER = sys.maxsize
"""No row that is met again is new."""


@dataclass(slots=True)
class Patience:
    """With a server that fails at some page: of one feed for as long as the bot runs, of its backlog in the cursor."""

    polls: int = 0

    def lost(self, error: PlatformError, read_first: Callable[[], object]) -> str:
        """What is a hole, in words, now that one more poll was in vain. Raises ``error`` while it is waited for.

        ``read_first``: asks for the first page. Where that is not given either, the page is not what is wrong: what
        it raises is raised, and nothing is counted.
        """
        read_first()
        self.polls += 1
        if self.polls < IN_VAIN:
            raise error
        return f"what is listed behind a page that the server fails at: {error}"


@dataclass(slots=True, kw_only=True)
class Walk(Generic[Row]):
    """One poll of one feed."""

    feed: Feed[Row]
    clock: Clock
    start_from: timedelta | None
    patience: Patience = field(default_factory=Patience)
    found: list[Found[Row]] = field(default_factory=list)
    holes: list[str] = field(default_factory=list)
    trouble: str = ""  # what keeps the backlog waiting, in words
    _state: dict[str, Any] = field(default_factory=dict)
    _left: int = field(default_factory=lambda: PAGES_AT_ONCE)
    _in_vain: bool = False

    def go(self, after: Cursor | None) -> None:
        """Read from where ``after`` stopped. Raises ``PlatformError``; then nothing of this walk counts."""
        if after is None:
            self._begin()
        else:
            self._state = {**after}
            self._forward()
        if not self._in_vain:
            self.patience.polls = 0
        self._backward()
        if self.feed.has_numbers and after is not None and self._state["walk"] is None:
            self._by_number().ask()
            self._again()

    @property
    def cursor(self) -> Cursor:
        """Where to go on."""
        return dict(self._state)

    @property
    def more(self) -> bool:
        """Whether something is left to read right now."""
        return self._state["walk"] is not None or (self._state["back"] is not None and not self.trouble)

    def _begin(self) -> None:
        cutoff = None if self.start_from is None else (self.clock.now() - self.start_from).isoformat()
        page = self._read(None)
        high = max((self.feed.number(row) for row in page.rows), default=0)
        self._state = {"high": high, "floor": high, "cutoff": cutoff, "walk": None, "back": None, "gaps": []}
        if self.feed.has_numbers:
            self._state["since"] = self.clock.now().isoformat()
            self._state["again"] = again.Rounds.begin(self.clock.now()).kept()
        self._keep(page, fresh_above=-1)
        self._state["back"] = self._behind(page)

    def _forward(self) -> None:
        """From the top, or from where the last poll stopped, to a page that shows what the last way down found.

        What is dated into the future stays on top for as long, known or not, and tells nothing of what is below it.
        Nor does it when that future has come: what is new may be dated before it.
        """
        high, walk = self._state["high"], self._state["walk"] or {}
        place, top = (walk["at"], walk["top"]) if walk else (None, high)
        missing: gaps.Ranges = walk.get("missing", [])
        lost: Sequence[int] = walk.get("lost", ())
        began = walk.get("began", self.clock.now().isoformat())
        below_future_only = walk.get("below_future_only", not walk)  # all that was read so far on this walk
        page = None
        while self._left > 0:
            page = page or self._read(place)
            now = [row for row in page.rows if self._of_now(row)]
            if below_future_only and place is not None and page.rows and not self._of_now(page.rows[0]):
                self._state["sky"] = place
            below_future_only = below_future_only and not now
            self._keep(page, fresh_above=high)
            self._watch_late(page)
            numbers = [self.feed.number(row) for row in page.rows]
            if self.feed.has_numbers:
                missing, top = gaps.passed_over(missing, top, numbers, high)
                missing, lost = gaps.thinned(missing, lost)
            else:
                top = max([top, *numbers])
            at_top, place, page = place is None, page.following, None
            if place is None or (any(map(self._of_before, now)) and all(self.feed.number(row) <= high for row in now)):
                if top > high:
                    self._state["ahead"] = 0
                self._state["high"], self._state["walk"] = top, None
                if self.feed.has_numbers:
                    self._state["since"] = began
                self.holes.extend(gaps.told(lost))
                self._by_number().note_gaps(missing)
                return
            if at_top and not now and self._left > 1:
                place, page = self._below_the_sky(place)
        self._state["walk"] = {
            "at": place,
            "top": top,
            "missing": missing,
            "lost": list(lost),
            "began": began,
            "below_future_only": below_future_only,
        }

    def _of_now(self, row: Row) -> bool:
        return not self.feed.pinned(row) and self.feed.published(row) <= self.clock.now() + EARLY

    def _of_before(self, row: Row) -> bool:
        """Whether a row is dated so that everything new which is listed below it is dated back."""
        since = self._state.get("since")  # where rows have no number, our own server dates them
        return since is None or self.feed.published(row) <= datetime.fromisoformat(since) - SKEW

    def _below_the_sky(self, following: Place) -> tuple[Place, Page[Row] | None]:
        """Where to go on from a top that is all in the future, and the page there, if it was read.

        Above a page that begins in the future there is nothing of now.
        """
        place = self._state.get("sky")
        if place is None:
            return following, None
        page = self._read(place)
        if page.rows and not self._of_now(page.rows[0]):
            return place, page
        self._keep(page, fresh_above=self._state["high"])
        self._watch_late(page)
        self._state["sky"] = None
        return following, None

    def _watch_late(self, page: Page[Row]) -> None:
        """New rows that are dated before what was read last: the listing is read again too rarely where they stand."""
        since = self._state.get("since")  # a cursor of before has none until its first way down is over
        if since is None:
            return
        before, high = datetime.fromisoformat(since) - EARLY, self._state["high"]
        numbers = (self.feed.number(row) for row in page.rows if self.feed.published(row) < before)
        self._by_number().watch_listed([number for number in numbers if number > high])

    def _by_number(self) -> ByNumber[Row]:
        return ByNumber(feed=self.feed, clock=self.clock, state=self._state, found=self.found, holes=self.holes)

    def _again(self) -> None:
        """A page of what was read before, if it is time; and more of what is late, with half of what is to spare."""
        now = self.clock.now()
        rounds = again.Rounds.of(self._state.get("again"), now)
        which = rounds.due(now)
        if which is not None:
            rounds = self._read_again(rounds, which, now)
            left, end = self.feed.spare() // 2, now + again.HURRY
            while left > 0 and now < end and (which := rounds.late(now)) is not None:
                rounds = self._read_again(rounds, which, now)
                left, now = left - 1, self.clock.now()
        self._state["again"] = rounds.kept()

    def _read_again(self, rounds: again.Rounds, which: int, now: datetime) -> again.Rounds:
        place = rounds.place(which)
        try:
            page = self.feed.page(place)
        except FAILED:
            if place is None:
                raise
            rounds, holes = again.unread(rounds, which, now)
            self.holes.extend(holes)
            return rounds
        self.holes.extend(page.broken)
        self._keep(page, fresh_above=NEVER)
        dates = [self.feed.published(row) for row in page.rows if not self.feed.pinned(row)]
        # Where no row of a page can be read, what is below it can be all the same.
        over = rounds.over(which, min(dates), now) if dates else not page.broken
        return rounds.after(which, None if over else page.following, now)

    def _backward(self) -> None:
        while self._left > 0 and self._state["back"] is not None and self._state["walk"] is None:
            patience = Patience(polls=self._state.get("stuck", 0))
            try:
                page = self._read(self._state["back"], patience)
            except FAILED as error:
                # What is new was read, and does not wait for this.
                self._state["stuck"], self.trouble = patience.polls, f"the backlog: {error}"
                return
            self._state["stuck"] = 0
            self._keep(page, fresh_above=-1, backlog=True)
            self._state["back"] = self._behind(page)

    def _behind(self, page: Page[Row]) -> Place | None:
        """Where the backlog goes on behind this page, if the operator wants any of it."""
        cutoff = self._cutoff()
        if cutoff is None or not self.feed.ends_at_cutoff:
            return page.following
        older = any(self.feed.published(row) < cutoff for row in page.rows if not self.feed.pinned(row))
        return None if older else page.following

    def _read(self, place: Place | None, patience: Patience | None = None) -> Page[Row]:
        self._left -= 1
        try:
            page = self.feed.page(place)
        except FAILED as error:
            if place is None:
                raise
            page = Page(rows=(), hole=(patience or self.patience).lost(error, lambda: self.feed.page(None)))
            self._in_vain = True
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
