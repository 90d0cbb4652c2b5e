"""Whether a place was seen with these very bytes: what an address of another server stands for may change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, func, select

from bot.ledger import schema
from bot.ledger.naming import NAME

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

ONCE = schema.name_observation.c


def is_outdated() -> ColumnElement[bool]:
    """Of a ``sighting`` joined with its ``name``: read last before the address first stood for these bytes, while it
    stood for others. The subject may have been edited since, and may never have shown them.

    Where no other picture was ever found at an address, what was read before the first look at it counts: a server in
    trouble answers with a page first. What was read after these bytes were found there once counts as well, whatever
    was found there in between.
    """
    pictures = select(ONCE.file_id).join(schema.file, schema.file.c.id == ONCE.file_id).where(schema.file.c.readable)
    looks = pictures.where(ONCE.name_id == NAME.id).order_by(ONCE.id).limit(1).correlate(schema.name)
    first = looks.scalar_subquery()
    since = looks.with_only_columns(ONCE.since).where(ONCE.file_id == NAME.file_id).scalar_subquery()
    seen_at = schema.sighting.c.seen_at
    # What the ledger has forgotten makes nothing outdated.
    return and_(
        NAME.kind == "url",
        func.coalesce(first, NAME.file_id) != NAME.file_id,
        func.coalesce(since, seen_at) > seen_at,
    )
