"""Which files a detector failed on, beside them, so that they can be counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new column, filled from what the newest scans say."""
    op.add_column("file", sa.Column("unscored", sa.Boolean(), nullable=False, server_default=sa.false()))
    file = sa.table("file", sa.column("scan_id", sa.BigInteger()), sa.column("unscored", sa.Boolean()))
    scan = sa.table("scan", sa.column("id", sa.BigInteger()), sa.column("payload", sa.Text()))
    gap = sa.or_(*(scan.c.payload.contains(words, autoescape=True) for words in (': failed"', ": failed, revision ")))
    op.execute(sa.update(file).where(file.c.scan_id.in_(sa.select(scan.c.id).where(gap))).values(unscored=sa.true()))


def downgrade() -> None:
    """Take it away: the scans say it still."""
    op.drop_column("file", "unscored")
