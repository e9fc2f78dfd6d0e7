"""Facts, complete: received seqs by block, clocks, closed periods, coverage, retention, keys, replay."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_COMMENTS = (
    ("batch", "payload", sa.LargeBinary(), "exactly as the device sent it", True,
     "exactly as the device sent it; null once retention dropped it"),
    ("device", "key_version", sa.SmallInteger(), None, False, "the highest; those below stay valid"),
    ("rollup", "revision", sa.SmallInteger(), None, False, "how often the bucket's period had been closed"),
    ("rejection", "topic", sa.Text(), None, False, "of the latest"),
    ("rejection", "count", sa.BigInteger(), None, False, "messages or events that are rejected still"),
)  # fmt: skip


def upgrade() -> None:
    """Apply."""
    _add_columns()
    for table, column, kind, old, is_nullable, new in _COMMENTS:
        op.alter_column(
            table, column, existing_type=kind, nullable=is_nullable, comment=new, existing_comment=old,
            existing_nullable=False,
        )  # fmt: skip
    _replace_received()
    _create_tables()
    for statement in _UPGRADE_DATA:
        op.execute(statement)
    op.drop_constraint("uq_assignment_device_valid_from", "assignment", type_="unique")
    op.create_index(
        "uq_assignment_device_valid_from", "assignment", ["device", "valid_from"], unique=True,
        postgresql_where=sa.text("replaced_at is null"),
    )  # fmt: skip
    op.drop_constraint(op.f("uq_rejection_topic_reason_day"), "rejection", type_="unique")
    op.create_unique_constraint(
        op.f("uq_rejection_ecosystem_principal_reason_day"), "rejection", ["ecosystem", "principal", "reason", "day"]
    )
    op.create_index(
        "ix_batch_parked", "batch", ["device", "boot"], postgresql_where=sa.text("outcome = 'parked'")
    )  # fmt: skip
    op.create_index("ix_batch_refused", "batch", ["device"], postgresql_where=sa.text("refused is not null"))
    op.create_index(op.f("ix_rollup_assignment_bucket"), "rollup", ["assignment", "bucket"])


def downgrade() -> None:
    """Undo; assignments that were replaced, what waits in quarantine and batches without bytes are gone then."""
    op.drop_index(op.f("ix_rollup_assignment_bucket"), table_name="rollup")
    op.drop_index("ix_batch_refused", table_name="batch")
    op.drop_index("ix_batch_parked", table_name="batch")
    op.drop_index("uq_assignment_device_valid_from", table_name="assignment")
    op.drop_constraint(op.f("uq_rejection_ecosystem_principal_reason_day"), "rejection", type_="unique")
    for statement in _DOWNGRADE_DATA:
        op.execute(statement)
    op.create_unique_constraint(op.f("uq_assignment_device_valid_from"), "assignment", ["device", "valid_from"])
    op.create_unique_constraint(op.f("uq_rejection_topic_reason_day"), "rejection", ["topic", "reason", "day"])
    for table in ("quarantine", "lost", "received", "boot", "closed_period", "meter_coverage", "retention"):
        op.drop_table(table)
    op.drop_table("compromised_key")
    op.rename_table("received_of_boot", "received")
    op.execute("alter index pk_received_of_boot rename to pk_received")
    op.execute("alter table received rename constraint fk_received_of_boot_device to fk_received_device")
    for table, column, kind, old, is_nullable, new in _COMMENTS:
        op.alter_column(
            table, column, existing_type=kind, nullable=False, comment=old, existing_comment=new,
            existing_nullable=is_nullable,
        )  # fmt: skip
    for table, columns in {
        "store_life": ["fingerprint"],
        "batch": ["first_at", "design", "offset_ms", "refused"],
        "device_state": ["key_version"],
        "assignment": ["replaced_at"],
        "rejection": ["replayed"],
        "rejection_sample": ["topic"],
    }.items():
        for column in columns:
            op.drop_column(table, column)


def _add_columns() -> None:
    add = op.add_column
    add("store_life", sa.Column("fingerprint", sa.Text(), nullable=False, server_default="",
        comment="of the database as it was then: tells a restored backup"))  # fmt: skip
    add("batch", sa.Column("first_at", sa.DateTime(timezone=True)))
    add("batch", sa.Column("design", sa.Integer(),
        comment="version whose meters were fed with it; 0: before the first; null: not booked"))  # fmt: skip
    add("batch", sa.Column("offset_ms", sa.BigInteger(),
        comment="added to uptimes to make its times: they are estimates; null: its own"))  # fmt: skip
    add("batch", sa.Column("refused", postgresql.JSONB(),
        comment="reason → [[first, end], …]: seqs that are booked nowhere"))  # fmt: skip
    add("device_state", sa.Column("key_version", sa.SmallInteger(),
        comment="of the keys that it signs and is answered with"))  # fmt: skip
    add("assignment", sa.Column("replaced_at", sa.DateTime(timezone=True),
        comment="when another took its place from the same instant on"))  # fmt: skip
    add("rejection", sa.Column("replayed", sa.BigInteger(), nullable=False, server_default="0",
        comment="those that a replay took out of the count"))  # fmt: skip
    add("rejection_sample", sa.Column("topic", sa.Text(), nullable=False, server_default=""))
    for table, column in (("store_life", "fingerprint"), ("rejection", "replayed"), ("rejection_sample", "topic")):
        op.alter_column(table, column, server_default=None)


def _replace_received() -> None:
    op.rename_table("received", "received_of_boot")
    op.execute("alter index pk_received rename to pk_received_of_boot")
    op.execute("alter table received_of_boot rename constraint fk_received_device to fk_received_of_boot_device")
    op.create_table(
        "boot",
        sa.Column("device", sa.Integer(), nullable=False),
        sa.Column("boot", sa.BigInteger(), nullable=False),
        sa.Column("next_seq", sa.BigInteger(), nullable=False,
                  comment="every seq below was received; those beyond: `received`"),
        sa.Column("received", sa.BigInteger(), nullable=False, comment="number of seqs received"),
        sa.Column("lost", sa.BigInteger(), nullable=False, comment="number of seqs declared lost and not received"),
        sa.Column("numbered", sa.BigInteger(), nullable=False,
                  comment="seqs that the device is known to have given out"),
        sa.Column("duplicates", sa.BigInteger(), nullable=False, comment="batches that came again unchanged"),
        sa.Column("sealed", sa.BigInteger(), comment="seq behind its last sealed event, as a later boot told"),
        sa.Column("is_off", sa.Boolean(), nullable=False, comment="its last word was a last will"),
        sa.Column("offset_ms", sa.BigInteger(), comment="Unix time minus uptime, once it had a clock"),
        sa.Column("parked_since", sa.DateTime(timezone=True),
                  comment="when the oldest batch was received that waits for its clock"),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False,
                  comment="of the last batch; -infinity: none yet"),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_boot_device")),
        sa.PrimaryKeyConstraint("device", "boot", name=op.f("pk_boot")),
        comment="locked by row in the ingest transaction: the authority on what counts as new",
    )  # fmt: skip
    op.create_index(
        "ix_boot_parked_since", "boot", ["parked_since"], postgresql_where=sa.text("parked_since is not null")
    )
    op.create_table(
        "received",
        sa.Column("device", sa.Integer(), nullable=False),
        sa.Column("boot", sa.BigInteger(), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False,
                  comment="seq divided by 2048: bounds the size of one set"),
        sa.Column("ranges", postgresql.INT8MULTIRANGE(), nullable=False,
                  comment="seqs of the block that were received, and no others"),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_received_device")),
        sa.PrimaryKeyConstraint("device", "boot", "block", name=op.f("pk_received")),
        comment="received seqs beyond `boot.next_seq`; guarded by the lock on the boot's row",
    )  # fmt: skip
    # uncompressed and out of line: updating a set of ranges then costs no compression of the whole
    op.execute("alter table received alter column ranges set storage external")


def _create_tables() -> None:
    op.create_table(
        "lost",
        sa.Column("device", sa.Integer(), nullable=False),
        sa.Column("boot", sa.BigInteger(), nullable=False),
        sa.Column("ranges", postgresql.INT8MULTIRANGE(), nullable=False,
                  comment="seqs declared lost that were not received since"),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_lost_device")),
        sa.PrimaryKeyConstraint("device", "boot", name=op.f("pk_lost")),
        comment="what devices gave up; a late batch is accepted and shrinks it",
    )  # fmt: skip
    op.create_table(
        "closed_period",
        sa.Column("ecosystem", sa.Text(), nullable=False),
        sa.Column("start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end", sa.DateTime(timezone=True), nullable=False, comment="half-open"),
        sa.Column("revision", sa.SmallInteger(), nullable=False, comment="the revision that this close froze"),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ecosystem"], ["ecosystem.id"], name=op.f("fk_closed_period_ecosystem")),
        sa.PrimaryKeyConstraint("ecosystem", "start", "end", "revision", name=op.f("pk_closed_period")),
        comment="facts that come later for its buckets go to the next revision",
    )
    op.create_table(
        "meter_coverage",
        sa.Column("ecosystem", sa.Text(), nullable=False),
        sa.Column("meter", sa.Integer(), nullable=False),
        sa.Column("covers_from", sa.DateTime(timezone=True), nullable=False,
                  comment="rollups hold every received event measured from here on"),
        sa.Column("fed_through", sa.Integer(),
                  comment="last design version that fed it; null while the design in force does"),
        sa.Column("fed_until", sa.DateTime(timezone=True), comment="when the design after that was put in force"),
        sa.ForeignKeyConstraint(["ecosystem"], ["ecosystem.id"], name=op.f("fk_meter_coverage_ecosystem")),
        sa.ForeignKeyConstraint(["meter"], ["meter.id"], name=op.f("fk_meter_coverage_meter")),
        sa.PrimaryKeyConstraint("ecosystem", "meter", name=op.f("pk_meter_coverage")),
    )  # fmt: skip
    op.create_table(
        "retention",
        sa.Column("ecosystem", sa.Text(), nullable=False),
        sa.Column("bytes_from", sa.DateTime(timezone=True), nullable=False,
                  comment="the bytes of batches received before are gone"),
        sa.Column("dropped_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ecosystem"], ["ecosystem.id"], name=op.f("fk_retention_ecosystem")),
        sa.PrimaryKeyConstraint("ecosystem", name=op.f("pk_retention")),
    )  # fmt: skip
    op.create_table(
        "compromised_key",
        sa.Column("device", sa.Integer(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False,
                  comment="what is signed with it and received from then on waits for the operator"),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_compromised_key_device")),
        sa.PrimaryKeyConstraint("device", "version", name=op.f("pk_compromised_key")),
    )  # fmt: skip
    op.create_table(
        "quarantine",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("device", sa.Integer(), nullable=False),
        sa.Column("key_version", sa.SmallInteger(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_quarantine_device")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
        sa.UniqueConstraint("device", "key_version", "digest", name=op.f("uq_quarantine_device_key_version_digest")),
        comment="signed with a key that was compromised before: counts as received only once an operator releases it",
    )


_UPGRADE_DATA = (
    """
    insert into boot (device, boot, next_seq, received, lost, numbered, duplicates, is_off, last_at, parked_since)
    select r.device, r.boot, case when r.ranges @> 0 ::bigint then upper(first.part) else 0 end,
           (select coalesce(sum(upper(part) - lower(part)), 0) from unnest(r.ranges) as part),
           0, r.numbered, r.duplicates, false, r.last_at,
           (select min(received_at) from batch b
            where b.device = r.device and b.boot = r.boot and b.outcome = 'parked')
    from received_of_boot r
    left join lateral (select part from unnest(r.ranges) as part order by part limit 1) as first on true
    """,
    """
    insert into received (device, boot, block, ranges)
    select r.device, r.boot, block, range_agg(part * int8range(block * 2048, (block + 1) * 2048))
    from received_of_boot r join boot b using (device, boot)
    cross join unnest(r.ranges) as part
    cross join generate_series(lower(part) / 2048, (upper(part) - 1) / 2048) as block
    where lower(part) >= b.next_seq
    group by r.device, r.boot, block
    """,
    "drop table received_of_boot",
    """
    update batch b set
        design = case when outcome = 'booked' then (
            select coalesce(max(g.version), 0) from design g join device d on d.ecosystem = g.ecosystem
            where d.id = b.device and g.activated_at <= b.received_at
        ) end,
        refused = case when outcome = 'undecodable' then
            jsonb_build_object('undecodable', jsonb_build_array(jsonb_build_array(first_seq, first_seq + count)))
        end
    """,
    """
    insert into meter_coverage (ecosystem, meter, covers_from)
    select distinct d.ecosystem, r.meter, timestamptz '-infinity'
    from rollup r join assignment a on a.id = r.assignment join device d on d.id = a.device
    """,
    "update rejection_sample s set topic = r.topic from rejection r where r.id = s.rejection",
    """
    with same as (
        select id, min(id) over (partition by ecosystem, principal, reason, day) as kept, count, detail,
               first_seen_at, last_seen_at from rejection
    ), moved as (
        update rejection_sample s set rejection = same.kept from same where same.id = s.rejection
    ), summed as (
        update rejection r set count = x.count, first_seen_at = x.first, last_seen_at = x.last
        from (select kept, sum(count) as count, min(first_seen_at) as first, max(last_seen_at) as last
              from same group by kept) as x
        where r.id = x.kept
    )
    select 1
    """,
    """
    delete from rejection r using rejection o
    where o.id < r.id and (o.ecosystem, o.principal, o.reason, o.day) = (r.ecosystem, r.principal, r.reason, r.day)
    """,
)

_DOWNGRADE_DATA = (
    """
    create table received_of_boot (
        device integer not null constraint fk_received_of_boot_device references device (id),
        boot bigint not null, ranges int8multirange not null, numbered bigint not null,
        duplicates bigint not null, last_at timestamptz not null,
        constraint pk_received_of_boot primary key (device, boot)
    )
    """,
    """
    insert into received_of_boot
    select device, boot,
           int8multirange(int8range(0, next_seq)) + coalesce(
               (select range_agg(part) from received r cross join unnest(r.ranges) as part
                where r.device = b.device and r.boot = b.boot), '{}'
           ),
           numbered, duplicates, last_at
    from boot b
    """,
    "delete from assignment where replaced_at is not null",
    "delete from batch where payload is null",
)
