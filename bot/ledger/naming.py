"""Rows of names and files, inside whatever transaction is under way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

from sqlalchemy import insert, select, update

from bot.domain.content import Alias, Attachment, InstanceId, Name, RemoteUrl, StorageKey
from bot.domain.errors import LedgerError
from bot.ledger import schema
from bot.ledger.columns import fingerprint
from bot.ledger.database import add
from bot.ports import NameRecord

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

NAME = schema.name.c


def know_name(connection: Connection, name: Name, url: str, *, now: datetime, backlog: bool) -> Row[Any]:
    """The row of a name, with a stub for its file if it is new.

    It is backlog until something brings it that is not: what another name or a digest told of it, does not count.
    """
    row = name_row(connection, str(name))
    if row is None:
        kind, instance, value = _parts(name)
        new = {
            "key_digest": fingerprint(str(name)),
            "kind": kind,
            "instance": instance,
            "value": value,
            "value_digest": fingerprint(value),
            "url": url,
            "file_id": new_file(connection, None, now),
            "first_seen": now,
            "backlog": backlog,
        }
        return connection.execute(insert(schema.name).returning(schema.name), new).one()
    if (row.url == "" and url != "") or (row.backlog and not backlog):
        changes = {"url": row.url or url, "backlog": row.backlog and backlog}
        changed = update(schema.name).where(NAME.id == row.id).values(**changes)
        return connection.execute(changed.returning(schema.name)).one()
    return row


def name_row(connection: Connection, key: str) -> Row[Any] | None:
    """By ``str(name)``."""
    return connection.execute(select(schema.name).where(NAME.key_digest == fingerprint(key))).first()


def record_of(row: Row[Any]) -> NameRecord:
    """A row as the ports know it."""
    return NameRecord(
        name=_name(row.kind, InstanceId(row.instance), row.value),
        url=row.url,
        file_id=row.file_id,
        first_seen=row.first_seen,
        backlog=row.backlog,
    )


def new_file(connection: Connection, sha256: str | None, now: datetime) -> int:
    """A file's id: of a stub until its bytes are known."""
    return add(connection, schema.file, sha256=sha256, met_at=now, readable=False, matched=False)


def file_row(connection: Connection, file_id: int) -> Row[Any] | None:
    """The file that an id means: a stub that was merged leads to the file of its bytes."""
    row = connection.execute(select(schema.file).where(schema.file.c.id == file_id)).first()
    if row is not None and row.merged_into is not None:
        return connection.execute(select(schema.file).where(schema.file.c.id == row.merged_into)).first()
    return row


def known_file(connection: Connection, file_id: int) -> Row[Any]:
    """The same. Raises ``LedgerError`` where there is none."""
    row = file_row(connection, file_id)
    if row is None:
        raise LedgerError(f"there is no file {file_id}")
    return row


def _parts(name: Name) -> tuple[str, str, str]:
    match name:
        case Alias():
            return "alias", name.instance, name.value
        case Attachment():
            return "attachment", name.instance, name.value
        case StorageKey():
            return "key", name.instance, name.value
        case RemoteUrl():
            return "url", "", name.value
        case _:
            assert_never(name)


def _name(kind: str, instance: InstanceId, value: str) -> Name:
    match kind:
        case "alias":
            return Alias(instance=instance, value=value)
        case "attachment":
            return Attachment(instance=instance, value=value)
        case "key":
            return StorageKey(instance=instance, value=value)
        case "url":
            return RemoteUrl(value=value)
        case _:
            raise LedgerError(f"the ledger holds a name of the kind {kind!r}: it was written by a newer version")
