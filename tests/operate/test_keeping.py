"""The daily look for what was kept long enough."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from bot.domain.decisions import IntentState
from bot.domain.errors import LedgerError
from bot.operate.keeping import Housekeeper, Periods
from bot.ports import Batch, TaskKind
from ledger.docket import BAN, HOLD, REMOVE, deeds, plan
from making import SHA, StillClock, alias, evidence, hit, post, sighting

if TYPE_CHECKING:
    from bot.ledger import SqlLedger

FOR_EVER = Periods(cases=None, unflagged=None, uploads=None)
MONTH = Periods(cases=timedelta(days=365), unflagged=timedelta(days=30), uploads=timedelta(days=365))


def keeper(ledger: SqlLedger, clock: StillClock, periods: Periods = MONTH) -> Housekeeper:
    return Housekeeper(ledger, clock, lambda: periods, sleep=lambda _: None)


def unflagged(ledger: SqlLedger, number: int) -> None:
    seen = [sighting(post(one), alias(f"{one}.png")) for one in range(100, 100 + number)]
    ledger.record("", Batch(sightings=seen), examine_uploads=False)
    for task in ledger.take([TaskKind.EXAMINE], limit=number, lease_seconds=60):
        ledger.finish(task)


def case(ledger: SqlLedger, *, held: bool = False) -> None:
    ledger.record("", Batch(sightings=[sighting()]), examine_uploads=False)
    ledger.save_scan(ledger.bind(alias(), SHA), evidence(hit()))
    (record,) = plan(ledger, BAN, decision=HOLD) if held else plan(ledger, REMOVE)
    if not held:
        ledger.set_state(record.id, IntentState.DISMISSED, by="mod")
    for task in (*ledger.take([TaskKind.EXAMINE], limit=9, lease_seconds=60), *deeds(ledger)):
        ledger.finish(task)


def seen(ledger: SqlLedger) -> int:
    return ledger.items_of(sighting().subject.author, most=10_000)  # type: ignore[arg-type]


def test_a_pass_takes_everything_that_is_due_and_nothing_else(ledger: SqlLedger, clock: StillClock) -> None:
    unflagged(ledger, 700)  # more than one transaction takes
    case(ledger)
    clock.pass_(days=29)
    keeper(ledger, clock).look()
    assert seen(ledger) == 701
    clock.pass_(days=2)
    keeper(ledger, clock).look()
    assert seen(ledger) == 1
    assert len(ledger.intents()) == 1
    clock.pass_(days=365)
    keeper(ledger, clock).look()
    assert seen(ledger) == 0
    assert ledger.intents() == []
    assert ledger.case(1) is not None
    assert ledger.verify().problems == []


def test_never_keeps_for_ever(ledger: SqlLedger, clock: StillClock) -> None:
    unflagged(ledger, 3)
    case(ledger)
    clock.pass_(days=4000)
    keeper(ledger, clock, FOR_EVER).look()
    assert seen(ledger) == 4
    assert len(ledger.intents()) == 1


def test_it_is_done_once_a_day_and_tells_the_head(ledger: SqlLedger, clock: StillClock) -> None:
    ledger.note_config("c" * 64, why="start")
    one = keeper(ledger, clock, FOR_EVER)

    def told() -> list[int]:
        with capture_logs() as logs:
            one.look()
        return [entry["n"] for entry in logs if "head" in entry["event"]]

    assert told() == [1]
    clock.pass_(hours=23)
    assert told() == []
    clock.pass_(hours=2)
    assert told() == [1]
    clock.pass_(days=-30)  # the clock was set back
    assert told() == [1]


def test_what_waits_is_left_alone_and_stops_nothing(ledger: SqlLedger, clock: StillClock) -> None:
    case(ledger, held=True)
    unflagged(ledger, 3)
    clock.pass_(days=400)
    keeper(ledger, clock).look()
    assert [record.state for record in ledger.intents()] == [IntentState.HELD]
    assert seen(ledger) == 1


def test_a_case_that_cannot_be_emptied_stops_nothing(
    ledger: SqlLedger, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    case(ledger)
    unflagged(ledger, 3)
    clock.pass_(days=400)
    real = ledger.stale_cases
    monkeypatch.setattr(ledger, "stale_cases", lambda before, limit: [*real(before, limit=limit), 1][:limit])
    keeper(ledger, clock).look()
    assert seen(ledger) == 0


def test_a_pass_that_was_interrupted_is_gone_on_with(
    ledger: SqlLedger, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    unflagged(ledger, 500)
    clock.pass_(days=31)
    real, calls = ledger.erase_sightings, []

    def locked(*arguments: object, **more: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise LedgerError("locked")
        return real(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(ledger, "erase_sightings", locked)
    one = keeper(ledger, clock)
    with pytest.raises(LedgerError, match="locked"):
        one.look()
    assert 0 < seen(ledger) < 500
    one.look()
    assert seen(ledger) == 0
