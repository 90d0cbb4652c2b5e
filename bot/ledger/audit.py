"""Looks at the chain: is every entry as it was written, and does what it vouches for still say the same?"""

from __future__ import annotations

import hmac
import json
import sys
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import select, type_coerce
from sqlalchemy.types import NULLTYPE

from bot.ledger import chain, schema
from bot.ledger.chain import AUDIT, ROWS, START
from bot.ledger.part import Part
from bot.ports import AuditProblem, AuditReport, ErasedPayloads, Head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy import Column, Connection, Select, Table

Kept: TypeAlias = "dict[str, Any]"
"""A row, by the names of its columns."""

Rows: TypeAlias = "Mapping[str, Mapping[int | str, Kept]]"
"""What is vouched for, by kind and key."""

PAGE = 400
"""Entries that are looked at together: SQLite takes a thousand values in one question, older ones at least."""

SHOWN = 100
"""Problems that are told one by one: where the chain was rewritten, there may be one for each entry."""


class AuditPart(Part):
    """``Audit``."""

    def head(self) -> Head:
        """The last entry."""
        with self._database.read() as connection:
            return _head(connection)

    def verify(self, *, kept: Head | None = None) -> AuditReport:
        """Compute everything anew, as of one moment."""
        with self._database.read() as connection:
            return _Look(connection).through(kept)

    def note_config(self, digest: str, *, why: str) -> None:
        """Write down under which configuration is acted from now on."""
        with self._database.write() as connection:
            chain.append(connection, self._now(), [chain.of_event(chain.CONFIG, why, digest=digest)])


def _head(connection: Connection) -> Head:
    last = connection.execute(select(AUDIT.n, AUDIT.digest).order_by(AUDIT.n.desc()).limit(1)).first()
    return Head(n=last.n, digest=last.digest) if last is not None else Head(n=0, digest=START)


@dataclass(slots=True)
class _Look:
    """One look, entry by entry."""

    connection: Connection
    problems: list[AuditProblem] = field(default_factory=list)
    entries: int = 0
    erased: list[tuple[int, int]] = field(default_factory=list)  # ranges of entries whose payloads were erased
    gone: list[ErasedPayloads] = field(default_factory=list)
    vouched: dict[str, set[int | str]] = field(default_factory=lambda: {kind: set() for kind in ROWS})
    upgraded: datetime | None = None

    def through(self, kept: Head | None) -> AuditReport:
        self._read_erasures()
        expected, previous = 1, START
        known = START if kept is not None and kept.n == 0 else None
        for page in _pages(self.connection):
            salts = _salts(self.connection, page)
            rows = _rows(self.connection, page)
            for entry in page:
                self.entries += 1
                self._follows(entry, expected, previous)
                self._says_the_same(entry, salts.get(entry["n"]), rows)
                if kept is not None and entry["n"] == kept.n:
                    known = entry["digest"]
                if entry["kind"] == chain.UPGRADE and isinstance(entry["at"], datetime):
                    self.upgraded = entry["at"]
                expected, previous = entry["n"] + 1, entry["digest"]
        if kept is not None:
            self._still_has(kept, known, expected - 1)
        self._nothing_besides()
        return AuditReport(
            head=Head(n=expected - 1, digest=previous),
            entries=self.entries,
            problems=self.problems[:SHOWN],
            more_problems=max(0, len(self.problems) - SHOWN),
            erased=self.gone,
            vouches_since=self.upgraded,
        )

    def _wrong(self, n: int | None, what: str) -> None:
        self.problems.append(AuditProblem(n=n, what=what))

    def _read_erasures(self) -> None:
        """What was erased stands in rows that are never erased; the chain vouches for these like for all others."""
        for row in _as_kept(self.connection, schema.erasure, select(), schema.erasure.c.id):
            ranges = _ranges(row["entries"])
            self.erased += ranges
            if ranges and isinstance(row["at"], datetime):
                told = ErasedPayloads(
                    at=row["at"],
                    by=row["who"],
                    scope=row["scope"],
                    case=row["case_number"],
                    entries=sum(last - first + 1 for first, last in ranges),
                )
                self.gone.append(told)
        self.erased.sort()

    def _was_erased(self, n: int) -> bool:
        at = bisect_right(self.erased, (n, sys.maxsize)) - 1
        return at >= 0 and self.erased[at][0] <= n <= self.erased[at][1]

    def _follows(self, entry: Kept, expected: int, previous: str) -> None:
        n = entry["n"]
        if n != expected:
            self._wrong(
                expected, f"missing: there is no entry {expected}" + (f" to {n - 1}" if n > expected + 1 else "")
            )
        elif entry["previous"] != previous:
            self._wrong(n, "does not follow the entry before it: one of the two was changed or put elsewhere")
        if not _same(chain.link_digest(entry), entry["digest"]):
            self._wrong(n, f"changed: {entry['kind']} {entry['ref']} is not what was written")

    def _says_the_same(self, entry: Kept, payload: Kept | None, rows: Rows) -> None:
        n, kind, ref = entry["n"], entry["kind"], entry["ref"]
        if kind in ROWS:
            self._row_says(entry, payload, rows[kind].get(_key(entry)))
        elif payload is None or payload["text"] is None:
            self._wrong(n, f"the payload of {kind} {ref} is missing")
        elif not _sealed(payload, payload["text"], entry):
            self._wrong(n, f"the payload of {kind} {ref} was changed")

    def _row_says(self, entry: Kept, payload: Kept | None, row: Kept | None) -> None:
        n, kind, ref = entry["n"], entry["kind"], entry["ref"]
        if row is None:
            self._wrong(n, f"the row that it vouches for, {ref}, is missing")
        elif payload is None:
            if not self._was_erased(n):
                self._wrong(n, f"the payload of {ref} is gone, and nobody wrote down that it was erased")
        else:
            self.vouched[kind].add(_key(entry))
            if not _sealed(payload, chain.row_payload(kind, row, scan=row.get("scan_payload")), entry):
                self._wrong(n, f"payload does not match: {ref} is not what was written")

    def _still_has(self, kept: Head, known: str | None, last: int) -> None:
        if known is None:
            self._wrong(last + 1, f"cut off: the chain ends at entry {last}, and once had entry {kept.n}")
        elif not _same(known, kept.digest):
            self._wrong(kept.n, "rewritten: it had another digest when its head was kept")

    def _nothing_besides(self) -> None:
        """A row without an entry was put there by somebody else, or its entry was cut off."""
        for kind, vouched in ROWS.items():
            key = vouched.table.c[vouched.key]
            for (id_,) in self.connection.execute(select(key).order_by(key)):
                if id_ not in self.vouched[kind]:
                    self._wrong(None, f"{kind}/{id_} is there, and no entry vouches for it")


def _pages(connection: Connection) -> Iterator[list[Kept]]:
    last = 0
    while page := _as_kept(connection, schema.audit, select().where(AUDIT.n > last).limit(PAGE), AUDIT.n):
        yield page
        last = page[-1]["n"]


def _salts(connection: Connection, page: Sequence[Kept]) -> dict[int, Kept]:
    payloads = schema.audit_payload
    some = select().where(payloads.c.n.between(page[0]["n"], page[-1]["n"]))
    return {row["n"]: row for row in _as_kept(connection, payloads, some, payloads.c.n)}


def _rows(connection: Connection, page: Sequence[Kept]) -> Rows:
    """What the entries of a page vouch for, by kind and key."""
    found: dict[str, dict[int | str, Kept]] = {kind: {} for kind in ROWS}
    for kind, vouched in ROWS.items():
        keys = [_key(entry) for entry in page if entry["kind"] == kind]
        if not keys:
            continue
        key = vouched.table.c[vouched.key]
        some = select().where(key.in_(keys))
        if kind == chain.VERDICT:
            scan = schema.scan.c.payload.label("scan_payload")
            some = some.add_columns(scan).outerjoin_from(
                schema.verdict, schema.scan, schema.scan.c.id == schema.verdict.c.scan_id
            )
        found[kind] = {row[vouched.key]: row for row in _as_kept(connection, vouched.table, some, key)}
    return found


def _as_kept(connection: Connection, table: Table, some: Select[Any], order: Column[Any]) -> list[Kept]:
    """Rows in the words of the program; what somebody wrote there that has none, as it is: it matches nothing."""
    words = {column.name: column.type.dialect_impl(connection.dialect) for column in table.c}
    read = {name: type_.result_processor(connection.dialect, None) for name, type_ in words.items()}
    bare = some.add_columns(*(type_coerce(column, NULLTYPE).label(column.name) for column in table.c))
    rows = connection.execute(bare.order_by(order)).mappings()
    return [{name: _word(read.get(name), value) for name, value in row.items()} for row in rows]


def _word(read: Callable[[Any], Any] | None, value: Any) -> Any:
    try:
        value = value if read is None else read(value)
    except (ValueError, TypeError, AttributeError):
        return f"{value!r}"
    return value if isinstance(value, None | bool | int | float | str | datetime) else f"{value!r}"


def _key(entry: Kept) -> int | str:
    """The row that an entry is about; 0, which no row has, where the entry was spoilt."""
    number = str(entry["ref"]).removeprefix(f"{entry['kind']}/")
    if entry["kind"] == chain.RULE:
        return number
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 19 else 0


def _ranges(entries: str) -> list[tuple[int, int]]:
    """Empty where somebody spoilt the row: that shows as a payload that does not match."""
    try:
        return [(int(first), int(last)) for first, last in json.loads(entries)]
    except (ValueError, TypeError):
        return []


def _sealed(payload: Kept, text: str, entry: Kept) -> bool:
    try:
        return _same(chain.salted(payload["salt"], text), entry["payload_digest"])
    except (ValueError, TypeError):  # a salt that is none
        return False


def _same(one: str, other: Any) -> bool:
    return hmac.compare_digest(one.encode(), str(other).encode("utf-8", "surrogatepass"))
