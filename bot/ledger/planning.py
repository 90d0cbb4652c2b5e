"""Verdicts and the intents that follow from them; humans' decisions about these."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, func, insert, select, update

from bot.domain.decisions import (
    BanAccount,
    Because,
    Decision,
    Hold,
    HoldReason,
    Intent,
    IntentState,
    LimitAccount,
    Report,
    SetSwitch,
)
from bot.domain.errors import LedgerError, SupersededError
from bot.ledger import chain, schema
from bot.ledger.cases import DISMISSED, WAITS, case_row, decide, stir
from bot.ledger.codec import decode, encode, intent_of
from bot.ledger.columns import digest_of, fingerprint
from bot.ledger.database import keep_first
from bot.ledger.naming import known_file
from bot.ledger.part import Part
from bot.ledger.schema import ERASED
from bot.ledger.tasks import want
from bot.ports import IntentRecord, Lane, TaskKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row, Select

    from bot.domain.content import Account, Community
    from bot.domain.decisions import Verdict
    from bot.ledger.chain import Entry

INTENT = schema.intent.c
MOVING = (IntentState.READY.value, IntentState.UNDOING.value)
"""States of what is to be carried out or taken back."""

STANDS = timedelta(days=1)
"""For so long nothing that was done ends by itself: a ban is for a day at least."""


class PlanningPart(Part):
    """The part of ``Docket`` that is about verdicts and intents."""

    def add_verdict(
        self, case: int, file_id: int, verdict: Verdict, decisions: Sequence[tuple[Intent, Decision]]
    ) -> Sequence[IntentRecord]:
        """Keep a verdict and its intents; the new ones. A case that a human dismissed gets none."""
        now = self._now()
        with self._database.write() as connection:
            row = case_row(connection, case)
            told: list[Entry] = []
            verdict_id = keep_verdict(connection, case, known_file(connection, file_id), verdict, now, told)
            wanted = decisions if row.state != DISMISSED else ()
            new = [
                intent_id
                for intent, decision in wanted
                if (intent_id := plan_intent(connection, case, verdict_id, intent, decision, now, told)) is not None
            ]
            chain.append(connection, now, told)
            if row.state == DISMISSED:
                return ()
            if new:
                stir(connection, case)
            records = records_in(connection, INTENT.id.in_(new))
            if any(record.state is IntentState.READY for record in records):
                wake(connection, case, now)
            return records

    def intent(self, intent_id: int) -> IntentRecord | None:
        """One intent."""
        with self._database.read() as connection:
            return next(iter(records_in(connection, INTENT.id == intent_id)), None)

    def intents(
        self,
        *,
        case: int | None = None,
        states: Sequence[IntentState] = (),
        kind: str | None = None,
        target: str | None = None,
        limit: int | None = None,
    ) -> Sequence[IntentRecord]:
        """Intents in the order of their ids."""
        filters: list[ColumnElement[bool]] = []
        if case is not None:
            filters.append(INTENT.case_number == case)
        if states:
            filters.append(INTENT.state.in_([state.value for state in states]))
        if kind is not None:
            filters.append(INTENT.kind == kind)
        if target is not None:
            filters.append(INTENT.target_digest == fingerprint(target))
        with self._database.read() as connection:
            return records_in(connection, *filters, limit=limit)

    def used(
        self, kind: str, since: datetime, *, account: Account | None = None, community: Community | None = None
    ) -> int:
        """Intents of a kind that were allowed since then."""
        which = [INTENT.kind == kind, INTENT.allowed_at >= since]
        if account is not None:
            which.append(INTENT.account_digest == digest_of(account))
        if community is not None:
            which.append(INTENT.community_digest == digest_of(community))
        with self._database.read() as connection:
            return connection.execute(select(func.count()).select_from(schema.intent).where(*which)).scalar_one()

    def approvals(self, rule_id: str) -> int:
        """How many deeds of a rule a human has approved so far."""
        approved = (
            select(func.count())
            .select_from(schema.intent)
            .join(schema.verdict)
            .where(schema.verdict.c.rule_id == rule_id, INTENT.approved_by.is_not(None))
        )
        with self._database.read() as connection:
            return connection.execute(approved).scalar_one()

    def flagged(self, rule_id: str, since: datetime) -> int:
        """Files that a rule flagged since then, not counting exact hits."""
        verdicts = schema.verdict.c
        files = select(func.count(verdicts.file_id.distinct())).where(
            verdicts.rule_id == rule_id, verdicts.at >= since, verdicts.exact.is_(False)
        )
        with self._database.read() as connection:
            return connection.execute(files).scalar_one()

    def keep_rule(self, digest: str, rule_id: str, text: str) -> None:
        """Keep the wording of a rule, once for each digest."""
        with self._database.read() as connection:
            if connection.execute(select(schema.rule_text.c.digest).where(schema.rule_text.c.digest == digest)).first():
                return
        now = self._now()
        values = {"digest": digest, "rule_id": rule_id, "text": text, "since": now}
        with self._database.write() as connection:
            if keep_first(connection, schema.rule_text, ["digest"], **values):
                chain.append(connection, now, [chain.of_row(chain.RULE, values)])

    def rule_text(self, digest: str) -> str | None:
        """The wording that a verdict came from."""
        wording = select(schema.rule_text.c.text).where(schema.rule_text.c.digest == digest)
        with self._database.read() as connection:
            return connection.execute(wording).scalar()

    def set_state(
        self,
        intent_id: int,
        state: IntentState,
        *,
        reasons: Sequence[HoldReason] = (),
        detail: str = "",
        by: str = "fediwarden",
        approve: bool = False,
        seen: IntentRecord | None = None,
    ) -> None:
        """Move an intent and say who did it. Raises ``LedgerError`` for an unknown one."""
        now = self._now()
        with self._database.write() as connection:
            row = intent_row(connection, intent_id)
            if seen is not None and (row.state, row.attempts) != (seen.state.value, seen.attempts):
                raise SupersededError(f"intent {intent_id} is {row.state} by now: look again")
            move(connection, row, state, now=now, reasons=reasons, detail=detail, by=by, approve=approve)


def move(
    connection: Connection,
    row: Row[Any],
    state: IntentState,
    *,
    now: datetime,
    reasons: Sequence[HoldReason] = (),
    detail: str = "",
    by: str = "fediwarden",
    approve: bool = False,
) -> None:
    """Move the intent of this row, and write into the timeline who did it."""
    changes: dict[str, Any] = {
        "state": state.value,
        "reasons": encode(tuple(reasons)),
        "detail": detail,
        "turn": INTENT.turn + 1,
    }
    if approve:
        changes["approved_by"] = by
    if state in {IntentState.READY, IntentState.UNDOING}:
        changes |= {"attempts": 0, "not_before": None}
    if state is IntentState.READY:
        changes["allowed_at"] = now
    if state is IntentState.HELD:
        changes["held_at"] = now
    connection.execute(update(schema.intent).where(INTENT.id == row.id).values(**changes))
    what = f"approved: {row.kind}" if approve else f"{state.value}: {row.kind}"
    note = ", ".join([*(reason.value for reason in reasons), *([detail] if detail else [])])
    decide(connection, row.case_number, row.id, at=now, who=by, what=what, note=note)
    if state in WAITS:
        stir(connection, row.case_number)
    # Whatever was decided may be what the other deeds of the case were waiting for.
    wake(connection, row.case_number, now)


def intent_row(connection: Connection, intent_id: int) -> Row[Any]:
    """Raises ``LedgerError`` where there is none."""
    row = connection.execute(select(schema.intent).where(INTENT.id == intent_id)).first()
    if row is None:
        raise LedgerError(f"there is no intent {intent_id}; `fediwarden held` lists those that wait")
    if row.payload == ERASED:
        raise LedgerError(f"intent {intent_id} was erased; nothing is known any more that could be decided or undone")
    return row


def wake(connection: Connection, case: int, now: datetime) -> None:
    """An ``ENFORCE`` task if anything of the case is to be carried out or taken back; bans go first."""
    to_do = select(INTENT.id).where(INTENT.case_number == case, INTENT.state.in_(MOVING))
    urgent = to_do.where(INTENT.kind.in_([BanAccount.kind, LimitAccount.kind, SetSwitch.kind]), ~done_elsewhere(now))
    for lane, some in ((Lane.BANS, urgent), (Lane.DEEDS, to_do)):
        if connection.execute(some.limit(1)).first() is not None:
            want(connection, TaskKind.ENFORCE, str(case), lane, now=now)
            return


def done_elsewhere(now: datetime) -> ColumnElement[bool]:
    """Whether an intent wants what another one has done lately, and what was not taken back: then it is in no hurry."""
    other = schema.intent.alias("other")
    return (
        select(other.c.id)
        .where(other.c.kind == INTENT.kind, other.c.target_digest == INTENT.target_digest, other.c.id != INTENT.id)
        .where(other.c.state == IntentState.DONE.value, other.c.done_at > now - STANDS)
        .exists()
    )


def keep_verdict(
    connection: Connection, case: int, file: Row[Any], verdict: Verdict, now: datetime, told: list[Entry]
) -> int:
    """The id of a verdict: that of the same one of an earlier look, if there was one."""
    identity = {
        "file_id": int(file.id),
        "rule_digest": verdict.rule_digest,
        "because_digest": fingerprint(verdict.because.text),
    }
    values = {
        **identity,
        "case_number": case,
        "rule_id": verdict.rule_id,
        "exact": verdict.because.exact,
        "because": encode(verdict.because),
        "at": now,
        "scan_id": file.scan_id,
    }
    new = keep_first(connection, schema.verdict, list(identity), **values)
    verdict_id = int(connection.execute(select(schema.verdict.c.id).filter_by(**identity)).scalar_one())
    if new:
        scan = connection.execute(select(schema.scan.c.payload).where(schema.scan.c.id == file.scan_id)).scalar()
        told.append(chain.of_row(chain.VERDICT, {**values, "id": verdict_id}, scan=scan))
    return verdict_id


def plan_intent(
    connection: Connection,
    case: int,
    verdict_id: int,
    intent: Intent,
    decision: Decision,
    now: datetime,
    told: list[Entry],
) -> int | None:
    """The id of a new intent; ``None`` if the case has it already, in whatever state.

    Of a report that names several posts only those stay that no report of the case has named so far.
    """
    if isinstance(intent, Report):
        unnamed = [subject for subject in intent.subjects if not named(connection, case, str(subject.key))]
        if not unnamed:
            return None
        intent = replace(intent, subject=unnamed[0], also=tuple(unnamed[1:]))
    identity = {"case_number": case, "kind": intent.kind, "target_digest": fingerprint(intent.target)}
    held = isinstance(decision, Hold)
    reasons = tuple(decision.reasons) if isinstance(decision, Hold) else ()
    values = {
        **identity,
        "verdict_id": verdict_id,
        "account_digest": digest_of(intent.about),
        "community_digest": digest_of(intent.place),
        "payload": encode(intent),
        "planned": f"held ({', '.join(reason.value for reason in reasons)})" if held else "allowed",
        "state": (IntentState.HELD if held else IntentState.READY).value,
        "reasons": encode(reasons),
        "detail": decision.detail if isinstance(decision, Hold) else "",
        "attempts": 0,
        "turn": 0,
        "created_at": now,
        "allowed_at": None if held else now,
        "held_at": now if held else None,
    }
    if not keep_first(connection, schema.intent, list(identity), **values):
        return None
    intent_id = int(connection.execute(select(INTENT.id).filter_by(**identity)).scalar_one())
    told.append(chain.of_row(chain.INTENT, {**values, "id": intent_id}))
    for subject in intent.also if isinstance(intent, Report) else ():
        digest = fingerprint(str(subject.key))
        connection.execute(
            insert(schema.also_named).values(case_number=case, target_digest=digest, intent_id=intent_id)
        )
    return intent_id


def named(connection: Connection, case: int, target: str) -> bool:
    """Whether a report of the case names this post, as its target or beside it."""
    digest, also = fingerprint(target), schema.also_named.c
    as_target = (INTENT.case_number == case, INTENT.kind == Report.kind, INTENT.target_digest == digest)
    beside = (also.case_number == case, also.target_digest == digest)
    questions = (select(INTENT.id).where(*as_target), select(also.intent_id).where(*beside))
    return any(connection.execute(question).first() is not None for question in questions)


def records_in(
    connection: Connection, *filters: ColumnElement[bool], limit: int | None = None
) -> Sequence[IntentRecord]:
    """Intents with their verdicts, in the order of their ids; without those that were erased."""
    rows: Select[Any] = (
        select(
            schema.intent,
            schema.verdict.c.rule_id,
            schema.verdict.c.rule_digest,
            schema.verdict.c.because,
            schema.verdict.c.file_id,
        )
        .join(schema.verdict)
        .where(INTENT.payload != ERASED, *filters)
        .order_by(INTENT.id)
        .limit(limit)
    )
    return [_record(row) for row in connection.execute(rows)]


def _record(row: Row[Any]) -> IntentRecord:
    reasons = decode(row.reasons, tuple)
    return IntentRecord(
        id=row.id,
        case=row.case_number,
        file=row.file_id,
        intent=intent_of(row.payload),
        state=IntentState(row.state),
        reasons=reasons,
        detail=row.detail,
        rule_id=row.rule_id,
        rule_digest=row.rule_digest,
        because=decode(row.because, Because),
        approved_by=row.approved_by,
        attempts=row.attempts,
        not_before=row.not_before,
        created_at=row.created_at,
    )
