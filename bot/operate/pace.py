"""How fast the work goes, and how long the rest of it will take at this rate."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.decisions import IntentState
from bot.ports import Lane, TaskKind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from bot.ports import Gauges

WINDOW = timedelta(minutes=2)
"""What rates are measured over: long enough for a server that is asked a few times a second."""

ENOUGH = timedelta(seconds=30)
"""What has to be measured before it tells anything about deeds."""

LOOK_BACK = timedelta(minutes=5)
"""What the rate of deeds is taken from before that."""

SETTLED = {IntentState.DONE.value, IntentState.REFUSED.value, IntentState.UNDONE.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The queues at one moment."""

    at: datetime
    queued: Mapping[Lane, int]  # tasks that wait or run
    finished: Mapping[Lane, int]  # tasks that were done, ever
    parked: int  # tasks that were given up
    unscanned: int  # names that wait to be looked at
    examined: int  # names that were looked at, ever
    ready: Mapping[str, int]  # allowed deeds, by kind
    held: Mapping[str, int]
    settled: Mapping[str, int]  # deeds that are over
    lately: float  # deeds that were done for each minute of the last few


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What is left, and for how long; rates are for each minute, ``None``: not known yet."""

    now: Snapshot
    lanes: Mapping[Lane, float | None]
    scanning: float | None
    deeds: Mapping[str, float | None]
    scan_left: timedelta | None  # until everything is scanned, if nothing new came
    deeds_left: timedelta | None

    @property
    def left(self) -> timedelta | None:
        """Until all is done: scanning and acting go on at the same time."""
        if self.scan_left is None or self.deeds_left is None:
            return None
        return max(self.scan_left, self.deeds_left)


def snapshot(gauges: Gauges, now: datetime) -> Snapshot:
    """Look at the ledger."""
    queued: Counter[Lane] = Counter()
    parked = unscanned = 0
    for queue in gauges.queues():
        parked += queue.size if queue.state == "parked" else 0
        if not queue.is_open:
            continue
        queued[queue.lane] += queue.size
        unscanned += queue.size if queue.kind is TaskKind.EXAMINE else 0
    finished: Counter[Lane] = Counter()
    examined = 0
    for (kind, lane), number in gauges.finished().items():
        finished[lane] += number
        examined += number if kind is TaskKind.EXAMINE else 0
    by_state: dict[str, Counter[str]] = {}
    for (kind_of_deed, state), number in gauges.intents_by_state().items():
        by_state.setdefault("settled" if state in SETTLED else state, Counter())[kind_of_deed] += number
    return Snapshot(
        at=now,
        queued=queued,
        finished=finished,
        parked=parked,
        unscanned=unscanned,
        examined=examined,
        ready=by_state.get(IntentState.READY.value, {}),
        held=by_state.get(IntentState.HELD.value, {}),
        settled=by_state.get("settled", {}),
        lately=_lately(gauges, now),
    )


def _lately(gauges: Gauges, now: datetime) -> float:
    done = gauges.done_since(now - LOOK_BACK)
    if done is None:
        return 0.0
    number, first = done
    minutes = max((now - first).total_seconds(), 1.0) / 60
    return number / minutes


@dataclass(slots=True)
class Pace:
    """Remembers what was seen over the last ``WINDOW``."""

    _seen: deque[Snapshot] = field(default_factory=deque)

    def forecast(self, now: Snapshot) -> Forecast:
        """Add a snapshot; what follows from it and those before."""
        self._seen.append(now)
        while len(self._seen) > 2 and now.at - self._seen[1].at >= WINDOW:
            self._seen.popleft()
        first = self._seen[0]
        minutes = (now.at - first.at).total_seconds() / 60

        def rate(after: int, before: int) -> float | None:
            return max(0, after - before) / minutes if minutes > 0 else None

        scanning = rate(now.examined, first.examined)
        kinds = {*now.ready, *now.held, *now.settled}
        deeds = {kind: rate(now.settled.get(kind, 0), first.settled.get(kind, 0)) for kind in kinds}
        all_deeds = rate(sum(now.settled.values()), sum(first.settled.values()))
        if now.at - first.at < ENOUGH:
            all_deeds = now.lately
        return Forecast(
            now=now,
            lanes={lane: rate(now.finished.get(lane, 0), first.finished.get(lane, 0)) for lane in Lane},
            scanning=scanning,
            deeds=deeds,
            scan_left=left(now.unscanned, scanning),
            deeds_left=left(sum(now.ready.values()), all_deeds),
        )


def left(number: int, per_minute: float | None) -> timedelta | None:
    """How long so many take; ``None`` where nothing moves."""
    if number == 0:
        return timedelta(0)
    return timedelta(minutes=number / per_minute) if per_minute else None


def in_words(time: timedelta | None) -> str:
    """``about 2 h 10 min``."""
    if time is None:
        return "not known yet"
    if not time:
        return "nothing is left"
    minutes = round(time.total_seconds() / 60)
    if minutes < 1:
        return "less than a minute"
    hours, rest = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (rest if not days else 0, "min")]
    return "about " + " ".join(f"{number} {unit}" for number, unit in parts if number)
