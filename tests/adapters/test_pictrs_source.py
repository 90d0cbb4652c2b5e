"""The listing of a recorded pict-rs as a feed, page by page; and what a listing must not be able to do to it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from adapters.pictrs import source
from adapters.pictrs.source import IN_VAIN, PictrsSource
from bot.domain.content import InstanceId
from bot.domain.errors import BadAnswerError, UnreachableError
from bot.ports import Gone
from making import StillClock

if TYPE_CHECKING:
    from collections.abc import Mapping

CAPTURE = Path(__file__).parent.parent / "golden" / "captures" / "pictrs-0.5" / "api.json"
LATER = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Store:
    """``hashes`` of a client: rows, newest first, so many on a page."""

    def __init__(self, rows: list[dict[str, Any]], page: int = 3) -> None:
        self.rows = rows
        self.page = page
        self.asked: list[tuple[str | None, datetime | None]] = []

    def hashes(self, *, slug: str | None = None, before: datetime | None = None) -> Mapping[str, Any]:
        self.asked.append((slug, before))
        rows = self.rows
        if before is not None:
            rows = [row for row in rows if datetime.fromisoformat(row["details"]["created_at"]) < before]
        elif slug is not None:
            at = next((place for place, row in enumerate(rows) if row["hex"] == slug), 0)
            rows = rows[at:]  # of what is not there any more pict-rs gives the first page
        found: dict[str, Any] = {"hashes": rows[: self.page], "limit": self.page}
        if rows:
            found["current"] = rows[0]["hex"]
        if len(rows) > self.page:
            found["next"] = rows[self.page]["hex"]
        return found


def row(number: int, at: datetime) -> dict[str, Any]:
    return {
        "hex": f"{number:064x}000000000001" + "07",
        "aliases": [f"{number}.png"],
        "details": {"created_at": at.isoformat(), "format": "Image"},
    }


def feed(store: Store, clock: StillClock, start_from: timedelta | None = None) -> PictrsSource:
    return PictrsSource(
        "here/files",
        InstanceId("here"),
        store,  # type: ignore[arg-type]
        address=lambda name: f"https://here.example/pictrs/image/{name.value}",
        read=lambda key: Gone(detail=str(key)),
        clock=clock,
        start_from=start_from,
    )


def drained(place: PictrsSource, cursor: Any) -> tuple[list[str], Any]:
    found: list[str] = []
    for _ in range(50):
        batch = place.poll(cursor)
        cursor = json.loads(json.dumps(batch.cursor))
        found += [str(one.name.value) for one in batch.files]
        if not batch.more:
            return found, cursor
    raise AssertionError("goes round and round")


def test_recorded_listing() -> None:
    exchanges = json.loads(CAPTURE.read_text())
    listings = [
        one["response"]["body"]["page"]
        for one in exchanges
        if one["request"]["path"] == "/internal/hashes" and one["request"].get("query") == {"limit": 1000}
    ]
    rows = listings[0]["hashes"]
    batch = feed(Store(rows, page=100), StillClock(LATER)).poll(None)
    assert len(batch.files) == sum(len(one["aliases"]) for one in rows)
    assert batch.files[0].sha256 == rows[0]["hex"][:64]
    assert batch.files[0].stored_at == datetime(2026, 11, 22, 6, 23, 6, 969410, UTC)
    assert all(one.backlog for one in batch.files)
    assert batch.holes == []


def test_many_new_files_are_read_in_steps_and_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "PAGES_AT_ONCE", 2)
    monkeypatch.setattr(source, "REMEMBERED", 4)
    clock = StillClock(LATER)
    store = Store([row(n, LATER - timedelta(hours=1, seconds=n)) for n in range(10)])
    place = feed(store, clock)
    found, cursor = drained(place, None)
    assert sorted(found) == sorted(f"{n}.png" for n in range(10))
    clock.pass_(minutes=10)
    fresh = [row(100 + n, LATER + timedelta(seconds=60 - n)) for n in range(20)]
    store.rows = [*fresh, *store.rows]
    found, cursor = drained(place, cursor)
    assert sorted(found) == sorted(f"{100 + n}.png" for n in range(20))
    assert drained(place, cursor)[0] == []


def test_end_is_found_although_everything_known_was_purged() -> None:
    clock = StillClock(LATER)
    store = Store([row(n, LATER - timedelta(hours=1, seconds=n)) for n in range(6)])
    place = feed(store, clock, timedelta(0))
    _, cursor = drained(place, None)
    store.rows = [
        row(7, LATER + timedelta(seconds=1)),
        *(row(50 + n, LATER - timedelta(days=2 + n)) for n in range(30)),
    ]
    clock.pass_(minutes=5)
    store.asked = []
    found, _ = drained(place, cursor)
    assert found == ["7.png"]
    assert len(store.asked) <= 2


def test_file_without_facts_neither_ends_the_way_nor_is_lost() -> None:
    clock = StillClock(LATER)
    store = Store([row(0, LATER - timedelta(hours=1))])
    place = feed(store, clock)
    _, cursor = drained(place, None)
    clock.pass_(minutes=10)
    lost = {**row(1, LATER), "details": None}
    store.rows = [lost, row(2, LATER + timedelta(seconds=5)), *store.rows]
    assert sorted(drained(place, cursor)[0]) == ["1.png", "2.png"]


def test_page_whose_first_file_was_purged_is_read_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "PAGES_AT_ONCE", 2)
    clock = StillClock(LATER)
    store = Store([row(n, LATER - timedelta(hours=1, seconds=5 * n)) for n in range(10)])
    place = feed(store, clock)
    first = place.poll(None)
    assert [one.name.value for one in first.files] == [f"{n}.png" for n in range(6)]
    del store.rows[6]
    found, _ = drained(place, first.cursor)
    assert found == [f"{n}.png" for n in (5, 7, 8, 9)]


def test_page_of_broken_rows_is_not_the_end_of_the_way() -> None:
    clock = StillClock(LATER)
    broken = [{**row(n, LATER - timedelta(hours=1)), "aliases": None} for n in range(3)]
    store = Store([*broken, row(3, LATER - timedelta(hours=1))])
    found, _ = drained(feed(store, clock), None)
    assert found == ["3.png"]


def test_broken_rows_are_holes_and_another_shape_is_an_error() -> None:
    clock = StillClock(LATER)
    rows = [{"hex": "xyz"}, {"aliases": []}, row(3, LATER - timedelta(hours=1)), {**row(4, LATER), "hex": "ab"}]
    batch = feed(Store(rows, page=9), clock).poll(None)  # type: ignore[arg-type]
    assert [str(one.name.value) for one in batch.files] == ["3.png"]
    assert len(batch.holes) == 3

    class Odd(Store):
        def hashes(self, **_: Any) -> Mapping[str, Any]:
            return {"pages": 3}

    with pytest.raises(BadAnswerError, match="not pict-rs"):
        feed(Odd([]), clock).poll(None)


def test_file_that_was_purged_and_is_stored_again_hides_nothing() -> None:
    clock = StillClock(LATER)
    known = row(0, LATER - timedelta(hours=1))
    store = Store([known, row(1, LATER - timedelta(hours=2))])
    place = feed(store, clock)
    _, cursor = drained(place, None)
    again = {**known, "details": {**known["details"], "created_at": (LATER + timedelta(minutes=4)).isoformat()}}
    store.rows = [
        row(9, LATER + timedelta(minutes=5)),
        again,
        *(row(10 + n, LATER + timedelta(minutes=3 - n)) for n in range(3)),
        *store.rows[1:],
    ]
    clock.pass_(minutes=10)
    found, _ = drained(place, cursor)
    assert sorted(found) == sorted(["9.png", "0.png", "10.png", "11.png", "12.png"])


class Failing(Store):
    """Fails at every page but the first."""

    def hashes(self, *, slug: str | None = None, before: datetime | None = None) -> Mapping[str, Any]:
        if slug is not None:
            raise UnreachableError("GET /internal/hashes: it answered 500", sent=True)
        return super().hashes(slug=slug, before=before)


def test_nothing_new_waits_for_a_page_of_the_backlog() -> None:
    clock = StillClock(LATER)
    store = Failing([row(n, LATER - timedelta(hours=1, seconds=n)) for n in range(9)])
    place = feed(store, clock)
    found, troubles, holes, cursor = [], 0, [], None
    for number in range(2 * IN_VAIN):
        batch = place.poll(cursor)
        cursor = json.loads(json.dumps(batch.cursor))
        found += [str(one.name.value) for one in batch.files]
        holes += batch.holes
        troubles += bool(batch.trouble)
        assert not batch.more
        if number % 5 == 0:
            store.rows.insert(0, row(100 + number, clock.now()))
        clock.pass_(minutes=3)
    assert sorted(found) == sorted(["0.png", "1.png", "2.png", *(f"{100 + n}.png" for n in range(0, 2 * IN_VAIN, 5))])
    assert troubles == IN_VAIN - 1
    assert len(holes) == 1
    assert "stored before 2026" in holes[0]
