"""An index that finds the latest batches without a look at all others: activations do so while ingest waits."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_index("ix_batch_id", "batch", ["id"], postgresql_using="brin")


def downgrade() -> None:
    """Undo."""
    op.drop_index("ix_batch_id", table_name="batch")
