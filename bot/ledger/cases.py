"""Cases: which files belong together, and where a human left them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from bot.domain.decisions import Because, IntentState
from bot.domain.errors import LedgerError
from bot.ledger import chain, schema
from bot.ledger.codec import decode
from bot.ledger.database import add
from bot.ledger.naming import known_file
from bot.ledger.part import Part
from bot.ledger.story import story_of
from bot.ledger.timeline import events
from bot.ports import CaseRecord

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from bot.ports import Event
    from bot.ports.story import Story

CASE = schema.cases.c
WAITS = (IntentState.READY, IntentState.HELD, IntentState.UNDOING)
"""States in which something is still to come of an intent."""

OPEN, CLOSED, DISMISSED, UNDONE = "open", "closed", "dismissed", "undone"


class CasesPart(Part):
    """The part of ``Docket`` that is about cases as a whole."""

    def open_case(self, file_id: int) -> CaseRecord:
        """The case of this file or of its twins in pixels. Raises ``LedgerError`` for an unknown file."""
        now = self._now()
        with self._database.write() as connection:
            file = known_file(connection, file_id)
            number = _case_of(connection, file)
            if number is None:
                number = _twins_case(connection, file)
                if number is None:
                    number = add(connection, schema.cases, opened_at=now)
                connection.execute(schema.case_file.insert().values(file_id=file.id, case_number=number, joined_at=now))
            return _record(connection, case_row(connection, number))

    def case_for(self, file_id: int) -> CaseRecord | None:
        """The one that ``open_case`` would find."""
        with self._database.read() as connection:
            file = known_file(connection, file_id)
            number = _case_of(connection, file) or _twins_case(connection, file)
            return None if number is None else _record(connection, case_row(connection, number))

    def case(self, number: int) -> CaseRecord | None:
        """One case."""
        with self._database.read() as connection:
            row = connection.execute(select(schema.cases).where(CASE.number == number)).first()
            return _record(connection, row) if row is not None else None

    def cases(self, *, limit: int = 50) -> Sequence[CaseRecord]:
        """Newest first."""
        newest = select(schema.cases).order_by(CASE.number.desc()).limit(limit)
        with self._database.read() as connection:
            return [_record(connection, row) for row in connection.execute(newest).all()]

    def set_case(self, number: int, state: str, *, by: str, note: str = "") -> None:
        """Close, dismiss, mark as undone or reopen. Raises ``LedgerError`` for an unknown case or state."""
        if state not in {OPEN, CLOSED, DISMISSED, UNDONE}:
            raise LedgerError(f"a case cannot be {state!r}; it is open, closed, dismissed or undone")
        with self._database.write() as connection:
            case_row(connection, number)
            connection.execute(
                update(schema.cases).where(CASE.number == number).values(state=None if state == OPEN else state)
            )
            what = "reopened" if state == OPEN else state
            decide(connection, number, None, at=self._now(), who=by, what=f"case {what}", note=note)

    def timeline(self, number: int) -> Sequence[Event]:
        """Everything that happened, oldest first. Raises ``LedgerError`` for an unknown case."""
        with self._database.read() as connection:
            case_row(connection, number)
            return events(story_of(connection, number))

    def story(self, number: int) -> Story:
        """Every row that has a part of the case. Raises ``LedgerError`` for an unknown one."""
        with self._database.read() as connection:
            case_row(connection, number)
            return story_of(connection, number)


def case_row(connection: Connection, number: int) -> Row[Any]:
    """Raises ``LedgerError`` where there is none."""
    row = connection.execute(select(schema.cases).where(CASE.number == number)).first()
    if row is None:
        raise LedgerError(f"there is no case {number}; `fediwarden cases` lists them")
    return row


def stir(connection: Connection, number: int) -> None:
    """Something waits again in a case: one that was merely closed is open."""
    connection.execute(update(schema.cases).where(CASE.number == number, CASE.state == CLOSED).values(state=None))


def decide(
    connection: Connection, number: int, intent_id: int | None, *, at: datetime, who: str, what: str, note: str
) -> None:
    """Write into the timeline who decided what."""
    decide_all(connection, [(number, intent_id)], at=at, who=who, what=[what], note=note)


def decide_all(
    connection: Connection,
    about: Sequence[tuple[int, int | None]],
    *,
    at: datetime,
    who: str,
    what: Sequence[str],
    note: str,
) -> None:
    """The same for many cases and intents at once, with ``what`` for each."""
    rows: list[dict[str, Any]] = [
        {"case_number": number, "intent_id": intent_id, "at": at, "who": who, "what": words, "note": note}
        for (number, intent_id), words in zip(about, what, strict=True)
    ]
    if rows:
        added = insert(schema.decision).returning(schema.decision.c.id, sort_by_parameter_order=True)
        ids = connection.execute(added, rows).scalars().all()
        told = [chain.of_row(chain.DECISION, {**row, "id": id_}) for row, id_ in zip(rows, ids, strict=True)]
        chain.append(connection, at, told)


def _case_of(connection: Connection, file: Row[Any]) -> int | None:
    files = schema.case_file.c
    return connection.execute(select(files.case_number).where(files.file_id == file.id)).scalar()


def _twins_case(connection: Connection, file: Row[Any]) -> int | None:
    """The oldest case of a file with the same pixels."""
    if file.pixels is None:
        return None
    files = schema.case_file.c
    twins = select(func.min(files.case_number)).join(schema.file).where(schema.file.c.pixels == file.pixels)
    return connection.execute(twins).scalar()


def _record(connection: Connection, case: Row[Any]) -> CaseRecord:
    files = schema.case_file.c
    intents = schema.intent.c
    of_case = intents.case_number == case.number
    to_come = select(intents.id).where(of_case, intents.state.in_([state.value for state in WAITS])).limit(1)
    waits = connection.execute(to_come).first() is not None
    held = select(func.count()).select_from(schema.intent).where(of_case, intents.state == IntentState.HELD.value)
    return CaseRecord(
        number=case.number,
        state=case.state or (OPEN if waits else CLOSED),
        opened_at=case.opened_at,
        files=tuple(
            connection.execute(
                select(files.file_id).where(files.case_number == case.number).order_by(files.joined_at, files.file_id)
            ).scalars()
        ),
        headline=_headline(connection, case.number),
        waiting=connection.execute(held).scalar_one(),
    )


def _headline(connection: Connection, number: int) -> str:
    """What flagged it: an exact hit before a score, the newest before older ones."""
    verdicts = schema.verdict.c
    newest = (
        select(verdicts.because)
        .where(verdicts.case_number == number)
        .order_by(verdicts.exact.desc(), verdicts.id.desc())
        .limit(1)
    )
    because = connection.execute(newest).scalar()
    return decode(because, Because).text if because is not None else ""
