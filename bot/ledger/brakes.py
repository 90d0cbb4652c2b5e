"""The kill switch and the breakers: what holds deeds for everybody at once."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, select, update

from bot.domain.decisions import HoldReason, IntentState
from bot.ledger import chain, schema
from bot.ledger.cases import decide_all, stir
from bot.ledger.codec import encode
from bot.ledger.database import keep_first, put
from bot.ledger.part import Part
from bot.ledger.planning import INTENT
from bot.ports import Stop, Trip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection

STOPPED = "stopped"
STARTED = "started"
BREAKER = "breaker/"
CLOSED = "breaker-closed/"
FLAG = schema.flag.c


class BrakesPart(Part):
    """The part of ``Control`` that stops things."""

    def stopped(self) -> Stop | None:
        """Whether the kill switch is on."""
        with self._database.read() as connection:
            return stop_in(connection)

    def stop_acting(self, *, by: str, why: str) -> int:
        """Switch it on; the first word about it stands."""
        now = self._now()
        value = json.dumps({"at": now.isoformat(), "by": by, "why": why})
        with self._database.write() as connection:
            if keep_first(connection, schema.flag, ["key"], key=STOPPED, value=value):
                chain.append(connection, now, [chain.of_event(chain.ACTING, "stopped", by=by, why=why)])
            return _hold(connection, HoldReason.STOPPED, now, by=by, detail=why)

    def start_acting(self, *, by: str) -> bool:
        """Switch it off."""
        now = self._now()
        with self._database.write() as connection:
            on = stop_in(connection) is not None
            connection.execute(delete(schema.flag).where(FLAG.key == STOPPED))
            if on:
                value = json.dumps({"at": now.isoformat(), "by": by})
                put(connection, schema.flag, ["key"], key=STARTED, value=value)
                chain.append(connection, now, [chain.of_event(chain.ACTING, "started", by=by)])
        return on

    def trips(self) -> Sequence[Trip]:
        """Rules whose breaker is open."""
        with self._database.read() as connection:
            rows = connection.execute(select(schema.flag)).all()
        return [
            _trip(row.key.removeprefix(BREAKER), row.value)
            for row in sorted(rows, key=lambda row: str(row.key))
            if row.key.startswith(BREAKER)
        ]

    def trip(self, trip: Trip) -> int:
        """Open the breaker of a rule."""
        value = json.dumps({"at": trip.at.isoformat(), "flagged": trip.flagged, "scanned": trip.scanned})
        with self._database.write() as connection:
            if not keep_first(connection, schema.flag, ["key"], key=BREAKER + trip.rule_id, value=value):
                return 0
            now = self._now()
            told = {"state": "open", "flagged": trip.flagged, "scanned": trip.scanned}
            chain.append(connection, now, [chain.of_event(chain.BREAKER, trip.rule_id, **told)])
            rests_on_scores = INTENT.verdict_id.in_(
                select(schema.verdict.c.id).where(
                    schema.verdict.c.rule_id == trip.rule_id, schema.verdict.c.exact.is_(False)
                )
            )
            detail = f"{trip.flagged} of {trip.scanned} files"
            only = and_(rests_on_scores, INTENT.approved_by.is_(None))  # a human has looked at what is approved
            return _hold(connection, HoldReason.BREAKER, now, by="fediwarden", detail=detail, only=only)

    def close_breaker(self, rule_id: str, *, by: str) -> bool:
        """Close it again."""
        now = self._now()
        value = json.dumps({"at": now.isoformat(), "by": by})
        with self._database.write() as connection:
            gone = connection.execute(delete(schema.flag).where(FLAG.key == BREAKER + rule_id))
            if gone.rowcount == 0:
                return False
            put(connection, schema.flag, ["key"], key=CLOSED + rule_id, value=value)
            chain.append(connection, now, [chain.of_event(chain.BREAKER, rule_id, state="closed", by=by)])
        return True

    def counting_since(self, rule_id: str) -> datetime | None:
        """When the breaker of a rule was last closed."""
        with self._database.read() as connection:
            value = connection.execute(select(FLAG.value).where(FLAG.key == CLOSED + rule_id)).scalar()
        return None if value is None else datetime.fromisoformat(json.loads(value)["at"])


def stop_in(connection: Connection) -> Stop | None:
    """Whether the kill switch is on, inside whatever transaction is under way."""
    value = connection.execute(select(FLAG.value).where(FLAG.key == STOPPED)).scalar()
    if value is None:
        return None
    told = json.loads(value)
    return Stop(at=datetime.fromisoformat(told["at"]), by=told["by"], why=told["why"])


def _trip(rule_id: str, value: str) -> Trip:
    told = json.loads(value)
    return Trip(
        rule_id=rule_id, at=datetime.fromisoformat(told["at"]), flagged=told["flagged"], scanned=told["scanned"]
    )


def _hold(
    connection: Connection,
    reason: HoldReason,
    now: datetime,
    *,
    by: str,
    detail: str,
    only: ColumnElement[bool] | None = None,
) -> int:
    """Hold what is ready and was not begun; what was begun is held when its next attempt is refused."""
    which = [INTENT.state == IntentState.READY.value, INTENT.attempts == 0]
    if only is not None:
        which.append(only)
    rows = connection.execute(select(INTENT.id, INTENT.case_number, INTENT.kind).where(*which)).all()
    for row in rows:
        connection.execute(
            update(schema.intent)
            .where(INTENT.id == row.id)
            .values(
                state=IntentState.HELD.value,
                reasons=encode((reason,)),
                detail=detail,
                held_at=now,
                turn=INTENT.turn + 1,
            )
        )
    decide_all(
        connection,
        [(row.case_number, row.id) for row in rows],
        at=now,
        who=by,
        what=[f"held: {row.kind}" for row in rows],
        note=reason.value,
    )
    for number in {row.case_number for row in rows}:
        stir(connection, number)
    return len(rows)
