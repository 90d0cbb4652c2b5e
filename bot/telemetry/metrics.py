"""Metrics for Prometheus: counts, ages and states by ids of the operator's own. Nobody's name is in them.

``docs/operating.md`` explains each; a test compares the two.
"""

from __future__ import annotations

import os
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from bot.ports import TaskKind
from bot.telemetry.alarm_book import raised_alarms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from prometheus_client import Metric

    from bot.domain.evidence import Score
    from bot.ports import Clock, Decoded, Ledger, Scorer, ViewSpec

WINDOWS = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
PAGE = os.sysconf("SC_PAGE_SIZE")  # bytes: what /proc counts in

SUMS = {
    "seen": "Media seen in posts, comments, profiles and uploads",
    "files": "Different files whose bytes the bot had",
    "scanned": "Files that were looked at",
    "matched": "Files with an exact hit on a block list",
    "partly_seen": "Videos and animations of those that could be looked at only in part",
    "unscored": "Files of those that a detector failed on; the others have scored them",
    "unscannable": "Files that were tried and never read",
}
"""``Control.counts`` to the help of a counter."""

disable_created_metrics()  # type: ignore[no-untyped-call] # when a counter began says nothing where the ledger counts

SCORING = Histogram(
    "fediwarden_scoring_seconds",
    "How long all detectors took for one file, waiting for company in a batch included",
    buckets=(0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60),
    registry=None,
)


class LedgerCollector(Collector):
    """Asks the ledger when it is scraped. Blocks; raises ``LedgerError``."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        *,
        sources: Sequence[str],
        rules: Callable[[], Iterable[str]],
        quotas: Callable[[], Mapping[str, Mapping[str, int]]],
        acts: Callable[[], bool],
        workers: Callable[[], Iterable[int]],
    ) -> None:
        """``rules``: ids. ``quotas``: window (``hour``, ``day``) to kind of deed to limit.

        ``acts``: whether this process does. ``workers``: numbers of the decode processes.
        """
        self._ledger = ledger
        self._clock = clock
        self._sources = sources
        self._rules = rules
        self._quotas = quotas
        self._acts = acts
        self._workers = workers

    def collect(self) -> Iterable[Metric]:
        """Every family of ``docs/operating.md``, but those of the process and its histogram."""
        now = self._clock.now()
        yield InfoMetricFamily("fediwarden_build", "Which version runs", {"version": version("fediwarden")})
        yield from self._feeds(now)
        yield from self._tasks(now)
        yield from self._sums()
        yield from self._deeds()
        yield from self._limits(now)
        yield from self._channels()
        yield _gauge("acting", "Whether this process carries out deeds", int(self._acts()))
        yield _gauge("worker_memory_bytes", "Memory of the decode processes", sum(map(_resident, self._workers())))

    def _feeds(self, now: datetime) -> Iterator[Metric]:
        success = _family("source_last_success_timestamp_seconds", "When a feed was last read", "source")
        lag = _family("source_lag_seconds", "Since a feed was last read", "source")
        news = _family("source_last_news_timestamp_seconds", "When a feed last brought something new", "source")
        for feed in self._ledger.feeds():
            if feed.name in self._sources:
                success.add_metric([feed.name], feed.read_at.timestamp())
                lag.add_metric([feed.name], _since(feed.read_at, now))
                news.add_metric([feed.name], feed.news_at.timestamp())
        yield from (success, lag, news)

    def _tasks(self, now: datetime) -> Iterator[Metric]:
        tasks = _family("tasks", "Tasks by state, kind and lane", "state", "kind", "lane")
        unscanned = _family("unscanned", "Files that wait to be looked at, or are looked at now", "lane")
        oldest = _family("oldest_unscanned_seconds", "Since the first of those was asked for", "lane")
        lanes: dict[str, tuple[int, datetime]] = {}
        for queue in self._ledger.queues():
            lane = queue.lane.name.lower()
            tasks.add_metric([queue.state, queue.kind.value, lane], queue.size)
            if queue.kind is TaskKind.EXAMINE and queue.is_open:
                size, since = lanes.get(lane, (0, queue.oldest))
                lanes[lane] = (size + queue.size, min(since, queue.oldest))
        for lane, (size, since) in lanes.items():
            unscanned.add_metric([lane], size)
            oldest.add_metric([lane], _since(since, now))
        waits = _family("detector_waiting", "Files that wait for a detector that is down", "detector")
        for detector, size in self._ledger.detectors_out().items():
            waits.add_metric([detector], size)
        yield from (tasks, unscanned, oldest, waits)

    def _sums(self) -> Iterator[Metric]:
        counts = self._ledger.counts()
        for word, what in SUMS.items():
            yield CounterMetricFamily(f"fediwarden_{word}", what, value=counts[word])

    def _deeds(self) -> Iterator[Metric]:
        deeds = _family("intents", "Intents by kind of deed and state", "kind", "state")
        for (kind, state), number in self._ledger.intents_by_state().items():
            deeds.add_metric([kind, state], number)
        outcomes = CounterMetricFamily(
            "fediwarden_attempts", "Attempts at deeds by what came of them", labels=("kind", "outcome")
        )
        for (kind, outcome), number in self._ledger.outcomes().items():
            outcomes.add_metric([kind, outcome], number)
        held = _family("held", "Intents that wait for a human, by reason", "reason")
        for reason, number in self._ledger.held_by_reason().items():
            held.add_metric([reason.value], number)
        yield from (deeds, outcomes, held)

    def _limits(self, now: datetime) -> Iterator[Metric]:
        used = _family("quota_used", "Deeds that were allowed in the last hour or day", "kind", "window")
        limit = _family("quota_limit", "How many may be", "kind", "window")
        for window, kinds in self._quotas().items():
            for kind, most in kinds.items():
                used.add_metric([kind, window], self._ledger.used(kind, now - WINDOWS[window]))
                limit.add_metric([kind, window], most)
        breaker = _family("breaker_open", "Whether a rule's deeds are held because it flagged too much", "rule")
        tripped = {trip.rule_id for trip in self._ledger.trips()}
        for rule in self._rules():
            breaker.add_metric([rule], int(rule in tripped))
        alarm = _family("alarm", "Alarms that are on", "alarm")
        for raised in raised_alarms(self._ledger):
            alarm.add_metric([raised.key], 1)
        stopped = self._ledger.stopped() is not None
        yield from (used, limit, breaker, alarm, _gauge("stopped", "Whether the kill switch is on", int(stopped)))

    def _channels(self) -> Iterator[Metric]:
        messages = _family("messages", "Messages to the operators, and notes not told yet", "channel", "state")
        success = _family("channel_last_success_timestamp_seconds", "When a message last arrived", "channel")
        for channel, state in self._ledger.channel_states().items():
            numbers = {"noted": state.notes, "pending": state.pending, "sent": state.sent, "lost": state.lost}
            for word, number in numbers.items():
                messages.add_metric([channel, word], number)
            if state.last_sent is not None:
                success.add_metric([channel], state.last_sent.timestamp())
        yield from (messages, success)


class TimedScorer:
    """``Scorer`` that remembers how long it took."""

    def __init__(self, scorer: Scorer) -> None:
        """``scorer``: the one that is timed."""
        self._scorer = scorer

    @property
    def revisions(self) -> Mapping[str, str]:
        """See ``Scorer``."""
        return self._scorer.revisions

    @property
    def passed_over(self) -> Mapping[str, str]:
        """See ``Scorer``."""
        return self._scorer.passed_over

    @property
    def views(self) -> Sequence[ViewSpec]:
        """See ``Scorer``."""
        return self._scorer.views

    async def score(self, decoded: Decoded) -> tuple[Sequence[Score], Sequence[str]]:
        """See ``Scorer``."""
        with SCORING.time():
            return await self._scorer.score(decoded)


def build_registry(ledger: LedgerCollector) -> CollectorRegistry:
    """Everything there is to scrape: the ledger's numbers, how long scoring takes, memory and time of the process."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ledger)
    registry.register(SCORING)
    ProcessCollector(registry=registry)
    return registry


def _family(name: str, what: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"fediwarden_{name}", what, labels=labels)


def _gauge(name: str, what: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"fediwarden_{name}", what, value=value)


def _since(moment: datetime, now: datetime) -> float:
    return max(0.0, (now - moment).total_seconds())


def _resident(pid: int) -> int:
    """Bytes; 0 for a process that is gone, or where there is no ``/proc``."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * PAGE
    except (OSError, ValueError, IndexError):
        return 0
