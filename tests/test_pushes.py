"""What servers send by themselves: received as long as the process runs, and what is wrong with it is told."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import making
from bot.ledger import open_ledger
from bot.pushes import FLAG, Pushes
from test_daemon import World, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bot.ledger import SqlLedger


class Stream:
    """Ends as often as it is told to, and then goes on until it is cancelled."""

    def __init__(self, name: str = "here/stream", *ends: Exception | None) -> None:
        self.name = name
        self.ends = list(ends)
        self.runs = 0
        self.wrong = ""
        self.cancelled = False

    async def run(self) -> None:
        self.runs += 1
        if self.ends:
            end = self.ends.pop(0)
            if end is not None:
                raise end
            return
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise

    def trouble(self) -> str:
        return self.wrong


@pytest.fixture
def clock() -> making.StillClock:
    return making.StillClock()


@pytest.fixture
def ledger(clock: making.StillClock) -> Iterator[SqlLedger]:
    one = open_ledger("sqlite://", clock=clock)
    yield one
    one.close()


def told(ledger: SqlLedger, name: str = "here/stream") -> str:
    trouble: str = json.loads(ledger.flag(f"{FLAG}{name}") or "{}").get("trouble", "nothing was noted")
    return trouble


def while_running(pushes: Pushes, check: Callable[[], bool]) -> None:
    async def run() -> None:
        running = asyncio.create_task(pushes.run())
        await until(check)
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(run())


def test_what_ends_or_breaks_down_is_started_again_after_longer_and_longer_pauses(
    ledger: SqlLedger, clock: making.StillClock
) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    stream = Stream("here/stream", None, RuntimeError("a bug"), None)
    other = Stream("here/webhook")
    while_running(Pushes([stream, other], ledger, clock, sleep=sleep), lambda: stream.runs == 4 and other.runs == 1)
    assert pauses == [2.0, 4.0, 8.0]
    assert stream.cancelled
    assert other.cancelled


def test_what_is_wrong_is_noted_and_taken_back(ledger: SqlLedger, clock: making.StillClock) -> None:
    stream = Stream()
    pushes = Pushes([stream], ledger, clock)
    stream.wrong = "the address is taken"
    asyncio.run(pushes.look())
    assert told(ledger) == "the address is taken"
    clock.pass_(minutes=5)
    stream.wrong = "the secret does not fit"
    asyncio.run(pushes.look())
    found = pushes.ailing()["here/stream"]
    assert (found.since, found.why) == (making.NOW, "the secret does not fit"), "it has been wrong since then"
    stream.wrong = ""
    asyncio.run(pushes.look())
    assert told(ledger) == ""
    assert pushes.ailing() == {}


def test_a_bug_is_told_in_words(ledger: SqlLedger, clock: making.StillClock) -> None:
    async def sleep(seconds: float) -> None:
        await asyncio.Event().wait()

    stream = Stream("here/stream", RuntimeError("a bug"))
    pushes = Pushes([stream], ledger, clock, sleep=sleep)
    while_running(pushes, lambda: told(ledger) == "it broke down (RuntimeError: a bug)")


def test_the_daemon_receives_until_it_is_stopped() -> None:
    world = World()
    stream = Stream()

    async def run() -> None:
        daemon = world.daemon(pushes=Pushes([stream], world.ledger, world.clock))
        running = asyncio.create_task(daemon.run())
        await until(lambda: stream.runs == 1 and told(world.ledger) == "")
        daemon.stop()
        await asyncio.wait_for(running, 60)
        assert stream.cancelled
        daemon.threads.leave()

    asyncio.run(run())
    world.close()


def test_silence_is_an_alarm_once_it_lasts() -> None:
    from bot.telemetry.alarms import alarms
    from telemetry.test_alarms import LIMITS, state

    since = making.NOW
    for passed, raised in ((LIMITS.unread, []), (LIMITS.unread + timedelta(seconds=1), ["push/here/webhook"])):
        now = state(now=since + passed, pushes_out={"here/webhook": (since, "the secret does not fit")}, sources=[])
        found = [alarm for alarm in alarms(now, LIMITS) if alarm.key.startswith("push/")]
        assert [alarm.key for alarm in found] == raised
        assert all("the secret does not fit" in alarm.text for alarm in found)
