"""What the ledger knows of one account, and letting go of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, false, null, or_, select, update

from bot.domain.content import Sighting, Upload
from bot.ledger import schema
from bot.ledger.codec import decode, encode, intent_of
from bot.ledger.columns import fingerprint
from bot.ledger.erasing import (
    DECISION,
    INTENT,
    NAME,
    SIGHTING,
    UPLOAD,
    Taken,
    erase_decisions,
    erase_intents,
    erase_names,
    erase_rows,
    erase_sightings,
    in_a_case,
    unneeded,
    write_down,
)
from bot.ledger.part import Part
from bot.ledger.retention import CASE_FILE, NOTHING, WAITING, refuse_waiting
from bot.ledger.schema import ERASED
from bot.ports import Erased, Traces

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection, Row, Select

    from bot.domain.content import Account

REMOTE = "url"
"""The kind of names that a foreign server made: there may be an account in them. Ours are random."""


class AccountsPart(Part):
    """The part of ``Retention`` that is about one account."""

    def traces_of(self, who: str) -> Traces:
        """By handle or ActivityPub id."""
        with self._database.read() as connection:
            found = _ids(connection, who)
            digests = [fingerprint(uri) for uri in found]
            uploads = _uploads(connection, found)
            about = INTENT.account_digest.in_(digests)
            deeds = connection.execute(select(INTENT.case_number, INTENT.state).where(about)).all()
            seen = _with_case(select(SIGHTING.id).join(schema.name)).where(SIGHTING.author_digest.in_(digests))
            sightings = connection.execute(seen).all()
            cases = {row.case_number for row in (*deeds, *sightings, *uploads)}
        return Traces(
            uris=sorted(found),
            handles=sorted({handle for handles in found.values() for handle in handles}),
            sightings=len(sightings),
            uploads=[row.id for row in uploads],
            deeds=len(deeds),
            cases=sorted(cases - {None}),
            waiting=sorted({row.case_number for row in deeds if row.state in WAITING}),
        )

    def erase_account(self, traces: Traces, *, limit: int, by: str) -> Erased:
        """A part of it, of one case or of none."""
        digests = [fingerprint(uri) for uri in traces.uris]
        taken = Taken()
        with self._database.write() as connection:
            refuse_waiting(connection, INTENT.account_digest.in_(digests), "this account")
            for find, forget in (
                (_deeds(digests), erase_intents),
                (_notes(traces.handles), _forget_notes),
                (_details(traces.handles), _forget_details),
                (_told(traces.handles), _forget_told),
                (_seen(digests), _forget_sightings),
                (_stored(traces.uploads[:limit]), _forget_uploads),
                (_letters(traces.uris), _forget_letters),
            ):
                rows = connection.execute(find.limit(limit)).all()
                if not rows:
                    continue
                case = rows[0].case_number
                forget(connection, [row.id for row in rows if row.case_number == case], taken)
                write_down(connection, taken, at=self._now(), by=by, scope="account", case=case)
                return Erased(counts=taken.counts)
        return NOTHING


def _ids(connection: Connection, who: str) -> dict[str, set[str]]:
    """The ActivityPub ids that are meant, each with its handles."""
    found: dict[str, set[str]] = {}
    for account in _named(connection, who):
        if who in {account.uri, account.handle} or account.handle.casefold() == who.casefold():
            found.setdefault(account.uri, set()).add(account.handle)
    return found


def _named(connection: Connection, who: str) -> Iterator[Account]:
    """Accounts in whatever mentions this text."""
    for payload in connection.execute(_mentioning(schema.sighting.c.payload, who)).scalars():
        author = decode(payload, Sighting).subject.author
        if author is not None:
            yield author
    for payload in connection.execute(_mentioning(schema.upload.c.payload, who)).scalars():
        yield decode(payload, Upload).uploader
    for payload in connection.execute(_mentioning(INTENT.payload, who)).scalars():
        about = intent_of(payload).about
        if about is not None:
            yield about


def _mentioning(column: ColumnElement[str], who: str) -> Select[Any]:
    return select(column).where(column != ERASED, column.icontains(json.dumps(who), autoescape=True))


def _uploads(connection: Connection, uris: Iterable[str]) -> Sequence[Row[Any]]:
    """Uploads by these accounts, with the cases of their files."""
    rows: list[Row[Any]] = []
    for uri in uris:
        mentioned: Select[Any] = select(UPLOAD.id, UPLOAD.payload).join(schema.name)
        mentioned = _with_case(mentioned.where(UPLOAD.payload.icontains(json.dumps(uri), autoescape=True)))
        rows += [row for row in connection.execute(mentioned) if decode(row.payload, Upload).uploader.uri == uri]
    return rows


def _with_case(rows: Select[Any]) -> Select[Any]:
    """Rows that have a name, with the case of its file as ``case_number``."""
    return rows.add_columns(CASE_FILE.case_number).outerjoin(schema.case_file, CASE_FILE.file_id == NAME.file_id)


def _deeds(digests: Sequence[str]) -> Select[Any]:
    about = and_(INTENT.account_digest.in_(digests), INTENT.payload != ERASED)
    return select(INTENT.id, INTENT.case_number).where(about).order_by(INTENT.case_number, INTENT.id)


def _notes(handles: Sequence[str]) -> Select[Any]:
    """Decisions in whose notes somebody wrote the account's name."""
    named = _in_words(DECISION.note, handles)
    return select(DECISION.id, DECISION.case_number).where(named).order_by(DECISION.case_number, DECISION.id)


def _details(handles: Sequence[str]) -> Select[Any]:
    """Deeds about something else, with a word about the account."""
    named = _in_words(INTENT.detail, handles)
    return select(INTENT.id, INTENT.case_number).where(named).order_by(INTENT.case_number, INTENT.id)


def _told(handles: Sequence[str]) -> Select[Any]:
    """Messages to the operators that were sent; what waits to be sent names it until then."""
    named = _in_words(schema.message.c.payload, [json.dumps(handle)[1:-1] for handle in handles])
    sent = and_(named, schema.message.c.sent_at.is_not(None))
    return select(schema.message.c.id, null().label("case_number")).where(sent).order_by(schema.message.c.id)


def _in_words(column: ColumnElement[str], handles: Sequence[str]) -> ColumnElement[bool]:
    return or_(false(), *(column.icontains(handle, autoescape=True) for handle in handles))


def _seen(digests: Sequence[str]) -> Select[Any]:
    rows = _with_case(select(SIGHTING.id).join(schema.name)).where(SIGHTING.author_digest.in_(digests))
    return rows.order_by(CASE_FILE.case_number, SIGHTING.id)


def _stored(ids: Sequence[int]) -> Select[Any]:
    rows = _with_case(select(UPLOAD.id).join(schema.name)).where(UPLOAD.id.in_(ids))
    return rows.order_by(CASE_FILE.case_number, UPLOAD.id)


def _letters(uris: Sequence[str]) -> Select[Any]:
    """What a server sent that names it by its ActivityPub id, and that no source has read yet."""
    named = _in_words(schema.inbox.c.payload, [json.dumps(uri) for uri in uris])
    return select(schema.inbox.c.id, null().label("case_number")).where(named).order_by(schema.inbox.c.id)


def _forget_letters(connection: Connection, ids: Sequence[int], taken: Taken) -> None:
    erase_rows(connection, schema.inbox, ids, taken, "letters")


def _forget_notes(connection: Connection, ids: Sequence[int], taken: Taken) -> None:
    erase_decisions(connection, DECISION.id.in_(ids), taken)


def _forget_details(connection: Connection, ids: Sequence[int], taken: Taken) -> None:
    connection.execute(update(schema.intent).where(INTENT.id.in_(ids)).values(detail=ERASED))
    taken.note("details", len(ids))


def _forget_told(connection: Connection, ids: Sequence[int], taken: Taken) -> None:
    """That there was a message stays known, or the same would be told again."""
    messages = schema.message
    connection.execute(update(messages).where(messages.c.id.in_(ids)).values(payload=encode({})))
    taken.note("messages", len(ids))


def _forget_sightings(connection: Connection, ids: Sequence[int], taken: Taken) -> None:
    names = connection.execute(select(SIGHTING.name_id).where(SIGHTING.id.in_(ids))).scalars().all()
    erase_sightings(connection, ids, taken)
    _forget_names(connection, names, taken)


def _forget_uploads(connection: Connection, ids: Sequence[int], taken: Taken) -> None:
    names = connection.execute(select(UPLOAD.name_id).where(UPLOAD.id.in_(ids))).scalars().all()
    erase_rows(connection, schema.upload, ids, taken, "uploads")
    _forget_names(connection, names, taken)


def _forget_names(connection: Connection, ids: Sequence[int], taken: Taken) -> None:
    """Of what is known no longer; a case keeps the random names of its files."""
    left = select(NAME.id).where(NAME.id.in_(ids), or_(~in_a_case(NAME.file_id), NAME.kind == REMOTE), *unneeded())
    erase_names(connection, connection.execute(left).scalars().all(), taken)
