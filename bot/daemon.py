"""The process that runs for months: polls sources on a schedule, works off the task table, holds the lease."""

from __future__ import annotations

import asyncio
import json
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.domain.errors import LedgerError, PlatformError
from bot.enforce import LEASE_SECONDS, become_actor
from bot.ports import TaskKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, timedelta

    from bot.pipeline import Pipeline
    from bot.ports import Batch, Clock, Lease, Ledger, Source, Task

log = structlog.get_logger(__name__)

EXAMINE_SECONDS = 180.0
"""A file that is not finished by then is taken again: longer than a fetch, a decode and a detector together."""

ENFORCE_SECONDS = 3600.0
"""Deeds may wait that long for a rate limit. When their worker dies, the next holder takes them back at once."""

IDLE = 0.25  # seconds between looks at an empty task table
PAGES = 25
"""Pages that one visit to a source reads before others have their turn; the next visit goes on from the cursor."""


class Daemon:
    """Everything that runs by itself."""

    def __init__(
        self,
        *,
        pipeline: Pipeline,
        ledger: Ledger,
        sources: Sequence[Source],
        clock: Clock,
        poll_every: timedelta,
        tasks_at_once: int,
        examine_uploads: bool,
        backlog_from: datetime | None,
        look: Callable[[], None],
        pull: Callable[[], object],
    ) -> None:
        """``examine_uploads``: scan uploads that nobody posted; ``backlog_from``: how old they may be.

        ``look`` sees whether the kill switch is to be pulled, ``pull`` pulls it.
        """
        self._pipeline = pipeline
        self._ledger = ledger
        self._sources = sources
        self._clock = clock
        self._poll_every = poll_every
        self._at_once = tasks_at_once
        self._examine_uploads = examine_uploads
        self._backlog_from = backlog_from
        self._look = look
        self._pull = pull
        self._stop = asyncio.Event()
        self._lease: Lease | None = None
        self._running: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        """Take nothing new; what runs is finished."""
        self._stop.set()

    async def run(self) -> None:
        """Until ``stop`` or SIGINT or SIGTERM."""
        loop = asyncio.get_running_loop()
        # Deeds wait for servers in their threads; they must not keep the ledger's calls waiting for one.
        loop.set_default_executor(ThreadPoolExecutor(2 * self._at_once + len(self._sources) + 4, "fediwarden"))
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGUSR1, self._kill_switch)
        scheduler = self._schedule()
        try:
            await self._brake(self._look)
            await self._renew()
            scheduler.start()
            log.info("watching", feeds=[source.name for source in self._sources], acts=self._lease is not None)
            await self._work()
        finally:
            scheduler.shutdown(wait=False)
            log.info("stopping: what runs is finished first", running=len(self._running))
            await self._drain()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
                loop.remove_signal_handler(number)

    def _kill_switch(self) -> None:
        pulling = asyncio.create_task(self._brake(self._pull), name="brake")
        self._running.add(pulling)
        pulling.add_done_callback(self._running.discard)

    async def _brake(self, brake: Callable[[], object]) -> None:
        try:
            await asyncio.to_thread(brake)
        except LedgerError as error:
            log.warning("the kill switch could not be pulled", error=str(error))

    def _schedule(self) -> AsyncIOScheduler:
        scheduler = AsyncIOScheduler(timezone="UTC")
        scheduler.add_job(self._renew, "interval", seconds=LEASE_SECONDS / 3, max_instances=1, coalesce=True)
        scheduler.add_job(self._brake, "interval", args=(self._look,), seconds=1, max_instances=1, coalesce=True)
        for source in self._sources:
            scheduler.add_job(
                self.visit,
                "interval",
                args=(source,),
                name=source.name,
                seconds=self._poll_every.total_seconds(),
                jitter=self._poll_every.total_seconds() / 10,
                next_run_time=self._clock.now(),
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,
            )
        return scheduler

    async def visit(self, source: Source) -> int:
        """Read a source until it has no more (or for ``PAGES`` pages); the number of new sightings.

        A fault is noted where ``status`` shows it, and costs nothing: the cursor stays where it was.
        """
        new = 0
        trouble = ""
        try:
            for _ in range(PAGES):
                cursor = await asyncio.to_thread(self._ledger.cursor, source.name)
                batch = await asyncio.to_thread(source.poll, cursor)
                new += await asyncio.to_thread(self._record, source.name, batch)
                for hole in batch.holes:
                    log.warning("a hole in what could be read", source=source.name, hole=hole)
                if not batch.more or self._stop.is_set():
                    break
        except (PlatformError, LedgerError) as error:
            trouble = str(error)
            log.warning("source could not be read", source=source.name, error=trouble)
        await self._note(source, trouble)
        return new

    def _record(self, source: str, batch: Batch) -> int:
        return self._ledger.record(
            source, batch, examine_uploads=self._examine_uploads, backlog_from=self._backlog_from
        )

    async def _note(self, source: Source, trouble: str) -> None:
        state = json.dumps({"at": self._clock.now().isoformat(timespec="seconds"), "trouble": trouble})
        try:
            await asyncio.to_thread(self._ledger.set_flag, f"source/{source.name}", state)
        except LedgerError as error:
            log.warning("the ledger cannot be written", error=str(error))

    async def _renew(self) -> None:
        try:
            lease = await asyncio.to_thread(become_actor, self._ledger)
        except LedgerError as error:
            log.warning("the lease cannot be renewed", error=str(error))
            return
        if lease is None and self._lease is not None:
            log.warning("somebody else acts now; this process goes on scanning")
        self._lease = lease

    async def _work(self) -> None:
        while not self._stop.is_set():
            try:
                taken = [
                    *await self._take((TaskKind.ENFORCE,), self._at_once // 2 or 1, ENFORCE_SECONDS),
                    *await self._take((TaskKind.EXAMINE, TaskKind.REVISIT), self._at_once, EXAMINE_SECONDS),
                ]
            except LedgerError as error:
                log.warning("the ledger cannot be read", error=str(error))
                await self._pause(2.0)
                continue
            for task in taken:
                running = asyncio.create_task(self._carry(task), name=task.kind.value)
                self._running.add(running)
                running.add_done_callback(self._running.discard)
            if not taken and self._running:
                await asyncio.wait(self._running, timeout=IDLE, return_when=asyncio.FIRST_COMPLETED)
            elif not taken:
                await self._pause(IDLE)

    async def _take(self, kinds: tuple[TaskKind, ...], most: int, seconds: float) -> Sequence[Task]:
        """Deeds wait long for servers that limit their callers; scanning keeps hands of its own meanwhile."""
        words = {kind.value for kind in kinds}
        free = most - sum(1 for running in self._running if running.get_name() in words)
        if free <= 0 or (TaskKind.ENFORCE in kinds and self._lease is None):
            return ()
        return await asyncio.to_thread(lambda: self._ledger.take(kinds, limit=free, lease_seconds=seconds))

    async def _carry(self, task: Task) -> None:
        try:
            await self._pipeline.run(task, self._lease)
        except LedgerError as error:
            # The task stays leased in the ledger and is taken again when that runs out.
            log.warning("the ledger cannot be written; the task will be done again", task=task.target, error=str(error))

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return

    async def _drain(self) -> None:
        if self._running:
            await asyncio.wait(self._running)
        if self._lease is not None:
            try:
                await asyncio.to_thread(self._ledger.release, self._lease)
            except LedgerError as error:
                log.warning("the lease could not be given back", error=str(error))
