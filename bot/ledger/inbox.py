"""Where sources that are called (streams, webhooks) put what came, before they answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select

from bot.ledger import schema
from bot.ledger.codec import decode, encode
from bot.ledger.database import add
from bot.ledger.part import Part

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

INBOX = schema.inbox.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One thing that came. ``payload``: JSON values only."""

    id: int  # grows with every letter; what a cursor remembers
    received_at: datetime
    payload: Mapping[str, Any]


class InboxPart(Part):
    """What came in for each source, until the source has read it."""

    def deliver(self, source: str, payload: Mapping[str, Any]) -> int:
        """Keep a letter; its id. When this returns, the letter survives a crash, and the sender may be answered."""
        letter = encode(dict(payload))
        with self._database.write() as connection:
            return add(connection, schema.inbox, source=source, received_at=self._now(), payload=letter)

    def letters(self, source: str, *, after: int = 0, limit: int = 100) -> Sequence[Letter]:
        """Letters that came after the one with that id, oldest first. They stay until they are discarded."""
        rows = select(schema.inbox).where(INBOX.source == source, INBOX.id > after).order_by(INBOX.id).limit(limit)
        with self._database.read() as connection:
            return [
                Letter(id=row.id, received_at=row.received_at, payload=decode(row.payload, dict))
                for row in connection.execute(rows)
            ]

    def discard(self, source: str, *, upto: int) -> int:
        """Forget letters whose cursor was committed, up to and with that id; how many there were."""
        with self._database.write() as connection:
            return connection.execute(delete(schema.inbox).where(INBOX.source == source, INBOX.id <= upto)).rowcount
