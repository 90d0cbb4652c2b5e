"""How long the rest takes is told from what was measured, and not told before that."""

from __future__ import annotations

import io
import json
import subprocess
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from rich.console import Console

import making
from bot.cli.watching import picture, plain
from bot.clock import SystemClock
from bot.domain.decisions import Allow, BanAccount, Done, Hold, HoldReason, IntentState, Remove, Report, Verdict
from bot.ledger import open_ledger
from bot.operate.pace import Pace, Snapshot, in_words, left, snapshot
from bot.ports import Batch, Lane, TaskKind
from commanding import COMMAND

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bot.ports import Ledger

START = Snapshot(
    at=making.NOW,
    queued={Lane.NEW: 600},
    finished={Lane.NEW: 100},
    parked=0,
    unscanned=600,
    examined=100,
    ready={"report": 900, "ban_account": 100},
    held={},
    settled={"report": 5},
    lately=0.0,
)


def later(before: Snapshot, seconds: float, **changes: Any) -> Snapshot:
    return replace(before, at=before.at + timedelta(seconds=seconds), **changes)


def test_rest_is_what_is_left_at_the_measured_rate() -> None:
    pace = Pace()
    first = pace.forecast(START)
    assert (first.scan_left, first.deeds_left, first.left) == (None, None, None)
    second = pace.forecast(
        later(
            START,
            60,
            finished={Lane.NEW: 220},
            examined=220,
            unscanned=480,
            settled={"report": 15, "ban_account": 10},
            ready={"report": 890, "ban_account": 90},
        )
    )
    assert second.scanning == 120
    assert second.lanes[Lane.NEW] == 120
    assert second.scan_left == timedelta(minutes=4)
    assert second.deeds == {"report": 10, "ban_account": 10}
    assert second.deeds_left == timedelta(minutes=49)
    assert second.left == timedelta(minutes=49)


def test_what_stands_still_has_no_end() -> None:
    pace = Pace()
    pace.forecast(START)
    stuck = pace.forecast(later(START, 60))
    assert stuck.left is None
    assert "not known yet" in shown(stuck)


def test_old_rates_are_forgotten() -> None:
    pace = Pace()
    pace.forecast(START)
    now = later(START, 1, settled={"report": 10_000})
    for _ in range(200):
        forecast = pace.forecast(now)
        now = later(now, 1)
    assert forecast.deeds["report"] == 0


def test_rate_of_the_last_minutes_counts_until_something_was_measured() -> None:
    assert Pace().forecast(replace(START, lately=10.0)).deeds_left == timedelta(minutes=100)


def test_rate_of_the_last_minutes_does_not_count_where_nothing_moves_any_more() -> None:
    pace = Pace()
    pace.forecast(replace(START, lately=10.0))
    assert pace.forecast(later(START, 60, lately=8.0)).deeds_left is None


def test_nothing_left_is_told_as_such() -> None:
    done = Pace().forecast(replace(START, unscanned=0, ready={}))
    assert done.left == timedelta(0)
    assert "nothing is left" in shown(done)


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0.2, "less than a minute"),
        (1, "about 1 min"),
        (130, "about 2 h 10 min"),
        (120, "about 2 h"),
        (1570, "about 1 d 2 h"),
    ],
)
def test_times_are_told_in_words(minutes: float, words: str) -> None:
    assert in_words(timedelta(minutes=minutes)) == words
    assert left(0, None) == timedelta(0)


def shown(forecast: Any) -> str:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(picture(forecast))
    return console.export_text()


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger with a raid under way: two deeds done, one ready, one held; one file to be scanned, one scanned."""
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", clock=SystemClock())
    seen = [making.sighting(making.post(number), making.alias(f"{number}.png")) for number in (1, 2)]
    ledger.record("", Batch(sightings=seen), examine_uploads=False)
    (task,) = ledger.take([TaskKind.EXAMINE], limit=1, lease_seconds=60)
    ledger.finish(task)
    file_id = ledger.bind(seen[0].name, "ab" * 32)
    intents = (
        Report(instance=making.HERE, subject=making.post(1), text="t"),
        Report(instance=making.HERE, subject=making.post(2), text="t"),
        Remove(instance=making.HERE, subject=making.post(1), text="t"),
        BanAccount(instance=making.HERE, account=making.account()),
    )
    decisions = [Allow(), Allow(), Allow(), Hold(reasons=(HoldReason.QUOTA,))]
    case = ledger.open_case(file_id).number
    verdict = Verdict(rule_id="known", rule_digest="d", because=making.EXACT, intents=intents)
    records = ledger.add_verdict(case, file_id, verdict, list(zip(intents, decisions, strict=True)))
    lease = ledger.acquire("somebody", seconds=60)
    assert lease is not None
    for record in records[:2]:
        attempt = ledger.begin(record.id, reverting=False, before={}, fence=lease.fence)
        ledger.end(attempt, Done(), state=IntentState.DONE)
    ledger.release(lease)
    yield ledger
    ledger.close()


def test_snapshot_tells_what_is_in_the_ledger(busy: Ledger) -> None:
    now = snapshot(busy, SystemClock().now())
    assert (now.unscanned, now.examined) == (1, 1)
    assert now.finished == {Lane.NEW: 1}
    assert now.queued == {Lane.NEW: 1, Lane.DEEDS: 1}
    assert (now.ready, now.held, now.settled) == ({"remove": 1}, {"ban_account": 1}, {"report": 2})
    assert now.lately > 0
    assert json.loads(json.dumps(plain(Pace().forecast(now)), default=str))["ready"] == {"remove": 1}


@pytest.mark.usefixtures("busy")
def test_watching_prints_one_object_after_the_other_until_it_is_interrupted(tmp_path: Path) -> None:
    instance = {"id": "here", "platform": "lemmy", "url": "http://127.0.0.1:9", "username": "w", "password": "s"}
    (tmp_path / "config.yaml").write_text(
        yaml.safe_dump({"schema": 1, "ledger": "sqlite:///ledger.db", "instances": [instance]})
    )
    watching = subprocess.Popen(
        [COMMAND, "status", "--watch", "--json", "--every", "0.1"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert watching.stdout is not None
    try:
        lines = [json.loads(watching.stdout.readline()) for _ in range(3)]
    finally:
        watching.send_signal(2)
        code = watching.wait(60)
        watching.stdout.close()
    assert code == 0
    assert [line["unscanned"] for line in lines] == [1, 1, 1]
    assert lines[-1]["scanned_per_minute"] == 0
    assert lines[-1]["left"] is None
    assert lines[-1]["deeds_left"] is not None
