"""Room in the pages of rows that are added to all the time: an update then stays in its page and touches no index."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TABLES = ("rollup", "pane", "tally", "boot")


def upgrade() -> None:
    """Apply."""
    for table in _TABLES:
        op.execute(f"alter table {table} set (fillfactor = 60)")


def downgrade() -> None:
    """Undo."""
    for table in _TABLES:
        op.execute(f"alter table {table} reset (fillfactor)")
