"""How devices sign in at a broker that asks us."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "device_login",
        sa.Column("device", sa.Integer(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="scrypt of the password, 32 bytes"),
        sa.Column("log2_cost", sa.SmallInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_device_login_device")),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_device_login")),
        comment="passwords at the broker; the keys that sign batches are derived, not stored",
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("device_login")
