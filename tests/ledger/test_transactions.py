"""What transactions see of each other, on every database that several openings can share."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from bot.ledger import SqlLedger, open_ledger, schema
from bot.ledger.database import put
from bot.ports import Batch
from making import NOW, StillClock, sighting

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def two(shared_url: str) -> Iterator[tuple[SqlLedger, SqlLedger]]:
    first = open_ledger(shared_url, clock=StillClock())
    second = open_ledger(shared_url, clock=StillClock())
    yield first, second
    first.close()
    second.close()


def test_second_opening_sees_what_the_first_wrote(two: tuple[SqlLedger, SqlLedger]) -> None:
    first, second = two
    first.set_flag("stopped", "by mod")
    assert second.flag("stopped") == "by mod"
    assert second.acquire("you", seconds=30)
    assert first.acquire("me", seconds=30) is None


def test_reader_sees_one_moment(two: tuple[SqlLedger, SqlLedger]) -> None:
    first, second = two
    number = select(func.count()).select_from(schema.sighting)
    with first._database.read() as connection:
        assert connection.execute(select(func.count()).select_from(schema.flag)).scalar() == 0
        assert second.record("here/posts", Batch(sightings=[sighting()]), examine_uploads=False) == 1
        assert connection.execute(number).scalar() == 0
    with first._database.read() as connection:
        assert connection.execute(number).scalar() == 1


def test_writer_sees_what_was_written_while_it_waited(two: tuple[SqlLedger, SqlLedger]) -> None:
    first, second = two
    got: list[object] = []
    other = threading.Thread(target=lambda: got.append(second.acquire("you", seconds=30)))
    with first._database.write() as connection:
        other.start()
        other.join(0.3)
        assert other.is_alive()  # it waits for its turn
        lease = {"holder": "me", "fence": 1, "renewed_at": NOW, "expires": NOW.replace(year=NOW.year + 1)}
        put(connection, schema.lease, ["name"], name="actor", **lease)
    other.join(60)
    assert got == [None]


def test_transaction_that_fails_leaves_nothing_behind(two: tuple[SqlLedger, SqlLedger]) -> None:
    first, second = two

    def write() -> None:
        with first._database.write() as connection:
            put(connection, schema.flag, ["key"], key="stopped", value="x")
            raise KeyError

    with pytest.raises(KeyError):
        write()
    assert second.flag("stopped") is None
    second.set_flag("stopped", "y")  # the right to write was given back
    assert first.flag("stopped") == "y"
