"""How a public timeline is read without losing what comes late.

A post of another server gets its number by the time at which it was *written*, so that one which comes late stands
below what was read already: asked for "everything after the newest", the server would never show it. So each look
reads from the top down through a window of time, and what is known already costs nothing, for the ledger does not
write it again.

* Every look goes from now back to the last one, and ``NEAR`` further: rows are numbered before they can be seen.
* Four times in its length, the near window is read: ``overlap`` further back. Mastodon delivers within seconds; what
  fails is tried again n^4 + 15 seconds after the n-th time (Sidekiq's way), which is about 20 seconds, 1, 2, 4, 8 and
  19 minutes after the first: twenty minutes hold these.
* The far window, ``late`` long, is read once in ``late_every``, a page now and then, for what came later still: a
  server that was down, conversations that were fetched afterwards.

Times are the authors' servers' word, and may lie: a post dated into the future stays on top and is read again each
time, which is harmless, because how far down to read is reckoned from our own clock; one dated before the far window is
in no timeline's reach and is found by the stream, by its author's sweep, or not at all.

The cursor holds ``since`` (when the last complete look began), ``near`` (when the near window was read last), ``floor``
(when the first look began: what was written before is backlog), ``cutoff`` (how far back the operator wants it),
``walk`` (a look that is not finished), ``back`` (how far the backlog has been read) and ``late`` (where the far window
is being read, and when next).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from adapters.mastodon.convert import moment
from bot.domain.errors import BadAnswerError, RateLimitedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from adapters.mastodon.client import Listed
    from bot.ports import Clock, Cursor

PAGES_AT_ONCE = 5
"""Pages that one poll reads. Only the first of them is free of the limit for paged calls, of 300 in 15 minutes."""

NEAR = timedelta(minutes=1)
"""How far every look reads what was read before."""

LATE_PAUSE = timedelta(seconds=20)
"""Between two pages of the far window, so that it takes three paged calls of the twenty that a minute has."""


class Timeline(Protocol):
    """A listing, newest first."""

    def page(self, below: str | None) -> Listed:
        """A page below an id; the newest without one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A row, and whether it was there before the bot."""

    row: Mapping[str, Any]
    backlog: bool
    wanted: bool  # not older than what the operator asked for


@dataclass(slots=True, kw_only=True)
class Window:
    """One poll of one timeline."""

    feed: Timeline
    clock: Clock
    start_from: timedelta | None
    overlap: timedelta
    late: timedelta
    late_every: timedelta
    found: list[Found] = field(default_factory=list)
    holes: list[str] = field(default_factory=list)
    _state: dict[str, Any] = field(default_factory=dict)
    _left: int = field(default_factory=lambda: PAGES_AT_ONCE)

    def go(self, after: Cursor | None, marks: Iterable[datetime] = ()) -> None:
        """Read on from where ``after`` stopped, and from ``marks`` if they are earlier: times when something broke off.

        Raises ``PlatformError``; then nothing of this counts.
        """
        if after is None:
            self._begin()
        else:
            self._state = {**after}
            self._down(list(marks))
        self._backward()
        self._further()

    @property
    def cursor(self) -> Cursor:
        """Where to go on."""
        return dict(self._state)

    @property
    def more(self) -> bool:
        """Whether something is left to read right now; the far window has time."""
        return self._state["walk"] is not None or self._state["back"] is not None

    def _begin(self) -> None:
        now = self.clock.now()
        self._state = {
            "since": now.isoformat(),
            "near": now.isoformat(),
            "floor": now.isoformat(),
            "cutoff": None if self.start_from is None else (now - self.start_from).isoformat(),
            "walk": None,
            "back": None,
            "late": {"at": None, "until": None, "next": (now + self.late_every).isoformat()},
        }
        page = self._read(None)
        self._state["back"] = self._behind(page)

    def _down(self, marks: Sequence[datetime]) -> None:
        """From the top, or from where the last poll stopped, through the near window."""
        walk = self._state["walk"] or self._new_look()
        until = min([_time(walk["until"]), *(mark - self.overlap for mark in marks)])
        place = walk["at"]
        while (page := self._page(place)) is not None:
            place = _below(page)
            if place is None or _oldest(page) < until:
                self._state["since"], self._state["walk"] = walk["began"], None
                self._state["late"] = {**self._state["late"], "below": place}
                return
        self._state["walk"] = {**walk, "at": place, "until": until.isoformat()}

    def _new_look(self) -> dict[str, Any]:
        now, since = self.clock.now(), _time(self._state["since"])
        further = NEAR
        if now - _time(self._state["near"]) >= self.overlap / 4:
            further, self._state["near"] = self.overlap, now.isoformat()
        return {"at": None, "until": (since - further).isoformat(), "began": now.isoformat()}

    def _backward(self) -> None:
        while self._state["back"] is not None and self._state["walk"] is None:
            page = self._page(self._state["back"], backlog=True)
            if page is None:
                return
            self._state["back"] = self._behind(page)

    def _further(self) -> None:
        """A page of the far window, where nothing else is to be read."""
        now, late = self.clock.now(), self._state["late"]
        if self.more or now < _time(late["next"]):
            return
        if late["at"] is None:
            late = {**late, "at": late.get("below"), "until": (now - self.late).isoformat(), "began": now.isoformat()}
        if late["at"] is not None:
            page = self._page(late["at"])
            if page is None:
                return
            place = _below(page)
            if place is not None and _oldest(page) >= _time(late["until"]):
                self._state["late"] = {**late, "at": place, "next": (now + LATE_PAUSE).isoformat()}
                return
        begun = _time(late.get("began") or now.isoformat())
        self._state["late"] = {**late, "at": None, "next": max(begun + self.late_every, now).isoformat()}

    def _behind(self, page: Listed) -> str | None:
        """Where the backlog goes on behind this page, if the operator wants any of it."""
        cutoff = self._cutoff()
        if page.rows and cutoff is not None and _oldest(page) < cutoff:
            return None
        return _below(page)

    def _page(self, place: str | None, *, backlog: bool = False) -> Listed | None:
        """``None``: not now. Where a limit is used up, what was read until then counts; the rest follows."""
        if self._left <= 0:
            return None
        try:
            return self._read(place, backlog=backlog)
        except RateLimitedError:
            if self._left + 1 == PAGES_AT_ONCE:
                raise
            self._left = 0
            return None

    def _read(self, place: str | None, *, backlog: bool = False) -> Listed:
        self._left -= 1  # also where it fails
        page = self.feed.page(place)
        floor, cutoff, everything = _time(self._state["floor"]), self._cutoff(), backlog
        for number, row in enumerate(page.rows):
            try:
                written = moment(row["created_at"])
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                self.holes.append(f"row {number} of a timeline is not in Mastodon's shape ({type(error).__name__})")
                continue
            old = everything or written <= floor
            self.found.append(Found(row=row, backlog=old, wanted=not old or cutoff is None or written >= cutoff))
        return page

    def _cutoff(self) -> datetime | None:
        text = self._state["cutoff"]
        return None if text is None else _time(text)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _below(page: Listed) -> str | None:
    """Where the next page begins; ``None``: there is none."""
    return None if page.following is None else page.following.get("max_id")


def _oldest(page: Listed) -> datetime:
    """When the last row that can be read was written: a timeline is in the order of that."""
    for row in reversed(page.rows):
        try:
            return moment(row["created_at"])
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    raise BadAnswerError("no row of a whole page of a timeline is in Mastodon's shape")
