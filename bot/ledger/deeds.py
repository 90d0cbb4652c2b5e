"""Attempts and outcomes: written before a call goes out, and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import exists, select, update

from bot.domain.decisions import Attempt, IntentState, Outcome, Refused
from bot.domain.errors import LeaseLostError, LedgerError, StoppedError, SupersededError
from bot.ledger import chain, schema
from bot.ledger.brakes import stop_in
from bot.ledger.cases import decide
from bot.ledger.codec import decode, encode, outcome_of
from bot.ledger.columns import fingerprint
from bot.ledger.control import newest_fence
from bot.ledger.database import add, keep_first
from bot.ledger.part import Part
from bot.ledger.planning import INTENT, intent_row, move
from bot.ledger.schema import ERASED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Row, Select

    from bot.domain.decisions import HoldReason

ATTEMPT = schema.attempt.c


class DeedsPart(Part):
    """The part of ``Docket`` that is about attempts."""

    def begin(self, intent_id: int, *, reverting: bool, before: Mapping[str, Any], fence: int) -> Attempt:
        """Write that a call is about to go out. Lease, intent and attempt are one transaction."""
        now = self._now()
        with self._database.write() as connection:
            if newest_fence(connection) != fence:
                raise LeaseLostError("somebody else acts now; this process has stopped acting")
            row = intent_row(connection, intent_id)
            wanted = IntentState.UNDOING if reverting else IntentState.READY
            if row.state != wanted.value:
                raise SupersededError(f"intent {intent_id} is {row.state} by now, no longer {wanted.value}")
            if not reverting and stop_in(connection) is not None:
                raise StoppedError("acting is stopped; `fediwarden start-acting` goes on")
            values = {
                "intent_id": intent_id,
                "reverting": reverting,
                "fence": fence,
                "turn": row.turn,
                "started_at": now,
                "before": encode(dict(before)),
            }
            attempt_id = add(connection, schema.attempt, **values)
            chain.append(connection, now, [chain.of_row(chain.ATTEMPT, {**values, "id": attempt_id})])
            connection.execute(update(schema.intent).where(INTENT.id == intent_id).values(attempts=INTENT.attempts + 1))
        return Attempt(
            id=attempt_id, intent_id=intent_id, reverting=reverting, started_at=now, before=dict(before), outcome=None
        )

    def end(
        self,
        attempt: Attempt,
        outcome: Outcome,
        *,
        state: IntentState,
        not_before: datetime | None = None,
        reasons: Sequence[HoldReason] = (),
        detail: str = "",
    ) -> None:
        """Write what came of it. The first end of an attempt stands; so does a decision made since its beginning.

        Nor does it move an intent that another process, which took over meanwhile, has made a newer attempt at.
        """
        now = self._now()
        with self._database.write() as connection:
            turn = connection.execute(select(schema.attempt.c.turn).where(schema.attempt.c.id == attempt.id)).scalar()
            if turn is None:
                raise LedgerError(f"there is no attempt {attempt.id}")
            values = {"attempt_id": attempt.id, "payload": encode(outcome), "at": now}
            if not keep_first(connection, schema.outcome, ["attempt_id"], **values):
                return
            chain.append(connection, now, [chain.of_row(chain.OUTCOME, values)])
            newer = exists().where(schema.attempt.c.intent_id == attempt.intent_id, schema.attempt.c.id > attempt.id)
            still = select(schema.intent).where(INTENT.id == attempt.intent_id, INTENT.turn == turn, ~newer)
            row = connection.execute(still).first()
            if row is not None and state is IntentState.HELD:
                move(connection, row, state, now=now, reasons=reasons, detail=detail)
            elif row is not None:
                changes: dict[str, Any] = {"state": state.value, "not_before": not_before}
                if state in {IntentState.DONE, IntentState.REFUSED}:  # why it waited before says nothing any more
                    changes["detail"] = outcome.note if isinstance(outcome, Refused) else ""
                connection.execute(update(schema.intent).where(INTENT.id == row.id).values(**changes))
            if state is IntentState.DONE and not attempt.reverting:
                connection.execute(
                    update(schema.intent)
                    .where(INTENT.id == attempt.intent_id, INTENT.done_at.is_(None))
                    .values(done_at=now)
                )

    def tell(self, intent_id: int, what: str) -> None:
        """Write into the timeline what was done on the way."""
        now = self._now()
        with self._database.write() as connection:
            row = intent_row(connection, intent_id)
            decide(connection, row.case_number, row.id, at=now, who="fediwarden", what=what, note="")

    def attempts(self, intent_id: int) -> Sequence[Attempt]:
        """All tries, oldest first."""
        with self._database.read() as connection:
            return [_attempt(row) for row in connection.execute(_tries().where(ATTEMPT.intent_id == intent_id))]

    def tries(self, kind: str, *, target: str | None = None, since: datetime) -> Sequence[Attempt]:
        """The newest tries at a kind of deed."""
        which = [INTENT.kind == kind, ATTEMPT.started_at > since]
        if target is not None:
            which.append(INTENT.target_digest == fingerprint(target))
        newest = _tries().join(schema.intent, INTENT.id == ATTEMPT.intent_id).where(*which)
        with self._database.read() as connection:
            return [_attempt(row) for row in connection.execute(newest)]


def _tries() -> Select[Any]:
    found = select(schema.attempt, schema.outcome.c.payload).select_from(schema.attempt).outerjoin(schema.outcome)
    return found.where(ATTEMPT.before != ERASED).order_by(ATTEMPT.id)


def _attempt(row: Row[Any]) -> Attempt:
    return Attempt(
        id=row.id,
        intent_id=row.intent_id,
        reverting=row.reverting,
        started_at=row.started_at,
        before=cast("Mapping[str, Any]", decode(row.before, dict)),
        outcome=outcome_of(row.payload) if row.payload is not None else None,
    )
