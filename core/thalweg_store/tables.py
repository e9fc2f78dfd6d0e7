"""The tables. Facts (batches, received ranges, rollups, rejections) and the registry; money is nowhere, it is derived.

Times are aware UTC. Nothing here depends on an extension; `batch` has its time column in its primary key, so that it
can become a hypertable.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import INT8MULTIRANGE, JSONB

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _moment(name: str, *, optional: bool = False) -> Column[datetime]:
    return Column(name, DateTime(timezone=True), nullable=optional)


store_life = Table(
    "store_life",
    metadata,
    Column("epoch", Text, primary_key=True, comment="named in every receipt; a restored backup gets a new one"),
    _moment("began_at"),
)

ecosystem = Table(
    "ecosystem",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("directory_version", BigInteger, nullable=False, comment="grows with every change that gateways must see"),
)

participant = Table(
    "participant",
    metadata,
    Column("ecosystem", Text, ForeignKey("ecosystem.id"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
)

device = Table(
    "device",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("ecosystem", Text, ForeignKey("ecosystem.id"), nullable=False),
    Column("name", Text, nullable=False, comment="the device id on the wire"),
    Column("operator", Text, nullable=False, comment="participant that answers for the device"),
    Column("key_version", SmallInteger, nullable=False),
    Column("active", Boolean, nullable=False),
    _moment("registered_at"),
    UniqueConstraint("ecosystem", "name"),
)

device_state = Table(
    "device_state",
    metadata,
    Column("device", Integer, ForeignKey("device.id"), primary_key=True),
    Column("is_on", Boolean, nullable=False, comment="false after the last will"),
    Column("boot", BigInteger, nullable=False),
    Column("details", JSONB, nullable=False, comment="birth: firmware, board, event schemas"),
    _moment("heard_at"),
)

assignment = Table(
    "assignment",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("device", Integer, ForeignKey("device.id"), nullable=False),
    _moment("valid_from"),
    Column("roles", JSONB, nullable=False, comment="role → participant; a missing role is vacant"),
    UniqueConstraint("device", "valid_from"),
    comment="for which participants a device works, each until its next; the first begins before every event",
)

design = Table(
    "design",
    metadata,
    Column("ecosystem", Text, ForeignKey("ecosystem.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("document", Text, nullable=False),
    _moment("activated_at"),
)

meter = Table(
    "meter",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("hash", Text, nullable=False, unique=True, comment="content hash of the definition"),
    Column("name", Text, nullable=False),
)

batch = Table(
    "batch",
    metadata,
    _moment("received_at"),
    Column("id", BigInteger, Identity(), nullable=False),
    Column("device", Integer, nullable=False),
    Column("boot", BigInteger, nullable=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    Column("outcome", Text, nullable=False, comment="booked, parked, conflict or undecodable"),
    _moment("last_at", optional=True),
    Column("digest", LargeBinary, nullable=False),
    Column("payload", LargeBinary, nullable=False, comment="exactly as the device sent it"),
    PrimaryKeyConstraint("received_at", "id"),
    Index(None, "device", "boot", "first_seq"),
    comment="signed batches: the facts from which everything else can be made again",
)


received = Table(
    "received",
    metadata,
    Column("device", Integer, ForeignKey("device.id"), primary_key=True),
    Column("boot", BigInteger, primary_key=True),
    Column("ranges", INT8MULTIRANGE, nullable=False, comment="seqs that were received, and no others"),
    Column("numbered", BigInteger, nullable=False, comment="seqs that the device is known to have given out"),
    Column("duplicates", BigInteger, nullable=False, comment="batches that came again unchanged"),
    _moment("last_at"),
    comment="locked by row in the ingest transaction: the authority on what counts as new",
)

rollup = Table(
    "rollup",
    metadata,
    Column("meter", Integer, ForeignKey("meter.id"), primary_key=True),
    Column("bucket", DateTime(timezone=True), primary_key=True, comment="quarter hour UTC of measurement"),
    Column("assignment", Integer, primary_key=True),
    Column("group", ARRAY(Text), primary_key=True),
    Column("revision", SmallInteger, primary_key=True),
    Column("quantity", Numeric, nullable=False),
    Column("occurrences", BigInteger, nullable=False),
    Index(None, "bucket"),
)

pane = Table(
    "pane",
    metadata,
    Column("minute", DateTime(timezone=True), primary_key=True, comment="minute of commit"),
    Column("meter", Integer, ForeignKey("meter.id"), primary_key=True),
    Column("assignment", Integer, primary_key=True),
    Column("group", ARRAY(Text), primary_key=True),
    Column("quantity", Numeric, nullable=False),
    Column("occurrences", BigInteger, nullable=False),
    comment="the last hours by commit time, for live views only",
)

tally = Table(
    "tally",
    metadata,
    Column("device", Integer, ForeignKey("device.id"), primary_key=True),
    Column("bucket", DateTime(timezone=True), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("outcome", Text, primary_key=True, comment="mapped, unmapped, rejected, parked or undecodable"),
    Column("events", BigInteger, nullable=False),
    Column("quantity", Numeric, nullable=False),
    Index(None, "bucket"),
    comment="what became of every received event",
)

rejection = Table(
    "rejection",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("topic", Text, nullable=False),
    Column("ecosystem", Text, nullable=False, comment="empty when the topic names none"),
    Column("principal", Text, nullable=False, comment="device id as claimed by the topic"),
    Column("reason", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("detail", Text, nullable=False, comment="the latest message in words"),
    Column("count", BigInteger, nullable=False),
    _moment("first_seen_at"),
    _moment("last_seen_at"),
    UniqueConstraint("topic", "reason", "day"),
)

rejection_sample = Table(
    "rejection_sample",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("rejection", BigInteger, ForeignKey("rejection.id", ondelete="CASCADE"), nullable=False, index=True),
    _moment("received_at"),
    Column("payload", LargeBinary, nullable=False),
)

gateway = Table(
    "gateway",
    metadata,
    Column("instance", Text, primary_key=True),
    Column("commits", BigInteger, nullable=False),
    _moment("committed_at"),
    comment="one row a gateway: the sum of commits is the watermark that figures name",
)

access_token = Table(
    "access_token",
    metadata,
    Column("digest", LargeBinary, primary_key=True, comment="SHA-256 of the token"),
    Column("ecosystem", Text, ForeignKey("ecosystem.id"), nullable=False),
    Column("name", Text, nullable=False),
    _moment("created_at"),
    _moment("expires_at"),
)
