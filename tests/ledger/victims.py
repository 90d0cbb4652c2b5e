"""Processes that die in the middle of a transaction, or share a ledger with others. Run by the tests."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from bot.clock import SystemClock
from bot.domain.decisions import Done, IntentState
from bot.ledger import SqlLedger, open_ledger
from bot.ports import Batch, Lane, TaskKind
from ledger.docket import BAN, HOLD, PURGE, REMOVE, plan, seen_file
from making import BY_SCORE, SHA, StillClock, alias, evidence, hit, post, sighting, upload

if TYPE_CHECKING:
    from collections.abc import Callable


def before(ledger: SqlLedger) -> None:
    """What is there when the accident happens."""
    seen_file(ledger)
    plan(ledger, REMOVE)
    plan(ledger, BAN, decision=HOLD)
    ledger.add_name(alias("b.png"), "")
    ledger.acquire("me", seconds=3600)
    ledger.begin(1, reverting=False, before={}, fence=1)
    ledger.enqueue(TaskKind.EXAMINE, str(alias()), Lane.NEW)
    ledger.take([TaskKind.EXAMINE], limit=9, lease_seconds=60)


def _record(ledger: SqlLedger) -> None:
    seen = [sighting(post(revision="r2")), sighting(post(7), alias("new.png"))]
    ledger.record("here/posts", Batch(sightings=seen, uploads=[upload()], cursor={"page": 2}), examine_uploads=True)


def _end(ledger: SqlLedger) -> None:
    ledger.end(ledger.attempts(1)[0], Done(), state=IntentState.DONE)


DEEDS: dict[str, Callable[[SqlLedger], object]] = {
    "record": _record,
    "bind": lambda ledger: ledger.bind(alias("b.png"), SHA),
    "save_scan": lambda ledger: ledger.save_scan(1, evidence(hit())),
    "add_verdict": lambda ledger: plan(ledger, REMOVE, PURGE, because=BY_SCORE),
    "set_state": lambda ledger: ledger.set_state(2, IntentState.READY, by="mod", approve=True),
    "begin": lambda ledger: ledger.begin(1, reverting=False, before={}, fence=1),
    "end": _end,
}


def opened(file: Path) -> SqlLedger:
    return open_ledger(f"sqlite:///{file}", clock=StillClock())


def die(base: Path, folder: Path) -> None:
    """Do every deed again and again, each time killed one statement later, until it gets through."""
    for name, deed in DEEDS.items():
        (folder / name).mkdir()
        number = 1
        while _killed(deed, base, folder / name / f"{number}.db", number):
            number += 1


def _killed(deed: Callable[[SqlLedger], object], base: Path, file: Path, number: int) -> bool:
    file.write_bytes(base.read_bytes())
    child = os.fork()
    if child == 0:
        ledger = opened(file)
        _kill_at(ledger, number)
        deed(ledger)
        os._exit(0)  # without a word to SQLite: what is committed has to be there all the same
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status) and status:
        sys.exit(f"{file} went wrong by itself")
    return os.WIFSIGNALED(status)


def _kill_at(ledger: SqlLedger, number: int) -> None:
    left = number

    def count(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(ledger._database.engine, "before_cursor_execute", count)
    event.listen(ledger._database.engine, "commit", count)


def work(file: Path, notes: Path) -> None:
    """Take tasks until there are none."""
    ledger = open_ledger(f"sqlite:///{file}", clock=SystemClock())
    with notes.open("w") as out:
        while tasks := ledger.take([TaskKind.EXAMINE], limit=3, lease_seconds=600):
            for task in tasks:
                print(task.target, file=out)
                ledger.finish(task)
    ledger.close()


def act(file: Path, tally: Path, turns: int, holder: str) -> None:
    """Become the actor again and again; meanwhile do what only one may do: read a number, wait, write it."""
    ledger = open_ledger(f"sqlite:///{file}", clock=SystemClock())
    while turns:
        lease = ledger.acquire(holder, seconds=600)
        if lease is None:
            time.sleep(0.001)
            continue
        number = int(tally.read_text())
        time.sleep(0.002)
        tally.write_text(str(number + 1))
        ledger.release(lease)
        turns -= 1
    ledger.close()


def begin_opening(file: Path) -> None:
    """Open a ledger that is not there yet, at the same time as others."""
    open_ledger(f"sqlite:///{file}", clock=SystemClock()).close()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["die", base, folder]:
            die(Path(base), Path(folder))
        case ["work", file, notes]:
            work(Path(file), Path(notes))
        case ["act", file, tally, turns, holder]:
            act(Path(file), Path(tally), int(turns), holder)
        case ["open", file]:
            begin_opening(Path(file))
        case other:
            sys.exit(f"what is {other}?")
