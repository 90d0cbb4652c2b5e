"""What was seen: cursors, sightings, uploads, and the tasks that follow from them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from sqlalchemy import select, update

from bot.domain.content import RemoteUrl, Sighting, StoredFile, Upload
from bot.ledger import schema
from bot.ledger.codec import decode, encode
from bot.ledger.columns import digest_of, fingerprint
from bot.ledger.database import add, put
from bot.ledger.gauges import keep_news
from bot.ledger.holes import note_holes
from bot.ledger.inbox import count_dropped
from bot.ledger.naming import file_row, know_name, name_row
from bot.ledger.outdated import is_outdated
from bot.ledger.part import Part
from bot.ledger.tasks import want
from bot.ports import Lane, TaskKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from bot.ports import Batch, Cursor


REFRESH = timedelta(minutes=10)
"""How old a sighting may be before it is written again although nothing changed: who is staff, when it was seen."""


class IntakePart(Part):
    """``Intake``."""

    def cursor(self, source: str) -> Cursor | None:
        """Where a source stopped."""
        row = select(schema.source_cursor.c.payload).where(schema.source_cursor.c.source == source)
        with self._database.read() as connection:
            payload = connection.execute(row).scalar()
        return None if payload is None else cast("Cursor", decode(payload, dict))

    def record(self, source: str, batch: Batch, *, examine_uploads: bool, backlog_from: datetime | None = None) -> int:
        """Sightings, uploads, tasks and the cursor: all of them or none."""
        now = self._now()
        new = uploads = 0
        with self._database.write() as connection:
            just_seen = _just_seen(connection, batch.sightings, now)
            for sighting in batch.sightings:
                if _sameness(sighting) in just_seen:
                    continue
                known, changed = _see(connection, sighting, now)
                new += not known
                if changed:
                    _examine(connection, str(sighting.name), now, backlog=sighting.backlog)
            heard = _just_heard(connection, batch.uploads)
            for upload in batch.uploads:
                if (fingerprint(str(upload.name)), encode(upload)) in heard:
                    continue
                old = upload.backlog and backlog_from is not None and upload.uploaded_at < backlog_from
                unknown = know_upload(connection, upload, now)
                uploads += unknown
                if unknown and examine_uploads and not old:
                    _examine(connection, str(upload.name), now, backlog=upload.backlog)
            for file in batch.files:
                old = file.backlog and backlog_from is not None and file.stored_at < backlog_from
                if examine_uploads and not old and _is_unseen(connection, file):
                    know_name(connection, file.name, file.url, now=now, backlog=file.backlog)
                    _examine(connection, str(file.name), now, backlog=file.backlog)
                    uploads += 1
            if source and batch.cursor is not None:
                put(connection, schema.source_cursor, ["source"], source=source, payload=encode(batch.cursor), at=now)
                keep_news(connection, source, now, new=bool(new or uploads))
            count_dropped(connection, source, batch.dropped if source else {})
            note_holes(connection, source, batch.holes if source else (), now)
        return new


def know_upload(connection: Connection, upload: Upload, now: datetime) -> bool:
    """Keep the platform's newest word about an upload; whether it was not known at all."""
    name = know_name(connection, upload.name, upload.url, now=now, backlog=upload.backlog)
    row = connection.execute(select(schema.upload).where(schema.upload.c.name_id == name.id)).first()
    if row is None:
        add(connection, schema.upload, name_id=name.id, payload=encode(upload), uploaded_at=upload.uploaded_at)
        return True
    if row.payload in {encode(upload), encode(replace(upload, backlog=True))}:
        return False
    # What was there when the bot started stays backlog, however often it is heard of.
    upload = replace(upload, backlog=decode(row.payload, Upload).backlog)
    connection.execute(
        update(schema.upload)
        .where(schema.upload.c.id == row.id)
        .values(payload=encode(upload), uploaded_at=upload.uploaded_at)
    )
    return False


def _just_seen(connection: Connection, sightings: Sequence[Sighting], now: datetime) -> set[tuple[str, ...]]:
    """Those that were written lately and are the same still: feeds overlap, and most of a page is known.

    One question for the whole batch, because a page is read every few seconds and holds hundreds of them.
    """
    seen, names = schema.sighting.c, schema.name.c
    rows = connection.execute(
        select(seen.subject_digest, seen.url_digest, seen.role, seen.revision, names.key_digest)
        .join(schema.name, names.id == seen.name_id)
        .where(
            seen.url_digest.in_({fingerprint(sighting.media.url) for sighting in sightings}),
            seen.seen_at > now - REFRESH,
            seen.seen_at <= now,
            ~is_outdated(),
        )
    )
    return {tuple(row) for row in rows}


def _just_heard(connection: Connection, uploads: Sequence[Upload]) -> set[tuple[str, ...]]:
    """Names and payloads of the uploads that are known just so."""
    rows = connection.execute(
        select(schema.name.c.key_digest, schema.upload.c.payload)
        .join(schema.upload, schema.upload.c.name_id == schema.name.c.id)
        .where(schema.name.c.key_digest.in_([fingerprint(str(upload.name)) for upload in uploads]))
    )
    return {tuple(row) for row in rows}


def _sameness(sighting: Sighting) -> tuple[str, ...]:
    return (
        fingerprint(str(sighting.subject.key)),
        fingerprint(sighting.media.url),
        sighting.media.role.value,
        sighting.subject.revision,
        fingerprint(str(sighting.name)),
    )


def _see(connection: Connection, sighting: Sighting, now: datetime) -> tuple[bool, bool]:
    """Whether a sighting was known, and whether there is something new about it."""
    name = know_name(connection, sighting.name, sighting.media.url, now=now, backlog=sighting.backlog)
    identity = {
        "subject_digest": fingerprint(str(sighting.subject.key)),
        "url_digest": fingerprint(sighting.media.url),
        "role": sighting.media.role.value,
    }
    row = connection.execute(select(schema.sighting).filter_by(**identity)).first()
    if row is not None:
        sighting = replace(sighting, backlog=decode(row.payload, Sighting).backlog)
    newest = {
        "name_id": name.id,
        "revision": sighting.subject.revision,
        "payload": encode(sighting),
        "author_digest": digest_of(sighting.subject.author),
        "seen_at": sighting.seen_at,
    }
    if row is None:
        add(connection, schema.sighting, **identity, **newest, first_seen=sighting.seen_at)
        return False, True
    if isinstance(sighting.name, RemoteUrl) and _was_outdated(connection, row.id):
        want(connection, TaskKind.JUDGE, str(name.file_id), Lane.DEEDS, now=now)
    connection.execute(update(schema.sighting).where(schema.sighting.c.id == row.id).values(**newest))
    return True, row.revision != sighting.subject.revision or row.name_id != name.id


def _was_outdated(connection: Connection, sighting_id: int) -> bool:
    """Whether nothing could be done about a sighting until its subject was read again."""
    seen = select(schema.sighting.c.id).join(schema.name).where(schema.sighting.c.id == sighting_id, is_outdated())
    return connection.execute(seen).first() is not None


def _is_unseen(connection: Connection, file: StoredFile) -> bool:
    """Whether nobody was to look at a file yet, though its name may be known: somebody asked, or another led to it.

    Where it is new, it is looked at once more than that, for nothing else tells that the file is seen under this name.
    """
    name = name_row(connection, str(file.name))
    if name is None or (name.backlog and not file.backlog):
        return True
    known = file_row(connection, name.file_id)
    if known is not None and known.scan_id is not None:
        return False
    waits = select(schema.task.c.id).where(
        schema.task.c.kind == TaskKind.EXAMINE.value, schema.task.c.target_digest == fingerprint(str(file.name))
    )
    return connection.execute(waits).first() is None


def _examine(connection: Connection, name: str, now: datetime, *, backlog: bool) -> None:
    want(connection, TaskKind.EXAMINE, name, Lane.BACKLOG if backlog else Lane.NEW, now=now)
