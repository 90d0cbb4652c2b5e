"""Numbers for alarms and metrics. Nothing here names a person, a file or a place."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select

from bot.domain.decisions import GONE_AT_STORE, HoldReason, IntentState, PurgeFile
from bot.ledger import schema
from bot.ledger.codec import decode
from bot.ledger.database import put
from bot.ledger.part import Part
from bot.ledger.tasks import FINISHED, PARKED, STATE, WAITING
from bot.ports import Feed, HeldIntent, Lane, Queue, TaskKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

NEWS = "news/"
"""Flags that tell when a source last brought something that was not known."""

SMOOTH = 0.1
"""How much the newest gap counts in the average of gaps between two pieces of news."""

LOOKED_AT = 2000
"""Waiting files that are searched for detectors that are out: in a long outage there may be any number of them."""

INTENT, TASK, OUTCOME, ATTEMPT = schema.intent.c, schema.task.c, schema.outcome.c, schema.attempt.c

_OUT = re.compile(r"([a-z0-9_-]+): unavailable")
_CAME = {"Done": "done", "AlreadyDone": "already_done", "Refused": "refused", "Failed": "failed"}


class GaugesPart(Part):
    """``Gauges``."""

    def feeds(self) -> Sequence[Feed]:
        """Every source that was ever read, by name."""
        with self._database.read() as connection:
            read = {row.source: row.at for row in connection.execute(select(schema.source_cursor))}
            news = {row.key: row.value for row in connection.execute(select(schema.flag)) if row.key.startswith(NEWS)}
        return [_feed(name, at, news.get(NEWS + name)) for name, at in sorted(read.items())]

    def queues(self) -> Sequence[Queue]:
        """All tasks, by state, kind and lane."""
        groups = select(
            STATE.label("state"),
            TASK.kind,
            TASK.lane,
            func.count().label("size"),
            func.min(TASK.created_at).label("oldest"),
            func.min(TASK.not_before).filter(TASK.attempts == 0).label("untried"),
        ).group_by(STATE, TASK.kind, TASK.lane)
        with self._database.read() as connection:
            return [
                Queue(
                    state=row.state,
                    kind=TaskKind(row.kind),
                    lane=Lane(row.lane),
                    size=row.size,
                    oldest=row.oldest,
                    untried_since=row.untried,
                )
                for row in connection.execute(groups)
            ]

    def finished(self) -> Mapping[tuple[TaskKind, Lane], int]:
        """Tasks that were done so far."""
        columns = schema.counter.c
        counters = select(columns.key, columns.value).where(columns.key.startswith(FINISHED))
        with self._database.read() as connection:
            rows = connection.execute(counters).all()
        words = [(key.removeprefix(FINISHED).split("/"), value) for key, value in rows]
        return {(TaskKind(kind), Lane(int(lane))): value for (kind, lane), value in words}

    def done_since(self, since: datetime) -> tuple[int, datetime] | None:
        """How many deeds were done since then, and when the first of them was."""
        done = select(func.count(), func.min(INTENT.done_at, type_=INTENT.done_at.type)).where(INTENT.done_at >= since)
        with self._database.read() as connection:
            number, first = connection.execute(done).one()
        return (number, first) if number else None

    def parked_since(self, since: datetime) -> int:
        """Tasks that were given up since then."""
        given_up = select(func.count()).select_from(schema.task).where(TASK.state == PARKED, TASK.changed_at >= since)
        with self._database.read() as connection:
            return connection.execute(given_up).scalar_one()

    def detectors_out(self) -> Mapping[str, int]:
        """Detector id to the number of files that wait for it."""
        reasons = (
            select(TASK.reason)
            .where(TASK.state == WAITING, TASK.kind == TaskKind.EXAMINE.value, TASK.reason.like("%: unavailable%"))
            .limit(LOOKED_AT)
        )
        with self._database.read() as connection:
            found = connection.execute(reasons).scalars().all()
        return Counter(detector for reason in found for detector in set(_OUT.findall(reason)))

    def held_since(self, since: datetime) -> Sequence[HeldIntent]:
        """Intents that are held, and have been so since then or later."""
        held = (
            select(schema.intent, schema.verdict.c.rule_id)
            .join(schema.verdict)
            .where(INTENT.state == IntentState.HELD.value, INTENT.held_at >= since)
            .order_by(INTENT.held_at, INTENT.id)
        )
        with self._database.read() as connection:
            return [
                HeldIntent(
                    intent=row.id,
                    case=row.case_number,
                    kind=row.kind,
                    rule_id=row.rule_id,
                    reasons=decode(row.reasons, tuple),
                    at=row.held_at,
                )
                for row in connection.execute(held)
            ]

    def held_by_reason(self) -> Mapping[HoldReason, int]:
        """Held intents, by reason."""
        alike = select(INTENT.reasons, func.count()).where(INTENT.state == IntentState.HELD.value)
        sums: Counter[HoldReason] = Counter()
        with self._database.read() as connection:
            for reasons, number in connection.execute(alike.group_by(INTENT.reasons)):
                sums.update(dict.fromkeys(decode(reasons, tuple), number))
        return sums

    def intents_by_state(self) -> Mapping[tuple[str, str], int]:
        """Kind of intent and state to number."""
        groups = select(INTENT.kind, INTENT.state, func.count()).group_by(INTENT.kind, INTENT.state)
        with self._database.read() as connection:
            return {(kind, state): number for kind, state, number in connection.execute(groups)}

    def outcomes(self) -> Mapping[tuple[str, str], int]:
        """Kind of intent and what came of the attempts."""
        # A payload begins with the name of its class: {"$":"Done",…
        word = func.substr(OUTCOME.payload, 1, 20).label("word")
        groups = (
            select(INTENT.kind, word, func.count())
            .select_from(schema.outcome)
            .join(schema.attempt)
            .join(schema.intent)
            .where(ATTEMPT.reverting.is_(False))
            .group_by(INTENT.kind, word)
        )
        sums: Counter[tuple[str, str]] = Counter()
        with self._database.read() as connection:
            for kind, start, number in connection.execute(groups):
                came = next((told for name, told in _CAME.items() if f'"{name}"' in start), "unknown")
                sums[kind, came] += number
        return sums

    def left_in_caches(self) -> Sequence[int]:
        """Cases with a purged file that caches may go on showing."""
        newest = (
            select(func.max(ATTEMPT.id))
            .where(ATTEMPT.intent_id == INTENT.id, ATTEMPT.reverting.is_(False))
            .correlate(schema.intent)
            .scalar_subquery()
        )
        left = f"%{GONE_AT_STORE}%"
        cases = (
            select(INTENT.case_number)
            .select_from(schema.intent)
            .outerjoin(schema.outcome, OUTCOME.attempt_id == newest)
            .where(
                INTENT.kind == PurgeFile.kind,
                INTENT.state.in_([IntentState.READY.value, IntentState.HELD.value]),
                INTENT.attempts > 0,
                or_(OUTCOME.payload.like(left), INTENT.detail.like(left)),
            )
            .distinct()
        )
        with self._database.read() as connection:
            return sorted(connection.execute(cases).scalars())


def keep_news(connection: Connection, source: str, now: datetime, *, new: bool) -> None:
    """Remember when a source last brought something, and how long that usually takes."""
    key = NEWS + source
    value = connection.execute(select(schema.flag.c.value).where(schema.flag.c.key == key)).scalar()
    if value is not None and not new:
        return
    told: dict[str, Any] = {"at": now.isoformat(), "gap": None}
    if value is not None:
        before = json.loads(value)
        gap = max(0.0, (now - datetime.fromisoformat(before["at"])).total_seconds())
        usual = before["gap"]
        told["gap"] = gap if usual is None else usual + (gap - usual) * SMOOTH
    put(connection, schema.flag, ["key"], key=key, value=json.dumps(told))


def _feed(name: str, read_at: datetime, news: str | None) -> Feed:
    told: dict[str, Any] = json.loads(news) if news is not None else {"at": read_at.isoformat(), "gap": None}
    gap = told["gap"]
    return Feed(
        name=name,
        read_at=read_at,
        news_at=datetime.fromisoformat(told["at"]),
        usual_gap=None if gap is None else timedelta(seconds=gap),
    )
