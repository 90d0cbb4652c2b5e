"""The audit chain, beginning with what is there already; what was erased; the scan that a verdict rests on."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic import context, op

if TYPE_CHECKING:
    from collections.abc import Iterator

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PAGE = 1000
MOMENT = sa.DateTime(timezone=True)

# What an entry vouches for, as it was when this step was written; tests compare it with what the program does.
WHOLE, NUMBER, YES, WHEN = sa.Text(), sa.BigInteger(), sa.Boolean(), MOMENT
ROWS: dict[str, dict[str, Any]] = {
    "verdict": {
        "id": NUMBER,
        "case_number": NUMBER,
        "file_id": NUMBER,
        "rule_id": WHOLE,
        "rule_digest": WHOLE,
        "because_digest": WHOLE,
        "exact": YES,
        "because": WHOLE,
        "at": WHEN,
        "scan_id": NUMBER,
    },
    "intent": {
        "id": NUMBER,
        "case_number": NUMBER,
        "verdict_id": NUMBER,
        "kind": WHOLE,
        "target_digest": WHOLE,
        "account_digest": WHOLE,
        "community_digest": WHOLE,
        "payload": WHOLE,
        "planned": WHOLE,
        "created_at": WHEN,
    },
    "decision": {
        "id": NUMBER,
        "case_number": NUMBER,
        "intent_id": NUMBER,
        "at": WHEN,
        "who": WHOLE,
        "what": WHOLE,
        "note": WHOLE,
    },
    "attempt": {
        "id": NUMBER,
        "intent_id": NUMBER,
        "reverting": YES,
        "fence": NUMBER,
        "turn": NUMBER,
        "started_at": WHEN,
        "before": WHOLE,
    },
    "outcome": {"attempt_id": NUMBER, "payload": WHOLE, "at": WHEN},
    "rule": {"digest": WHOLE, "rule_id": WHOLE, "text": WHOLE, "since": WHEN},
}
TABLES = {"rule": "rule_text"}
"""Kinds that are not called as their tables are."""

ESCAPED = {"rule_id", "who", "note", "text"}
"""Columns in which a text that no database stores is JSON behind ``json:``."""


def upgrade() -> None:
    """New tables and columns; an entry for each row that the chain vouches for from now on."""
    op.add_column("verdict", sa.Column("scan_id", KEY, nullable=True))
    op.create_table(
        "audit",
        sa.Column("n", KEY, autoincrement=False, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("payload_digest", sa.Text(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("n", name="pk_audit"),
    )
    op.create_index("ix_audit_ref", "audit", ["ref"])
    op.create_table(
        "audit_payload",
        sa.Column("n", KEY, autoincrement=False, nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["n"], ["audit.n"], name="fk_audit_payload_n_audit"),
        sa.PrimaryKeyConstraint("n", name="pk_audit_payload"),
    )
    op.create_table(
        "erasure",
        sa.Column("id", KEY, nullable=False),
        sa.Column("case_number", KEY, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("entries", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_number"], ["cases.number"], name="fk_erasure_case_number_cases"),
        sa.PrimaryKeyConstraint("id", name="pk_erasure"),
    )
    op.create_index("ix_erasure_case_number", "erasure", ["case_number"])
    if not context.is_offline_mode():
        _begin_chain(op.get_bind())


def downgrade() -> None:
    """Take them away."""
    op.drop_table("erasure")
    op.drop_table("audit_payload")
    op.drop_table("audit")
    op.drop_column("verdict", "scan_id")


def _begin_chain(connection: sa.Connection) -> None:
    """Nobody vouches for what happened to these rows before; from here on every change to them shows."""
    counts = {kind: _count(connection, kind) for kind in ROWS}
    if not any(counts.values()):
        return
    now = datetime.now(UTC)
    chain = _Chain(connection, now)
    chain.add("upgrade", "0003", told := _canonical({"rows": counts}), told)
    for kind, columns in ROWS.items():
        key = next(iter(columns))
        for row in _rows(connection, kind):
            scan = {"scan": None} if kind == "verdict" else {}
            chain.add(kind, f"{kind}/{row[key]}", _canonical({**row, **scan}), None)
    chain.write()


class _Chain:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._n, self._previous = 0, "0" * 64
        self._links: list[dict[str, Any]] = []
        self._payloads: list[dict[str, Any]] = []
        texts = dict.fromkeys(("kind", "ref", "payload_digest", "previous", "digest"), WHOLE)
        self._audit = _table("audit", n=NUMBER, at=WHEN, **texts)
        self._payload = _table("audit_payload", n=NUMBER, salt=WHOLE, text=WHOLE)

    def add(self, kind: str, ref: str, payload: str, text: str | None) -> None:
        self._n += 1
        salt = secrets.token_hex(16)
        sealed = hmac.new(bytes.fromhex(salt), payload.encode(), hashlib.sha256).hexdigest()
        link = _canonical([self._n, self._now, kind, ref, sealed, self._previous])
        digest = hashlib.sha256(link.encode()).hexdigest()
        self._links.append(
            {
                "n": self._n,
                "at": self._now,
                "kind": kind,
                "ref": ref,
                "payload_digest": sealed,
                "previous": self._previous,
                "digest": digest,
            }
        )
        self._payloads.append({"n": self._n, "salt": salt, "text": text})
        self._previous = digest
        if len(self._links) == PAGE:
            self.write()

    def write(self) -> None:
        if self._links:
            self._connection.execute(sa.insert(self._audit), self._links)
            self._connection.execute(sa.insert(self._payload), self._payloads)
        self._links, self._payloads = [], []


def _table(name: str, **columns: Any) -> sa.TableClause:
    return sa.table(name, *(sa.column(column, type_) for column, type_ in columns.items()))


def _count(connection: sa.Connection, kind: str) -> int:
    table = sa.table(TABLES.get(kind, kind))
    return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def _rows(connection: sa.Connection, kind: str) -> Iterator[dict[str, Any]]:
    """Page by page, in the order of their keys."""
    table = _table(TABLES.get(kind, kind), **ROWS[kind])
    key = table.c[next(iter(ROWS[kind]))]
    last: Any = "" if key.type is WHOLE else 0
    while page := connection.execute(sa.select(table).where(key > last).order_by(key).limit(PAGE)).all():
        last = page[-1][0]
        for row in page:
            yield {name: _value(name, value) for name, value in row._mapping.items()}  # noqa: SLF001 - public


def _value(name: str, value: Any) -> Any:
    if name in ESCAPED and isinstance(value, str) and value.startswith("json:"):
        return json.loads(value.removeprefix("json:"))
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value


def _canonical(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, default=_moment)


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds")
