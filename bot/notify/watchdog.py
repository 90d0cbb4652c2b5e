"""The one job that looks after the bot itself: alarms, notes, messages."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog

from bot.domain.errors import LeaseLostError, LedgerError, PlatformError
from bot.notify.text import last_words
from bot.ports import CheckResult, Topic
from bot.telemetry import alarms

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from bot.notify.news import News
    from bot.notify.sender import Sender
    from bot.ports import Channel, Clock, Lease, Ledger
    from bot.telemetry import AlarmBook, Senses, Sensitivity

log = structlog.get_logger(__name__)

TICK = 1.0
"""Seconds between looks at the outbox."""

EYES = 60.0
"""Seconds between two pictures that are shown to decoder and detectors to see whether they work."""

BLIND = 120.0
"""Seconds after which a picture that was not looked at says that they do not."""

MUTE = 60.0
"""Seconds for which the ledger has to fail before somebody is told past it."""

KEPT = timedelta(days=30)
"""How long messages are kept once they were sent."""

HOURLY = 3600.0  # seconds


class Watchdog:
    """Looks, tells, and never lets its own trouble out: a job that dies would be the silence it is there to end."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        channels: Sequence[Channel],
        sender: Sender,
        news: News,
        senses: Senses,
        book: AlarmBook,
        limits: Sensitivity,
        every: timedelta,
        clock: Clock,
        look: Callable[[], Awaitable[Sequence[CheckResult]]],
        mute: float = MUTE,
    ) -> None:
        """``every``: between two looks for alarms. ``look``: shows a picture to decoder and detectors.

        ``mute``: seconds for which the ledger has to fail before somebody is told past it.
        """
        self._ledger = ledger
        self._channels = channels
        self._sender = sender
        self._news = news
        self._senses = senses
        self._book = book
        self._limits = limits
        self._every = every.total_seconds()
        self._clock = clock
        self._look = look
        self._looked_at: float | None = None  # for alarms
        self._tidied_at: float | None = None
        self._ticked_at = time.monotonic()
        self._mute = mute
        self._failing_since: float | None = None
        self._cried = False
        self._busy: set[str] = set()  # channels that are sending
        self._looking: asyncio.Task[None] | None = None

    @property
    def idle_seconds(self) -> float:
        """Since the last tick: when that grows, the event loop or its scheduler does not turn."""
        return time.monotonic() - self._ticked_at

    async def tick(self, lease: Lease | None) -> None:
        """What is due. ``lease``: of this process, if it is the one that acts; nobody else sends."""
        self._ticked_at = time.monotonic()
        self._open_eyes()
        try:
            await self._look_for_alarms(lease)
            if lease is not None:
                await self._send(lease.fence)
        except LedgerError as error:
            log.warning("the watchdog cannot use the ledger", error=str(error))
            self._failed(lease)
        else:
            self._failing_since, self._cried = None, False

    def stop(self) -> None:
        """End the look at the detectors; what is being sent is sent again after the next start if need be."""
        if self._looking is not None:
            self._looking.cancel()

    async def _look_for_alarms(self, lease: Lease | None) -> None:
        now = time.monotonic()
        if self._looked_at is not None and now - self._looked_at < self._every:
            return
        await asyncio.to_thread(self._find, acts=lease is not None)
        self._looked_at = now

    def _find(self, *, acts: bool) -> None:
        """Two processes would contradict each other: the one that acts keeps the book, or anybody where nobody does."""
        mine = acts or self._ledger.holder() is None
        state = self._senses.feel(sample=mine)
        if not mine:
            return
        self._book.note(alarms(state, self._limits), now=state.now, tell=self._news.tell)
        self._news.gather()
        if self._tidied_at is None or time.monotonic() - self._tidied_at > HOURLY:
            self._ledger.forget_messages(state.now - KEPT)
            self._tidied_at = time.monotonic()

    async def _send(self, fence: int) -> None:
        for channel in self._channels:
            if channel.id not in self._busy:
                self._busy.add(channel.id)
                _apart(f"notify-{channel.id}", partial(self._serve, channel, fence))

    def _serve(self, channel: Channel, fence: int) -> None:
        try:
            self._sender.work(channel, fence)
        except LeaseLostError:
            log.info("somebody else sends now", channel=channel.id)
        except LedgerError as error:
            log.warning("the outbox cannot be used", channel=channel.id, error=str(error))
        except Exception:
            log.exception("a channel failed", channel=channel.id)
        finally:
            self._busy.discard(channel.id)

    def _failed(self, lease: Lease | None) -> None:
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        if lease is not None and not self._cried and now - self._failing_since >= self._mute:
            self._cried = True
            self._cry_for_help()

    def _cry_for_help(self) -> None:
        """Past the ledger, for it is the ledger that does not work: once, unconfirmed."""
        message = last_words(id_=uuid.uuid4().hex, now=self._clock.now())

        def send(channel: Channel) -> None:
            try:
                channel.notifier.send(message)
            except PlatformError as error:
                log.warning("message not sent", channel=channel.id, error=str(error))

        for channel in self._channels:
            if Topic.ALARMS in channel.about:
                _apart(f"notify-{channel.id}", partial(send, channel))

    def _open_eyes(self) -> None:
        if self._looking is None:
            self._looking = asyncio.create_task(self._keep_looking(), name="watchdog")

    async def _keep_looking(self) -> None:
        while True:
            try:
                async with asyncio.timeout(BLIND):
                    self._senses.eyes = await self._look()
            except TimeoutError:
                detail = f"a picture was not looked at within {BLIND:.0f} s"
                self._senses.eyes = [CheckResult(what="decode worker", ok=False, detail=detail)]
            except Exception:
                log.exception("decoder and detectors could not be tried")
                self._senses.eyes = [CheckResult(what="decode worker", ok=False, detail="see the log")]
            await asyncio.sleep(EYES)


def _apart(name: str, work: Callable[[], None]) -> None:
    """In a thread that nobody waits for at the end: a mail server may take its time, and the bot may not."""
    threading.Thread(target=work, name=name, daemon=True).start()
