"""Walking a listing that is sorted by what remote authors choose: whatever happens in it, nothing stays unseen."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.lemmy import again, by_number, denied, gaps, walk
from adapters.lemmy.convert import EARLIEST, LATEST
from adapters.lemmy.listing import Page
from adapters.lemmy.walk import Walk
from bot.domain.errors import BadAnswerError, NotFoundError, RejectedError, UnreachableError
from making import StillClock

if TYPE_CHECKING:
    from collections.abc import Sequence


ROWS = 5
"""On a page of this listing: Lemmy has fifty."""

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
STEP = timedelta(seconds=15)


@dataclass
class Row:
    number: int
    published: datetime
    text: int = 0
    hidden: bool = False
    pinned_row: bool = False


@dataclass
class Listing:
    """Sorted as Lemmy sorts: pinned first, then by ``published``. ``by_page``: with page numbers, as comments are."""

    by_page: bool
    rows: dict[int, Row] = field(default_factory=dict)
    next_number: int = 1
    fails_at: int | None = None
    asked_for: list[int] = field(default_factory=list)
    refused: set[int] = field(default_factory=set)
    odd: set[int] = field(default_factory=set)
    failing: set[int] = field(default_factory=set)
    denying: set[int] = field(default_factory=set)
    pages: int = 0
    gives_top_alone: bool = False
    failed: int = 0
    room: int = 0
    clock: StillClock | None = None
    takes: timedelta = timedelta(0)

    ends_at_cutoff = True
    has_numbers = True
    denies = True

    def add(self, published: datetime, **more: Any) -> Row:
        row = Row(self.next_number, published, **more)
        self.rows[row.number] = row
        self.next_number += 1
        return row

    def _call(self) -> None:
        if self.fails_at is not None:
            self.fails_at -= 1
            if self.fails_at < 0:
                self.fails_at = None
                raise UnreachableError("down", sent=True)

    def _takes(self) -> None:
        if self.clock is not None:
            self.clock.time += self.takes

    def page(self, place: Any) -> Page[Row]:
        self._call()
        self._takes()
        if place is not None and self.gives_top_alone:
            self.failed += 1
            raise UnreachableError("GET /post/list: answered 500", sent=True)
        self.pages += 1
        shown = [row for row in self.rows.values() if not row.hidden and row.number not in self.failing]
        shown.sort(key=lambda row: (not row.pinned_row, -row.published.timestamp(), -row.number))
        if self.by_page:
            above, last = place or (0, None)
            found = shown[max(0, above - 1) :][:ROWS]
            if last is not None and (not found or found[0].published < datetime.fromisoformat(last)):
                above, found = 0, shown[:ROWS]
            end = [max(0, above - 1) + ROWS, found[-1].published.isoformat()] if len(found) == ROWS else None
            return Page(rows=found, following=end)
        if place is not None:
            at, number = datetime.fromisoformat(place[0]), place[1]
            shown = [row for row in shown if not row.pinned_row and (row.published, row.number) < (at, number)]
        found = shown[:ROWS]
        plain = [row for row in found if not row.pinned_row]
        full = len(found) == ROWS and plain
        return Page(rows=found, following=[plain[-1].published.isoformat(), plain[-1].number] if full else None)

    def spare(self) -> int:
        return self.room

    def one(self, number: int) -> Row:
        self._call()
        self._takes()
        self.asked_for.append(number)
        if number in self.refused:
            raise RejectedError("GET /post: unknown", code="unknown")
        if number in self.odd:
            raise BadAnswerError("post is not in the shape of API v4")
        if number in self.failing:
            raise UnreachableError("GET /post: answered 500", sent=True)
        if number in self.denying or number not in self.rows:
            self.denying.discard(number)
            raise NotFoundError("no such row")
        return self.rows[number]

    def number(self, row: Row) -> int:
        return row.number

    def published(self, row: Row) -> datetime:
        return row.published

    def pinned(self, row: Row) -> bool:
        return row.pinned_row


class Reader:
    """Polls as the daemon does, and keeps what it saw."""

    def __init__(self, listing: Listing, start_from: timedelta | None = timedelta(0)) -> None:
        self.listing = listing
        self.clock = StillClock(START)
        self.start_from = start_from
        self.cursor: Any = None
        self.seen: dict[int, int] = {}
        self.backlog: set[int] = set()
        self.holes: list[str] = []

    def poll(self) -> Walk[Row]:
        one: Walk[Row] = Walk(feed=self.listing, clock=self.clock, start_from=self.start_from)
        try:
            one.go(self.cursor)
        except UnreachableError:
            return one
        self.cursor = json.loads(json.dumps(one.cursor))
        for found in one.found:
            if found.wanted and not found.row.hidden:
                self.seen[found.row.number] = found.row.text
                if found.backlog:
                    self.backlog.add(found.row.number)
        self.holes.extend(one.holes)
        return one

    def polls(self, count: int, step: timedelta = STEP) -> None:
        for _ in range(count):
            self.clock.time += step
            self.poll()

    def settle(self) -> None:
        self.polls(60)
        self.polls(60, timedelta(minutes=2))
        self.polls(60, timedelta(minutes=10))
        self.polls(30, timedelta(hours=7))
        for _ in range(2000):
            self.polls(1)
            if self.cursor["again"]["states"][-1]["at"] is None:
                return
        raise AssertionError("the longest round never ends")


AGES = st.sampled_from(
    [
        timedelta(0),
        timedelta(minutes=7),
        timedelta(hours=2),
        timedelta(days=3),
        timedelta(days=20),
        -timedelta(days=900),
        START - EARLIEST,  # as what is dated before it comes out
        START - LATEST + timedelta(days=400),
    ]
)
OPS = st.one_of(
    st.tuples(st.just("add"), AGES, st.integers(1, 3)),
    st.tuples(st.just("flood"), st.integers(20, 45)),
    st.tuples(st.just("edit"), st.integers(0, 200)),
    st.tuples(st.just("hide"), st.integers(0, 200)),
    st.tuples(st.just("show"), st.integers(0, 200)),
    st.tuples(st.just("purge"), st.integers(0, 200)),
    st.tuples(st.just("burn"), st.integers(1, 4)),
    st.tuples(st.just("poll"), st.integers(1, 4)),
    st.tuples(st.just("outage"), st.integers(1, 10)),
    st.tuples(st.just("fault"), st.integers(0, 6)),
    st.tuples(st.just("add denied"), AGES, st.integers(1, 3)),
)


def play(reader: Reader, ops: Sequence[tuple[Any, ...]]) -> None:
    listing = reader.listing
    for what, *more in ops:
        alive = sorted(listing.rows)
        chosen = listing.rows[alive[more[0] % len(alive)]] if alive and isinstance(more[0], int) else None
        match what:
            case "add" | "add denied":
                rows = [listing.add(reader.clock.now() - more[0]) for _ in range(more[1])]
                listing.denying |= {row.number for row in rows if what == "add denied"}
            case "flood":
                for _ in range(more[0]):
                    listing.add(reader.clock.now())
            case "edit" if chosen is not None:
                chosen.text += 1
            case "hide" | "show" if chosen is not None:
                chosen.hidden = what == "hide"
            case "purge" if chosen is not None:
                del listing.rows[chosen.number]
            case "burn":
                listing.next_number += more[0]
            case "poll":
                reader.polls(more[0])
            case "outage":
                reader.clock.time += timedelta(hours=more[0])
            case "fault":
                listing.fails_at = more[0]


@settings(max_examples=15)
@given(by_page=st.booleans(), all_of_it=st.booleans(), before=st.integers(0, 12), ops=st.lists(OPS, max_size=14))
def test_whatever_happens_everything_is_seen_as_it_is_in_the_end(
    by_page: bool, all_of_it: bool, before: int, ops: list[tuple[Any, ...]]
) -> None:
    listing = Listing(by_page)
    reader = Reader(listing, None if all_of_it else timedelta(0))
    for number in range(before):
        listing.add(START - timedelta(hours=number + 1))
    while reader.cursor is None:
        reader.poll()
    play(reader, ops)
    reader.settle()
    shown = {row.number: row.text for row in listing.rows.values() if not row.hidden}
    wanted = {number: text for number, text in shown.items() if all_of_it or number > before}
    assert {number: reader.seen.get(number) for number in wanted} == wanted
    assert all(number <= before for number in reader.backlog)
    assert reader.holes == []


def started(*, by_page: bool = False, **more: Any) -> tuple[Listing, Reader]:
    listing = Listing(by_page)
    reader = Reader(listing, **more)
    listing.add(START - timedelta(hours=1))
    reader.poll()
    return listing, reader


def test_last_item_of_all_is_found_although_it_is_dated_into_the_past() -> None:
    listing, reader = started()
    for _ in range(40):
        listing.add(reader.clock.now())
    reader.polls(3)
    hidden = listing.add(START - timedelta(days=400))
    reader.polls(gaps.AHEAD)
    assert reader.seen[hidden.number] == 0
    assert reader.cursor["high"] == hidden.number


def test_numbers_that_edits_from_elsewhere_used_up_hide_nothing_behind_them() -> None:
    listing, reader = started()
    for _ in range(40):
        listing.add(reader.clock.now())
    reader.polls(3)
    listing.next_number += gaps.AHEAD - 1
    hidden = listing.add(START - timedelta(days=400))
    reader.polls(gaps.AHEAD)
    assert hidden.number in reader.seen


def test_number_that_the_server_refuses_to_tell_of_is_a_hole_and_stops_nothing() -> None:
    listing, reader = started()
    for _ in range(40):
        listing.add(START)
    reader.polls(3)
    refused, hidden = (listing.add(START - timedelta(days=400)) for _ in range(2))
    listing.refused.add(refused.number)
    listing.add(START)
    reader.polls(8)
    assert hidden.number in reader.seen
    assert [hole.split(" cannot")[0] for hole in reader.holes] == [f"number {refused.number}"]
    listing.refused.clear()  # as a database that had no connection left for a moment
    reader.polls(3, step=again.LOOKS[0])
    assert refused.number in reader.seen
    assert len(reader.holes) == 1


def test_row_of_an_unknown_shape_is_a_hole_and_stops_nothing() -> None:
    listing, reader = started()
    for _ in range(40):
        listing.add(START)
    reader.polls(3)
    odd, hidden = (listing.add(START - timedelta(days=400)) for _ in range(2))
    listing.odd.add(odd.number)
    listing.add(START)
    reader.polls(8)
    assert hidden.number in reader.seen
    assert [hole.split(" cannot")[0] for hole in reader.holes] == [f"number {odd.number}"]
    later = listing.add(reader.clock.now())
    reader.polls(1)
    assert later.number in reader.seen


def test_number_that_could_not_be_read_is_asked_for_again() -> None:
    listing, reader = started()
    for _ in range(40):
        listing.add(START)
    reader.polls(3)
    row = listing.add(START - timedelta(days=400))
    listing.odd.add(row.number)  # as while a proxy shows a page of its own
    listing.add(START)
    reader.polls(4)
    assert row.number not in reader.seen
    listing.odd.clear()
    reader.polls(3, step=again.LOOKS[0])
    assert row.number in reader.seen
    assert len(reader.holes) == 1


def test_number_at_which_the_server_fails_keeps_nothing_waiting_and_is_asked_for_again() -> None:
    listing, reader = started()
    for _ in range(40):
        listing.add(START)
    reader.polls(3)
    failing, hidden = (listing.add(START - timedelta(days=400)) for _ in range(2))
    listing.failing.add(failing.number)
    listing.add(START)
    reader.polls(10)
    assert hidden.number in reader.seen
    last = listing.add(START - timedelta(days=400))
    reader.polls(2 * gaps.AHEAD)
    assert last.number in reader.seen, "the search behind the highest number goes on, too"
    assert failing.number not in reader.seen
    assert reader.holes == []
    listing.failing.clear()
    asked = listing.asked_for.count(failing.number)
    reader.polls(3, step=again.LOOKS[1])
    assert listing.asked_for.count(failing.number) > asked
    assert failing.number in reader.seen


def test_look_that_the_server_fails_at_is_taken_a_minute_later_and_not_at_the_next_ones_time() -> None:
    listing, reader = started()
    watched = listing.add(START - timedelta(days=400))
    listing.add(reader.clock.now())
    reader.polls(4)
    reader.polls(1, step=again.LOOKS[0])
    listing.failing.add(watched.number)
    reader.polls(1, step=again.LOOKS[1])
    listing.failing.clear()
    asked = listing.asked_for.count(watched.number)
    reader.polls(1, step=again.LOOKS[0])
    assert listing.asked_for.count(watched.number) == asked + 1
    assert [(one["number"], one["looks"]) for one in reader.cursor["watch"]] == [(watched.number, 2)]


def test_number_at_which_the_server_always_fails_is_a_hole_in_the_end() -> None:
    listing, reader = started()
    failing = listing.add(START - timedelta(days=400))
    listing.failing.add(failing.number)
    listing.add(reader.clock.now())
    reader.polls(4)
    for wait in again.LOOKS:
        reader.polls(2 + again.TRIES_OF_A_LOOK, step=wait)
    assert [hole.split(" is asked")[0] for hole in reader.holes] == [f"number {failing.number}"]
    assert reader.cursor["watch"] == []


def denied_in_a_gap(count: int = 1) -> tuple[Listing, Reader, list[int]]:
    """Numbers of which the server says, once, that they are not there; they have been asked for."""
    listing, reader = with_a_past()
    numbers = [listing.add(START - timedelta(days=400)).number for _ in range(count)]
    listing.denying = {*numbers}
    listing.add(reader.clock.now())
    while listing.denying:
        reader.polls(1)
    assert not set(numbers) & set(reader.seen)
    listing.asked_for = []
    return listing, reader, numbers


def test_number_that_the_server_denied_once_is_asked_for_again_and_watched_from_then_on() -> None:
    listing, reader, (late,) = denied_in_a_gap()
    reader.polls(1, denied.AFTER - timedelta(minutes=1))
    assert late not in listing.asked_for
    reader.polls(1, timedelta(minutes=1))
    assert late in reader.seen
    assert reader.cursor["denied"] == []
    listing.rows[late].text = 1
    reader.polls(2, again.LOOKS[0])
    assert reader.seen[late] == 1
    assert reader.holes == []


def test_number_that_the_server_denies_twice_is_not_there() -> None:
    listing, reader, (gone,) = denied_in_a_gap()
    del listing.rows[gone]
    reader.settle()
    assert listing.asked_for.count(gone) == 1
    assert (reader.cursor["denied"], reader.holes) == ([], [])


def test_number_that_is_watched_and_denied_once_is_not_forgotten() -> None:
    listing, reader = with_a_past()
    late = listing.add(START - timedelta(days=400))
    listing.add(reader.clock.now())
    reader.polls(4)
    assert late.number in reader.seen
    listing.denying.add(late.number)
    reader.polls(2, again.LOOKS[0])
    assert listing.denying == set()
    late.text = 1
    reader.polls(2, denied.AFTER)
    assert reader.seen[late.number] == 1


def test_second_time_at_which_the_server_fails_is_not_the_last() -> None:
    listing, reader, (late, other) = denied_in_a_gap(2)
    listing.failing = {late}
    reader.polls(1, denied.AFTER)
    assert late in listing.asked_for
    assert other not in listing.asked_for, "whose tries take their time"
    listing.failing.clear()
    reader.polls(2, again.LOOKS[0])
    assert {late, other} <= set(reader.seen)


def test_what_was_denied_waits_for_all_that_was_not_and_costs_no_turn_more() -> None:
    listing, reader, numbers = denied_in_a_gap(3 * by_number.AT_ONCE)
    late = [listing.add(START - timedelta(days=400)).number for _ in range(4 * by_number.AT_ONCE)]
    listing.add(reader.clock.now())
    reader.polls(1)
    reader.clock.time += denied.AFTER
    listing.asked_for = []
    turns = []
    for _ in range(40):
        reader.polls(1)
        turns.append(listing.asked_for)
        listing.asked_for = []
    assert {*numbers} <= set(reader.seen)
    assert max(len(turn) for turn in turns) <= by_number.AT_ONCE
    order = [number for turn in turns for number in turn]
    assert max(order.index(one) for one in late) < min(order.index(one) for one in numbers)
    second = [turn for turn in turns if {*turn} & {*numbers}]
    assert all(max(turn) >= listing.next_number for turn in second), "nor does what may come next wait"


def test_second_times_end_with_the_turn_where_the_server_is_slow() -> None:
    listing, reader, numbers = denied_in_a_gap(by_number.AT_ONCE)
    reader.clock.time += denied.AFTER
    listing.clock, listing.takes = reader.clock, timedelta(seconds=2)
    reader.polls(1)
    assert len([one for one in listing.asked_for if one in numbers]) == 2


def test_long_stretch_of_numbers_that_nothing_has_is_not_asked_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(denied, "MOST", 20)
    listing, reader = with_a_past()
    listing.next_number += 200
    listing.add(reader.clock.now())
    listing.asked_for = []
    last = listing.next_number - 2
    reader.polls(200)
    asked = [number for number in listing.asked_for if number <= last]
    assert len(set(asked)) == 200
    assert len(asked) == 200 + denied.MOST
    assert [number for number in asked if asked.count(number) == 2][-denied.MOST :] == [*range(last - 19, last + 1)]
    assert reader.holes == []


def test_comments_that_are_denied_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Listing, "denies", False)
    listing, reader, (gone,) = denied_in_a_gap()
    reader.settle()
    assert gone not in listing.asked_for


def test_what_was_deleted_when_it_was_met_is_seen_when_it_is_put_back() -> None:
    listing, reader = started()
    old = listing.add(START - timedelta(days=400), hidden=True)
    listing.add(START)
    reader.polls(4)
    assert old.number not in reader.seen
    old.hidden = False
    reader.polls(8)
    assert reader.seen[old.number] == 0


def test_late_fields_are_read_within_minutes_and_edits_within_hours() -> None:
    listing, reader = started()
    rows = [listing.add(START + timedelta(seconds=1)) for _ in range(3 * ROWS)]
    reader.polls(4)
    for row in rows:
        row.text = 1
    reader.polls(16)
    assert [reader.seen[row.number] for row in rows] == [1] * len(rows)
    reader.polls(40, timedelta(minutes=2))
    rows[0].text = 2
    reader.polls(100, timedelta(minutes=2))
    assert reader.seen[rows[0].number] == 2


def test_late_fields_of_what_is_dated_back_are_read_as_soon_where_it_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    listing, reader = started()
    reader.polls(40)
    caught_up = [listing.add(reader.clock.now() + timedelta(minutes=number)) for number in range(20)]
    reader.clock.time += timedelta(minutes=30)
    late = listing.add(START - timedelta(days=3))
    reader.polls(2)
    assert late.number in reader.seen, "the listing is short enough to show it"
    assert late.number not in listing.asked_for
    late.text = 1
    reader.polls(8)
    assert reader.seen[late.number] == 1
    late.text = 2
    reader.polls(4, again.LOOKS[1])
    assert reader.seen[late.number] == 2
    assert not {row.number for row in caught_up} & {one["number"] for one in reader.cursor["watch"]}, "not late at all"
    monkeypatch.setattr(again, "LISTED", 1)
    listing.rows = {late.number: late}
    listing.add(START - timedelta(days=3))
    reader.polls(8)
    assert [one["number"] for one in reader.cursor["watch"]] == [late.number]
    assert reader.holes == []


def test_reading_again_and_asking_by_number_have_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    listing, reader = started()
    for _ in range(40):
        listing.add(START - timedelta(days=400))
        listing.add(START)
    reader.polls(10)
    listing.pages, listing.asked_for = 0, []
    reader.polls(100, timedelta(seconds=1))
    tops = 100
    assert listing.pages - tops <= 100 / again.PACE.total_seconds() + 1
    assert len(listing.asked_for) <= by_number.AT_ONCE * (100 / by_number.EVERY.total_seconds() + 1)


def after_a_busy_hour() -> tuple[Listing, Reader]:
    """More than is read again in ten minutes."""
    listing, reader = started()
    for _ in range(240):
        for _ in range(2):
            listing.add(reader.clock.now())
        reader.polls(1)
    (_, hour, *_) = reader.cursor["again"]["states"]
    assert hour["at"] is not None
    assert datetime.fromisoformat(hour["began"]) < reader.clock.now() - again.ROUNDS[1][1]
    listing.pages = 0
    return listing, reader


def test_round_that_is_late_is_read_on_with_half_of_what_the_limit_has_to_spare() -> None:
    listing, reader = after_a_busy_hour()
    reader.polls(1)
    assert listing.pages == 2, "nothing is to spare: the top, and a page of a round"
    listing.room = 20
    reader.polls(1)
    assert listing.pages == 2 + 2 + 10
    reader.polls(20)
    (_, hour, *_) = reader.cursor["again"]["states"]
    assert datetime.fromisoformat(hour["began"]) >= reader.clock.now() - again.ROUNDS[1][1], "the next one"
    assert reader.holes == []


def test_round_that_is_late_does_not_hurry_where_the_server_fails_or_is_slow() -> None:
    listing, reader = after_a_busy_hour()
    listing.room, listing.gives_top_alone = 100, True
    for polls in range(1, again.TRIES):
        reader.polls(1)
        assert listing.failed <= polls
    assert listing.failed > 0
    assert reader.holes == [], "its tries take their time"

    listing, reader = after_a_busy_hour()
    listing.room, listing.clock, listing.takes = 100, reader.clock, timedelta(seconds=1)
    reader.polls(1)
    assert listing.pages <= 2 + again.HURRY / listing.takes


def with_a_past() -> tuple[Listing, Reader]:
    """Below which no way down goes today."""
    listing = Listing(by_page=False)
    reader = Reader(listing)
    for _ in range(2 * ROWS):
        listing.add(START - timedelta(hours=2))
    reader.poll()
    listing.add(START)
    reader.polls(8)
    assert set(reader.seen) == {2 * ROWS + 1}
    return listing, reader


def with_many_late() -> tuple[Listing, Reader]:
    """So many numbers wait that more of them are asked for at once, and none has been asked for."""
    listing, reader = with_a_past()
    for _ in range(2 * by_number.MANY):
        listing.add(START - timedelta(days=400))
    listing.add(START)
    reader.polls(3)
    listing.asked_for = []
    return listing, reader


def test_where_many_numbers_wait_more_are_asked_for_and_no_more_than_that() -> None:
    listing, reader = with_many_late()
    reader.polls(10, by_number.EVERY)
    assert len(listing.asked_for) == 10 * by_number.OF_MANY
    reader.polls(50, by_number.EVERY)
    assert {number for number in listing.rows if number > 2 * ROWS} == set(reader.seen)


def test_what_waits_to_be_looked_at_gets_half_of_what_the_limit_has_to_spare_while_the_server_is_quick() -> None:
    listing, reader = with_many_late()
    reader.polls(60, by_number.EVERY)
    assert len(reader.cursor["watch"]) == 2 * by_number.MANY
    reader.clock.time += again.LOOKS[1]
    listing.room, listing.asked_for = 100, []
    reader.poll()
    assert len(listing.asked_for) == by_number.OF_MANY + 50
    assert len(set(listing.asked_for)) == len(listing.asked_for)

    listing.clock, listing.takes = reader.clock, timedelta(seconds=1)
    listing.asked_for = []
    reader.polls(1, by_number.EVERY)
    assert len(listing.asked_for) == by_number.OF_MANY, "what is new would wait for it"

    listing.takes, listing.asked_for = timedelta(seconds=0.5), []
    reader.polls(1, by_number.EVERY)
    watched = [number for number in listing.asked_for if number < listing.next_number]
    assert len(watched) == by_number.EVERY / 2 / listing.takes


def test_numbers_that_no_page_showed_come_before_what_is_looked_at_again() -> None:
    listing, reader = with_many_late()
    late = [number for number in listing.rows if number > 2 * ROWS]
    reader.polls(5, by_number.EVERY)
    watched = {one["number"] for one in reader.cursor["watch"]}
    unseen = [number for number in late if number not in reader.seen]
    reader.clock.time += again.LOOKS[0]
    listing.room, listing.asked_for = 200, []
    reader.poll()
    first, *rest = listing.asked_for
    assert first in watched
    assert rest == unseen[: by_number.OF_MANY - 1 + 100]

    listing.failing = {*unseen} - {*rest}
    listing.asked_for = []
    reader.polls(1, by_number.EVERY)
    assert len(listing.failing.intersection(listing.asked_for)) == 1


def test_server_that_fails_at_what_is_looked_at_again_is_left_alone() -> None:
    listing, reader = with_many_late()
    reader.polls(60, by_number.EVERY)
    reader.clock.time += again.LOOKS[1]
    listing.room, listing.asked_for = 100, []
    due = again.next_due(reader.cursor["watch"], reader.clock.now())
    listing.failing = {due[by_number.OF_MANY + 3]}
    reader.poll()
    assert listing.asked_for == due[: by_number.OF_MANY + 4]


def test_polls_that_come_a_little_too_early_miss_no_turn() -> None:
    listing, reader = with_many_late()
    reader.polls(12, by_number.EVERY * 0.9)
    assert len(listing.asked_for) >= 10 * by_number.OF_MANY
    reader.polls(1, 5 * by_number.EVERY)
    listing.asked_for = []
    reader.polls(10, by_number.EVERY * 0.1)
    assert len(listing.asked_for) <= by_number.OF_MANY, "nor is what was missed made up for"


def test_what_is_looked_at_again_gets_what_gaps_leave_over() -> None:
    listing, reader = with_a_past()
    late = {listing.add(START - timedelta(days=400)).number for _ in range(30)}
    listing.add(START)
    reader.polls(20)
    assert late <= set(reader.seen)
    listing.asked_for = []
    reader.polls(1, again.LOOKS[1])
    reader.polls(7, by_number.EVERY)
    assert late <= set(listing.asked_for)
    assert max(listing.asked_for) >= listing.next_number, "what may come next is tried all the same"


def test_backlog_keeps_nothing_dated_into_the_past_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "PAGES_AT_ONCE", 2)
    listing = Listing(by_page=False)
    for number in range(400):
        listing.add(START - timedelta(hours=400 - number))
    reader = Reader(listing, None)
    reader.poll()
    hidden = listing.add(START - timedelta(days=400))
    listing.add(START)
    reader.polls(5)
    assert reader.cursor["back"] is not None
    assert hidden.number in reader.seen
    assert hidden.number not in reader.backlog


def test_edited_item_from_before_the_bot_is_wanted_if_its_edit_is_younger() -> None:
    listing, reader = started(start_from=timedelta(minutes=10))
    found = reader.poll().found
    assert [one.wanted for one in found] == [False]
    assert found[0].edited_since == START - timedelta(minutes=10)
    assert found[0].backlog
    assert listing.rows


def test_more_than_can_be_asked_for_is_a_hole_in_words() -> None:
    kept, holes = gaps.bounded([[1, 3], [10, 10 + gaps.WIDEST]])
    assert kept == [[1, 3]]
    assert holes == [f"numbers 10 to {10 + gaps.WIDEST} were never listed, and are too many to ask for one by one"]
    old = {"since": "x", "numbers": [[1, 2], [5, 5]]}
    waiting = [{"since": "x", "numbers": [[1000 * n, 1000 * n + 399]]} for n in range(1, 6)]
    kept_gaps, given_up = gaps.within([old, *waiting])
    assert kept_gaps == waiting
    assert given_up == ["numbers 1 to 2, 5 were never listed, and too many wait to be asked for one by one"]


def test_what_is_watched_no_more_is_a_hole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(again, "MOST", 3)
    listing, reader = started()
    for _ in range(40):
        listing.add(START)
    reader.polls(3)
    for _ in range(5):
        listing.add(START - timedelta(days=400))
        listing.add(START)
    reader.polls(10)
    assert len(reader.cursor["watch"]) == 3
    assert reader.holes == [again.LET_GO] * 2


def test_what_a_long_walk_passes_over_is_bounded_on_the_way_and_all_of_it_accounted_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gaps, "MOST", 4)
    monkeypatch.setattr(walk, "PAGES_AT_ONCE", 3)
    listing, reader = started()
    reader.polls(2)
    hidden = [listing.add(START + timedelta(seconds=n), hidden=n % 3 == 0) for n in range(120)][::3]
    noted = []
    while True:
        reader.poll()
        if reader.cursor["walk"] is None:
            break
        noted.append(len(reader.cursor["walk"]["missing"]))
    assert len(noted) >= 4
    assert max(noted) == gaps.MOST
    (told,) = [hole for hole in reader.holes if "when they were passed" in hole]
    count, lowest, highest = (int(word) for word in told.split() if word.isdigit())
    waiting = [n for gap in reader.cursor["gaps"] for first, last in gap["numbers"] for n in range(first, last + 1)]
    assert waiting == [row.number for row in (hidden[0], *hidden[-3:])]
    assert (count, lowest, highest) == (len(hidden) - 4, hidden[1].number, hidden[-4].number)


def test_what_a_walk_has_yet_to_come_to_is_not_given_up() -> None:
    narrow = [[10_000 + 2 * n, 10_000 + 2 * n] for n in range(gaps.MOST)]
    wide = [[5, 5], [100, 5000], *narrow]
    kept, lost = gaps.thinned(wide, ())
    assert kept == [[5, 5], [100, 5000], *narrow[2:]]
    assert lost == [2, 10_000, 10_002]
    kept, lost = gaps.thinned([[3, 3], *kept], lost)
    assert kept == [[3, 3], [100, 5000], *narrow[2:]]
    assert lost == [3, 5, 10_002]
    assert gaps.thinned(kept, lost) == (kept, lost)


def test_what_is_watched_is_looked_at_ever_more_rarely_and_then_let_go() -> None:
    now, (watch, _) = START, again.watched([], 7, START)
    looks = 0
    while watch:
        assert again.next_due(watch, now) == []
        now = datetime.fromisoformat(watch[0]["due"])
        assert again.next_due(watch, now) == [7]
        watch = again.looked_at(watch, 7, now, there=True)
        looks += 1
    assert looks == len(again.LOOKS)
    assert again.looked_at(again.watched([], 7, START)[0], 7, START, there=False) == []
    many: list[dict[str, Any]] = []
    let_go: list[str] = []
    for number in range(again.MOST + 5):
        many, holes = again.watched(many, number, START)
        let_go += holes
    assert len(many) == again.MOST
    assert many[0]["number"] == 5
    assert again.watched(many, 5, START)[1] == [], "it only goes to the end of the line"
    assert let_go == [again.LET_GO] * 5


def test_what_is_dated_into_the_future_hides_nothing_that_comes_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_number, "AT_ONCE", 0)  # nothing is asked for by its number
    for by_page in (False, True):
        listing, reader = started(by_page=by_page)
        for _ in range(8 * ROWS):
            listing.add(START + timedelta(days=2))
            reader.polls(1)
        listing.pages = 0
        ours = []
        for _ in range(40):
            ours.append(listing.add(reader.clock.now()).number)
            reader.polls(1)
        assert set(ours) <= set(reader.seen)
        assert listing.pages < 40 * 8  # nor is all of the future read each time


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(seconds=3), timedelta(minutes=2), -walk.SKEW])
def test_future_that_comes_hides_nothing_either(monkeypatch: pytest.MonkeyPatch, ahead: timedelta) -> None:
    """``ahead``: of our clock is the server's by so much."""
    monkeypatch.setattr(by_number, "AT_ONCE", 0)
    monkeypatch.setattr(by_number, "OF_MANY", 0)
    for by_page in (False, True):
        listing, reader = started(by_page=by_page)
        for number in range(6 * ROWS):
            listing.add(START + timedelta(minutes=20, seconds=20 * number))
        reader.polls(8)
        listing.pages = 0
        for _ in range(50):
            ours = [listing.add(reader.clock.now() + ahead).number for _ in range(2)]
            reader.polls(1, timedelta(minutes=1))
            while reader.cursor["walk"] is not None:
                reader.polls(1, timedelta(seconds=1))
            assert set(ours) <= set(reader.seen)
        assert listing.pages < 50 * 12


def test_future_rows_that_go_away_hide_nothing_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_number, "AT_ONCE", 0)
    for by_page in (False, True):
        listing, reader = started(by_page=by_page)
        future = [listing.add(START + timedelta(days=2)) for _ in range(6 * ROWS)]
        reader.polls(8)
        for row in future[ROWS + 1 :]:
            row.hidden = True
        ours = [listing.add(reader.clock.now()).number for _ in range(3 * ROWS)]
        reader.polls(4)
        assert set(ours) <= set(reader.seen)


def test_row_that_only_says_to_be_of_the_future_leads_no_walk_past_others() -> None:
    listing, reader = started()
    for _ in range(2 * ROWS):
        listing.add(START + timedelta(days=2))
    reader.polls(2)
    ours = [listing.add(reader.clock.now()).number for _ in range(4 * ROWS)]
    reader.polls(3)
    assert set(ours) <= set(reader.seen)
