"""Processes that die in the middle of a transaction, or share a ledger with others. Run by the tests."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from bot.clock import SystemClock
from bot.domain.decisions import Done, IntentState
from bot.domain.evidence import ListMode, MatchedBy
from bot.ledger import SqlLedger, open_ledger
from bot.ledger.database import Database
from bot.ledger.schema import metadata
from bot.ports import Batch, Lane, ListEntry, TaskKind
from ledger.docket import BAN, HOLD, PURGE, REMOVE, plan, seen_file
from making import BY_SCORE, NOW, SHA, StillClock, alias, evidence, hit, post, sighting, upload

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


LISTED = ListEntry(list_id="bad", mode=ListMode.BLOCK, by=MatchedBy.SHA256, digest=SHA)

DEEDS: dict[str, Callable[[SqlLedger], object]] = {
    "record": _record,
    "bind": lambda ledger: ledger.bind(alias("b.png"), SHA),
    "save_scan": lambda ledger: ledger.save_scan(1, evidence(hit())),
    "add_verdict": lambda ledger: plan(ledger, REMOVE, PURGE, because=BY_SCORE),
    "set_state": lambda ledger: ledger.set_state(2, IntentState.READY, by="mod", approve=True),
    "begin": lambda ledger: ledger.begin(1, reverting=False, before={}, fence=1),
    "end": _end,
    "stop_acting": lambda ledger: ledger.stop_acting(by="mod", why="a test"),
    "add_entries": lambda ledger: ledger.add_entries([LISTED], by="mod"),
    "erase_sightings": lambda ledger: ledger.erase_sightings(NOW + timedelta(days=31), limit=9, by="admin"),
}


def die(url: str, notes: Path) -> None:
    """Do every deed again and again, each time killed one statement later, until it gets through.

    Notes what each left behind, with what was there before the first kill in front.
    """
    ledger = open_ledger(url, clock=StillClock())
    before(ledger)
    ledger.close()
    left = {}
    for name, deed in DEEDS.items():
        left[name] = [content(url)]
        while _killed(deed, url, len(left[name])):
            left[name].append(content(url))
        left[name].append(content(url))
    notes.write_text(json.dumps(left), encoding="utf-8")


def content(url: str) -> dict[str, list[str]]:
    """Everything in a database, as somebody finds it who opens it after an accident."""
    database = Database(url)
    with database.read() as connection:
        found = {
            name: sorted(str(tuple(row)) for row in connection.exec_driver_sql(f"SELECT * FROM {name}"))  # noqa: S608 - ours
            for name in metadata.tables
        }
    database.close()
    return found


def _killed(deed: Callable[[SqlLedger], object], url: str, number: int) -> bool:
    child = os.fork()
    if child == 0:
        ledger = SqlLedger(Database(url), StillClock())
        _kill_at(ledger, number)
        deed(ledger)
        os._exit(0)  # without a word to the database: what is committed has to be there all the same
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status) and status:
        sys.exit(f"statement {number} went wrong by itself")
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


def work(url: str, notes: Path) -> None:
    """Take tasks until there are none."""
    ledger = open_ledger(url, clock=SystemClock())
    with notes.open("w") as out:
        while tasks := ledger.take([TaskKind.EXAMINE], limit=3, lease_seconds=600):
            for task in tasks:
                print(task.target, file=out)
                ledger.finish(task)
    ledger.close()


def act(url: str, tally: Path, turns: int, holder: str) -> None:
    """Become the actor again and again; meanwhile do what only one may do: read a number, wait, write it."""
    ledger = open_ledger(url, clock=SystemClock())
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


if __name__ == "__main__":
    place = os.environ["LEDGER"]
    match sys.argv[1:]:
        case ["die", notes]:
            die(place, Path(notes))
        case ["work", notes]:
            work(place, Path(notes))
        case ["act", tally, turns, holder]:
            act(place, Path(tally), int(turns), holder)
        case ["open"]:
            open_ledger(place, clock=SystemClock()).close()
        case other:
            sys.exit(f"what is {other}?")
