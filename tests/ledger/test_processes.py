"""kill -9 between any two statements, and several processes on one ledger."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot.clock import SystemClock
from bot.ledger import open_ledger
from bot.ports import Lane, TaskKind
from ledger import victims
from making import StillClock

if TYPE_CHECKING:
    from collections.abc import Sequence

TESTS = Path(__file__).parent.parent


def start(*arguments: object) -> subprocess.Popen[bytes]:
    paths = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    command = [sys.executable, "-m", "ledger.victims", *map(str, arguments)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": paths})


def finish(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        assert process.wait(timeout=120) == 0


def content(file: Path) -> list[str]:
    """Everything in a database, as somebody finds it who opens it after an accident."""
    connection = sqlite3.connect(file)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return list(connection.iterdump())
    finally:
        connection.close()


@pytest.fixture(scope="module")
def wreckage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For every deed, what is left when it is killed at its first statement, its second, and so on."""
    place = tmp_path_factory.mktemp("wreckage")
    ledger = victims.opened(place / "base")
    victims.before(ledger)
    ledger.close()
    finish([start("die", place / "base", place)])
    return place


@pytest.mark.parametrize("deed", victims.DEEDS)
def test_kill_between_any_two_statements_leaves_all_or_nothing(deed: str, wreckage: Path) -> None:
    found = len(list((wreckage / deed).glob("*.db")))
    *killed, through = (content(wreckage / deed / f"{number}.db") for number in range(1, found + 1))
    nothing = content(wreckage / "base")
    assert through != nothing
    assert len(killed) >= 3  # BEGIN, one statement, COMMIT
    assert all(left in (nothing, through) for left in killed)
    assert killed[0] == nothing


def test_two_processes_share_the_tasks(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    ledger = open_ledger(f"sqlite:///{file}", clock=SystemClock())
    wanted = [f"name-{number}" for number in range(60)]
    for target in wanted:
        ledger.enqueue(TaskKind.EXAMINE, target, Lane.NEW)
    notes = [tmp_path / "one", tmp_path / "two"]
    finish([start("work", file, note) for note in notes])
    done = [line for note in notes for line in note.read_text().splitlines()]
    assert sorted(done) == sorted(wanted)
    assert ledger.backlog_size() == {}
    ledger.close()


def test_two_processes_act_one_after_the_other(tmp_path: Path) -> None:
    file, tally = tmp_path / "ledger.db", tmp_path / "tally"
    ledger = open_ledger(f"sqlite:///{file}", clock=SystemClock())
    tally.write_text("0")
    finish([start("act", file, tally, 30, holder) for holder in ("one", "two")])
    assert tally.read_text() == "60"
    last = ledger.acquire("me", seconds=1)
    assert last is not None
    assert last.fence == 61
    ledger.close()


def test_processes_that_start_together_make_the_tables_once(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    finish([start("open", file) for _ in range(3)])
    ledger = victims.opened(file)
    assert ledger.backlog_size() == {}
    ledger.close()


def test_second_opening_sees_what_the_first_wrote(shared_url: str) -> None:
    first = open_ledger(shared_url, clock=StillClock())
    second = open_ledger(shared_url, clock=StillClock())
    first.set_flag("stopped", "by mod")
    assert second.flag("stopped") == "by mod"
    assert second.acquire("you", seconds=30)
    assert first.acquire("me", seconds=30) is None
    first.close()
    second.close()
