"""A ledger that an earlier version left behind: migrated as a whole or not at all, readable, and the work goes on."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, MetaData, column, event, func, inspect, select, table, update

from bot.domain.content import Alias, InstanceId, RemoteUrl
from bot.domain.decisions import AlreadyDone, Because, HoldReason, IntentState, PurgeFile, Refused, Verdict
from bot.domain.evidence import PARTLY_SEEN, Evidence, Unscannable, failed
from bot.enforce import Enforcement
from bot.ledger import SqlLedger, open_ledger
from bot.ledger.database import Database
from bot.ledger.migrate import NEWEST
from bot.ports import Batch, Lane, TaskKind
from enforce.platform import US, Platform
from ledger.docket import ALLOW
from ledger.old import STEPS, fill, rows_of
from making import StillClock

if TYPE_CHECKING:
    from collections.abc import Iterator

OLD = InstanceId("old")
FIRST, SECOND = Alias(instance=OLD, value="first.png"), Alias(instance=OLD, value="second.jpg")
FAR = RemoteUrl(value="https://far.example/pictures/cat.gif")


@pytest.fixture(params=STEPS)
def step(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def old_url(empty_url: str, step: str) -> str:
    fill(empty_url, step)
    return empty_url


@pytest.fixture
def ledger(old_url: str) -> Iterator[SqlLedger]:
    one = open_ledger(old_url, clock=StillClock())
    yield one
    one.close()


def content(url: str) -> dict[str, Any]:
    """Tables, columns, indexes and rows, whatever this version makes of them."""
    database = Database(url)
    with database.read() as connection:
        tables = MetaData()
        tables.reflect(connection)
        look = inspect(connection)
        found: dict[str, Any] = {
            name: {
                "columns": [column.name for column in table.columns],
                "indexes": sorted(str(index["name"]) for index in look.get_indexes(name)),
                "rows": sorted(str(tuple(row)) for row in connection.execute(select(table))),
            }
            for name, table in tables.tables.items()
        }
    database.close()
    return found


def test_every_table_of_that_version_has_rows(old_url: str, step: str) -> None:
    found = content(old_url)
    version = found.pop("ledger_version")
    assert version["rows"] == [str((step,))]
    assert {name for name, table in found.items() if not table["rows"]} == set()


def test_there_are_rows_in_every_state(step: str) -> None:
    rows = rows_of(step)
    assert {row["state"] for row in rows["intent"]} == {state.value for state in IntentState}
    assert {row["state"] for row in rows["task"]} == {"waiting", "running", "parked"}
    assert {row["kind"] for row in rows["task"]} >= {"examine", "revisit", "enforce"}


def test_what_was_seen_is_readable(ledger: SqlLedger) -> None:
    assert ledger.cursor("old/posts") == {"newest": 102, "at": datetime(2026, 3, 3, 12, tzinfo=UTC)}
    (letter,) = ledger.letters("old/stream")
    assert (letter.id, letter.payload["text"]) == (7, "A word: \u00e4\u2603")
    first = ledger.name(str(FIRST))
    assert first is not None
    assert [record.name.value for record in ledger.names_of(first.file_id)] == ["first.png", "thumb.webp"]
    file = ledger.file(first.file_id)
    assert file is not None
    assert isinstance(file.scan, Evidence)
    assert file.scan.hits[0].list_id == "known"
    assert file == ledger.file_by_sha256(str(file.sha256)) == ledger.file(4)  # a stub that was merged into it
    assert [upload.uploader.handle for upload in ledger.uploads_of(first.file_id)] == ["alice@old.example"]
    assert [str(seen.subject.key) for seen in ledger.sightings_of(2)] == ["old/comment/205", "old/profile/13"]
    far = ledger.name(str(FAR))
    assert far is not None
    assert isinstance(getattr(ledger.file(far.file_id), "scan", None), Unscannable)
    assert ledger.flag("odd") == "a\0b"
    assert ledger.holder() is None
    assert {
        key: ledger.counts()[key] for key in ("seen", "scanned", "matched", "unscannable", "reported", "waiting")
    } == {
        "seen": 5,
        "scanned": 2,
        "matched": 1,
        "unscannable": 1,
        "reported": 2,
        "waiting": 2,
    }


def with_scans_that_say(old_url: str, other: str, *, instead_of: str) -> SqlLedger:
    """Before it was brought up to date."""
    payload = column("payload")
    changed = update(table("scan", payload)).values(payload=func.replace(payload, instead_of, other))
    database = Database(old_url)
    with database.write() as connection:
        connection.execute(changed)
    database.close()
    return open_ledger(old_url, clock=StillClock())


def test_files_that_were_seen_in_part_are_counted_from_then_on(old_url: str) -> None:
    ledger = with_scans_that_say(old_url, PARTLY_SEEN, instead_of="trailing_data")
    assert ledger.counts()["partly_seen"] == 1
    ledger.close()


def test_files_that_a_detector_failed_on_are_counted_from_then_on(old_url: str) -> None:
    ledger = with_scans_that_say(old_url, failed("clip", "clip-1"), instead_of="pdq: too smooth")
    assert ledger.counts()["unscored"] > 0
    ledger.close()


def test_what_was_decided_is_readable(ledger: SqlLedger) -> None:
    assert [(case.number, case.state, case.waiting) for case in ledger.cases()] == [
        (3, "dismissed", 0),
        (2, "open", 1),
        (1, "open", 1),
    ]
    intents = {record.id: record for record in ledger.intents()}
    assert Counter(record.state for record in intents.values()) == {
        IntentState.READY: 2,
        IntentState.HELD: 2,
        IntentState.DONE: 1,
        IntentState.UNDOING: 1,
        IntentState.UNDONE: 1,
        IntentState.REFUSED: 1,
        IntentState.DISMISSED: 1,
    }
    assert intents[3].intent == PurgeFile(instance=OLD, name=FIRST, url="https://old.example/pictrs/image/first.png")
    assert intents[3].reasons == (HoldReason.IRREVERSIBLE_OFF, HoldReason.NO_EVIDENCE_POLICY)
    assert intents[7].because.text == "flagged by nsfw/nsfw at threshold 0.8 (score 0.875)"
    assert [attempt.outcome for attempt in ledger.attempts(2)] == [None]
    there, back = ledger.attempts(5)
    assert there.outcome == AlreadyDone(by_us=True)
    assert (back.reverting, back.before) == (True, {"so": True})
    assert isinstance(ledger.attempts(8)[0].outcome, Refused)
    told = [(event.what, event.detail) for event in ledger.timeline(2)]
    assert ("decision", "mod: undoing (it is art)") in told
    assert ("outcome", "undo report old/comment/205: done: resolved") in told
    assert [event.what for event in ledger.timeline(1)] == [
        "uploaded",
        "seen",
        "scanned",
        "seen",
        "scanned",
        "verdict",
        "intent",
        "intent",
        "intent",
        "intent",
        "attempt",
        "outcome",
        "attempt",
    ]
    assert [(entry.list_id, entry.by.value, entry.case) for entry in ledger.entries()] == [
        ("known", "sha256", None),
        ("confirmed", "pixels", 2),
    ]
    assert ledger.lists_version() == 2
    assert ledger.verify().problems == []


def test_what_is_known_is_recognized(ledger: SqlLedger) -> None:
    before = ledger.backlog_size()
    for file_id in (1, 2, 3):
        batch = Batch(sightings=ledger.sightings_of(file_id), uploads=ledger.uploads_of(file_id))
        assert ledger.record("", batch, examine_uploads=True) == 0
    assert ledger.backlog_size() == before
    author = ledger.sightings_of(1)[0].subject.author
    assert author is not None
    assert ledger.items_of(author, most=10) == 1
    beginning = datetime(2026, 1, 1, tzinfo=UTC)
    assert ledger.used("report", beginning, account=author) == 1
    assert ledger.used("report", beginning) == 2


def test_new_rows_get_new_numbers(ledger: SqlLedger) -> None:
    assert ledger.deliver("old/stream", {}) == 8
    ledger.enqueue(TaskKind.EXAMINE, "alias:old/new.png", Lane.NEW)
    assert max(task.id for task in ledger.take([TaskKind.EXAMINE], limit=9, lease_seconds=60)) > 14
    new = ledger.bind(Alias(instance=OLD, value="new.png"), "12" * 32)
    assert new == 5
    assert ledger.open_case(new).number == 4
    verdict = Verdict(rule_id="r", rule_digest="d", because=Because(text="t", exact=True), intents=())
    wanted = PurgeFile(instance=OLD, name=Alias(instance=OLD, value="new.png"), url="")
    (record,) = ledger.add_verdict(4, new, verdict, [(wanted, ALLOW)])
    assert record.id == 10


def test_the_work_goes_on(ledger: SqlLedger) -> None:
    """An attempt whose end nobody saw is cleared up, an undo finished, and what was held can be approved."""
    clock = StillClock()
    intents = {record.id: record.intent for record in ledger.intents()}
    platform = Platform()
    platform.so[intents[2].kind, intents[2].target] = US  # its call had come through
    platform.so[intents[6].kind, intents[6].target] = US
    lease = ledger.acquire("newhost/1/x", seconds=1e6)
    assert lease is not None
    assert lease.fence == 5
    (task,) = ledger.take([TaskKind.ENFORCE], limit=9, lease_seconds=60)  # its worker is gone for months
    assert task.target == "1"
    ledger.set_state(7, IntentState.READY, by="mod", approve=True)
    acting = Enforcement(
        ledger, {OLD: platform}, clock, confirmed=lambda _: None, sleep=lambda seconds: clock.pass_(seconds=seconds)
    )
    for case in (1, 2):
        for _ in range(20):
            again = acting.work(case, lease.fence).again_at
            if again is None:
                break
            clock.time = max(clock.time, again)

    states = {record.id: record.state for record in ledger.intents()}
    assert states[2] is states[4] is states[7] is IntentState.DONE
    assert states[3] is IntentState.HELD
    assert states[6] is IntentState.UNDONE
    assert platform.done == {"ban_account": 2}
    assert platform.reverted == {"remove": 1}
    assert ledger.verify().problems == []


def test_migration_that_fails_halfway_leaves_the_old_state(old_url: str) -> None:
    before = content(old_url)
    failed = 0
    for number in range(1, 1000, 7):
        if not _fails_at(old_url, number):
            break
        failed += 1
        assert content(old_url) == before
    assert failed > 3
    after = content(old_url)
    assert after["ledger_version"]["rows"] == [str((NEWEST,))]
    assert all(len(after[name]["rows"]) >= len(table["rows"]) for name, table in before.items())


class PowerCutError(Exception):
    """In the middle of something."""


def _fails_at(url: str, number: int) -> bool:
    """Whether the power went before that statement of a migration, of those that change something."""
    left = number

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal left
        if not statement.lstrip().upper().startswith(("SELECT", "PRAGMA", "BEGIN")):
            left -= 1
            if left == 0:
                raise PowerCutError

    event.listen(Engine, "before_cursor_execute", count)
    try:
        open_ledger(url, clock=StillClock()).close()
    except PowerCutError:
        return True
    finally:
        event.remove(Engine, "before_cursor_execute", count)
    return False
