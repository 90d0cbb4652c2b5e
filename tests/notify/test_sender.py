"""Batches, limits, tries, and a message that is never lost and always has the same id."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.errors import LeaseLostError, PlatformError, RateLimitedError, RejectedError, UnreachableError
from bot.ledger import open_ledger
from bot.notify import Sender
from bot.ports import Channel, CheckResult, NewNote, Topic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.ledger import SqlLedger
    from bot.ports import Message
    from making import StillClock


class Crash(BaseException):
    """The process dies here."""


@dataclass
class Wire:
    """Takes messages; ``faults`` are raised one by one, after the message has arrived where they say so."""

    faults: list[BaseException] = field(default_factory=list)
    arrived: list[Message] = field(default_factory=list)
    tried: int = 0

    def send(self, message: Message) -> None:
        self.tried += 1
        fault = self.faults.pop(0) if self.faults else None
        if fault is None or isinstance(fault, Crash):
            self.arrived.append(message)
        if fault is not None:
            raise fault

    def check(self) -> CheckResult:
        return CheckResult(what="wire", ok=True, detail="")


class Office:
    """A sender with one channel, and a lease."""

    def __init__(self, ledger: SqlLedger, clock: StillClock, **more: Any) -> None:
        self.ledger, self.clock, self.wire = ledger, clock, Wire()
        given: dict[str, Any] = {
            "id": "chat",
            "kind": "wire",
            "about": frozenset(Topic),
            "batch_every": timedelta(minutes=5),
            "per_hour": 12,
            "accounts": False,
            "notifier": self.wire,
        }
        self.channel = Channel(**{**given, **more})
        self.lease = ledger.acquire("me", seconds=10**6)
        self.number = 0

    def note(self, topic: Topic = Topic.CASES) -> None:
        self.number += 1
        payloads = {
            Topic.CASES: {"case": self.number, "instance": "here", "text": "flagged", "accounts": []},
            Topic.ALARMS: {"key": "disk", "what": "raised", "text": "Full.", "remedy": "look", "since": "2026-11-22"},
        }
        self.ledger.post([NewNote(channel="chat", topic=topic, key=str(self.number), payload=payloads[topic])])

    def work(self, **passed: float) -> list[Message]:
        """Let time pass, work once; what arrived by it."""
        self.clock.pass_(**passed)
        before = len(self.wire.arrived)
        assert self.lease is not None
        Sender(self.ledger, self.clock).work(self.channel, self.lease.fence)
        return self.wire.arrived[before:]


@pytest.fixture
def ledger(clock: StillClock) -> Iterator[SqlLedger]:
    one = open_ledger("sqlite://", clock=clock)
    yield one
    one.close()


@pytest.fixture
def office(ledger: SqlLedger, clock: StillClock) -> Office:
    return Office(ledger, clock)


def test_what_happens_within_the_time_is_one_message(office: Office) -> None:
    office.note()
    assert office.work() == []
    office.note()
    assert office.work(minutes=4) == []
    (message,) = office.work(minutes=1)
    assert message.cases == [1, 2]
    assert office.work(minutes=10) == []


def test_alarm_waits_seconds_and_takes_the_others_along(office: Office) -> None:
    office.note()
    office.note(Topic.ALARMS)
    assert office.work(seconds=9) == []
    (message,) = office.work(seconds=1)
    assert message.topics == ["alarms", "cases"]


def test_over_the_limit_one_message_sums_up(ledger: SqlLedger, clock: StillClock) -> None:
    office = Office(ledger, clock, per_hour=4, batch_every=timedelta(minutes=1))
    sent = []
    for _ in range(40):
        for _ in range(4):
            office.note()
        sent += office.work(minutes=1)
    assert len(sent) == 3  # a quarter of the hour is left to alarms
    office.note(Topic.ALARMS)
    (alarm,) = office.work(seconds=10)
    assert "- and " in alarm.text
    assert len({case for message in (*sent, alarm) for case in message.cases}) == 160
    office.note(Topic.ALARMS)
    assert office.work(seconds=30) == []
    assert len(office.work(minutes=59)) == 1


def test_receiver_that_was_away_gets_what_waited_in_two_messages(office: Office) -> None:
    office.wire.faults = [UnreachableError("down", sent=False)] * 7
    office.note()
    for _ in range(60):
        office.work(minutes=6)
        office.note()
        if not office.wire.faults:
            break
    first, second = [*office.work(hours=2), *office.work(minutes=6)]
    assert first.cases == [1]
    assert second.cases == list(range(2, office.number + 1))


def test_next_try_waits_longer_each_time_and_as_long_as_it_is_told(office: Office) -> None:
    office.note()
    office.wire.faults = [UnreachableError("down", sent=True), RateLimitedError("slow", retry_after=500.0)]
    office.work(minutes=5)
    office.work(seconds=1)
    assert office.wire.tried == 1
    office.work(seconds=1)
    assert office.wire.tried == 2
    office.work(seconds=499)
    assert office.wire.tried == 2
    assert len(office.work(seconds=1)) == 1


@pytest.mark.parametrize("fault", [Crash(), UnreachableError("no answer", sent=True)])
def test_message_whose_end_is_unknown_is_sent_again_under_its_id(office: Office, fault: BaseException) -> None:
    office.note()
    office.wire.faults = [fault]
    with suppress(Crash):
        office.work(minutes=5)
    office.note()
    (again,) = office.work(minutes=1)
    assert len({message.id for message in office.wire.arrived}) == 1
    assert again.cases == [1]
    assert all(message == again for message in office.wire.arrived)
    assert office.work(seconds=30) == []


@pytest.mark.parametrize(
    ("fault", "hours"), [(UnreachableError("down", sent=False), 24), (RejectedError("404: correct `url`"), 1)]
)
def test_message_is_given_up_in_the_end_and_that_is_shown(office: Office, fault: PlatformError, hours: int) -> None:
    office.note()
    office.wire.faults = [fault] * 100
    tried = timedelta(0)
    while not office.ledger.channel_states()["chat"].lost:
        office.work(minutes=20)
        tried += timedelta(minutes=20)
        assert tried < timedelta(days=3)
    assert tried > timedelta(hours=hours)
    state = office.ledger.channel_states()["chat"]
    assert (state.pending, state.lost, state.trouble) == (0, 1, str(fault))
    office.wire.faults = []
    office.note()
    (next_one,) = office.work(minutes=5)
    assert next_one.cases == [2]
    assert office.ledger.channel_states()["chat"].trouble == ""


def test_only_the_holder_of_the_lease_sends(office: Office) -> None:
    office.note()
    assert office.lease is not None
    office.ledger.release(office.lease)
    office.ledger.acquire("another", seconds=10**6)
    with pytest.raises(LeaseLostError):
        office.work(minutes=5)
    assert office.wire.tried == 0


def test_successor_sends_what_was_packed_and_not_sent(office: Office) -> None:
    office.note()
    office.wire.faults = [Crash()]
    with pytest.raises(Crash):
        office.work(minutes=5)
    old = office.lease
    assert old is not None
    office.ledger.release(old)
    office.lease = office.ledger.acquire("another", seconds=10**6)
    assert len(office.work()) == 1
    assert len({message.id for message in office.wire.arrived}) == 1
