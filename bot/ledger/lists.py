"""The lists kept in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from bot.domain.evidence import ListMode, MatchedBy
from bot.ledger import schema
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

    def add_entries(self, entries: Sequence[ListEntry]) -> int:
        """Add what is not there; the number added."""
        now = self._now()
        with self._database.write() as connection:
            added = sum(
                keep_first(
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
                for entry in entries
            )
            if added:
                _turn_page(connection)
        return added

    def remove_entries(self, *, list_id: str, digest: str | None = None, case: int | None = None) -> int:
        """Take out by digest, by case, or what is both. Raises ``ValueError`` for neither: no list goes by mistake."""
        if digest is None and case is None:
            raise ValueError("name a digest or a case: a list is not emptied as a whole")
        leaving = delete(schema.list_entry).where(ENTRY.list_id == list_id)
        if digest is not None:
            leaving = leaving.where(ENTRY.digest == digest.lower())
        if case is not None:
            leaving = leaving.where(ENTRY.case_number == case)
        with self._database.write() as connection:
            removed = connection.execute(leaving).rowcount
            if removed:
                _turn_page(connection)
        return removed


def _turn_page(connection: Connection) -> None:
    row = insert_into(connection.dialect.name, schema.counter).values(key=VERSION, value=1)
    connection.execute(row.on_conflict_do_update(index_elements=["key"], set_={"value": schema.counter.c.value + 1}))
