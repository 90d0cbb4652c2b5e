"""Protocol of the numbers that alarms and metrics are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from bot.domain.decisions import HoldReason
    from bot.ports.store import Lane, TaskKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """How a source fares."""

    name: str
    read_at: datetime  # the last poll whose batch was committed
    news_at: datetime  # the last batch with something that was not known; before the first one, the first poll
    usual_gap: timedelta | None  # between two such batches, on average; ``None``: there were not two of them yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Tasks that are alike."""

    state: str  # "waiting", "running", "parked", or ``ABSENT``
    kind: TaskKind
    lane: Lane
    size: int
    oldest: datetime  # when the first of them was asked for
    untried_since: datetime | None  # since when the first of those is due that nobody has taken yet

    @property
    def is_open(self) -> bool:
        """Whether there is something to do."""
        return self.state in {"waiting", "running"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldIntent:
    """What waits for a human, in ids."""

    intent: int
    case: int
    kind: str
    rule_id: str
    reasons: Sequence[HoldReason]
    at: datetime


class Gauges(Protocol):
    """Sums and moments, as they are now."""

    def feeds(self) -> Sequence[Feed]:
        """Every source that was ever read, by name."""
        ...

    def queues(self) -> Sequence[Queue]:
        """All tasks, by state, kind and lane."""
        ...

    def finished(self) -> Mapping[tuple[TaskKind, Lane], int]:
        """Tasks that were done so far, each time that they were."""
        ...

    def done_since(self, since: datetime) -> tuple[int, datetime] | None:
        """How many deeds were done since then, and when the first of them was; ``None``: there was none."""
        ...

    def parked_since(self, since: datetime) -> int:
        """Tasks that were given up since then and are so still."""
        ...

    def detectors_out(self) -> Mapping[str, int]:
        """Detector id to the number of files that wait for it to work again."""
        ...

    def held_since(self, since: datetime) -> Sequence[HeldIntent]:
        """Intents that are held, and have been so since then or later; oldest first."""
        ...

    def held_by_reason(self) -> Mapping[HoldReason, int]:
        """Held intents; one with two reasons counts for both."""
        ...

    def intents_by_state(self) -> Mapping[tuple[str, str], int]:
        """Kind of intent and state to number."""
        ...

    def outcomes(self) -> Mapping[tuple[str, str], int]:
        """Kind of intent and what came of the attempts (``done``, ``failed`` …) to their number, undoing left out."""
        ...

    def left_in_caches(self) -> Sequence[int]:
        """Numbers of the cases with a purged file that caches may go on showing."""
        ...
