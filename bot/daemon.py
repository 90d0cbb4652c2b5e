"""The process that runs for months: polls sources on a schedule, works off the task table, holds the lease."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.domain.errors import LedgerError, NotLoggedInError, NotPermittedError, PlatformError
from bot.ending import FINISH, TIDY, Threads
from bot.enforce import LEASE_SECONDS, become_actor
from bot.hands import acting, judging, looking
from bot.pushes import Pushes
from bot.selfcheck import EVERY, SelfCheck
from bot.watch import TICK

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime, timedelta

    from bot.hands import Hands
    from bot.pipeline import Pipeline
    from bot.ports import Batch, Clock, Lease, Ledger, Source, Task
    from bot.watch import Watch

log = structlog.get_logger(__name__)

KEEP_EVERY = 5.0  # seconds between looks for what was kept long enough

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
        reload: Callable[[], None],
        listen: Callable[[], None],
        watch: Watch,
        keep: Callable[[], None],
        pushes: Pushes | None = None,
        accounts: SelfCheck | None = None,
        finish: float = FINISH,
    ) -> None:
        """``examine_uploads``: scan uploads that nobody posted; ``backlog_from``: how old they may be.

        ``look`` sees whether the kill switch is to be pulled, ``pull`` pulls it. ``reload`` reads the configuration
        again and hands over what changed (``renew``), ``listen`` sees whether somebody asked for that. ``finish``:
        seconds that what runs may go on after the signal to stop. ``keep`` lets go of what was kept long enough.
        ``pushes``: what the servers send by themselves. ``accounts``: the bot's own.
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
        self._reload = reload
        self._listen = listen
        self._watch = watch
        self._keep = keep
        self._pushes = pushes or Pushes((), ledger, clock)
        self._accounts = accounts or SelfCheck({}, ledger, clock)
        self._finish = finish
        # Deeds wait for servers in their threads; they must not keep the ledger's calls waiting for one.
        self.threads = Threads(2 * tasks_at_once + len(sources) + 4 * len(self._pushes.names) + 4)
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._stop = asyncio.Event()
        self._lease: Lease | None = None
        self._actor = ""  # who was said to act
        self._looking = asyncio.Lock()  # at the accounts: one at a time
        self._mended = False  # whether whoever acts now has looked at them
        self._running: set[asyncio.Task[None]] = set()
        self._in_hand: set[Task] = set()  # leased and not finished

    def stop(self) -> None:
        """Take nothing new; what runs has a few seconds to finish."""
        self._stop.set()

    def _told_to_end(self, number: int) -> None:
        if self._stop.is_set():
            log.warning("told to end again: ends at once; the next start picks up what is unfinished")
            os._exit(128 + number)
        self.stop()

    def renew(self, *, pipeline: Pipeline, poll_every: timedelta, examine_uploads: bool) -> None:
        """Go on by another configuration: tasks that are taken from now on follow it. In the thread of the loop."""
        self._pipeline = pipeline
        self._examine_uploads = examine_uploads
        if poll_every != self._poll_every:
            self._poll_every = poll_every
            for source in self._sources:
                self._scheduler.reschedule_job(source.name, trigger="interval", **self._rhythm())

    async def run(self) -> None:
        """Until ``stop`` or SIGINT or SIGTERM."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(self.threads)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._told_to_end, number)
        loop.add_signal_handler(signal.SIGUSR1, self._kill_switch)
        loop.add_signal_handler(signal.SIGHUP, self._told_to_reload)
        self._schedule()
        working = asyncio.create_task(self._begin())
        stopping = asyncio.create_task(self._stop.wait())
        serving = asyncio.create_task(self._watch.serve())
        receiving = asyncio.create_task(self._receive(), name="pushes")
        try:
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._stop.set()
            if self._scheduler.running:
                self._scheduler.shutdown(wait=False)
            self._watch.stop()
            serving.cancel()
            receiving.cancel()  # what was not answered is sent again
            self._running.add(receiving)
            await self._end(working)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
                loop.remove_signal_handler(number)
            loop.add_signal_handler(signal.SIGHUP, lambda: None)  # its default would end us in the middle of tidying up
        if not working.cancelled():
            working.result()  # what broke it is no quiet end

    async def _receive(self) -> None:
        with suppress(asyncio.CancelledError):
            await self._pushes.run()

    async def _begin(self) -> None:
        await self._brake(self._look)
        await self._renew()
        self._scheduler.start()
        log.info("watching", feeds=[source.name for source in self._sources], acts=self._lease is not None)
        await self._work()

    def _told_to_reload(self) -> None:
        reloading = asyncio.create_task(asyncio.to_thread(self._reload), name="reload")
        self._running.add(reloading)
        reloading.add_done_callback(self._running.discard)

    def _kill_switch(self) -> None:
        pulling = asyncio.create_task(self._brake(self._pull), name="brake")
        self._running.add(pulling)
        pulling.add_done_callback(self._running.discard)

    async def _brake(self, brake: Callable[[], object]) -> None:
        try:
            await asyncio.to_thread(brake)
        except LedgerError as error:
            log.warning("the kill switch could not be pulled", error=str(error))

    def _schedule(self) -> None:
        scheduler = self._scheduler
        for seconds, *job in (
            (LEASE_SECONDS / 3, self._renew),
            (2, self._succeed),
            (1, self._brake, self._look),
            (2, asyncio.to_thread, self._listen),
            (TICK, self._mind),
            (KEEP_EVERY, self._keep_house),
            (KEEP_EVERY, self._mend_accounts),
        ):
            scheduler.add_job(_until_the_end, "interval", args=job, seconds=seconds, max_instances=1, coalesce=True)
        scheduler.add_job(
            _until_the_end,
            "interval",
            args=(self._look_at_accounts,),
            seconds=EVERY,
            next_run_time=self._clock.now(),
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )
        for source in self._sources:
            scheduler.add_job(
                _until_the_end,
                "interval",
                args=(self.visit, source),
                id=source.name,
                **self._rhythm(),
                next_run_time=self._clock.now(),
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,
            )

    async def _mind(self) -> None:
        await self._watch.tick(self._lease)

    async def _look_at_accounts(self) -> None:
        """Only who acts changes anything, settings of the bot's own account among it."""
        async with self._looking:
            mend = self._mended = self._lease is not None
            await asyncio.to_thread(lambda: self._accounts.look(mend=mend))

    async def _mend_accounts(self) -> None:
        """Once for each time that this process becomes the one that acts: the look before could change nothing.

        And where there is a reason not to wait for the next hour.
        """
        late = self._lease is not None and not self._mended
        if (late or self._accounts.due()) and not self._looking.locked():
            await self._look_at_accounts()

    async def _keep_house(self) -> None:
        if self._lease is None:
            return
        try:
            await asyncio.to_thread(self._keep)
        except LedgerError as error:
            log.warning("what was kept long enough could not be erased", error=str(error))

    def _rhythm(self) -> dict[str, float]:
        seconds = self._poll_every.total_seconds()
        return {"seconds": seconds, "jitter": seconds / 10}

    async def visit(self, source: Source) -> int:
        """Read a source until it has no more (or for ``PAGES`` pages); the number of new sightings.

        A fault is noted where ``status`` shows it, and costs nothing: the cursor stays where it was; so is one of
        our own.
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
                trouble = batch.trouble
                if trouble:
                    log.warning("source could not be read to its end", source=source.name, error=trouble)
                if trouble or not batch.more or self._stop.is_set():
                    break
        except (PlatformError, LedgerError) as error:
            trouble = str(error)
            log.warning("source could not be read", source=source.name, error=trouble)
            if isinstance(error, NotPermittedError | NotLoggedInError):
                self._accounts.doubt()
        except Exception as error:  # a fault of our own must neither end the others nor go unseen
            trouble = f"a fault of this program ({type(error).__name__}): the log tells more; please report it"
            log.exception("source could not be read", source=source.name, error=trouble)
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

    async def _succeed(self) -> None:
        """Nobody acts between two holders: whoever waits for the right to act looks often."""
        if self._lease is None:
            await self._renew()

    async def _renew(self) -> None:
        try:
            lease = await asyncio.to_thread(become_actor, self._ledger)
            acting = lease or await asyncio.to_thread(self._ledger.holder)
        except LedgerError as error:
            log.warning("the lease cannot be renewed", error=str(error))
            return
        self._lease = lease
        self._mended = self._mended and lease is not None
        if acting is None or acting.holder == self._actor:
            return
        self._actor = acting.holder
        if lease is not None:
            log.info("this process acts", holder=acting.holder)
        else:
            log.warning("another process acts; this one scans, and takes over when that one ends", holder=acting.holder)

    async def _work(self) -> None:
        while not self._stop.is_set():
            try:
                taken = [
                    *(await self._take(acting(self._at_once)) if self._lease is not None else ()),
                    *await self._take(looking(self._at_once)),
                    *await self._take(judging(self._at_once)),
                ]
            except LedgerError as error:
                log.warning("the ledger cannot be read", error=str(error))
                await self._pause(2.0)
                continue
            for task in taken:
                self._in_hand.add(task)
                running = asyncio.create_task(self._carry(task), name=task.kind.value)
                self._running.add(running)
                running.add_done_callback(self._running.discard)
            if not taken and self._running:
                await asyncio.wait(self._running, timeout=IDLE, return_when=asyncio.FIRST_COMPLETED)
            elif not taken:
                await self._pause(IDLE)

    async def _take(self, hands: Hands) -> Sequence[Task]:
        """Deeds wait long for servers that limit their callers; scanning keeps hands of its own meanwhile."""
        return await asyncio.to_thread(hands.fill, self._ledger, list(self._in_hand))

    async def _carry(self, task: Task) -> None:
        if self._stop.is_set():
            return
        try:
            await self._pipeline.run(task, self._lease)
        except LedgerError as error:
            # The task stays leased in the ledger and is taken again when that runs out.
            log.warning("the ledger cannot be written; the task will be done again", task=task.target, error=str(error))
        self._in_hand.discard(task)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return

    async def _end(self, working: asyncio.Task[None]) -> None:
        """Finish what can be finished in time; the rest is left where the next start takes it up at once."""
        log.info("stopping: what runs has a few seconds to finish", running=len(self._running), seconds=self._finish)
        await asyncio.wait({working, *self._running}, timeout=self._finish)
        late = {task for task in (working, *self._running) if not task.done()}
        for task in late:
            task.cancel()
        if late:
            log.warning("not finished in time; the next start goes on with it", tasks=len(self._in_hand))
        try:
            async with asyncio.timeout(TIDY):
                if late:
                    await asyncio.wait(late)
                await asyncio.to_thread(self._hand_back)
        except TimeoutError:
            log.warning("the ledger does not answer; what is unfinished is taken up when its leases run out")
        except LedgerError as error:
            log.warning("what is unfinished could not be given back; its leases run out", error=str(error))

    def _hand_back(self) -> None:
        """An attempt that was begun stays open: whoever takes the task asks the server what became of it."""
        for task in self._in_hand:
            self._ledger.postpone(task, until=self._clock.now(), reason="", count=False)
        if self._lease is not None:
            self._ledger.release(self._lease)


async def _until_the_end(work: Callable[..., Awaitable[object]], *arguments: object) -> None:
    """A job. That the end of the process interrupts it is no failure of it, as which it would be logged."""
    with suppress(asyncio.CancelledError):
        await work(*arguments)
