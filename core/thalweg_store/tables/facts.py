"""What devices sent, and which of their events were received."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import INT8MULTIRANGE, JSONB

from thalweg_store.tables.schema import metadata, moment

store_life: Final = Table(
    "store_life",
    metadata,
    Column("epoch", Text, primary_key=True, comment="named in every receipt; a restored backup gets a new one"),
    moment("began_at"),
    Column("fingerprint", Text, nullable=False, comment="of the database as it was then: tells a restored backup"),
)

batch: Final = Table(
    "batch",
    metadata,
    moment("received_at"),
    Column("id", BigInteger, Identity(), nullable=False),
    Column("device", Integer, nullable=False),
    Column("boot", BigInteger, nullable=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    Column("outcome", Text, nullable=False, comment="booked, parked, conflict or undecodable"),
    moment("first_at", optional=True),
    moment("last_at", optional=True),
    Column("digest", LargeBinary, nullable=False),
    Column("payload", LargeBinary, comment="exactly as the device sent it; null once retention dropped it"),
    Column("design", Integer, comment="version whose meters were fed with it; 0: before the first; null: not booked"),
    Column("offset_ms", BigInteger, comment="added to uptimes to make its times: they are estimates; null: its own"),
    Column("refused", JSONB(none_as_null=True), comment="reason → [[first, end], …]: seqs that are booked nowhere"),
    PrimaryKeyConstraint("received_at", "id"),
    Index(None, "device", "boot", "first_seq"),
    Index("ix_batch_parked", "device", "boot", postgresql_where=text("outcome = 'parked'")),
    Index("ix_batch_id", "id", postgresql_using="brin"),
    Index("ix_batch_refused", "device", postgresql_where=text("refused is not null")),
    comment="signed batches: the facts from which everything else can be made again",
)

boot: Final = Table(
    "boot",
    metadata,
    Column("device", Integer, ForeignKey("device.id"), primary_key=True),
    Column("boot", BigInteger, primary_key=True),
    Column("next_seq", BigInteger, nullable=False, comment="every seq below was received; those beyond: `received`"),
    Column("received", BigInteger, nullable=False, comment="number of seqs received"),
    Column("lost", BigInteger, nullable=False, comment="number of seqs declared lost and not received"),
    Column("numbered", BigInteger, nullable=False, comment="seqs that the device is known to have given out"),
    Column("duplicates", BigInteger, nullable=False, comment="batches that came again unchanged"),
    Column("sealed", BigInteger, comment="seq behind its last sealed event, as a later boot told"),
    Column("is_off", Boolean, nullable=False, comment="its last word was a last will"),
    Column("offset_ms", BigInteger, comment="Unix time minus uptime, once it had a clock"),
    moment("parked_since", optional=True, comment="when the oldest batch was received that waits for its clock"),
    moment("last_at", comment="of the last batch; -infinity: none yet"),
    Index("ix_boot_parked_since", "parked_since", postgresql_where=text("parked_since is not null")),
    comment="locked by row in the ingest transaction: the authority on what counts as new",
)

received: Final = Table(
    "received",
    metadata,
    Column("device", Integer, ForeignKey("device.id"), primary_key=True),
    Column("boot", BigInteger, primary_key=True),
    Column("block", BigInteger, primary_key=True, comment="seq divided by 2048: bounds the size of one set"),
    Column("ranges", INT8MULTIRANGE, nullable=False, comment="seqs of the block that were received, and no others"),
    comment="received seqs beyond `boot.next_seq`; guarded by the lock on the boot's row",
)

lost: Final = Table(
    "lost",
    metadata,
    Column("device", Integer, ForeignKey("device.id"), primary_key=True),
    Column("boot", BigInteger, primary_key=True),
    Column("ranges", INT8MULTIRANGE, nullable=False, comment="seqs declared lost that were not received since"),
    moment("declared_at"),
    comment="what devices gave up; a late batch is accepted and shrinks it",
)

device_state: Final = Table(
    "device_state",
    metadata,
    Column("device", Integer, ForeignKey("device.id"), primary_key=True),
    Column("is_on", Boolean, nullable=False, comment="false after the last will"),
    Column("boot", BigInteger, nullable=False),
    Column("key_version", SmallInteger, comment="of the keys that it signs and is answered with"),
    Column("details", JSONB, nullable=False, comment="birth: firmware, board, event schemas"),
    moment("heard_at"),
)

retention: Final = Table(
    "retention",
    metadata,
    Column("ecosystem", Text, ForeignKey("ecosystem.id"), primary_key=True),
    moment("bytes_from", comment="the bytes of batches received before are gone"),
    moment("dropped_at"),
)

gateway: Final = Table(
    "gateway",
    metadata,
    Column("instance", Text, primary_key=True),
    Column("commits", BigInteger, nullable=False),
    moment("committed_at"),
    comment="one row a gateway: the sum of commits is the watermark that figures name",
)
