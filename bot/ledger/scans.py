"""Stored scans, with what was made of them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from bot.domain.evidence import Evidence
from bot.ledger import schema
from bot.ledger.codec import intent_of, scan_of
from bot.ledger.part import Part
from bot.ledger.schema import ERASED
from bot.ports import Looked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

SCAN = schema.scan.c
FILE = schema.file.c
VERDICT = schema.verdict.c
INTENT = schema.intent.c


class ScansPart(Part):
    """``Scans``."""

    def looked_at(
        self, *, since: datetime | None = None, case: int | None = None, before: int | None = None, limit: int
    ) -> Sequence[Looked]:
        """Files that could be read, by their newest scan, newest first."""
        found: list[Looked] = []
        with self._database.read() as connection:
            while len(found) < limit:
                rows = _page(connection, since=since, case=case, before=before, limit=limit)
                scans = [(row, scan_of(row.payload)) for row in rows if row.payload != ERASED]
                read = [(row, scan) for row, scan in scans if isinstance(scan, Evidence)]
                files = [row.file_id for row, _ in read]
                rules, planned = _rules(connection, files), _planned(connection, files)
                found += [
                    Looked(
                        scan_id=row.id,
                        file=row.file_id,
                        at=row.at,
                        scan=scan,
                        case=row.number,
                        case_state=row.state if row.state in {"dismissed", "undone"} else "",
                        rules=rules.get(row.file_id, ()),
                        planned=planned.get(row.file_id, ()),
                    )
                    for row, scan in read
                ]
                if len(rows) < limit:
                    break
                before = rows[-1].id
        return found[:limit]


def _page(
    connection: Connection, *, since: datetime | None, case: int | None, before: int | None, limit: int
) -> Sequence[Any]:
    newest = (
        select(SCAN.id, SCAN.file_id, SCAN.at, SCAN.payload, schema.cases.c.number, schema.cases.c.state)
        .select_from(schema.scan)
        .join(schema.file, FILE.scan_id == SCAN.id)
        .outerjoin(schema.case_file, schema.case_file.c.file_id == FILE.id)
        .outerjoin(schema.cases, schema.cases.c.number == schema.case_file.c.case_number)
        .where(FILE.readable)
        .order_by(SCAN.id.desc())
        .limit(limit)
    )
    if since is not None:
        newest = newest.where(SCAN.at >= since)
    if case is not None:
        newest = newest.where(schema.case_file.c.case_number == case)
    if before is not None:
        newest = newest.where(SCAN.id < before)
    return connection.execute(newest).all()


def _rules(connection: Connection, files: Sequence[int]) -> Mapping[int, Sequence[str]]:
    fired = select(VERDICT.file_id, VERDICT.rule_id).where(VERDICT.file_id.in_(files)).distinct()
    found: dict[int, set[str]] = defaultdict(set)
    for file_id, rule_id in connection.execute(fired):
        found[file_id].add(rule_id)
    return {file_id: sorted(rules) for file_id, rules in found.items()}


def _planned(connection: Connection, files: Sequence[int]) -> Mapping[int, Sequence[tuple[str, str, bool]]]:
    deeds = (
        select(VERDICT.file_id, INTENT.payload, INTENT.planned)
        .select_from(schema.intent)
        .join(schema.verdict)
        .where(VERDICT.file_id.in_(files), INTENT.payload != ERASED)
        .order_by(INTENT.id)
    )
    found: dict[int, list[tuple[str, str, bool]]] = defaultdict(list)
    for row in connection.execute(deeds):
        intent = intent_of(row.payload)
        found[row.file_id].append((intent.kind, intent.target, row.planned == "allowed"))
    return found
