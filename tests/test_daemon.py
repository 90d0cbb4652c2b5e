"""How the daemon ends, and how it goes on by another configuration."""

from __future__ import annotations

import asyncio
import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from structlog.testing import capture_logs

import making
from bot.daemon import Daemon
from bot.ledger import open_ledger
from bot.ports import Batch, Lane, TaskKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.ports import Lease, Task


class Watch:
    async def tick(self, lease: Lease | None) -> None:
        """Nothing to watch."""

    async def serve(self) -> None:
        """Nothing to serve."""

    def stop(self) -> None:
        """Nothing to stop."""


class Feed:
    name = "here/posts"

    def __init__(self) -> None:
        self.polls = 0

    def poll(self, after: Any) -> Batch:
        self.polls += 1
        return Batch()


class Road:
    """A pipeline in which one task is stuck in a call that never comes back, and the others finish."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.carried: list[str] = []
        self.stuck = threading.Event()

    async def run(self, task: Task, lease: Lease | None) -> None:
        self.carried.append(task.target)
        if task.target == "stuck":
            await asyncio.to_thread(self._wait)
        await asyncio.to_thread(self.world.ledger.finish, task)

    def _wait(self) -> None:
        self.stuck.set()
        self.world.release.wait(60)


class World:
    def __init__(self) -> None:
        self.clock = making.StillClock()
        self.ledger = open_ledger("sqlite://", clock=self.clock)
        self.release = threading.Event()
        self.road = Road(self)
        self.feed = Feed()

    def daemon(self, **more: Any) -> Daemon:
        return Daemon(
            pipeline=self.road,  # type: ignore[arg-type]
            ledger=self.ledger,
            sources=[self.feed],  # type: ignore[list-item]
            clock=self.clock,
            poll_every=timedelta(hours=1),
            tasks_at_once=4,
            examine_uploads=True,
            backlog_from=None,
            look=lambda: None,
            pull=lambda: None,
            reload=lambda: None,
            listen=lambda: None,
            watch=Watch(),  # type: ignore[arg-type]
            keep=lambda: None,
            finish=0.2,
            **more,
        )

    def close(self) -> None:
        self.release.set()
        self.ledger.close()


async def until(check: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not check():  # noqa: ASYNC110 - a ledger sends no events
            await asyncio.sleep(0.01)


def test_what_is_stuck_is_given_back_and_nothing_waits_for_its_thread() -> None:
    world = World()
    world.ledger.enqueue(TaskKind.ENFORCE, "stuck", Lane.DEEDS)
    world.ledger.enqueue(TaskKind.EXAMINE, "quick", Lane.NEW)

    async def run() -> int:
        daemon = world.daemon()
        running = asyncio.create_task(daemon.run())
        await asyncio.to_thread(world.road.stuck.wait, 60)
        await until(lambda: world.ledger.backlog_size() == {"running/enforce": 1})
        assert world.ledger.holder() is not None
        daemon.stop()
        await asyncio.wait_for(running, 60)
        return daemon.threads.leave()

    left = asyncio.run(run())  # which would wait for the thread, if the thread were not left
    assert left == 1
    assert world.ledger.backlog_size() == {"waiting/enforce": 1}
    assert world.ledger.holder() is None
    (again,) = world.ledger.take([TaskKind.ENFORCE], limit=9, lease_seconds=60)
    assert again.attempts == 1, "that it was interrupted is no failed try"
    world.close()


def test_tasks_are_carried_by_the_configuration_that_is_in_force_when_they_are_taken() -> None:
    world = World()
    new = Road(world)

    async def run() -> None:
        daemon = world.daemon()
        running = asyncio.create_task(daemon.run())
        world.ledger.enqueue(TaskKind.EXAMINE, "stuck", Lane.NEW)
        await asyncio.to_thread(world.road.stuck.wait, 60)
        daemon.renew(pipeline=new, poll_every=timedelta(seconds=0.05), examine_uploads=True)  # type: ignore[arg-type]
        world.ledger.enqueue(TaskKind.EXAMINE, "later", Lane.NEW)
        await until(lambda: bool(new.carried) and world.feed.polls >= 3)
        world.release.set()
        await until(lambda: not world.ledger.backlog_size())
        daemon.stop()
        await asyncio.wait_for(running, 60)

    asyncio.run(asyncio.wait_for(run(), 120))
    assert (world.road.carried, new.carried) == (["stuck"], ["later"])
    world.close()


def test_a_fault_of_our_own_in_a_source_is_noted_and_logged_and_the_next_visit_goes_on() -> None:
    world = World()
    poll = world.feed.poll

    def broken(after: Any) -> Batch:
        if not world.feed.polls:
            poll(after)
            raise TypeError("no such thing")
        return poll(after)

    world.feed.poll = broken  # type: ignore[method-assign]
    daemon = world.daemon()
    with capture_logs() as logs:
        assert asyncio.run(daemon.visit(world.feed)) == 0  # type: ignore[arg-type]
    (entry,) = [one for one in logs if one["event"] == "source could not be read"]
    assert (entry["log_level"], entry["exc_info"]) == ("error", True)
    flag = f"source/{world.feed.name}"
    assert "TypeError" in json.loads(world.ledger.flag(flag) or "")["trouble"]
    asyncio.run(daemon.visit(world.feed))  # type: ignore[arg-type]
    assert json.loads(world.ledger.flag(flag) or "")["trouble"] == ""
    world.close()


def test_what_a_poll_met_before_it_failed_is_kept_and_the_cursor_stays() -> None:
    world = World()
    asyncio.run(world.daemon().visit(world.feed))  # type: ignore[arg-type]
    before = world.ledger.cursor(world.feed.name)
    met = making.sighting()
    world.feed.poll = lambda _: Batch(sightings=[met], trouble="the second page fails", more=True)  # type: ignore[method-assign]
    assert asyncio.run(world.daemon().visit(world.feed)) == 1  # type: ignore[arg-type]
    assert world.ledger.sightings_under(met.name)
    assert world.ledger.cursor(world.feed.name) == before
    told = json.loads(world.ledger.flag(f"source/{world.feed.name}") or "")
    assert told["trouble"] == "the second page fails"
    world.close()
