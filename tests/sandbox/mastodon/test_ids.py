"""Ids say when something was made; what comes late is put where it belongs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .square import Square


def _time_of(number: int) -> datetime:
    return datetime.fromtimestamp((number >> 16) / 1000, UTC)


def test_ids_of_one_moment_still_rise(newer: Square) -> None:
    made = [newer.box.state.snowflake() for _ in range(300)]
    assert made == sorted(set(made))


def test_id_of_a_late_status_is_of_the_time_when_it_was_published(newer: Square) -> None:
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    rita = newer.box.federation.account("rita")
    status = newer.box.federation.status(rita, "late", published=hour_ago)
    assert abs(_time_of(status.id) - hour_ago) < timedelta(milliseconds=1)


def test_cursor_never_gives_what_was_put_below_it(square: Square) -> None:
    seen = square.post("alice", "first")["id"]
    rita = square.box.federation.account("rita")
    square.box.federation.status(rita, "late", published=datetime.now(UTC) - timedelta(hours=1))
    square.post("alice", "second")
    assert square.feed(min_id=seen) == ["second"]
    assert square.feed() == ["second", "first", "late"]


def test_status_found_by_its_address_lands_below_the_cursor(square: Square) -> None:
    rita = square.box.federation.account("rita")
    waiting = square.box.federation.status(
        rita, "found", arrives=False, published=datetime.now(UTC) - timedelta(hours=1)
    )
    seen = square.post("alice", "newest")["id"]
    assert "found" not in square.feed()
    found = square.get("warden/bot", "/api/v2/search", q=waiting.url, resolve="true")["statuses"]
    assert [status["content"] for status in found] == ["<p>found</p>"]
    assert square.feed(min_id=seen) == []
    assert square.feed() == ["newest", "found"]
