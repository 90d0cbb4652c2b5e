"""What is let go of after some time, and on request. Every call is one short transaction at most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import delete, literal, or_, select, update

from bot.domain.errors import StillWaitingError
from bot.ledger import schema
from bot.ledger.cases import CASE, WAITS, case_row
from bot.ledger.erasing import (
    ATTEMPT,
    DECISION,
    FILE,
    GONE_UNSCANNABLE,
    INTENT,
    NAME,
    ONCE,
    SCAN,
    SIGHTING,
    UPLOAD,
    Taken,
    erase_decisions,
    erase_intents,
    erase_names,
    erase_orders,
    erase_rows,
    erase_sightings,
    in_a_case,
    once_in_a_case,
    raise_counter,
    unneeded,
    write_down,
)
from bot.ledger.part import Part
from bot.ledger.schema import ERASED
from bot.ports import Erased

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Select

    Forget: TypeAlias = Callable[[Connection, Sequence[int], Taken], None]

CASE_FILE, VERDICT = schema.case_file.c, schema.verdict.c
WAITING = [state.value for state in WAITS]
NOTHING = Erased(counts={})

UNREADABLE = '{"$":"Unscannable"%'
"""How a scan begins that found nothing out. What it says of the trouble may name an address."""


class RetentionPart(Part):
    """The part of ``Retention`` that looks at the clock, and at cases."""

    def erase_sightings(self, before: datetime, *, limit: int, by: str) -> Erased:
        """One kind of rows after the other, each until nothing is left of it."""
        steps: tuple[tuple[Select[Any], Forget], ...] = (
            (_old_letters(before), _forget_letters),
            (_old_sightings(before), erase_sightings),
            (_old_names(before), erase_names),
            (_old_stubs(before), _forget_stubs),
            (_old_scans(before), _forget_scans),
            (_old_troubles(before), _forget_troubles),
        )
        for old, forget in steps:
            if taken := self._forget(old, forget, limit=limit, by=by, scope="unflagged"):
                return taken
        return NOTHING

    def erase_uploads(self, before: datetime, *, limit: int, by: str) -> Erased:
        """Uploads whose names are known since before then."""
        old = (
            select(UPLOAD.id)
            .join(schema.name)
            .where(NAME.first_seen < before, ~in_a_case(NAME.file_id), ~once_in_a_case(NAME.id))
            .order_by(UPLOAD.id)
        )
        return self._forget(old, _forget_uploads, limit=limit, by=by, scope="uploads")

    def _forget(self, old: Select[Any], forget: Forget, *, limit: int, by: str, scope: str) -> Erased:
        """Looked for while others write; only what was found, and is so still, is locked away from them."""
        with self._database.read() as connection:
            ids = connection.execute(old.limit(limit)).scalars().all()
        if not ids:
            return NOTHING
        (key,) = old.selected_columns
        taken = Taken()
        with self._database.write() as connection:
            forget(connection, connection.execute(old.where(key.in_(ids))).scalars().all(), taken)
            write_down(connection, taken, at=self._now(), by=by, scope=scope, case=None)
        return Erased(counts=taken.counts)

    def stale_cases(self, before: datetime, *, limit: int) -> Sequence[int]:
        """Cases that are at rest since before then."""
        files = select(CASE_FILE.file_id).where(CASE_FILE.case_number == CASE.number).correlate(schema.cases)
        names = select(NAME.id).where(NAME.file_id.in_(files))
        intents = select(literal(1)).where(INTENT.case_number == CASE.number)
        decisions = select(literal(1)).where(DECISION.case_number == CASE.number)
        tries = intents.join(schema.attempt, ATTEMPT.intent_id == INTENT.id)
        seen = select(literal(1)).where(SIGHTING.name_id.in_(names))
        stirring = (
            intents.where(or_(INTENT.state.in_(WAITING), INTENT.created_at >= before)),
            decisions.where(DECISION.at >= before),
            tries.where(ATTEMPT.started_at >= before),
            select(literal(1)).where(VERDICT.case_number == CASE.number, VERDICT.at >= before),
            seen.where(SIGHTING.seen_at >= before),
        )
        telling = (
            intents.where(INTENT.payload != ERASED),
            decisions.where(or_(DECISION.who != ERASED, DECISION.note != ERASED)),
            seen,
            select(literal(1)).where(UPLOAD.name_id.in_(names)),
            select(literal(1)).where(NAME.file_id.in_(files), *unneeded()),
        )
        stale = (
            select(CASE.number)
            .where(
                CASE.opened_at < before,
                *(~one.exists() for one in stirring),
                or_(*(one.exists() for one in telling)),
            )
            .order_by(CASE.number)
            .limit(limit)
        )
        with self._database.read() as connection:
            return connection.execute(stale).scalars().all()

    def erase_case(self, number: int, *, limit: int, by: str) -> Erased:
        """A part of it: first what was done, then who decided, then where it was seen."""
        taken = Taken()
        with self._database.write() as connection:
            case_row(connection, number)
            refuse_waiting(connection, INTENT.case_number == number, f"case {number}")
            for step in (_case_intents, _case_decisions, _case_sightings, _case_rest):
                step(connection, number, limit, taken)
                if taken.counts:
                    break
            write_down(connection, taken, at=self._now(), by=by, scope="case", case=number)
        return Erased(counts=taken.counts)


def refuse_waiting(connection: Connection, which: ColumnElement[bool], what: str) -> None:
    """Raises ``StillWaitingError`` where something is still to come."""
    rows = connection.execute(
        select(INTENT.case_number, INTENT.id, INTENT.kind, INTENT.state)
        .where(which, INTENT.state.in_(WAITING))
        .order_by(INTENT.id)
    ).all()
    if rows:
        some = ", ".join(f"{row.kind} ({row.state}, intent {row.id} of case {row.case_number})" for row in rows[:5])
        more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
        raise StillWaitingError(
            f"{what} cannot be erased yet: {some}{more} still to be decided or done. Approve or dismiss what is held, "
            "and let what is ready or being undone come to its end; then erase"
        )


def _old_letters(before: datetime) -> Select[Any]:
    """That no source has read for so long: of one that fails, or that is configured no more."""
    return select(schema.inbox.c.id).where(schema.inbox.c.received_at < before).order_by(schema.inbox.c.id)


def _old_sightings(before: datetime) -> Select[Any]:
    return (
        select(SIGHTING.id)
        .join(schema.name)
        .where(SIGHTING.seen_at < before, ~in_a_case(NAME.file_id), ~once_in_a_case(NAME.id))
        .order_by(SIGHTING.id)
    )


def _old_names(before: datetime) -> Select[Any]:
    return (
        select(NAME.id)
        .where(NAME.first_seen < before, ~in_a_case(NAME.file_id), ~once_in_a_case(NAME.id), *unneeded())
        .order_by(NAME.id)
    )


def _old_stubs(before: datetime) -> Select[Any]:
    """Files whose bytes nobody ever had, and that nothing leads to any more."""
    return (
        select(FILE.id)
        .where(
            FILE.met_at < before,
            FILE.sha256.is_(None),
            FILE.merged_into.is_(None),
            ~in_a_case(FILE.id),
            ~select(literal(1)).where(NAME.file_id == FILE.id).exists(),
        )
        .order_by(FILE.id)
    )


def _old_scans(before: datetime) -> Select[Any]:
    """All but the newest of a file."""
    newest = select(literal(1)).where(FILE.id == SCAN.file_id, FILE.scan_id == SCAN.id)
    return select(SCAN.id).where(SCAN.at < before, ~in_a_case(SCAN.file_id), ~newest.exists()).order_by(SCAN.id)


def _old_troubles(before: datetime) -> Select[Any]:
    return (
        select(SCAN.id)
        .where(SCAN.at < before, ~in_a_case(SCAN.file_id), SCAN.payload.like(UNREADABLE))
        .order_by(SCAN.id)
    )


def _forget_letters(connection: Connection, ids: Sequence[int], taken: Taken) -> None:
    erase_rows(connection, schema.inbox, ids, taken, "letters")


def _forget_stubs(connection: Connection, ids: Sequence[int], taken: Taken) -> None:
    tried = select(FILE.id).where(FILE.id.in_(ids), FILE.scan_id.is_not(None))
    raise_counter(connection, GONE_UNSCANNABLE, len(connection.execute(tried).all()))
    connection.execute(delete(schema.scan).where(SCAN.file_id.in_(ids)))
    erase_rows(connection, schema.file, ids, taken, "files never read")


def _forget_scans(connection: Connection, ids: Sequence[int], taken: Taken) -> None:
    erase_rows(connection, schema.scan, ids, taken, "scans")


def _forget_troubles(connection: Connection, ids: Sequence[int], taken: Taken) -> None:
    left = update(schema.file).where(FILE.scan_id.in_(ids)).values(scan_id=None).returning(FILE.readable)
    readable = connection.execute(left).scalars().all()
    raise_counter(connection, GONE_UNSCANNABLE, readable.count(False))
    _forget_scans(connection, ids, taken)


def _forget_uploads(connection: Connection, ids: Sequence[int], taken: Taken) -> None:
    erase_rows(connection, schema.upload, ids, taken, "uploads")


def _files(number: int) -> Select[Any]:
    return select(CASE_FILE.file_id).where(CASE_FILE.case_number == number)


def _names(number: int) -> Select[Any]:
    return select(NAME.id).where(NAME.file_id.in_(_files(number)))


def _case_intents(connection: Connection, number: int, limit: int, taken: Taken) -> None:
    told = select(INTENT.id).where(INTENT.case_number == number, INTENT.payload != ERASED)
    erase_intents(connection, connection.execute(told.order_by(INTENT.id).limit(limit)).scalars().all(), taken)


def _case_decisions(connection: Connection, number: int, limit: int, taken: Taken) -> None:
    told = select(DECISION.id).where(
        DECISION.case_number == number, or_(DECISION.who != ERASED, DECISION.note != ERASED)
    )
    erase_decisions(connection, DECISION.id.in_(told.limit(limit)), taken)
    erase_orders(connection, number, taken)


def _case_sightings(connection: Connection, number: int, limit: int, taken: Taken) -> None:
    seen = select(SIGHTING.id).where(SIGHTING.name_id.in_(_names(number))).order_by(SIGHTING.id).limit(limit)
    erase_sightings(connection, connection.execute(seen).scalars().all(), taken)


def _case_rest(connection: Connection, number: int, _limit: int, taken: Taken) -> None:
    """Who stored its files, what they were called, and looks at them that no verdict rests on."""
    stored = select(UPLOAD.id).where(UPLOAD.name_id.in_(_names(number)))
    erase_rows(connection, schema.upload, connection.execute(stored).scalars().all(), taken, "uploads")
    connection.execute(delete(schema.name_observation).where(ONCE.file_id.in_(_files(number))))
    erase_names(
        connection,
        connection.execute(select(NAME.id).where(NAME.id.in_(_names(number)), *unneeded())).scalars().all(),
        taken,
    )
    rests_on = select(literal(1)).where(VERDICT.scan_id == SCAN.id, VERDICT.case_number == number)
    newest = select(literal(1)).where(FILE.id == SCAN.file_id, FILE.scan_id == SCAN.id)
    older = select(SCAN.id).where(SCAN.file_id.in_(_files(number)), ~rests_on.exists(), ~newest.exists())
    erase_rows(connection, schema.scan, connection.execute(older).scalars().all(), taken, "scans")
