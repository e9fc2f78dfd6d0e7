"""The first tables: facts, rollups and the registry."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "batch",
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("device", sa.Integer(), nullable=False),
        sa.Column("boot", sa.BigInteger(), nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False, comment="booked, parked, conflict or undecodable"),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False, comment="exactly as the device sent it"),
        sa.PrimaryKeyConstraint("received_at", "id", name=op.f("pk_batch")),
        comment="signed batches: the facts from which everything else can be made again",
    )
    op.create_index(op.f("ix_batch_device_boot_first_seq"), "batch", ["device", "boot", "first_seq"], unique=False)
    op.create_table(
        "ecosystem",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "directory_version",
            sa.BigInteger(),
            nullable=False,
            comment="grows with every change that gateways must see",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ecosystem")),
    )
    op.create_table(
        "gateway",
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("commits", sa.BigInteger(), nullable=False),
        sa.Column("committed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("instance", name=op.f("pk_gateway")),
        comment="one row a gateway: the sum of commits is the watermark that figures name",
    )
    op.create_table(
        "meter",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False, comment="content hash of the definition"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meter")),
        sa.UniqueConstraint("hash", name=op.f("uq_meter_hash")),
    )
    op.create_table(
        "rejection",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("ecosystem", sa.Text(), nullable=False, comment="empty when the topic names none"),
        sa.Column("principal", sa.Text(), nullable=False, comment="device id as claimed by the topic"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False, comment="the latest message in words"),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rejection")),
        sa.UniqueConstraint("topic", "reason", "day", name=op.f("uq_rejection_topic_reason_day")),
    )
    op.create_table(
        "store_life",
        sa.Column(
            "epoch", sa.Text(), nullable=False, comment="named in every receipt; a restored backup gets a new one"
        ),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("epoch", name=op.f("pk_store_life")),
    )
    op.create_table(
        "access_token",
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the token"),
        sa.Column("ecosystem", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ecosystem"], ["ecosystem.id"], name=op.f("fk_access_token_ecosystem")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_access_token")),
    )
    op.create_table(
        "design",
        sa.Column("ecosystem", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ecosystem"], ["ecosystem.id"], name=op.f("fk_design_ecosystem")),
        sa.PrimaryKeyConstraint("ecosystem", "version", name=op.f("pk_design")),
    )
    op.create_table(
        "device",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("ecosystem", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="the device id on the wire"),
        sa.Column("operator", sa.Text(), nullable=False, comment="participant that answers for the device"),
        sa.Column("key_version", sa.SmallInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ecosystem"], ["ecosystem.id"], name=op.f("fk_device_ecosystem")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        sa.UniqueConstraint("ecosystem", "name", name=op.f("uq_device_ecosystem_name")),
    )
    op.create_table(
        "pane",
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False, comment="minute of commit"),
        sa.Column("meter", sa.Integer(), nullable=False),
        sa.Column("assignment", sa.Integer(), nullable=False),
        sa.Column("group", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("quantity", sa.Numeric(), nullable=False),
        sa.Column("occurrences", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["meter"], ["meter.id"], name=op.f("fk_pane_meter")),
        sa.PrimaryKeyConstraint("minute", "meter", "assignment", "group", name=op.f("pk_pane")),
        comment="the last hours by commit time, for live views only",
    )
    op.create_table(
        "participant",
        sa.Column("ecosystem", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["ecosystem"], ["ecosystem.id"], name=op.f("fk_participant_ecosystem")),
        sa.PrimaryKeyConstraint("ecosystem", "id", name=op.f("pk_participant")),
    )
    op.create_table(
        "rejection_sample",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("rejection", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["rejection"], ["rejection.id"], name=op.f("fk_rejection_sample_rejection"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rejection_sample")),
    )
    op.create_index(op.f("ix_rejection_sample_rejection"), "rejection_sample", ["rejection"], unique=False)
    op.create_table(
        "rollup",
        sa.Column("meter", sa.Integer(), nullable=False),
        sa.Column("bucket", sa.DateTime(timezone=True), nullable=False, comment="quarter hour UTC of measurement"),
        sa.Column("assignment", sa.Integer(), nullable=False),
        sa.Column("group", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("revision", sa.SmallInteger(), nullable=False),
        sa.Column("quantity", sa.Numeric(), nullable=False),
        sa.Column("occurrences", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["meter"], ["meter.id"], name=op.f("fk_rollup_meter")),
        sa.PrimaryKeyConstraint("meter", "bucket", "assignment", "group", "revision", name=op.f("pk_rollup")),
    )
    op.create_index(op.f("ix_rollup_bucket"), "rollup", ["bucket"], unique=False)
    op.create_table(
        "assignment",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("device", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "roles",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="role → participant; a missing role is vacant",
        ),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_assignment_device")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment")),
        sa.UniqueConstraint("device", "valid_from", name=op.f("uq_assignment_device_valid_from")),
        comment="for which participants a device works, each until its next; the first begins before every event",
    )
    op.create_table(
        "device_state",
        sa.Column("device", sa.Integer(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False, comment="false after the last will"),
        sa.Column("boot", sa.BigInteger(), nullable=False),
        sa.Column(
            "details",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="birth: firmware, board, event schemas",
        ),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_device_state_device")),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_device_state")),
    )
    op.create_table(
        "received",
        sa.Column("device", sa.Integer(), nullable=False),
        sa.Column("boot", sa.BigInteger(), nullable=False),
        sa.Column(
            "ranges", postgresql.INT8MULTIRANGE(), nullable=False, comment="seqs that were received, and no others"
        ),
        sa.Column(
            "numbered", sa.BigInteger(), nullable=False, comment="seqs that the device is known to have given out"
        ),
        sa.Column("duplicates", sa.BigInteger(), nullable=False, comment="batches that came again unchanged"),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_received_device")),
        sa.PrimaryKeyConstraint("device", "boot", name=op.f("pk_received")),
        comment="locked by row in the ingest transaction: the authority on what counts as new",
    )
    op.create_table(
        "tally",
        sa.Column("device", sa.Integer(), nullable=False),
        sa.Column("bucket", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False, comment="mapped, unmapped, rejected, parked or undecodable"),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Numeric(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_tally_device")),
        sa.PrimaryKeyConstraint("device", "bucket", "kind", "outcome", name=op.f("pk_tally")),
        comment="what became of every received event",
    )
    op.create_index(op.f("ix_tally_bucket"), "tally", ["bucket"], unique=False)
    # uncompressed and out of line: updating a set of ranges then costs no compression of the whole
    op.execute("alter table received alter column ranges set storage external")


def downgrade() -> None:
    """Undo."""
    op.drop_index(op.f("ix_tally_bucket"), table_name="tally")
    op.drop_table("tally")
    op.drop_table("received")
    op.drop_table("device_state")
    op.drop_table("assignment")
    op.drop_index(op.f("ix_rollup_bucket"), table_name="rollup")
    op.drop_table("rollup")
    op.drop_index(op.f("ix_rejection_sample_rejection"), table_name="rejection_sample")
    op.drop_table("rejection_sample")
    op.drop_table("participant")
    op.drop_table("pane")
    op.drop_table("device")
    op.drop_table("design")
    op.drop_table("access_token")
    op.drop_table("store_life")
    op.drop_table("rejection")
    op.drop_table("meter")
    op.drop_table("gateway")
    op.drop_table("ecosystem")
    op.drop_index(op.f("ix_batch_device_boot_first_seq"), table_name="batch")
    op.drop_table("batch")
