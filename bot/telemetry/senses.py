"""Gathers what alarms and readiness are judged by."""

from __future__ import annotations

import json
import shutil
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bot.ports import Lane, TaskKind
from bot.telemetry.alarms import JUMP, Sample, State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bot.ports import CheckResult, Clock, Ledger, Queue
    from bot.telemetry.alarms import Sensitivity

SAMPLES = "alarms/samples"
KEPT = 40
"""Samples of the queue's length in one window."""

HOPELESS = 3
"""Failed tries in a row after which a channel counts as one that does not deliver."""


class Senses:
    """One process's view of everything that may be wrong. ``feel`` blocks: to be called in a thread."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        *,
        sources: Sequence[str],
        limits: Sensitivity,
        disk: Path,
        channels: Sequence[str] = (),
        lists_out: Callable[[], Sequence[str]] = tuple,
        pushes_out: Callable[[], Mapping[str, tuple[datetime, str]]] = dict,
        accounts_out: Callable[[], Mapping[str, Sequence[str]]] = dict,
        rare: Callable[[], frozenset[str]] = frozenset,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``disk``: a path on the ledger's disk. ``channels``: ids of those that are configured.

        ``lists_out``: ids of lists whose file cannot be read now. ``pushes_out``: what servers send and we do not get,
        by name: since when, and why. ``accounts_out``: what is wrong with the bot's own, by instance. ``rare``: sources
        whose silence means nothing, which may change with the server.
        """
        self._ledger = ledger
        self._clock = clock
        self._sources = sources
        self._limits = limits
        self._disk = disk
        self._channels = channels
        self._lists_out = lists_out
        self._pushes_out = pushes_out
        self._accounts_out = accounts_out
        self._rare = rare
        self._wall, self._monotonic = wall, monotonic
        self._started_at = clock.now()
        self._last = (wall(), monotonic())
        self._jumped = timedelta(0)
        self._jumped_at: datetime | None = None
        self.eyes: Sequence[CheckResult] | None = None  # what the last look at decoder and detectors said

    def now(self) -> datetime:
        """The present moment."""
        return self._clock.now()

    def glance(self) -> State:
        """Feeds and eyes only: what readiness is judged by, for whoever asks every second. Raises ``LedgerError``."""
        return State(
            now=self._clock.now(),
            started_at=self._started_at,
            sources=self._sources,
            rare=self._rare(),
            feeds=self._ledger.feeds(),
            eyes=self.eyes or (),
        )

    def feel(self, *, sample: bool) -> State:
        """Everything, now. ``sample``: note the length of the queue. Raises ``LedgerError``."""
        now = self._clock.now()
        queues = self._ledger.queues()
        waiting = sum(one.size for one in queues if _new_file(one) and one.is_open)
        untried = [one.untried_since for one in queues if _new_file(one) and one.state == "waiting"]
        self._watch_the_clock()
        return State(
            now=now,
            started_at=self._started_at,
            sources=self._sources,
            rare=self._rare(),
            feeds=self._ledger.feeds(),
            samples=self._samples(Sample(at=now, waiting=waiting), keep=sample),
            untried_since=min((at for at in untried if at is not None), default=None),
            given_up=self._ledger.parked_since(now - self._limits.window),
            detectors_out=self._ledger.detectors_out(),
            eyes=self.eyes or (),
            lists_out=self._lists_out(),
            pushes_out=self._pushes_out(),
            accounts_out=self._accounts_out(),
            stop=self._ledger.stopped(),
            trips=self._ledger.trips(),
            acts=self._ledger.holder() is not None,
            left_in_caches=self._ledger.left_in_caches(),
            disk_free=self._room(),
            jumped=self._jumped,
            jumped_at=self._jumped_at,
            channels_out=self._channels_out(),
        )

    def _samples(self, newest: Sample, *, keep: bool) -> Sequence[Sample]:
        kept = [
            Sample(at=datetime.fromtimestamp(at, UTC), waiting=waiting)
            for at, waiting in json.loads(self._ledger.flag(SAMPLES) or "[]")
        ]
        window = self._limits.window
        kept = [one for one in kept if newest.at - window <= one.at <= newest.at]
        if keep and (not kept or newest.at - kept[-1].at >= window / KEPT):
            written = [(one.at.timestamp(), one.waiting) for one in (*kept, newest)]
            self._ledger.set_flag(SAMPLES, json.dumps(written))
        return (*kept, newest)

    def _watch_the_clock(self) -> None:
        """The wall clock against one that is never set, and that stands still where the machine does."""
        wall, monotonic = self._wall(), self._monotonic()
        jumped = timedelta(seconds=(wall - self._last[0]) - (monotonic - self._last[1]))
        self._last = (wall, monotonic)
        if abs(jumped) > JUMP:
            self._jumped, self._jumped_at = jumped, self._clock.now()

    def _room(self) -> int | None:
        try:
            return shutil.disk_usage(self._disk).free
        except OSError:
            return None

    def _channels_out(self) -> Sequence[str]:
        states = self._ledger.channel_states()
        known = [(channel, states[channel]) for channel in self._channels if channel in states]
        return [channel for channel, state in known if state.trouble and state.failed >= HOPELESS]


def _new_file(queue: Queue) -> bool:
    """What was there before the bot started may take as long as it takes."""
    return queue.kind is TaskKind.EXAMINE and queue.lane is not Lane.BACKLOG
