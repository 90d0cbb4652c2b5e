"""Where sources that are called (streams, webhooks) put what came, before they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select

from bot.ledger import schema
from bot.ledger.codec import decode, encode
from bot.ledger.database import add
from bot.ledger.erasing import raise_counter
from bot.ledger.part import Part
from bot.ports import Letter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

INBOX = schema.inbox.c


DROPPED = "dropped/"
"""Begin of the counters of what was left out; then come the source and the reason."""


class InboxPart(Part):
    """``Inbox``: what came in for each source, until the source has read it."""

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

    def drop(self, source: str, reason: str) -> None:
        """Count something that was left out on purpose."""
        with self._database.write() as connection:
            count_dropped(connection, source, {reason: 1})

    def dropped(self) -> Mapping[str, Mapping[str, int]]:
        """What was left out so far: by source, then by reason."""
        counter = schema.counter.c
        rows = select(counter.key, counter.value).where(counter.key.startswith(DROPPED)).order_by(counter.key)
        found: dict[str, dict[str, int]] = {}
        with self._database.read() as connection:
            for key, value in connection.execute(rows):
                source, reason = key.removeprefix(DROPPED).split("//", 1)
                found.setdefault(source, {})[reason] = value
        return found


def count_dropped(connection: Connection, source: str, reasons: Mapping[str, int]) -> None:
    """Add to the counters of what a source left out."""
    for reason, number in reasons.items():
        raise_counter(connection, f"{DROPPED}{source}//{reason}", number)
