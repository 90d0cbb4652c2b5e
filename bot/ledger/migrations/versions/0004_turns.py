"""Indexes along which the next deeds of a case are found, however many it has."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """By case, and over all cases; the latter takes the place of the index by state alone."""
    op.create_index("ix_intent_turn", "intent", ["case_number", "state", "kind", "id"])
    op.create_index("ix_intent_state_kind", "intent", ["state", "kind", "id"])
    op.drop_index("ix_intent_state", "intent")


def downgrade() -> None:
    """As it was."""
    op.create_index("ix_intent_state", "intent", ["state"])
    op.drop_index("ix_intent_state_kind", "intent")
    op.drop_index("ix_intent_turn", "intent")
