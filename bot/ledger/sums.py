"""What was done so far, in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, func, select

from bot.domain.decisions import (
    BanAccount,
    IntentState,
    LimitAccount,
    MarkSensitive,
    PurgeFile,
    Remove,
    Report,
)
from bot.ledger import schema
from bot.ledger.erasing import GONE_SIGHTINGS, GONE_UNSCANNABLE
from bot.ledger.part import Part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Table

INTENT = schema.intent.c
FILE = schema.file.c


class SumsPart(Part):
    """``Control.counts``."""

    def counts(self) -> Mapping[str, int]:
        """Sums as of one moment. ``files`` are those whose bytes we had; ``unscannable`` were tried and never read;
        ``partly_seen`` are those of the scanned ones of which not all frames that were to be could be looked at,
        ``unscored`` those that a detector failed on.
        """
        done = INTENT.done_at.is_not(None)
        sums: dict[str, tuple[Table, tuple[ColumnElement[bool], ...]]] = {
            "seen": (schema.sighting, ()),  # and what was erased
            "files": (schema.file, (FILE.sha256.is_not(None),)),
            "scanned": (schema.file, (FILE.readable,)),
            "matched": (schema.file, (FILE.matched,)),
            "partly_seen": (schema.file, (FILE.partly_seen,)),
            "unscored": (schema.file, (FILE.unscored,)),
            "unscannable": (schema.file, (FILE.scan_id.is_not(None), ~FILE.readable)),
            "reported": (schema.intent, (INTENT.kind == Report.kind, done)),
            "removed": (schema.intent, (INTENT.kind == Remove.kind, done)),
            "marked": (schema.intent, (INTENT.kind == MarkSensitive.kind, done)),
            "purged": (schema.intent, (INTENT.kind == PurgeFile.kind, done)),
            "limited": (schema.intent, (INTENT.kind == LimitAccount.kind, done)),
            "banned": (schema.intent, (INTENT.kind == BanAccount.kind, done)),
            # No deed is written down as done before the server was asked whether it is so.
            "verified": (schema.intent, (done,)),
            "held": (schema.intent, (INTENT.held_at.is_not(None),)),
            "waiting": (schema.intent, _is(IntentState.HELD)),
            "dismissed": (schema.intent, _is(IntentState.DISMISSED)),
            "undone": (schema.intent, _is(IntentState.UNDONE)),
            "refused": (schema.intent, _is(IntentState.REFUSED)),
        }
        columns: list[Any] = [
            select(func.count()).select_from(table).where(*which).scalar_subquery().label(name)
            for name, (table, which) in sums.items()
        ]
        with self._database.read() as connection:
            counts = dict(connection.execute(select(*columns)).one()._mapping)  # noqa: SLF001 - public, named like a tuple's
            for name, key in (("seen", GONE_SIGHTINGS), ("unscannable", GONE_UNSCANNABLE)):
                erased = select(schema.counter.c.value).where(schema.counter.c.key == key)
                counts[name] += connection.execute(erased).scalar() or 0
        return counts


def _is(state: IntentState) -> tuple[ColumnElement[bool]]:
    return (INTENT.state == state.value,)
