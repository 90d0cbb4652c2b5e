"""Takes payloads out of the ledger, inside whatever transaction is under way, and writes down that it did.

What an erased row keeps: its key, its times, its kind, and to which case it belongs. The chain's entry about it stays;
only the payload's salt goes, without which nobody can try out what the payload was. A new entry vouches for what is
left.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, func, literal, select, update

from bot.domain.decisions import Because
from bot.ledger import chain, schema
from bot.ledger.chain import AUDIT
from bot.ledger.codec import encode, outcome_of
from bot.ledger.database import add, parts, put
from bot.ledger.schema import ERASED
from bot.ledger.tasks import PARKED
from bot.ports import ORDERED, TaskKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Table

INTENT, ATTEMPT, OUTCOME, DECISION = schema.intent.c, schema.attempt.c, schema.outcome.c, schema.decision.c
NAME, SIGHTING, UPLOAD, SCAN, FILE = schema.name.c, schema.sighting.c, schema.upload.c, schema.scan.c, schema.file.c
ONCE = schema.name_observation.c
TASK = schema.task.c

GONE_SIGHTINGS, GONE_UNSCANNABLE = "erased/sightings", "erased/unscannable"
"""Counters of what was erased: sums of what was ever seen count it still."""

SOMEBODY = "erased"
"""What stands where a human's name stood that has to stay something: an approval is an approval."""


@dataclass(slots=True)
class Taken:
    """What one transaction takes out."""

    counts: dict[str, int] = field(default_factory=dict)
    refs: list[str] = field(default_factory=list)  # of rows whose payloads are gone
    first_seen: datetime | None = (
        None  # of the sightings among it: how long it took until something was done stays known
    )

    def note(self, what: str, number: int) -> None:
        """Count something; nothing is not counted."""
        if number:
            self.counts[what] = self.counts.get(what, 0) + number


def write_down(connection: Connection, taken: Taken, *, at: datetime, by: str, scope: str, case: int | None) -> None:
    """Take the salts away, and leave a row that says who erased how much and when; nothing for nothing."""
    if not taken.counts:
        return
    gone = sorted(_entries(connection, taken.refs))
    for part in parts(gone):
        connection.execute(delete(schema.audit_payload).where(schema.audit_payload.c.n.in_(part)))
    values: dict[str, Any] = {
        "case_number": case,
        "at": at,
        "who": by,
        "scope": scope,
        "what": chain.canonical({"counts": taken.counts, "first_seen": taken.first_seen}),
        "entries": json.dumps(_ranges(gone), separators=(",", ":")),
    }
    erasure_id = add(connection, schema.erasure, **values)
    told = [chain.of_row(chain.ERASURE, {**values, "id": erasure_id}), *_left(connection, taken.refs)]
    chain.append(connection, at, told)


def erase_intents(connection: Connection, ids: Sequence[int], taken: Taken) -> None:
    """Intents with their attempts, outcomes and decisions."""
    if not ids:
        return
    for intent_id in ids:  # one by one: each keeps a target of its own, and no two are alike
        connection.execute(
            update(schema.intent)
            .where(INTENT.id == intent_id)
            .values(
                payload=ERASED,
                detail=ERASED,
                target_digest=f"{SOMEBODY}/{intent_id}",
                account_digest=None,
                community_digest=None,
            )
        )
    connection.execute(delete(schema.also_named).where(schema.also_named.c.intent_id.in_(ids)))
    connection.execute(
        update(schema.intent).where(INTENT.id.in_(ids), INTENT.approved_by.is_not(None)).values(approved_by=SOMEBODY)
    )
    tries = connection.execute(select(ATTEMPT.id).where(ATTEMPT.intent_id.in_(ids))).scalars().all()
    for part in parts(tries):
        connection.execute(update(schema.attempt).where(ATTEMPT.id.in_(part)).values(before=ERASED))
        _quieten(connection, part, taken)
    taken.refs += [f"{chain.INTENT}/{id_}" for id_ in ids] + [f"{chain.ATTEMPT}/{id_}" for id_ in tries]
    taken.note("deeds", len(ids))
    taken.note("attempts", len(tries))
    erase_decisions(connection, DECISION.intent_id.in_(ids), taken)


def _quieten(connection: Connection, attempts: Sequence[int], taken: Taken) -> None:
    """What came of attempts stays countable; what the server said in its own words goes."""
    for row in connection.execute(select(schema.outcome).where(OUTCOME.attempt_id.in_(attempts))).all():
        left = encode(replace(outcome_of(row.payload), note=ERASED))
        connection.execute(update(schema.outcome).where(OUTCOME.attempt_id == row.attempt_id).values(payload=left))
        taken.refs.append(f"{chain.OUTCOME}/{row.attempt_id}")


def erase_decisions(connection: Connection, which: ColumnElement[bool], taken: Taken) -> None:
    """Who decided and what they wrote; when and what was decided stays."""
    told = and_(which, (DECISION.who != ERASED) | (DECISION.note != ERASED))
    changed = update(schema.decision).where(told).values(who=ERASED, note=ERASED).returning(DECISION.id)
    ids = connection.execute(changed).scalars().all()
    taken.refs += [f"{chain.DECISION}/{id_}" for id_ in ids]
    taken.note("decisions", len(ids))


def erase_orders(connection: Connection, case: int, taken: Taken) -> None:
    """Who ordered something, and why, stands in the verdict; of others it holds no name."""
    verdicts = schema.verdict
    left = encode(Because(text=ORDERED, exact=False))
    told = (verdicts.c.case_number == case, verdicts.c.rule_id == ORDERED, verdicts.c.because != left)
    for id_ in connection.execute(select(verdicts.c.id).where(*told)).scalars().all():
        changes = {"because": left, "because_digest": f"{SOMEBODY}/{id_}"}
        connection.execute(update(verdicts).where(verdicts.c.id == id_).values(**changes))
        taken.refs.append(f"{chain.VERDICT}/{id_}")
        taken.note("orders", 1)


def erase_rows(connection: Connection, table: Table, ids: Sequence[int], taken: Taken, what: str) -> int:
    """Delete rows that no entry of the chain is about; how many there were."""
    number = 0
    for part in parts(ids):
        number += connection.execute(delete(table).where(table.c.id.in_(part))).rowcount
    taken.note(what, number)
    return number


def erase_sightings(connection: Connection, ids: Sequence[int], taken: Taken) -> None:
    """Sightings, counted still among what was ever seen."""
    for part in parts(ids):
        first = connection.execute(select(func.min(SIGHTING.first_seen)).where(SIGHTING.id.in_(part))).scalar()
        if first is not None:
            taken.first_seen = min(first, taken.first_seen or first)
    raise_counter(connection, GONE_SIGHTINGS, erase_rows(connection, schema.sighting, ids, taken, "sightings"))


def erase_names(connection: Connection, ids: Sequence[int], taken: Taken) -> None:
    """Names, what they once stood for, and tasks about them that were given up."""
    for part in parts(ids):
        digests = select(NAME.key_digest).where(NAME.id.in_(part))
        connection.execute(
            delete(schema.task).where(
                TASK.kind == TaskKind.EXAMINE.value, TASK.state == PARKED, TASK.target_digest.in_(digests)
            )
        )
        connection.execute(delete(schema.name_observation).where(ONCE.name_id.in_(part)))
    erase_rows(connection, schema.name, ids, taken, "names")


def raise_counter(connection: Connection, key: str, by: int) -> None:
    """Writers queue up, so that nobody else changes it in between."""
    if by:
        counter = schema.counter
        so_far = connection.execute(select(counter.c.value).where(counter.c.key == key)).scalar() or 0
        put(connection, counter, ["key"], key=key, value=so_far + by)


def in_a_case(file_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Files that somebody flagged."""
    return file_id.in_(select(schema.case_file.c.file_id))


def once_in_a_case(name_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Names that once stood for such a file: what was seen of them then belongs to its case."""
    return name_id.in_(select(ONCE.name_id).where(in_a_case(ONCE.file_id)))


def unneeded() -> list[ColumnElement[bool]]:
    """Names that nothing refers to: seen nowhere, stored by nobody, and about to be looked at by no task."""
    return [
        ~select(literal(1)).where(SIGHTING.name_id == NAME.id).exists(),
        ~select(literal(1)).where(UPLOAD.name_id == NAME.id).exists(),
        ~select(literal(1))
        .where(TASK.kind == TaskKind.EXAMINE.value, TASK.target_digest == NAME.key_digest, TASK.state != PARKED)
        .exists(),
    ]


def _entries(connection: Connection, refs: Sequence[str]) -> Iterable[int]:
    for part in parts(refs):
        yield from connection.execute(select(AUDIT.n).where(AUDIT.ref.in_(part))).scalars()


def _left(connection: Connection, refs: Sequence[str]) -> Iterable[chain.Entry]:
    """What is left of erased rows is vouched for like what was there before."""
    for kind, row in chain.ROWS.items():
        key = row.table.c[row.key]
        keys = [int(ref.removeprefix(f"{kind}/")) for ref in refs if ref.startswith(f"{kind}/")]
        for part in parts(keys):
            left = select(*(row.table.c[column] for column in row.columns)).where(key.in_(part)).order_by(key)
            # No order rests on a scan, and no other verdict is changed.
            yield from (chain.of_row(kind, dict(values)) for values in connection.execute(left).mappings().all())


def _ranges(numbers: Sequence[int]) -> list[list[int]]:
    """``1, 2, 3, 7`` as ``[[1, 3], [7, 7]]``."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found
