"""A case's story, from every table that has a part of it. Neutral words: nothing here calls a file guilty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

from sqlalchemy import or_, select

from bot.domain.content import Sighting, Upload
from bot.domain.decisions import AlreadyDone, Because, Done, Failed, Outcome, Refused
from bot.domain.evidence import Evidence, Unscannable
from bot.ledger import schema
from bot.ledger.codec import decode, intent_of, outcome_of, scan_of
from bot.ports import Event

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Select

    from bot.domain.evidence import Scan


def events(connection: Connection, number: int) -> Sequence[Event]:
    """Oldest first; what happened at the same moment in the order in which one follows from the other."""
    told = [
        *_seen(connection, number),
        *_scanned(connection, number),
        *_judged(connection, number),
        *_tried(connection, number),
        *_decided(connection, number),
    ]
    return sorted(told, key=lambda event: event.at)


def _files(number: int) -> Select[Any]:
    columns = schema.case_file.c
    return select(columns.file_id).where(columns.case_number == number)


def _names(number: int) -> Select[Any]:
    """Names that stand for a file of the case, or did: remote bytes change, and what was seen stays seen."""
    once = schema.name_observation.c
    now = schema.name.c
    earlier = select(once.name_id).where(once.file_id.in_(_files(number)))
    return select(now.id).where(or_(now.file_id.in_(_files(number)), now.id.in_(earlier)))


def _seen(connection: Connection, number: int) -> Iterator[Event]:
    sightings, uploads = schema.sighting.c, schema.upload.c
    stored = select(uploads.payload).where(uploads.name_id.in_(_names(number))).order_by(uploads.id)
    for payload in connection.execute(stored).scalars():
        upload = decode(payload, Upload)
        yield Event(at=upload.uploaded_at, what="uploaded", detail=f"{upload.name} by {upload.uploader.handle}")
    shown = select(sightings.payload, sightings.first_seen).where(sightings.name_id.in_(_names(number)))
    for payload, at in connection.execute(shown.order_by(sightings.id)):
        sighting = decode(payload, Sighting)
        author = sighting.subject.author
        by = f" by {author.handle}" if author is not None else ""
        place = f"{sighting.media.role.value} in {sighting.subject.key}{by}"
        yield Event(at=at, what="seen", detail=f"{place}: {sighting.media.url}")


def _scanned(connection: Connection, number: int) -> Iterator[Event]:
    columns = schema.scan.c
    scans = select(columns.payload, columns.at).where(columns.file_id.in_(_files(number))).order_by(columns.id)
    for payload, at in connection.execute(scans):
        yield Event(at=at, what="scanned", detail=_scan(scan_of(payload)))


def _scan(scan: Scan) -> str:
    match scan:
        case Evidence():
            matches = [f"matches {hit.list_id} by {hit.by.value}" for hit in scan.hits]
            scores = [f"{score.detector}/{score.label} {score.value:.2f}" for score in scan.scores]
            gaps = [f"not looked at: {gap}" for gap in scan.gaps]
            return "; ".join([scan.media_type or "unknown type", *matches, *scores, *gaps])
        case Unscannable():
            return f"could not be read: {scan.kind.value}: {scan.detail}"
        case _:
            assert_never(scan)


def _judged(connection: Connection, number: int) -> Iterator[Event]:
    verdicts, intents = schema.verdict.c, schema.intent.c
    reached = select(schema.verdict).where(verdicts.case_number == number).order_by(verdicts.id)
    for row in connection.execute(reached):
        text = decode(row.because, Because).text
        yield Event(at=row.at, what="verdict", detail=f"{text} (rule {row.rule_id}, {row.rule_digest[:12]})")
    planned = select(schema.intent).where(intents.case_number == number).order_by(intents.id)
    for row in connection.execute(planned):
        yield Event(at=row.created_at, what="intent", detail=f"{_deed(row.payload)}: {row.planned}")


def _tried(connection: Connection, number: int) -> Iterator[Event]:
    attempts, outcomes = schema.attempt.c, schema.outcome.c
    tries = (
        select(
            schema.intent.c.payload.label("intent"),
            attempts.reverting,
            attempts.started_at,
            outcomes.payload.label("outcome"),
            outcomes.at,
        )
        .select_from(schema.attempt)
        .join(schema.intent)
        .outerjoin(schema.outcome)
        .where(schema.intent.c.case_number == number)
        .order_by(attempts.id)
    )
    for row in connection.execute(tries):
        deed = f"undo {_deed(row.intent)}" if row.reverting else _deed(row.intent)
        yield Event(at=row.started_at, what="attempt", detail=deed)
        if row.outcome is not None:
            result = _outcome(outcome_of(row.outcome))
            yield Event(at=row.at, what="outcome", detail=f"{deed}: {result}")


def _deed(payload: str) -> str:
    intent = intent_of(payload)
    return f"{intent.kind} {intent.target}"


def _outcome(outcome: Outcome) -> str:
    match outcome:
        case Done():
            words = "done"
        case AlreadyDone():
            words = "so already, by us" if outcome.by_us else "so already"
        case Refused():
            words = f"refused ({outcome.code})"
        case Failed():
            words = "failed, end unknown" if outcome.unknown else "failed"
        case _:
            assert_never(outcome)
    return f"{words}: {outcome.note}" if outcome.note else words


def _decided(connection: Connection, number: int) -> Iterator[Event]:
    columns = schema.decision.c
    made = select(schema.decision).where(columns.case_number == number).order_by(columns.id)
    for row in connection.execute(made):
        note = f" ({row.note})" if row.note else ""
        yield Event(at=row.at, what="decision", detail=f"{row.who}: {row.what}{note}")
