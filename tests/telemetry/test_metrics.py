"""Metrics and their documentation say the same; alarms survive a restart; the senses notice what they should."""

from __future__ import annotations

import re
import socket
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bot.domain.errors import ConfigError
from bot.ledger import open_ledger
from bot.ports import Batch, Lane, NewNote, TaskKind, Topic
from bot.telemetry import AlarmBook, Senses, Sensitivity, alarms, raised_alarms
from bot.telemetry.alarms import Alarm
from bot.telemetry.metrics import LedgerCollector, build_registry
from bot.telemetry.web import _bound
from making import NOW, StillClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.ledger import SqlLedger
    from bot.telemetry import Change

MANUAL = Path(__file__).parents[2] / "docs" / "operating.md"
LIMITS = Sensitivity(
    poll_every=timedelta(seconds=15),
    unread=timedelta(minutes=10),
    silence=timedelta(days=1),
    queue=5,
    window=timedelta(minutes=30),
    wait=timedelta(minutes=15),
    disk_free=0,
    repeat=timedelta(hours=6),
)


@pytest.fixture
def ledger(clock: StillClock) -> Iterator[SqlLedger]:
    one = open_ledger("sqlite://", clock=clock)
    one.acquire("me", seconds=10**9)
    yield one
    one.close()


def test_every_metric_is_explained_and_none_is_invented(ledger: SqlLedger, clock: StillClock) -> None:
    collector = LedgerCollector(
        ledger, clock, sources=[], rules=list, quotas=dict, acts=lambda: True, workers=lambda: [1, 10**9]
    )
    text = generate_latest(build_registry(collector)).decode()
    families = [family for family in text_string_to_metric_families(text) if family.name.startswith("fediwarden_")]
    names = {
        family.name + {"counter": "_total", "info": "_info"}.get(family.type, "") for family in families
    }  # the parser cuts these off
    told = set(re.findall(r"(?m)^\| `(fediwarden_[a-z_]+)` \|", MANUAL.read_text(encoding="utf-8")))
    assert names == told
    assert all(family.documentation for family in families)


def test_every_kind_of_alarm_is_explained() -> None:
    source = Path(alarms.__code__.co_filename).read_text(encoding="utf-8")
    kinds = {key.partition("/")[0] for key in re.findall(r'key=f?"([a-z-]+(?:/|"))', source)}
    kinds = {kind.rstrip('"') for kind in kinds}
    assert {"feed", "silence", "queue", "disk", "clock"} <= kinds
    told = MANUAL.read_text(encoding="utf-8")
    assert {kind for kind in kinds if f"`{kind}`" not in told and f"`{kind}/…`" not in told} == set()


def test_alarm_survives_a_restart(ledger: SqlLedger) -> None:
    told: list[Change] = []
    wrong = [Alarm(key="disk", text="Full.")]
    AlarmBook(ledger, repeat=LIMITS.repeat).note(wrong, now=NOW, tell=told.append)
    AlarmBook(ledger, repeat=LIMITS.repeat).note(wrong, now=NOW + timedelta(hours=1), tell=told.append)
    assert [change.what for change in told] == ["raised"]
    (raised,) = raised_alarms(ledger)
    assert (raised.since, raised.text) == (NOW, "Full.")
    for _ in range(2):
        AlarmBook(ledger, repeat=LIMITS.repeat).note([], now=NOW + timedelta(hours=2), tell=told.append)
    assert [change.what for change in told] == ["raised", "cleared"]
    assert raised_alarms(ledger) == []


class Times:
    """A wall clock and one that is never set."""

    def __init__(self) -> None:
        self.wall = self.monotonic = 1000.0

    def pass_(self, seconds: float, *, jump: float = 0.0) -> None:
        self.monotonic += seconds
        self.wall += seconds + jump


def senses(ledger: SqlLedger, clock: StillClock, times: Times, folder: Path) -> Senses:
    return Senses(
        ledger,
        clock,
        sources=[],
        limits=LIMITS,
        disk=folder,
        channels=["chat"],
        wall=lambda: times.wall,
        monotonic=lambda: times.monotonic,
    )


def test_silence_is_no_alarm_any_more_once_the_server_turns_out_to_be_one_where_it_means_nothing(
    ledger: SqlLedger, clock: StillClock, tmp_path: Path
) -> None:
    rare: set[str] = set()
    feeling = Senses(
        ledger, clock, sources=["main/uploads"], limits=LIMITS, disk=tmp_path, rare=lambda: frozenset(rare)
    )
    clock.pass_(days=9)
    ledger.record("main/uploads", Batch(cursor={}), examine_uploads=False)
    clock.pass_(days=9)
    ledger.record("main/uploads", Batch(cursor={}), examine_uploads=False)
    assert [alarm.key for alarm in alarms(feeling.feel(sample=False), LIMITS)] == ["silence/main/uploads"]
    rare.add("main/uploads")
    assert alarms(feeling.feel(sample=False), LIMITS) == []
    assert feeling.glance().rare == rare


@pytest.mark.parametrize(("jump", "found"), [(3600.0, ["clock"]), (-3600.0, ["clock"]), (30.0, [])])
def test_jump_of_the_clock_is_noticed(
    ledger: SqlLedger, clock: StillClock, tmp_path: Path, jump: float, found: list[str]
) -> None:
    times = Times()
    feeling = senses(ledger, clock, times, tmp_path)
    times.pass_(30)
    assert alarms(feeling.feel(sample=True), LIMITS) == []
    times.pass_(30, jump=jump)
    assert [alarm.key for alarm in alarms(feeling.feel(sample=True), LIMITS)] == found
    clock.pass_(hours=2)
    assert alarms(feeling.feel(sample=False), LIMITS) == []


def test_growth_of_the_queue_is_remembered_over_a_restart(ledger: SqlLedger, clock: StillClock, tmp_path: Path) -> None:
    found: list[str] = []
    for number in range(40):
        clock.pass_(minutes=1)
        ledger.enqueue(TaskKind.EXAMINE, str(number), Lane.NEW, not_before=clock.now() + timedelta(hours=9))
        ledger.enqueue(TaskKind.EXAMINE, f"old {number}", Lane.BACKLOG)
        state = senses(ledger, clock, Times(), tmp_path).feel(sample=True)
        found = [alarm.key for alarm in alarms(state, LIMITS)]
        assert state.samples[-1].waiting == number + 1
        assert not found or number >= 27
    assert found == ["queue"]


def test_channel_that_fails_again_and_again_is_noticed(ledger: SqlLedger, clock: StillClock, tmp_path: Path) -> None:
    from bot.ports import Message

    lease = ledger.holder()
    assert lease is not None
    ledger.post([NewNote(channel="chat", topic=Topic.CASES, key="a", payload={})])
    message = Message(id="x", subject="s", text="t", topics=[], cases=[], at=NOW)
    ledger.pack("chat", message, ledger.notes("chat"), fence=lease.fence)
    for tries in range(1, 5):
        ledger.not_sent(ledger.pending("chat")[0], trouble="503", again_at=NOW)
        state = senses(ledger, clock, Times(), tmp_path).feel(sample=False)
        assert state.channels_out == (["chat"] if tries >= 3 else [])


def test_address_that_is_taken_is_a_fault_of_the_configuration() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConfigError, match=r"metrics\.listen"):
            _bound(listen)


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "[::1]:0", "localhost:0"])
def test_address_for_metrics_may_be_a_name_or_of_either_kind(listen: str) -> None:
    try:
        listening = _bound(listen)
    except ConfigError:
        assert "::1" in listen  # there are machines without
        return
    listening.close()
