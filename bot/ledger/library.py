"""Files and their names; who stored them, where they are shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update

from bot.domain.content import RemoteUrl, Role, Sighting, Upload
from bot.domain.evidence import PARTLY_SEEN, Evidence, ListMode, has_failed
from bot.ledger import schema
from bot.ledger.codec import decode, encode, scan_of
from bot.ledger.columns import digest_of, fingerprint
from bot.ledger.database import add, parts
from bot.ledger.intake import know_upload
from bot.ledger.naming import NAME, file_row, know_name, known_file, name_row, new_file, record_of
from bot.ledger.outdated import is_outdated
from bot.ledger.part import Part
from bot.ports import Beside, FileRecord, Place

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from bot.domain.content import Account, Name, SubjectKey
    from bot.domain.evidence import Scan
    from bot.ports import NameRecord

FILE = schema.file.c
PDQ = re.compile(r'"pdq":"([0-9a-f]{64})"')
"""As ``encode`` writes it."""


class LibraryPart(Part):
    """``Library``."""

    def name(self, key: str) -> NameRecord | None:
        """By ``str(name)``."""
        with self._database.read() as connection:
            row = name_row(connection, key)
        return record_of(row) if row is not None else None

    def names_ending(self, value: str) -> Sequence[NameRecord]:
        """Names with this value, on any instance."""
        return self._names(NAME.value_digest == fingerprint(value))

    def names_of(self, file_id: int) -> Sequence[NameRecord]:
        """Names that stand for a file now."""
        return self._names(NAME.file_id == _meant(file_id))

    def add_name(self, name: Name, url: str) -> NameRecord:
        """Know a name; where it was known already, only an empty URL is filled in."""
        with self._database.write() as connection:
            return record_of(know_name(connection, name, url, now=self._now(), backlog=True))

    def bind(self, name: Name, sha256: str) -> int:
        """This name stands for these bytes now."""
        sha256 = sha256.lower()
        now = self._now()
        url = name.value if isinstance(name, RemoteUrl) else ""
        with self._database.write() as connection:
            row = know_name(connection, name, url, now=now, backlog=True)
            current = known_file(connection, row.file_id)
            if current.sha256 == sha256:
                return int(current.id)
            file_id = _file_of(connection, current, sha256, now)
            connection.execute(update(schema.name).where(NAME.id == row.id).values(file_id=file_id))
            # Remote bytes change: which file a name stood for, and from when on, belongs to the history of a case.
            connection.execute(schema.name_observation.insert().values(name_id=row.id, file_id=file_id, since=now))
        return file_id

    def file(self, file_id: int) -> FileRecord | None:
        """One file with its newest scan."""
        with self._database.read() as connection:
            return _file(connection, file_row(connection, file_id))

    def file_by_sha256(self, sha256: str) -> FileRecord | None:
        """The file of these bytes."""
        with self._database.read() as connection:
            row = connection.execute(select(schema.file).where(FILE.sha256 == sha256.lower())).first()
            return _file(connection, row)

    def save_scan(self, file_id: int, scan: Scan) -> None:
        """Keep a scan, and beside the file what look-ups need of it. Raises ``LedgerError`` for an unknown file."""
        with self._database.write() as connection:
            row = known_file(connection, file_id)
            scan_id = add(connection, schema.scan, file_id=row.id, at=self._now(), payload=encode(scan))
            changes: dict[str, Any] = {"scan_id": scan_id}
            if isinstance(scan, Evidence):
                changes |= {
                    "pixels": scan.pixels,
                    "readable": True,
                    "matched": any(hit.mode is ListMode.BLOCK and hit.by.exact for hit in scan.hits),
                    "partly_seen": any(finding.kind == PARTLY_SEEN for finding in scan.findings),
                    "unscored": any(has_failed(gap) for gap in scan.gaps),
                }
            connection.execute(update(schema.file).where(FILE.id == row.id).values(**changes))

    def sightings_of(self, file_id: int) -> Sequence[Sighting]:
        """Everywhere a file is shown, oldest first, without what is outdated."""
        return self._sightings(and_(NAME.file_id == _meant(file_id), ~is_outdated()))

    def outdated(self, file_id: int) -> Sequence[Sighting]:
        """Where an address was seen only before it stood for this file."""
        return self._sightings(and_(NAME.file_id == _meant(file_id), is_outdated()))

    def sightings_under(self, name: Name) -> Sequence[Sighting]:
        """Everywhere one name is shown, oldest first."""
        return self._sightings(NAME.key_digest == fingerprint(str(name)))

    def sightings_besides(self, file_id: int, names: Sequence[Name]) -> Sequence[Sighting]:
        """Everywhere those of these names are shown that do not stand for this file."""
        digests = [fingerprint(str(name)) for name in names]
        found: list[Sighting] = []
        for some in parts(digests):
            found += self._sightings(and_(NAME.key_digest.in_(some), NAME.file_id != _meant(file_id)))
        return found

    def sightings_in(self, subject: SubjectKey) -> Sequence[Sighting]:
        """Everything ever seen in a subject, oldest first."""
        return self._sightings(schema.sighting.c.subject_digest == fingerprint(str(subject)))

    def beside(self, file_id: int, *, own: Role, theirs: Role) -> Sequence[Beside]:
        """Names of other files in the subjects that show this one."""
        with self._database.read() as connection:
            return _beside(connection, known_file(connection, file_id).id, own, theirs)

    def places(self, file_ids: Collection[int]) -> Sequence[Place]:
        """Where these files are shown. Decodes nothing: a file of a raid is shown in ten thousand places."""
        columns = schema.sighting.c
        shown = select(NAME.file_id, columns.subject_digest, columns.role, columns.first_seen)
        shown = shown.select_from(schema.sighting).join(schema.name)
        found: list[Place] = []
        with self._database.read() as connection:
            for some in parts(list(file_ids)):
                found += [
                    Place(file_id=file_id, subject=subject, role=Role(role), since=since)
                    for file_id, subject, role, since in connection.execute(shown.where(NAME.file_id.in_(some)))
                ]
        return found

    def strangers(self, file_id: int, names: Sequence[Name]) -> Sequence[Name]:
        """Those that do not stand for this file."""
        own: set[str] = set()
        keys = {fingerprint(str(name)): name for name in names}
        with self._database.read() as connection:
            for some in parts(list(keys)):
                theirs = select(NAME.key_digest).where(NAME.key_digest.in_(some), NAME.file_id == _meant(file_id))
                own.update(connection.execute(theirs).scalars())
        return [name for digest, name in keys.items() if digest not in own]

    def uploaded(self, file_id: int) -> bool:
        """Whether anybody is known to have stored these bytes."""
        stored = select(schema.upload.c.id).join(schema.name).where(NAME.file_id == _meant(file_id)).limit(1)
        with self._database.read() as connection:
            return connection.execute(stored).first() is not None

    def upload(self, name: Name) -> Upload | None:
        """Who stored a file under this name."""
        stored = select(schema.upload.c.payload).join(schema.name).where(NAME.key_digest == fingerprint(str(name)))
        with self._database.read() as connection:
            payload = connection.execute(stored).scalar()
        return None if payload is None else decode(payload, Upload)

    def uploads_of(self, file_id: int) -> Sequence[Upload]:
        """Who stored these bytes, once for every name, oldest first."""
        uploads = (
            select(schema.upload.c.payload)
            .join(schema.name)
            .where(NAME.file_id == _meant(file_id))
            .order_by(schema.upload.c.uploaded_at, schema.upload.c.id)
        )
        with self._database.read() as connection:
            return [decode(payload, Upload) for payload in connection.execute(uploads).scalars()]

    def add_upload(self, upload: Upload) -> None:
        """Know an upload that was asked for."""
        with self._database.write() as connection:
            know_upload(connection, upload, self._now())

    def items_of(self, account: Account, *, most: int) -> int:
        """Different subjects of an account that were seen with media."""
        columns = schema.sighting.c
        some = select(columns.subject_digest).distinct().where(columns.author_digest == digest_of(account)).limit(most)
        with self._database.read() as connection:
            return connection.execute(select(func.count()).select_from(some.subquery())).scalar_one()

    def unexplained(self, file_ids: Sequence[int]) -> Sequence[NameRecord]:
        """Aliases of files without any sighting or upload."""
        other = schema.name.alias("other")
        told = select(other.c.id).where(
            other.c.file_id == NAME.file_id,
            or_(
                select(schema.sighting.c.id).where(schema.sighting.c.name_id == other.c.id).exists(),
                select(schema.upload.c.id).where(schema.upload.c.name_id == other.c.id).exists(),
            ),
        )
        found: list[NameRecord] = []
        for some in parts(file_ids):
            found += self._names(and_(NAME.file_id.in_(some), NAME.kind == "alias", ~told.exists()))
        return found

    def prints(self, *, after: int, limit: int) -> Sequence[tuple[int, int, str]]:
        """PDQ hashes of newer scans. Read from their texts: to decode all of a scan takes fifty times as long."""
        columns = schema.scan.c
        newer = select(columns.id, columns.file_id, columns.payload).where(columns.id > after)
        with self._database.read() as connection:
            rows = connection.execute(newer.order_by(columns.id.desc()).limit(limit))
            found = [(row.id, row.file_id, PDQ.search(row.payload)) for row in rows]
        return [(scan_id, file_id, match[1]) for scan_id, file_id, match in found if match is not None]

    def scanned_since(self, since: datetime) -> int:
        """Files that were looked at since then."""
        columns = schema.scan.c
        with self._database.read() as connection:
            return connection.execute(
                select(func.count(columns.file_id.distinct())).where(columns.at >= since)
            ).scalar_one()

    def _names(self, which: ColumnElement[bool]) -> Sequence[NameRecord]:
        with self._database.read() as connection:
            return [record_of(row) for row in connection.execute(select(schema.name).where(which).order_by(NAME.id))]

    def _sightings(self, which: ColumnElement[bool]) -> Sequence[Sighting]:
        columns = schema.sighting.c
        sightings = select(columns.payload).join(schema.name).where(which).order_by(columns.first_seen, columns.id)
        with self._database.read() as connection:
            return [decode(payload, Sighting) for payload in connection.execute(sightings).scalars()]


def _beside(connection: Connection, file_id: int, own: Role, theirs: Role) -> Sequence[Beside]:
    shown, there = schema.sighting.alias("shown"), schema.sighting.alias("there")
    named = schema.name.alias("named")
    here = select(shown.c.subject_digest).join(named, named.c.id == shown.c.name_id)
    here = here.where(named.c.file_id == file_id, shown.c.role == own.value)
    uploaded = exists().where(schema.upload.c.name_id == named.c.id, named.c.file_id == NAME.file_id)
    beside = (
        select(schema.name, uploaded.label("uploaded"), FILE.scan_id.is_not(None).label("looked_at"))
        .join(there, there.c.name_id == NAME.id)
        .join(schema.file, FILE.id == NAME.file_id)
        .where(there.c.role == theirs.value, there.c.subject_digest.in_(here), NAME.file_id != file_id)
        .group_by(NAME.id, FILE.id)
        .order_by(NAME.id)
    )
    return [
        Beside(record=record_of(row), uploaded=bool(row.uploaded), looked_at=bool(row.looked_at))
        for row in connection.execute(beside)
    ]


def _meant(file_id: int) -> ColumnElement[int]:
    """A file's id, or that of the file which a stub was merged into."""
    return func.coalesce(select(FILE.merged_into).where(FILE.id == file_id).scalar_subquery(), file_id)


def _file_of(connection: Connection, current: Row[Any], sha256: str, now: datetime) -> int:
    """The file of these bytes: known already, or the stub that waited for them, or a new one."""
    target = connection.execute(select(FILE.id).where(FILE.sha256 == sha256)).scalar()
    if current.sha256 is not None:
        return int(target) if target is not None else new_file(connection, sha256, now)
    if target is None:
        connection.execute(update(schema.file).where(FILE.id == current.id).values(sha256=sha256))
        return int(current.id)
    _merge(connection, current.id, target)
    return int(target)


def _merge(connection: Connection, stub: int, target: int) -> None:
    """A stub has one name and no bytes; what was tried to get them is part of the file's history."""
    cases = schema.case_file
    if connection.execute(select(cases.c.case_number).where(cases.c.file_id == stub)).first() is not None:
        return  # somebody opened a case on it by hand: it stays what the case is about
    connection.execute(update(schema.scan).where(schema.scan.c.file_id == stub).values(file_id=target))
    connection.execute(update(schema.file).where(FILE.id == stub).values(merged_into=target, scan_id=None))


def _file(connection: Connection, row: Row[Any] | None) -> FileRecord | None:
    if row is None:
        return None
    payload = connection.execute(select(schema.scan.c.payload).where(schema.scan.c.id == row.scan_id)).scalar()
    number = connection.execute(
        select(schema.case_file.c.case_number).where(schema.case_file.c.file_id == row.id)
    ).scalar()
    scan = scan_of(payload) if payload is not None else None
    return FileRecord(id=row.id, sha256=row.sha256, scan=scan, case=number)
