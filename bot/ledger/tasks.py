"""Statements on the task table, for every transaction that makes or moves a task."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import and_, case, literal_column, null

from bot.ledger.columns import fingerprint
from bot.ledger.database import insert_into
from bot.ledger.schema import task
from bot.ports import ABSENT

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from bot.ledger.database import Insert
    from bot.ports import Lane, TaskKind

WAITING, RUNNING, PARKED = "waiting", "running", "parked"

_WAITING: ColumnElement[str] = literal_column(f"'{WAITING}'")
_ABSENT: ColumnElement[str] = literal_column(f"'{ABSENT}'")
STATE = case((and_(task.c.state == _WAITING, task.c.reason == _ABSENT), _ABSENT), else_=task.c.state)
"""As it is told: nobody has to do anything about a file that is not there. In letters, for databases do not group by
what they are given apart from the statement."""

FINISHED = "finished/"
"""Keys of the counters of what was done, by kind and lane."""


def want(
    connection: Connection,
    kind: TaskKind,
    target: str,
    lane: Lane,
    *,
    now: datetime,
    not_before: datetime | None = None,
) -> None:
    """Have something done: a new row, or an earlier time and a better lane for the one that is there.

    A running task keeps the wish beside it until it ends; a parked one starts anew.
    """
    wish = {
        "kind": kind.value,
        "target": target,
        "target_digest": fingerprint(target),
        "lane": int(lane),
        "state": WAITING,
        "attempts": 0,
        "not_before": not_before or now,
        "lease": 0,
        "reason": "",
        "created_at": now,
        "changed_at": now,
    }
    connection.execute(_wish(connection.dialect.name), wish)


@cache
def _wish(dialect: str) -> Insert:
    """Made once: to put this together takes longer than to run it."""
    row = insert_into(dialect, task)
    new, old = row.excluded, task.c
    sooner = case((new.not_before < old.not_before, new.not_before), else_=old.not_before)
    again = case((old.again_at < new.not_before, old.again_at), else_=new.not_before)
    return row.on_conflict_do_update(
        index_elements=["kind", "target_digest"],
        set_={
            "lane": case((new.lane < old.lane, new.lane), else_=old.lane),
            "again_at": case((old.state == RUNNING, again), else_=null()),
            "not_before": case((old.state == WAITING, sooner), else_=new.not_before),
            "attempts": case((old.state == PARKED, 0), else_=old.attempts),
            "reason": case((old.state == PARKED, ""), else_=old.reason),
            "created_at": case((old.state == PARKED, new.created_at), else_=old.created_at),
            "state": case((old.state == PARKED, WAITING), else_=old.state),
            "changed_at": new.changed_at,
        },
    )
