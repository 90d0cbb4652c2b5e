"""The task table: leasing, finishing, postponing, parking."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, delete, func, null, or_, select, true, update

from bot.ledger import schema
from bot.ledger.columns import fingerprint
from bot.ledger.database import insert_into
from bot.ledger.part import Part
from bot.ledger.planning import INTENT, MOVING, wake
from bot.ledger.schema import task as tasks
from bot.ledger.tasks import FINISHED, PARKED, RUNNING, STATE, WAITING, want
from bot.ports import ABSENT, Lane, Task, TaskKind, Trouble

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row, Select

AHEAD = timedelta(minutes=1)
"""A row changed further in the future than this was written before the clock was set back: it waits no longer."""

LONGEST_LEASE = timedelta(hours=2)
"""More than anybody leases a task for: a lease that lasts longer was given before the clock was set back."""


class WorkPart(Part):
    """``Work``."""

    def enqueue(self, kind: TaskKind, target: str, lane: Lane, *, not_before: datetime | None = None) -> None:
        """Want something done."""
        self.enqueue_all(kind, [target], lane, not_before=not_before)

    def enqueue_all(
        self, kind: TaskKind, targets: Sequence[str], lane: Lane, *, not_before: datetime | None = None
    ) -> None:
        """Want several things of a kind done; only what is not wanted as much already is written."""
        now = self._now()
        with self._database.read() as connection:
            wished = [one for one in targets if not _waits(connection, kind, one, lane, not_before or now)]
        if wished:
            with self._database.write() as connection:
                for target in wished:
                    want(connection, kind, target, lane, now=now, not_before=not_before)

    def take(
        self, kinds: Iterable[TaskKind], *, limit: int, lease_seconds: float, worst: Lane = Lane.BACKLOG
    ) -> Sequence[Task]:
        """Lease up to ``limit`` tasks, best lane first, oldest first."""
        words = [kind.value for kind in kinds]
        # An idle bot asks several times a second: it looks first, and writes only when there is something to write.
        with self._database.read() as connection:
            if not _due(connection, words, self._now(), 1, worst):
                return ()
        with self._database.write() as connection:
            now = self._now()
            rows = _due(connection, words, now, limit, worst)
            connection.execute(
                update(tasks)
                .where(tasks.c.id.in_([row.id for row in rows]))
                .values(
                    state=RUNNING,
                    attempts=tasks.c.attempts + 1,
                    lease=tasks.c.lease + 1,
                    lease_until=now + timedelta(seconds=lease_seconds),
                    # What was asked for while the last worker had it is done by this one.
                    again_at=case((tasks.c.again_at > now, tasks.c.again_at), else_=null()),
                    changed_at=now,
                )
            )
        return [_leased(row) for row in rows]

    def reclaim(self, kinds: Iterable[TaskKind]) -> int:
        """Free running tasks; their leases are void from now on."""
        now = self._now()
        with self._database.write() as connection:
            return connection.execute(
                update(tasks)
                .where(tasks.c.state == RUNNING, tasks.c.kind.in_([kind.value for kind in kinds]))
                .values(
                    state=WAITING,
                    not_before=now,
                    lease=tasks.c.lease + 1,
                    lease_until=None,
                    again_at=None,
                    changed_at=now,
                )
            ).rowcount

    def rouse(self) -> int:
        """See to it that nothing which is to be done has been forgotten."""
        now = self._now()
        moving = select(INTENT.case_number).distinct().where(INTENT.state.in_(MOVING))
        own = select(tasks.c.target).where(tasks.c.kind == TaskKind.ENFORCE.value)
        with self._database.write() as connection:
            known = set(connection.execute(own).scalars())
            cases = [one for one in connection.execute(moving).scalars() if str(one) not in known]
            for number in cases:
                wake(connection, number, now)
        return len(cases)

    def finish(self, task: Task) -> None:
        """Done, unless it was asked for again while it ran."""
        with self._database.write() as connection:
            if self._start_again(connection, task) or connection.execute(delete(tasks).where(_ours(task))).rowcount:
                _count(connection, task)

    def postpone(
        self, task: Task, *, until: datetime, reason: str, count: bool = True, lane: Lane | None = None
    ) -> None:
        """Try again later, or sooner if somebody asked for it while it ran: then its wish for a lane counts, too."""
        with self._database.write() as connection:
            connection.execute(
                update(tasks)
                .where(_ours(task))
                .values(
                    state=WAITING,
                    not_before=case((tasks.c.again_at < until, tasks.c.again_at), else_=until),
                    lane=tasks.c.lane if lane is None else case((tasks.c.again_at.is_(None), lane), else_=tasks.c.lane),
                    attempts=tasks.c.attempts - (0 if count else 1),
                    again_at=None,
                    lease_until=None,
                    reason=reason,
                    changed_at=self._now(),
                )
            )

    def park(self, task: Task, reason: str) -> None:
        """Give up, unless it was asked for again while it ran."""
        with self._database.write() as connection:
            if not self._start_again(connection, task):
                connection.execute(
                    update(tasks)
                    .where(_ours(task))
                    .values(state=PARKED, lease_until=None, reason=reason, changed_at=self._now())
                )

    def troubles(self, *, limit: int = 20, targets: Collection[str] | None = None) -> Sequence[Trouble]:
        """What has not worked out so far, the last changed first; of ``targets`` alone, if these are given."""
        about = true() if targets is None else tasks.c.target_digest.in_([fingerprint(one) for one in targets])
        bad = (
            select(tasks)
            .where(tasks.c.state.in_([WAITING, PARKED]), tasks.c.reason.not_in(["", ABSENT]), about)
            .order_by(tasks.c.changed_at.desc(), tasks.c.id.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            return [
                Trouble(
                    kind=TaskKind(row.kind),
                    target=row.target,
                    reason=row.reason,
                    again_at=None if row.state == PARKED else row.not_before,
                )
                for row in connection.execute(bad)
            ]

    def wanted(self, kind: TaskKind, target: str) -> bool:
        """Whether it is still to be done, or was given up."""
        row = select(tasks.c.id).where(tasks.c.kind == kind.value, tasks.c.target_digest == fingerprint(target))
        with self._database.read() as connection:
            return connection.execute(row).first() is not None

    def backlog_size(self) -> Mapping[str, int]:
        """State and kind to number of tasks."""
        groups = select(STATE, tasks.c.kind, func.count()).group_by(STATE, tasks.c.kind)
        with self._database.read() as connection:
            return {f"{state}/{kind}": number for state, kind, number in connection.execute(groups)}

    def _start_again(self, connection: Connection, task: Task) -> bool:
        again = (
            update(tasks)
            .where(_ours(task), tasks.c.again_at.is_not(None))
            .values(
                state=WAITING,
                attempts=0,
                not_before=tasks.c.again_at,
                again_at=None,
                lease_until=None,
                reason="",
                changed_at=self._now(),
            )
        )
        return connection.execute(again).rowcount == 1


def _count(connection: Connection, task: Task) -> None:
    key = f"{FINISHED}{task.kind.value}/{int(task.lane)}"
    row = insert_into(connection.dialect.name, schema.counter).values(key=key, value=1)
    more = {"value": schema.counter.c.value + 1}
    connection.execute(row.on_conflict_do_update(index_elements=["key"], set_=more))


def _waits(connection: Connection, kind: TaskKind, target: str, lane: Lane, due: datetime) -> bool:
    """Whether it waits already, for a time and in a lane that are as good. Whoever takes it sees all until then."""
    columns = tasks.c
    waiting = select(columns.id).where(
        columns.kind == kind.value,
        columns.target_digest == fingerprint(target),
        columns.state == WAITING,
        columns.not_before <= due,
        columns.lane <= int(lane),
    )
    return connection.execute(waiting).first() is not None


def _ours(task: Task) -> ColumnElement[bool]:
    """The row of a task, while nobody took it after us."""
    return and_(tasks.c.id == task.id, tasks.c.state == RUNNING, tasks.c.lease == task.lease)


def _due(connection: Connection, kinds: Sequence[str], now: datetime, limit: int, worst: Lane) -> Sequence[Row[Any]]:
    """Two questions, so that each walks along the index in the order of the answer."""
    columns = tasks.c
    waiting = _first(kinds, limit, worst).where(
        columns.state == WAITING, or_(columns.not_before <= now, columns.changed_at > now + AHEAD)
    )
    abandoned = _first(kinds, limit, worst).where(
        columns.state == RUNNING, or_(columns.lease_until <= now, columns.lease_until > now + LONGEST_LEASE)
    )
    rows = [*connection.execute(waiting), *connection.execute(abandoned)]
    return sorted(rows, key=lambda row: (row.lane, row.created_at, row.id))[:limit]


def _first(kinds: Sequence[str], limit: int, worst: Lane) -> Select[Any]:
    columns = tasks.c
    first = select(tasks).where(columns.kind.in_(kinds)).order_by(columns.lane, columns.created_at, columns.id)
    return (first if worst is Lane.BACKLOG else first.where(columns.lane <= int(worst))).limit(limit)


def _leased(row: Row[Any]) -> Task:
    return Task(
        id=row.id,
        kind=TaskKind(row.kind),
        target=row.target,
        lane=Lane(row.lane),
        attempts=row.attempts + 1,
        created_at=row.created_at,
        lease=row.lease + 1,
    )
