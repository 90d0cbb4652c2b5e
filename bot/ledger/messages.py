"""The outbox: notes for the operators, and the messages that were made of them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, func, or_, select, update

from bot.domain.errors import LeaseLostError
from bot.ledger import schema
from bot.ledger.codec import decode, encode
from bot.ledger.columns import fingerprint
from bot.ledger.control import newest_fence
from bot.ledger.database import add, keep_first
from bot.ledger.part import Part
from bot.ports import ChannelState, Delivery, Message, Note, Topic, Waiting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Row

    from bot.ports import NewNote

ROW = schema.message.c
MESSAGE, LOST = "message", "lost"
"""Kinds of rows that are messages; the kind of a note is its topic."""

NOTES = 5000
"""Notes that one message sums up at most: what is more waits for the next."""


class MessagesPart(Part):
    """``Outbox``."""

    def post(self, notes: Sequence[NewNote]) -> int:
        """Leave notes, all of them or none; how many are new."""
        if not notes:
            return 0
        now = self._now()
        with self._database.write() as connection:
            return sum(
                keep_first(
                    connection,
                    schema.message,
                    ["channel", "key_digest"],
                    channel=note.channel,
                    key_digest=_key(note.key),
                    kind=note.topic.value,
                    payload=encode(dict(note.payload)),
                    created_at=now,
                    not_before=now,
                    attempts=0,
                    trouble="",
                )
                for note in notes
            )

    def posted(self, channel: str, key: str) -> bool:
        """Whether this note was left."""
        there = select(ROW.id).where(ROW.channel == channel, ROW.key_digest == _key(key))
        with self._database.read() as connection:
            return connection.execute(there).first() is not None

    def waiting(self, channel: str) -> Waiting | None:
        """Since when notes wait."""
        untold = (ROW.channel == channel, ROW.sent_at.is_(None), ROW.kind.not_in([MESSAGE, LOST]))
        oldest = select(
            func.min(ROW.created_at), func.min(ROW.created_at).filter(ROW.kind == Topic.ALARMS.value)
        ).where(*untold)
        with self._database.read() as connection:
            since, alarm_since = connection.execute(oldest).one()
        return None if since is None else Waiting(since=since, alarm_since=alarm_since)

    def notes(self, channel: str) -> Sequence[Note]:
        """Notes that are part of no message yet."""
        waiting = (
            select(schema.message)
            .where(ROW.channel == channel, ROW.sent_at.is_(None), ROW.kind.not_in([MESSAGE, LOST]))
            .order_by(ROW.id)
            .limit(NOTES)
        )
        with self._database.read() as connection:
            return [
                Note(id=row.id, topic=Topic(row.kind), payload=decode(row.payload, dict), at=row.created_at)
                for row in connection.execute(waiting)
            ]

    def pack(self, channel: str, message: Message, notes: Sequence[Note], *, fence: int) -> bool:
        """Make notes part of a message."""
        now = self._now()
        free = and_(ROW.id.in_([note.id for note in notes]), ROW.sent_at.is_(None))
        with self._database.write() as connection:
            if newest_fence(connection) != fence:
                raise LeaseLostError("somebody else acts now; this process sends nothing")
            if connection.execute(select(func.count()).where(free)).scalar_one() != len(notes):
                return False
            connection.execute(update(schema.message).where(free).values(sent_at=now))
            add(
                connection,
                schema.message,
                channel=channel,
                key_digest=fingerprint(f"{MESSAGE}/{message.id}"),
                kind=MESSAGE,
                payload=_written(message),
                created_at=now,
                not_before=now,
                attempts=0,
                trouble="",
            )
            return True

    def pending(self, channel: str) -> Sequence[Delivery]:
        """Messages that were neither sent nor given up."""
        waiting = (
            select(schema.message)
            .where(ROW.channel == channel, ROW.sent_at.is_(None), ROW.kind == MESSAGE)
            .order_by(ROW.id)
        )
        with self._database.read() as connection:
            return [_delivery(row) for row in connection.execute(waiting)]

    def sent(self, delivery: Delivery) -> None:
        """It has arrived."""
        with self._database.write() as connection:
            connection.execute(
                update(schema.message)
                .where(ROW.id == delivery.row)
                .values(sent_at=self._now(), attempts=ROW.attempts + 1, trouble="")
            )

    def not_sent(self, delivery: Delivery, *, trouble: str, again_at: datetime | None) -> None:
        """It has not."""
        changes: dict[str, Any] = {"kind": LOST} if again_at is None else {"not_before": again_at}
        with self._database.write() as connection:
            connection.execute(
                update(schema.message)
                .where(ROW.id == delivery.row, ROW.sent_at.is_(None))
                .values(attempts=ROW.attempts + 1, trouble=trouble, **changes)
            )

    def packed_since(self, channel: str, since: datetime) -> int:
        """Messages that were made since then."""
        made = (
            select(func.count())
            .select_from(schema.message)
            .where(ROW.channel == channel, ROW.kind.in_([MESSAGE, LOST]), ROW.created_at >= since)
        )
        with self._database.read() as connection:
            return connection.execute(made).scalar_one()

    def channel_states(self) -> Mapping[str, ChannelState]:
        """Every channel that was ever used."""
        told = ROW.sent_at.is_not(None)
        sums = select(
            ROW.channel,
            func.count().filter(ROW.kind.not_in([MESSAGE, LOST]), ~told).label("notes"),
            func.count().filter(ROW.kind == MESSAGE, ~told).label("pending"),
            func.count().filter(ROW.kind == MESSAGE, told).label("sent"),
            func.count().filter(ROW.kind == LOST).label("lost"),
            func.max(ROW.sent_at).filter(ROW.kind == MESSAGE).label("last_sent"),
            func.max(ROW.id).filter(ROW.kind.in_([MESSAGE, LOST])).label("newest"),
        ).group_by(ROW.channel)
        with self._database.read() as connection:
            rows = connection.execute(sums).all()
            newest = select(ROW.id, ROW.trouble, ROW.attempts).where(ROW.id.in_([r.newest for r in rows if r.newest]))
            last = {row.id: row for row in connection.execute(newest)}
        return {
            row.channel: ChannelState(
                notes=row.notes,
                pending=row.pending,
                sent=row.sent,
                lost=row.lost,
                last_sent=row.last_sent,
                trouble=last[row.newest].trouble if row.newest else "",
                failed=last[row.newest].attempts if row.newest and last[row.newest].trouble else 0,
            )
            for row in sorted(rows, key=lambda row: str(row.channel))
        }

    def forget_messages(self, before: datetime) -> int:
        """Erase what was sent or given up before then."""
        over = or_(ROW.sent_at < before, and_(ROW.kind == LOST, ROW.created_at < before))
        with self._database.write() as connection:
            return connection.execute(delete(schema.message).where(over)).rowcount


def _key(key: str) -> str:
    return fingerprint(f"note/{key}")


def _written(message: Message) -> str:
    return json.dumps(
        {
            "id": message.id,
            "subject": message.subject,
            "text": message.text,
            "topics": list(message.topics),
            "cases": list(message.cases),
            "at": message.at.isoformat(),
        }
    )


def _delivery(row: Row[Any]) -> Delivery:
    told = json.loads(row.payload)
    message = Message(**{**told, "at": datetime.fromisoformat(told["at"])})
    return Delivery(
        row=row.id, message=message, created_at=row.created_at, not_before=row.not_before, attempts=row.attempts
    )
