"""Whom a deed concerns and where, for limits; the wording of rules; messages to the operators."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PAGE = 1000


def upgrade() -> None:
    """New columns, filled from what the rows say; new tables."""
    op.add_column("sighting", sa.Column("author_digest", sa.Text(), nullable=True))
    op.add_column("intent", sa.Column("account_digest", sa.Text(), nullable=True))
    op.add_column("intent", sa.Column("community_digest", sa.Text(), nullable=True))
    if not context.is_offline_mode():
        _fill("sighting", lambda seen: {"author_digest": _digest(_in(seen, "subject", "author"))})
        _fill("intent", _concerns)
    op.create_index("ix_sighting_author_digest", "sighting", ["author_digest"])
    op.create_index("ix_intent_account", "intent", ["account_digest", "kind", "allowed_at"])
    op.create_index("ix_intent_community", "intent", ["community_digest", "kind", "allowed_at"])
    op.create_index("ix_verdict_rule_at", "verdict", ["rule_id", "at"])
    op.create_index("ix_scan_at", "scan", ["at"])
    op.create_table(
        "rule_text",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_rule_text"),
    )
    op.create_table(
        "message",
        sa.Column("id", KEY, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("key_digest", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_message"),
        sa.UniqueConstraint("channel", "key_digest", name="uq_message_channel"),
    )
    op.create_index("ix_message_turn", "message", ["sent_at", "not_before"])


def downgrade() -> None:
    """Take them away."""
    op.drop_table("message")
    op.drop_table("rule_text")
    for table, index in (
        ("scan", "ix_scan_at"),
        ("verdict", "ix_verdict_rule_at"),
        ("intent", "ix_intent_community"),
        ("intent", "ix_intent_account"),
        ("sighting", "ix_sighting_author_digest"),
    ):
        op.drop_index(index, table)
    op.drop_column("intent", "community_digest")
    op.drop_column("intent", "account_digest")
    op.drop_column("sighting", "author_digest")


def _fill(table: str, values: Any) -> None:
    """Page by page: a ledger may hold a million sightings."""
    connection = op.get_bind()
    rows = sa.table(table, sa.column("id", sa.BigInteger()), sa.column("payload", sa.Text()), *_columns(table))
    last = 0
    while page := connection.execute(
        sa.select(rows.c.id, rows.c.payload).where(rows.c.id > last).order_by(rows.c.id).limit(PAGE)
    ).all():
        last = page[-1].id
        found = [(row.id, values(json.loads(row.payload))) for row in page]
        changes = [{"row": id_, **new} for id_, new in found if any(new.values())]
        if changes:
            named: dict[str, Any] = {name: sa.bindparam(name) for name in changes[0] if name != "row"}
            connection.execute(sa.update(rows).where(rows.c.id == sa.bindparam("row")).values(**named), changes)


def _columns(table: str) -> list[sa.ColumnClause[str]]:
    names = {"sighting": ["author_digest"], "intent": ["account_digest", "community_digest"]}[table]
    return [sa.column(name, sa.Text()) for name in names]


def _concerns(intent: dict[str, Any]) -> dict[str, str | None]:
    account = intent.get("account") or _in(intent, "subject", "author")
    return {
        "account_digest": _digest(account),
        "community_digest": _digest(_in(intent, "subject", "community")),
    }


def _in(value: dict[str, Any], *path: str) -> dict[str, Any] | None:
    for step in path:
        found = value.get(step)
        if not isinstance(found, dict):
            return None
        value = found
    return value


def _digest(known: dict[str, Any] | None) -> str | None:
    if known is None:
        return None
    return hashlib.sha256(str(known["uri"]).encode("utf-8", "surrogatepass")).hexdigest()
