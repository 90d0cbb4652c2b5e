"""A case's story, from every table that has a part of it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from bot.domain.content import Sighting, Upload
from bot.domain.decisions import Because, IntentState
from bot.ledger import schema
from bot.ledger.codec import decode, intent_of, outcome_of, scan_of
from bot.ledger.naming import record_of
from bot.ledger.schema import ERASED
from bot.ports.story import (
    AttemptTold,
    DecisionTold,
    ErasureTold,
    FileTold,
    IntentTold,
    NameTold,
    ScanTold,
    SeenTold,
    Story,
    VerdictTold,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Row, Select


def story_of(connection: Connection, number: int) -> Story:
    """All of it, as of one moment."""
    return Story(
        files=tuple(_files_told(connection, number)),
        names=tuple(_names_told(connection, number)),
        uploads=tuple(_uploads(connection, number)),
        seen=tuple(_seen(connection, number)),
        scans=tuple(_scans(connection, number)),
        verdicts=tuple(_verdicts(connection, number)),
        intents=tuple(_intents(connection, number)),
        attempts=tuple(_attempts(connection, number)),
        decisions=tuple(_decisions(connection, number)),
        erasures=tuple(_erasures(connection, number)),
    )


def _files(number: int) -> Select[Any]:
    columns = schema.case_file.c
    return select(columns.file_id).where(columns.case_number == number)


def _names(number: int) -> Select[Any]:
    """Names that stand for a file of the case, or did: remote bytes change, and what was seen stays seen."""
    once = schema.name_observation.c
    now = schema.name.c
    earlier = select(once.name_id).where(once.file_id.in_(_files(number)))
    return select(now.id).where(or_(now.file_id.in_(_files(number)), now.id.in_(earlier)))


def _files_told(connection: Connection, number: int) -> Iterator[FileTold]:
    columns = schema.file.c
    for row in connection.execute(select(schema.file).where(columns.id.in_(_files(number))).order_by(columns.id)):
        yield FileTold(id=row.id, sha256=row.sha256, met_at=row.met_at)


def _names_told(connection: Connection, number: int) -> Iterator[NameTold]:
    """By observation; a name that has stood for its file from the beginning has none."""
    columns, once = schema.name.c, schema.name_observation.c
    rows = {row.id: row for row in connection.execute(select(schema.name).where(columns.id.in_(_names(number))))}
    observed = select(schema.name_observation).where(once.file_id.in_(_files(number))).order_by(once.id)
    found: dict[tuple[int, int], datetime] = {}
    for row in connection.execute(observed):
        found.setdefault((row.name_id, row.file_id), row.since)
    files = set(connection.execute(_files(number)).scalars())
    for row in rows.values():
        if row.file_id in files:
            found.setdefault((row.id, row.file_id), row.first_seen)
    for (name_id, file_id), since in sorted(found.items(), key=lambda one: (one[1], one[0])):
        row = rows[name_id]
        yield NameTold(name=record_of(row).name, file=file_id, since=since, still=row.file_id == file_id)


def _uploads(connection: Connection, number: int) -> Iterator[Upload]:
    uploads = schema.upload.c
    stored = select(uploads.payload).where(uploads.name_id.in_(_names(number))).order_by(uploads.id)
    yield from (decode(payload, Upload) for payload in connection.execute(stored).scalars())


def _seen(connection: Connection, number: int) -> Iterator[SeenTold]:
    columns = schema.sighting.c
    shown = select(columns.payload, columns.first_seen, columns.seen_at).where(columns.name_id.in_(_names(number)))
    for payload, first, last in connection.execute(shown.order_by(columns.id)):
        yield SeenTold(first=first, last=last, sighting=decode(payload, Sighting))


def _scans(connection: Connection, number: int) -> Iterator[ScanTold]:
    columns = schema.scan.c
    for row in connection.execute(select(schema.scan).where(columns.file_id.in_(_files(number))).order_by(columns.id)):
        yield ScanTold(id=row.id, file=row.file_id, at=row.at, scan=scan_of(row.payload))


def _verdicts(connection: Connection, number: int) -> Iterator[VerdictTold]:
    columns, wordings = schema.verdict.c, schema.rule_text.c
    reached = (
        select(schema.verdict, wordings.text)
        .outerjoin(schema.rule_text, wordings.digest == columns.rule_digest)
        .where(columns.case_number == number)
        .order_by(columns.id)
    )
    for row in connection.execute(reached):
        yield VerdictTold(
            id=row.id,
            file=row.file_id,
            at=row.at,
            rule_id=row.rule_id,
            rule_digest=row.rule_digest,
            rule_text=row.text,
            because=decode(row.because, Because),
            scan=row.scan_id,
        )


def _intents(connection: Connection, number: int) -> Iterator[IntentTold]:
    columns = schema.intent.c
    planned = select(schema.intent).where(columns.case_number == number).order_by(columns.id)
    for row in connection.execute(planned):
        yield IntentTold(
            id=row.id,
            verdict=row.verdict_id,
            at=row.created_at,
            kind=row.kind,
            intent=None if row.payload == ERASED else intent_of(row.payload),
            planned=row.planned,
            state=IntentState(row.state),
            reasons=decode(row.reasons, tuple),
            detail=row.detail,
            approved_by=row.approved_by,
        )


def _attempts(connection: Connection, number: int) -> Iterator[AttemptTold]:
    attempts, outcomes = schema.attempt.c, schema.outcome.c
    tries = (
        select(schema.attempt, outcomes.payload.label("outcome"), outcomes.at.label("ended"))
        .join(schema.intent)
        .outerjoin(schema.outcome)
        .where(schema.intent.c.case_number == number)
        .order_by(attempts.id)
    )
    for row in connection.execute(tries):
        yield _attempt(row)


def _attempt(row: Row[Any]) -> AttemptTold:
    return AttemptTold(
        id=row.id,
        intent=row.intent_id,
        reverting=row.reverting,
        at=row.started_at,
        before=None if row.before == ERASED else decode(row.before, dict),
        outcome=None if row.outcome is None else outcome_of(row.outcome),
        ended=row.ended,
    )


def _decisions(connection: Connection, number: int) -> Iterator[DecisionTold]:
    columns = schema.decision.c
    made = select(schema.decision).where(columns.case_number == number).order_by(columns.id)
    for row in connection.execute(made):
        who = None if row.who == ERASED else row.who
        yield DecisionTold(at=row.at, intent=row.intent_id, who=who, what=row.what, note=row.note)


def _erasures(connection: Connection, number: int) -> Iterator[ErasureTold]:
    columns = schema.erasure.c
    for row in connection.execute(select(schema.erasure).where(columns.case_number == number).order_by(columns.id)):
        told = json.loads(row.what)
        first = told["first_seen"]
        yield ErasureTold(
            at=row.at,
            who=row.who,
            scope=row.scope,
            counts=told["counts"],
            first_seen=None if first is None else datetime.fromisoformat(first),
        )
