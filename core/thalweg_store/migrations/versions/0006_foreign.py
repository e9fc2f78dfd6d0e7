"""Devices that are not ours: profiles, keys of their messages, readings of their counters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "profile",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("ecosystem", sa.Text(), nullable=False),
        sa.Column(
            "name", sa.Text(), nullable=False, comment="id of the document; its versions share their source's keys"
        ),
        sa.ForeignKeyConstraint(["ecosystem"], ["ecosystem.id"], name=op.f("fk_profile_ecosystem")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profile")),
        sa.UniqueConstraint("ecosystem", "name", name=op.f("uq_profile_ecosystem_name")),
    )
    op.create_table(
        "profile_version",
        sa.Column(
            "id",
            sa.Integer(),
            sa.Identity(always=False),
            nullable=False,
            comment="the boot of the batches that it made",
        ),
        sa.Column("profile", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="as its document says"),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["profile"], ["profile.id"], name=op.f("fk_profile_version_profile")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profile_version")),
        sa.UniqueConstraint("profile", "version", name=op.f("uq_profile_version_profile_version")),
    )
    op.create_table(
        "source_key",
        sa.Column("profile", sa.Integer(), nullable=False),
        sa.Column(
            "key",
            sa.LargeBinary(),
            nullable=False,
            comment="digest of the identity that the source gives, 16 bytes",
        ),
        sa.Column("device", sa.Integer(), comment="null where it could not be read"),
        sa.Column("version", sa.Integer(), nullable=False, comment="that read it"),
        sa.Column("seq", sa.BigInteger(), comment="with device and version: its batch; null: it gave no event"),
        sa.Column(
            "digest",
            sa.LargeBinary(),
            nullable=False,
            comment="of what it said, 16 bytes",
        ),
        sa.Column("reason", sa.Text(), comment="why it gave no event"),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["profile"], ["profile.id"], name=op.f("fk_source_key_profile")),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_source_key_device")),
        sa.ForeignKeyConstraint(["version"], ["profile_version.id"], name=op.f("fk_source_key_version")),
        sa.PrimaryKeyConstraint("profile", "key", name=op.f("pk_source_key")),
        comment="messages of devices that are not ours: each counts once, however often it comes",
    )
    op.create_index("ix_source_key_unreadable", "source_key", ["profile"], postgresql_where=sa.text("seq is null"))
    op.create_table(
        "counter_state",
        sa.Column("device", sa.Integer(), nullable=False),
        sa.Column("counter", sa.Text(), nullable=False, comment="profile and name"),
        sa.Column("value", sa.BigInteger(), nullable=False, comment="last reading, in the smallest step"),
        sa.Column("at_ms", sa.BigInteger(), nullable=False, comment="Unix time of the last reading"),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_counter_state_device")),
        sa.PrimaryKeyConstraint("device", "counter", name=op.f("pk_counter_state")),
        comment="locked by row in the ingest transaction: events are differences of readings",
    )


def downgrade() -> None:
    """Undo."""
    for table in ("counter_state", "source_key", "profile_version", "profile"):
        op.drop_table(table)
