"""kill -9 between any two statements, and several processes on one ledger."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bot.clock import SystemClock
from bot.ledger import open_ledger
from bot.ports import Lane, TaskKind
from ledger import victims
from ledger.backends import BACKENDS, SHARED
from making import StillClock

if TYPE_CHECKING:
    from collections.abc import Sequence

TESTS = Path(__file__).parent.parent


def start(url: str, *arguments: object) -> subprocess.Popen[bytes]:
    paths = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    command = [sys.executable, "-m", "ledger.victims", *map(str, arguments)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": paths, "LEDGER": url})


def finish(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        assert process.wait(timeout=120) == 0


@pytest.fixture(scope="module", params=SHARED)
def wreckage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """For every deed, what is left when it is killed at its first statement, its second, and so on."""
    place = tmp_path_factory.mktemp("wreckage")
    notes = place / "notes.json"
    with BACKENDS[request.param].url(place) as url:
        finish([start(url, "die", notes)])
        if url.startswith("sqlite"):
            with closing(sqlite3.connect(place / "ledger.db")) as connection:
                assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    found: dict[str, Any] = json.loads(notes.read_text())
    return found


@pytest.mark.parametrize("deed", victims.DEEDS)
def test_kill_between_any_two_statements_leaves_all_or_nothing(deed: str, wreckage: dict[str, Any]) -> None:
    nothing, *killed, through = wreckage[deed]
    assert through != nothing
    assert len(killed) >= 3  # BEGIN, one statement, COMMIT
    assert all(left == nothing for left in killed)


def test_two_processes_share_the_tasks(shared_url: str, tmp_path: Path) -> None:
    ledger = open_ledger(shared_url, clock=SystemClock())
    wanted = [f"name-{number}" for number in range(60)]
    for target in wanted:
        ledger.enqueue(TaskKind.EXAMINE, target, Lane.NEW)
    notes = [tmp_path / "one", tmp_path / "two"]
    finish([start(shared_url, "work", note) for note in notes])
    done = [line for note in notes for line in note.read_text().splitlines()]
    assert sorted(done) == sorted(wanted)
    assert ledger.backlog_size() == {}
    ledger.close()


def test_two_processes_act_one_after_the_other(shared_url: str, tmp_path: Path) -> None:
    tally = tmp_path / "tally"
    ledger = open_ledger(shared_url, clock=SystemClock())
    tally.write_text("0")
    finish([start(shared_url, "act", tally, 30, holder) for holder in ("one", "two")])
    assert tally.read_text() == "60"
    last = ledger.acquire("me", seconds=1)
    assert last is not None
    assert last.fence == 61
    ledger.close()


def test_processes_that_start_together_make_the_tables_once(empty_url: str) -> None:
    finish([start(empty_url, "open") for _ in range(3)])
    ledger = open_ledger(empty_url, clock=StillClock())
    assert ledger.backlog_size() == {}
    ledger.close()
