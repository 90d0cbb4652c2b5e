"""The job that looks after the bot: what it leaves notes of, who keeps the book, and what it does without a ledger."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.decisions import IntentState, Notify
from bot.domain.errors import LedgerError
from bot.ledger import open_ledger
from bot.notify import News, NotifyingEnforcer, Sender, Watchdog
from bot.ports import Channel, CheckResult, Topic
from bot.telemetry import AlarmBook, Senses, raised_alarms
from conformance.waiting import eventually
from ledger.docket import HOLD, REMOVE, REPORT, one, seen_file
from making import HERE, SHA, StillClock
from telemetry.test_alarms import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bot.ledger import SqlLedger
    from bot.ports import Lease, Message, Note


class Wire:
    def __init__(self) -> None:
        self.arrived: list[Message] = []
        self.came = threading.Event()

    def send(self, message: Message) -> None:
        self.arrived.append(message)
        self.came.set()

    def check(self) -> CheckResult:
        return CheckResult(what="wire", ok=True, detail="")


def channel(*about: Topic, **more: Any) -> Channel:
    given: dict[str, Any] = {
        "id": "chat",
        "kind": "wire",
        "about": frozenset(about or Topic),
        "batch_every": timedelta(0),
        "per_hour": 100,
        "accounts": False,
        "notifier": Wire(),
    }
    return Channel(**{**given, **more})


@pytest.fixture
def ledger(clock: StillClock, tmp_path: Path) -> Iterator[SqlLedger]:
    made = open_ledger(f"sqlite:///{tmp_path}/ledger.db", clock=clock)
    yield made
    made.close()


def notes(ledger: SqlLedger, topic: Topic) -> Sequence[Note]:
    return [note for note in ledger.notes("chat") if note.topic is topic]


def test_what_is_held_is_noted_once_whoever_looks(ledger: SqlLedger, clock: StillClock) -> None:
    seen_file(ledger)
    one(ledger, REPORT, HOLD)
    news = News(ledger, [channel()], clock)
    news.gather()
    assert notes(ledger, Topic.HELD) == []  # it was held before anybody asked to be told
    clock.pass_(minutes=5)
    record = one(ledger, REMOVE, HOLD)
    for _ in range(3):
        clock.pass_(seconds=30)
        news.gather()
    News(ledger, [channel()], clock).gather()  # after a restart
    (note,) = notes(ledger, Topic.HELD)
    assert note.payload == {"case": 1, "deed": "remove", "rule": "known", "reasons": ["stage", "protected"]}
    ledger.set_state(record.id, IntentState.READY)
    clock.pass_(hours=1)
    ledger.set_state(record.id, IntentState.HELD)
    news.gather()
    assert len(notes(ledger, Topic.HELD)) == 2


def test_digest_comes_once_a_day_and_counts_that_day(ledger: SqlLedger, clock: StillClock) -> None:
    news = News(ledger, [channel()], clock)
    news.gather()
    seen_file(ledger)
    clock.pass_(hours=23)
    news.gather()
    assert notes(ledger, Topic.DIGEST) == []
    clock.pass_(hours=1)
    news.gather()
    news.gather()
    (note,) = notes(ledger, Topic.DIGEST)
    assert (note.payload["counts"]["seen"], note.payload["counts"]["scanned"], note.payload["waiting"]) == (1, 1, 0)
    clock.pass_(days=1)
    news.gather()
    assert notes(ledger, Topic.DIGEST)[1].payload["counts"]["seen"] == 0


def test_channel_hears_only_what_it_is_about(ledger: SqlLedger, clock: StillClock) -> None:
    seen_file(ledger)
    news = News(ledger, [channel(Topic.ALARMS)], clock)
    news.gather()
    clock.pass_(days=2)
    one(ledger, REMOVE, HOLD)
    news.gather()
    assert ledger.notes("chat") == []


def test_notify_is_a_deed_that_is_proved_by_its_note(ledger: SqlLedger) -> None:
    seen_file(ledger)
    one(ledger, REPORT)
    intent = Notify(instance=HERE, text="rule known: flagged by list bad", sha256=SHA)
    inner: Any = object()
    deaf = NotifyingEnforcer(inner, ledger, lambda: [channel(Topic.ALARMS)])
    assert not deaf.offers(intent).supported
    told = NotifyingEnforcer(inner, ledger, lambda: [channel(), channel(id="mail", accounts=True)])
    assert told.offers(intent).supported
    assert told.offers(intent).reversible  # or the guard would hold it as a deed that nothing takes back
    assert told.verify(intent).so is False
    told.apply(intent)
    told.apply(intent)
    assert told.verify(intent).so
    (note,) = ledger.notes("chat")
    assert note.payload == {"case": 1, "instance": "here", "text": intent.text, "accounts": []}
    assert ledger.notes("mail")[0].payload["accounts"] == ["alice@here.example"]
    assert "stays sent" in told.revert(intent, {}).note
    assert len(ledger.notes("chat")) == 1


def watchdog(ledger: Any, clock: StillClock, folder: Path, *channels: Channel, mute: float = 60.0) -> Watchdog:
    async def look() -> Sequence[CheckResult]:
        return []

    return Watchdog(
        ledger=ledger,
        channels=channels,
        sender=Sender(ledger, clock),
        news=News(ledger, channels, clock),
        senses=Senses(ledger, clock, sources=[], limits=LIMITS, disk=folder),
        book=AlarmBook(ledger, repeat=LIMITS.repeat),
        limits=LIMITS,
        every=timedelta(0),
        clock=clock,
        look=look,
        mute=mute,
    )


def ticks(dog: Watchdog, lease: Lease | None, number: int = 1) -> None:
    async def run() -> None:
        for _ in range(number):
            await dog.tick(lease)
        dog.stop()

    asyncio.run(run())
    eventually(lambda: not dog._busy, "what is being sent is sent")


def test_one_process_keeps_the_book_and_anybody_where_nobody_acts(
    ledger: SqlLedger, clock: StillClock, tmp_path: Path
) -> None:
    chat = channel()
    dog = watchdog(ledger, clock, tmp_path, chat)
    ticks(dog, None)
    assert [raised.key for raised in raised_alarms(ledger)] == ["nobody-acts"]
    lease = ledger.acquire("another", seconds=1000)
    ledger.stop_acting(by="me", why="")
    ticks(dog, None, 3)
    assert [raised.key for raised in raised_alarms(ledger)] == ["nobody-acts"]  # that is for the other one to say
    ticks(dog, lease, 2)
    assert [raised.key for raised in raised_alarms(ledger)] == ["stopped"]
    clock.pass_(minutes=1)
    ticks(dog, lease)
    assert chat.notifier.came.wait(60)  # type: ignore[attr-defined]


class Broken:
    """A ledger on a disk that is full."""

    def __init__(self, ledger: SqlLedger) -> None:
        self.ledger = ledger
        self.broken = True

    def __getattr__(self, name: str) -> Any:
        def refuse(*_: object, **__: object) -> None:
            raise LedgerError("the disk is full")

        return refuse if self.broken else getattr(self.ledger, name)


def test_without_a_ledger_somebody_is_told_once_past_it(ledger: SqlLedger, clock: StillClock, tmp_path: Path) -> None:
    broken = Broken(ledger)
    chat, other = channel(Topic.ALARMS), channel(Topic.CASES, id="other")
    dog = watchdog(broken, clock, tmp_path, chat, other, mute=0.0)
    lease = ledger.acquire("me", seconds=1000)
    ticks(dog, None, 2)
    assert not chat.notifier.arrived  # type: ignore[attr-defined]
    ticks(dog, lease, 5)
    assert chat.notifier.came.wait(60)  # type: ignore[attr-defined]
    (message,) = chat.notifier.arrived  # type: ignore[attr-defined]
    assert "The ledger cannot be written" in message.text
    assert not other.notifier.arrived  # type: ignore[attr-defined]
    broken.broken = False
    ticks(dog, lease)
    broken.broken = True
    chat.notifier.came.clear()  # type: ignore[attr-defined]
    ticks(dog, lease)
    assert chat.notifier.came.wait(60)  # type: ignore[attr-defined]
