"""The lists kept in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select

from bot.domain.evidence import ListMode, MatchedBy
from bot.ledger import chain, schema
from bot.ledger.database import insert_into, keep_first
from bot.ledger.part import Part
from bot.ports import ListEntry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

ENTRY = schema.list_entry.c
VERSION = "lists"


class ListsPart(Part):
    """``ListStore``."""

    def entries(self, list_id: str | None = None) -> Sequence[ListEntry]:
        """Oldest first."""
        rows = select(schema.list_entry).order_by(ENTRY.id)
        if list_id is not None:
            rows = rows.where(ENTRY.list_id == list_id)
        with self._database.read() as connection:
            return [
                ListEntry(
                    list_id=row.list_id,
                    mode=ListMode(row.mode),
                    by=MatchedBy(row.matched_by),
                    digest=row.digest,
                    note=row.note,
                    case=row.case_number,
                )
                for row in connection.execute(rows)
            ]

    def lists_version(self) -> int:
        """Grows with every change; 0 before the first."""
        version = select(schema.counter.c.value).where(schema.counter.c.key == VERSION)
        with self._database.read() as connection:
            return connection.execute(version).scalar() or 0

    def add_entries(self, entries: Sequence[ListEntry], *, by: str = "fediwarden") -> int:
        """Add what is not there; the number added."""
        now = self._now()
        with self._database.read() as connection:
            # A raid is confirmed ten thousand times with the same fingerprints.
            if all(_there(connection, entry) for entry in entries):
                return 0
        with self._database.write() as connection:
            added = [
                entry
                for entry in entries
                if keep_first(
                    connection,
                    schema.list_entry,
                    ["list_id", "matched_by", "digest"],
                    list_id=entry.list_id,
                    mode=entry.mode.value,
                    matched_by=entry.by.value,
                    digest=entry.digest.lower(),
                    note=entry.note,
                    case_number=entry.case,
                    added_at=now,
                )
            ]
            if added:
                _turn_page(connection)
            for list_id in dict.fromkeys(entry.list_id for entry in added):
                told = [_told(entry) for entry in added if entry.list_id == list_id]
                chain.append(connection, now, [chain.of_event(chain.LIST, list_id, by=by, added=told)])
        return len(added)

    def remove_entries(
        self, *, list_id: str, digest: str | None = None, case: int | None = None, by: str = "fediwarden"
    ) -> int:
        """Take out by digest, by case, or what is both. Raises ``ValueError`` for neither: no list goes by mistake."""
        if digest is None and case is None:
            raise ValueError("name a digest or a case: a list is not emptied as a whole")
        leaving = delete(schema.list_entry).where(ENTRY.list_id == list_id)
        if digest is not None:
            leaving = leaving.where(ENTRY.digest == digest.lower())
        if case is not None:
            leaving = leaving.where(ENTRY.case_number == case)
        now = self._now()
        with self._database.write() as connection:
            gone = connection.execute(leaving.returning(ENTRY.matched_by, ENTRY.digest, ENTRY.case_number)).all()
            if gone:
                _turn_page(connection)
                told = [[*row] for row in gone]
                chain.append(connection, now, [chain.of_event(chain.LIST, list_id, by=by, removed=told)])
        return len(gone)


def _there(connection: Connection, entry: ListEntry) -> bool:
    same = select(ENTRY.id).where(
        ENTRY.list_id == entry.list_id, ENTRY.matched_by == entry.by.value, ENTRY.digest == entry.digest.lower()
    )
    return connection.execute(same).first() is not None


def _told(entry: ListEntry) -> list[Any]:
    return [entry.mode.value, entry.by.value, entry.digest.lower(), entry.note, entry.case]


def _turn_page(connection: Connection) -> None:
    row = insert_into(connection.dialect.name, schema.counter).values(key=VERSION, value=1)
    connection.execute(row.on_conflict_do_update(index_elements=["key"], set_={"value": schema.counter.c.value + 1}))
