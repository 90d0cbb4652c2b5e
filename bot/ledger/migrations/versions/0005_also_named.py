"""Posts that a report names beside the one that is its target."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """A table of its own: no post is named by two reports of a case."""
    op.create_table(
        "also_named",
        sa.Column("case_number", ID, sa.ForeignKey("cases.number"), nullable=False),
        sa.Column("target_digest", sa.Text, nullable=False),
        sa.Column("intent_id", ID, sa.ForeignKey("intent.id"), nullable=False),
        sa.UniqueConstraint("case_number", "target_digest"),
    )
    op.create_index("ix_also_named_target", "also_named", ["target_digest"])
    op.create_index("ix_also_named_intent_id", "also_named", ["intent_id"])


def downgrade() -> None:
    """Without it: the reports keep what they name in their payloads."""
    op.drop_table("also_named")
