"""What no page of a listing showed is asked for by its number: gaps, what was found in them, and what may come next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Generic

from adapters.lemmy import again, denied, gaps
from adapters.lemmy.listing import Found, Row
from bot.domain.errors import BadAnswerError, NotFoundError, RejectedError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.lemmy.listing import Feed
    from bot.ports import Clock

AT_ONCE = 5
"""Numbers that one poll asks for: a call each, and most of them are of nothing."""

OF_MANY = 8
"""The same while ``MANY`` wait: for both feeds 96 calls in a minute, of the 144 that are not kept for deeds."""

MANY = 100
"""Numbers that wait, in gaps or to be looked at again."""

EVERY = timedelta(seconds=10)
"""On average at most so often, for a source that has much to read is polled without a pause."""

SETTLED = timedelta(seconds=30)
"""Age at which a gap is asked for: numbers are given out before their rows can be seen."""


class There(Enum):
    """Whether there is a row of some number.

    ``UNREADABLE``: a refusal, or perhaps a page of a proxy, that is gone a minute later.
    """

    YES = auto()
    NO = auto()
    UNREADABLE = auto()
    UNTOLD = auto()  # the server failed, after several tries


@dataclass(frozen=True, slots=True, kw_only=True)
class ByNumber(Generic[Row]):
    """One turn. ``state``, ``found`` and ``holes`` are those of the walk, and are written to."""

    feed: Feed[Row]
    clock: Clock
    state: dict[str, Any]
    found: list[Found[Row]]
    holes: list[str]

    def ask(self) -> None:
        """For gaps that have settled, what is watched, and what may come next. Raises ``PlatformError``."""
        now = self.clock.now()
        turn = self._turn(now)
        if turn is None:
            return
        self.state["asked"] = turn.isoformat()
        due = again.next_due(self.state.setdefault("watch", []), now)
        left = OF_MANY if gaps.how_many(self.state["gaps"]) + len(due) >= MANY else AT_ONCE
        # One comes before the gaps, so that neither keeps the other waiting for ever.
        if not self._look_again(due[:1], now):
            return
        left -= len(due[:1])
        asked = self._fill_gaps(left)
        if asked is None:
            return
        left -= asked
        more, end = due[1 : max(1, left)], now + EVERY / 2
        if not self._look_again(more, now) or not self._ask_more(due[1 + len(more) :], end):
            return
        if left > len(more) and not self.state["gaps"]:
            left -= 1
            if self._look_ahead() is There.UNTOLD:
                return
        self._ask_once_more(left - len(due[1:]), end)

    def _turn(self, now: datetime) -> datetime | None:
        """Since when it is our turn; ``None``: not yet.

        Counted from when the last turn was due, not from when it was taken: polls that come a little too early for one
        would else miss every other.
        """
        if self.state.get("asked") is None:
            return now
        last = datetime.fromisoformat(self.state["asked"])
        if last <= now < last + EVERY:
            return None
        return last + EVERY if last + EVERY <= now < last + 2 * EVERY else now

    def _look_again(self, numbers: Sequence[int], now: datetime) -> bool:
        """At what is watched; whether the server told."""
        for number in numbers:
            there = self._one(number, fresh=False)
            if there in {There.YES, There.NO}:
                self.state["watch"] = again.looked_at(self.state["watch"], number, now, there=there is There.YES)
            if there is There.NO:
                self._denied(number, now)
            if there in {There.UNTOLD, There.UNREADABLE}:
                self.state["watch"] = again.in_vain(self.state["watch"], number, now)
                if all(one["number"] != number for one in self.state["watch"]):
                    self.holes.append(f"number {number} is asked for no more: the server failed at it to the end")
                return False
        return True

    def _ask_more(self, due: Sequence[int], end: datetime) -> bool:
        """For gaps, then for what is watched, with half of what the limit has to spare; whether the server told."""
        left = self.feed.spare() // 2 if due or self.state["gaps"] else 0
        asked = self._fill_gaps(left, end)
        if asked is None:
            return False
        for number in due[: left - asked]:
            now = self.clock.now()
            if now >= end:
                return True
            if not self._look_again([number], now):
                return False
        return True

    def note_gaps(self, missing: gaps.Ranges) -> None:
        """They wait from now on."""
        kept, holes = gaps.bounded(missing)
        self.holes.extend(holes)
        if kept:
            waiting = [*self.state["gaps"], {"since": self.clock.now().isoformat(), "numbers": kept}]
            self.state["gaps"], holes = gaps.within(waiting)
            self.holes.extend(holes)

    def watch_listed(self, numbers: Sequence[int]) -> None:
        """From now on, while fewer than ``again.LISTED`` are watched: the rest is left to the listing, no hole."""
        for number in numbers:
            if len(self.state.setdefault("watch", [])) < again.LISTED:
                self._watch(number, self.clock.now())

    def _one(self, number: int, *, fresh: bool = True) -> There:
        """Ask for a row. What is there was found."""
        try:
            row = self.feed.one(number)
        except NotFoundError:
            return There.NO
        except (BadAnswerError, RejectedError) as error:
            if fresh:
                self.holes.append(f"number {number} cannot be read, and is asked for again: {error}")
            return There.UNREADABLE
        except UnreachableError:
            # Where all of the server is away, whoever asks for the login after this walk is told, and nothing counts.
            return There.UNTOLD
        backlog = number <= self.state["floor"]
        self.found.append(Found(row=row, backlog=backlog, fresh=fresh, wanted=True))
        return There.YES

    def _fill_gaps(self, most: int, end: datetime | None = None) -> int | None:
        """Ask for the oldest numbers that no page showed, until ``end``; how many those were.

        ``None``: the server failed at one. That takes several tries each time, and it is seldom the only one.
        """
        waiting, left, now, told = list(self.state["gaps"]), most, self.clock.now(), True
        while (
            told
            and waiting
            and left > 0
            and (end is None or self.clock.now() < end)
            and not timedelta(0) <= now - datetime.fromisoformat(waiting[0]["since"]) < SETTLED
        ):
            (number,), rest = gaps.first_of(waiting[0]["numbers"], 1)
            left -= 1
            waiting = [{**waiting[0], "numbers": rest}, *waiting[1:]] if rest else waiting[1:]
            there = self._one(number)
            if there is There.NO:
                self._denied(number, now)
            else:
                self._watch(number, now)
            told = there is not There.UNTOLD
        self.state["gaps"] = waiting
        return most - left if told else None

    def _ask_once_more(self, most: int, end: datetime) -> None:
        """For what was denied once; what is denied again is not there."""
        for number in denied.due(self.state.get("denied", []), self.clock.now())[: max(0, most)]:
            now = self.clock.now()
            if now >= end:
                return
            there = self._one(number)
            self.state["denied"] = denied.without(self.state["denied"], number)
            if there is not There.NO:
                self._watch(number, now)
            if there is There.UNTOLD:
                return

    def _denied(self, number: int, now: datetime) -> None:
        if self.feed.denies:
            self.state["denied"] = denied.noted(self.state.get("denied", []), number, now)

    def _look_ahead(self) -> There:
        """Behind the highest number, in turn: the newest may be dated into the past, and nothing newer tells of it."""
        high, offset = self.state["high"], self.state.get("ahead", 0) % gaps.AHEAD
        self.state["ahead"] = offset + 1
        number = high + 1 + offset
        there = self._one(number)
        if there is There.YES:
            self._watch(number, self.clock.now())
            self.state["high"], self.state["ahead"] = number, 0
            if offset:
                self.note_gaps([[high + 1, number - 1]])
        return there

    def _watch(self, number: int, now: datetime) -> None:
        self.state["watch"], holes = again.watched(self.state["watch"], number, now)
        self.holes.extend(holes)
