"""Who acts, small facts, and the sums."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update

from bot.ledger import schema
from bot.ledger.database import put
from bot.ledger.part import Part
from bot.ports import Lease

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

LEASE = schema.lease.c
ACTOR = "actor"
"""There is one right to act; the table could keep others."""

AHEAD = timedelta(minutes=1)
"""A lease renewed further in the future than this is from before the clock was set back. Taking it is safe: fenced."""


class ControlPart(Part):
    """``Control``, without the sums."""

    def acquire(self, holder: str, *, seconds: float) -> Lease | None:
        """Become or stay the one that acts."""
        now = self._now()
        with self._database.write() as connection:
            row = _row(connection)
            if row is not None and row.holder != holder and _held(row, now):
                return None
            stays = row is not None and row.holder == holder
            fence = row.fence + (0 if stays else 1) if row is not None else 1
            lease = Lease(holder=holder, fence=fence, expires=now + timedelta(seconds=seconds))
            put(
                connection,
                schema.lease,
                ["name"],
                name=ACTOR,
                holder=holder,
                fence=fence,
                renewed_at=now,
                expires=lease.expires,
            )
        return lease

    def release(self, lease: Lease) -> None:
        """Stop being it, unless somebody else is by now."""
        with self._database.write() as connection:
            connection.execute(
                update(schema.lease)
                .where(LEASE.name == ACTOR, LEASE.fence == lease.fence, LEASE.holder == lease.holder)
                .values(holder=None)
            )

    def holder(self) -> Lease | None:
        """Who acts now."""
        with self._database.read() as connection:
            return holder_at(connection, self._now())

    def flag(self, key: str) -> str | None:
        """A small fact."""
        with self._database.read() as connection:
            return connection.execute(select(schema.flag.c.value).where(schema.flag.c.key == key)).scalar()

    def flags(self, prefix: str) -> Sequence[str]:
        """Keys that begin so, in alphabetical order."""
        with self._database.read() as connection:
            keys = connection.execute(select(schema.flag.c.key)).scalars().all()
        # There are few, and databases differ in what is alike and what comes first.
        return sorted(key for key in keys if key.startswith(prefix))

    def set_flag(self, key: str, value: str | None) -> None:
        """Set or clear one."""
        with self._database.write() as connection:
            if value is None:
                connection.execute(delete(schema.flag).where(schema.flag.c.key == key))
            else:
                put(connection, schema.flag, ["key"], key=key, value=value)


def holder_at(connection: Connection, now: datetime) -> Lease | None:
    """Who acts at ``now``."""
    row = _row(connection)
    if row is None or not _held(row, now):
        return None
    return Lease(holder=row.holder, fence=row.fence, expires=row.expires)


def newest_fence(connection: Connection) -> int | None:
    """The fence of whoever may act; ``None`` when the right was given back or never taken."""
    row = _row(connection)
    return row.fence if row is not None and row.holder is not None else None


def _row(connection: Connection) -> Row[Any] | None:
    return connection.execute(select(schema.lease).where(LEASE.name == ACTOR)).first()


def _held(row: Row[Any], now: datetime) -> bool:
    return row.holder is not None and now < row.expires and row.renewed_at <= now + AHEAD
