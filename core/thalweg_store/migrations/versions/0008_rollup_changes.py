"""Which hours' rollups changed last by which transaction: what readers remember of the others is still right."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "rollup_change",
        sa.Column("hour", sa.Integer(), nullable=False, comment="of the buckets, counted from 1970 (UTC)"),
        sa.Column(
            "writer",
            sa.Integer(),
            nullable=False,
            comment="process of the server: writers have rows of their own and never wait for each other",
        ),
        sa.Column(
            "xact",
            sa.BigInteger(),
            nullable=False,
            comment="its last transaction (xid8) that changed the hour's rollups",
        ),
        sa.PrimaryKeyConstraint("hour", "writer", name=op.f("pk_rollup_change")),
        comment="tells readers what they must read again",
    )
    op.create_index(op.f("ix_rollup_change_xact"), "rollup_change", ["xact"])


def downgrade() -> None:
    """Undo."""
    op.drop_table("rollup_change")
