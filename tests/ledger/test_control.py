"""Who acts, and small facts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from bot.ports import Lease
from making import NOW

if TYPE_CHECKING:
    from bot.ledger import SqlLedger
    from making import StillClock


def test_one_at_a_time(ledger: SqlLedger) -> None:
    assert ledger.holder() is None
    mine = ledger.acquire("me", seconds=30)
    assert mine == Lease(holder="me", fence=1, expires=NOW + timedelta(seconds=30))
    assert ledger.acquire("you", seconds=30) is None
    assert ledger.holder() == mine


def test_holder_stays_with_the_same_fence(ledger: SqlLedger, clock: StillClock) -> None:
    ledger.acquire("me", seconds=30)
    clock.pass_(seconds=20)
    assert ledger.acquire("me", seconds=30) == Lease(holder="me", fence=1, expires=NOW + timedelta(seconds=50))


def test_lease_that_ran_out_goes_to_another_with_a_higher_fence(ledger: SqlLedger, clock: StillClock) -> None:
    ledger.acquire("me", seconds=30)
    clock.pass_(seconds=30)
    assert ledger.holder() is None
    yours = ledger.acquire("you", seconds=30)
    assert yours is not None
    assert yours.fence == 2
    assert ledger.acquire("me", seconds=30) is None


def test_given_back_lease_is_free_and_its_fence_is_spent(ledger: SqlLedger) -> None:
    mine = ledger.acquire("me", seconds=30)
    assert mine is not None
    ledger.release(mine)
    assert ledger.holder() is None
    again = ledger.acquire("me", seconds=30)
    assert again is not None
    assert again.fence == 2


def test_old_lease_cannot_be_given_back_for_another(ledger: SqlLedger, clock: StillClock) -> None:
    mine = ledger.acquire("me", seconds=30)
    assert mine is not None
    clock.pass_(minutes=1)
    yours = ledger.acquire("you", seconds=30)
    ledger.release(mine)
    assert ledger.holder() == yours


def test_lease_from_before_the_clock_was_set_back_does_not_last_for_years(ledger: SqlLedger, clock: StillClock) -> None:
    clock.pass_(days=365)
    ledger.acquire("me", seconds=30)
    clock.pass_(days=-365)
    assert ledger.holder() is None
    yours = ledger.acquire("you", seconds=30)
    assert yours is not None
    assert yours.fence == 2


def test_flags_are_set_found_and_cleared(ledger: SqlLedger) -> None:
    assert ledger.flag("stopped") is None
    ledger.set_flag("stopped", "by mod")
    ledger.set_flag("stopped", "by \0 another")
    assert ledger.flag("stopped") == "by \0 another"
    ledger.set_flag("stopped", None)
    ledger.set_flag("stopped", None)
    assert ledger.flag("stopped") is None


def test_flags_are_listed_by_their_beginning_exactly(ledger: SqlLedger) -> None:
    for key in ("source/b", "Source/c", "source_d", "source/a"):
        ledger.set_flag(key, "x")
    assert ledger.flags("source/") == ["source/a", "source/b"]
    assert ledger.flags("sour%") == []
    assert ledger.flags("") == ["Source/c", "source/a", "source/b", "source_d"]
