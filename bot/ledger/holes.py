"""What sources could not read: kept where ``status`` finds it, with the cursor that went past it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from bot.ledger import schema
from bot.ledger.database import put
from bot.ledger.part import Part
from bot.ports import Hole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

HOLES = "holes/"
"""Flags that hold the newest holes of a source."""

MOST = 20
"""Holes of one source that are kept; a source that leaves more has a fault that one line tells as well as twenty."""

KEPT = timedelta(days=30)
"""How long a hole is shown after it was last met."""


class HolesPart(Part):
    """The part of ``Intake`` that tells what is missing."""

    def holes(self) -> Mapping[str, Sequence[Hole]]:
        """By source, the last met first."""
        rows = select(schema.flag.c.key, schema.flag.c.value)
        since = self._now() - KEPT
        with self._database.read() as connection:
            told = {key: value for key, value in connection.execute(rows) if key.startswith(HOLES)}
        found = {key.removeprefix(HOLES): _read(value, since) for key, value in sorted(told.items())}
        return {source: holes for source, holes in found.items() if holes}


def note_holes(connection: Connection, source: str, texts: Sequence[str], now: datetime) -> None:
    """Add what one poll could not read; the same words are the same hole, met again."""
    if not texts:
        return
    key = HOLES + source
    value = connection.execute(select(schema.flag.c.value).where(schema.flag.c.key == key)).scalar()
    known = {hole.text: hole for hole in (_read(value, now - KEPT) if value is not None else ())}
    for text in texts:
        before = known.pop(text, None)
        first, times = (before.first, before.times) if before is not None else (now, 0)
        known[text] = Hole(text=text, first=first, last=now, times=times + 1)
    newest = sorted(known.values(), key=lambda hole: hole.last, reverse=True)[:MOST]
    put(connection, schema.flag, ["key"], key=key, value=json.dumps([_written(hole) for hole in newest]))


def _written(hole: Hole) -> Mapping[str, Any]:
    return {
        "text": hole.text,
        "first": hole.first.isoformat(timespec="seconds"),
        "last": hole.last.isoformat(timespec="seconds"),
        "times": hole.times,
    }


def _read(value: str, since: datetime) -> Sequence[Hole]:
    holes = [
        Hole(
            text=one["text"],
            first=datetime.fromisoformat(one["first"]),
            last=datetime.fromisoformat(one["last"]),
            times=one["times"],
        )
        for one in json.loads(value)
    ]
    return [hole for hole in holes if hole.last >= since]
