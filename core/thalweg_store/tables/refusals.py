"""What was not accepted, and what waits for an operator."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Identity,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from thalweg_store.tables.schema import metadata, moment

rejection: Final = Table(
    "rejection",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("topic", Text, nullable=False, comment="of the latest"),
    Column("ecosystem", Text, nullable=False, comment="empty when the topic names none"),
    Column("principal", Text, nullable=False, comment="device id as claimed by the topic"),
    Column("reason", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("detail", Text, nullable=False, comment="the latest message in words"),
    Column("count", BigInteger, nullable=False, comment="messages or events that are rejected still"),
    Column("replayed", BigInteger, nullable=False, comment="those that a replay took out of the count"),
    moment("first_seen_at"),
    moment("last_seen_at"),
    UniqueConstraint("ecosystem", "principal", "reason", "day"),
)

rejection_sample: Final = Table(
    "rejection_sample",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("rejection", BigInteger, ForeignKey("rejection.id", ondelete="CASCADE"), nullable=False, index=True),
    moment("received_at"),
    Column("topic", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

quarantine: Final = Table(
    "quarantine",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("device", Integer, ForeignKey("device.id"), nullable=False),
    Column("key_version", SmallInteger, nullable=False),
    moment("received_at"),
    Column("digest", LargeBinary, nullable=False),
    Column("topic", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    UniqueConstraint("device", "key_version", "digest"),
    comment="signed with a key that was compromised before: counts as received only once an operator releases it",
)
