"""Which files were seen only in part, beside them, so that they can be counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new column, filled from what the newest scans say."""
    op.add_column("file", sa.Column("partly_seen", sa.Boolean(), nullable=False, server_default=sa.false()))
    file = sa.table("file", sa.column("scan_id", sa.BigInteger()), sa.column("partly_seen", sa.Boolean()))
    scan = sa.table("scan", sa.column("id", sa.BigInteger()), sa.column("payload", sa.Text()))
    in_part = sa.select(scan.c.id).where(scan.c.payload.contains('"kind":"partly_seen"', autoescape=True))
    op.execute(sa.update(file).where(file.c.scan_id.in_(in_part)).values(partly_seen=sa.true()))


def downgrade() -> None:
    """Take it away: the scans say it still."""
    op.drop_column("file", "partly_seen")
