"""Sums name a flow by its number: a row takes half the space, and adding to it half the time."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_PANE_COMMENT = "the last hours by commit time, for live views only"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "flow",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("meter", sa.Integer(), nullable=False),
        sa.Column("assignment", sa.Integer(), nullable=False),
        sa.Column("group", sa.ARRAY(sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["meter"], ["meter.id"], name=op.f("fk_flow_meter")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flow")),
        sa.UniqueConstraint("assignment", "meter", "group", name=op.f("uq_flow_assignment_meter_group")),
        comment="where measured quantities are summed: a meter, who held the roles, and the groups",
    )
    _make_way("ix_rollup_bucket", "ix_rollup_assignment_bucket")
    op.create_table(
        "rollup",
        sa.Column("flow", sa.Integer(), nullable=False),
        sa.Column("bucket", sa.DateTime(timezone=True), nullable=False, comment="quarter hour UTC of measurement"),
        sa.Column(
            "revision", sa.SmallInteger(), nullable=False, comment="how often the bucket's period had been closed"
        ),
        *_sums(),
        sa.PrimaryKeyConstraint("flow", "bucket", "revision", name=op.f("pk_rollup")),
    )
    op.create_table(
        "pane",
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False, comment="minute of commit"),
        sa.Column("flow", sa.Integer(), nullable=False),
        *_sums(),
        sa.PrimaryKeyConstraint("minute", "flow", name=op.f("pk_pane")),
        comment=_PANE_COMMENT,
    )
    op.execute("""
        insert into flow (meter, assignment, "group")
        select meter, assignment, "group" from rollup_before union select meter, assignment, "group" from pane_before
        order by 1, 2, 3
    """)
    for table, own in (("rollup", "bucket, revision"), ("pane", "minute")):
        op.execute(f"""
            insert into {table} (flow, {own}, quantity, occurrences)
            select f.id, {own}, quantity, occurrences
            from {table}_before join flow f using (meter, assignment, "group")
        """)  # noqa: S608 - names of this module
    _finish()
    op.create_foreign_key(op.f("fk_rollup_flow"), "rollup", "flow", ["flow"], ["id"])
    op.create_foreign_key(op.f("fk_pane_flow"), "pane", "flow", ["flow"], ["id"])
    op.create_index(op.f("ix_rollup_bucket"), "rollup", ["bucket"])


def downgrade() -> None:
    """Undo."""
    _make_way("ix_rollup_bucket")
    op.create_table(
        "rollup",
        sa.Column("meter", sa.Integer(), nullable=False),
        sa.Column("bucket", sa.DateTime(timezone=True), nullable=False, comment="quarter hour UTC of measurement"),
        sa.Column("assignment", sa.Integer(), nullable=False),
        sa.Column("group", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "revision", sa.SmallInteger(), nullable=False, comment="how often the bucket's period had been closed"
        ),
        *_sums(),
        sa.PrimaryKeyConstraint("meter", "bucket", "assignment", "group", "revision", name=op.f("pk_rollup")),
    )
    op.create_table(
        "pane",
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False, comment="minute of commit"),
        sa.Column("meter", sa.Integer(), nullable=False),
        sa.Column("assignment", sa.Integer(), nullable=False),
        sa.Column("group", sa.ARRAY(sa.Text()), nullable=False),
        *_sums(),
        sa.PrimaryKeyConstraint("minute", "meter", "assignment", "group", name=op.f("pk_pane")),
        comment=_PANE_COMMENT,
    )
    for table, own in (("rollup", "bucket, revision"), ("pane", "minute")):
        op.execute(f"""
            insert into {table} (meter, assignment, "group", {own}, quantity, occurrences)
            select f.meter, f.assignment, f."group", {own}, quantity, occurrences
            from {table}_before x join flow f on f.id = x.flow
        """)  # noqa: S608 - names of this module
    _finish()
    op.create_foreign_key(op.f("fk_rollup_meter"), "rollup", "meter", ["meter"], ["id"])
    op.create_foreign_key(op.f("fk_pane_meter"), "pane", "meter", ["meter"], ["id"])
    op.create_index(op.f("ix_rollup_bucket"), "rollup", ["bucket"])
    op.create_index(op.f("ix_rollup_assignment_bucket"), "rollup", ["assignment", "bucket"])
    op.drop_table("flow")


def _sums() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("quantity", sa.Numeric(), nullable=False),
        sa.Column("occurrences", sa.BigInteger(), nullable=False),
    )


def _make_way(*indexes: str) -> None:
    for index in indexes:
        op.drop_index(op.f(index), table_name="rollup")
    for table in ("rollup", "pane"):
        op.execute(f"alter table {table} rename to {table}_before")
        op.execute(f"alter table {table}_before rename constraint pk_{table} to pk_{table}_before")


def _finish() -> None:
    for table in ("rollup", "pane"):
        op.drop_table(f"{table}_before")
        op.execute(f"alter table {table} set (fillfactor = 60)")
