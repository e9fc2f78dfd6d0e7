"""Devices that are not ours: by which profiles their messages are read, which were counted, what counters showed."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from thalweg_store.tables.schema import metadata, moment

profile: Final = Table(
    "profile",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("ecosystem", Text, ForeignKey("ecosystem.id"), nullable=False),
    Column("name", Text, nullable=False, comment="id of the document; its versions share their source's keys"),
    UniqueConstraint("ecosystem", "name"),
)

profile_version: Final = Table(
    "profile_version",
    metadata,
    Column("id", Integer, Identity(), primary_key=True, comment="the boot of the batches that it made"),
    Column("profile", Integer, ForeignKey("profile.id"), nullable=False),
    Column("version", Integer, nullable=False, comment="as its document says"),
    Column("hash", Text, nullable=False),
    Column("document", Text, nullable=False),
    moment("registered_at"),
    UniqueConstraint("profile", "version"),
)

source_key: Final = Table(
    "source_key",
    metadata,
    Column("profile", Integer, ForeignKey("profile.id"), primary_key=True),
    Column("key", LargeBinary, primary_key=True, comment="digest of the identity that the source gives, 16 bytes"),
    Column("device", Integer, ForeignKey("device.id"), comment="null where it could not be read"),
    Column("version", Integer, ForeignKey("profile_version.id"), nullable=False, comment="that read it"),
    Column("seq", BigInteger, comment="with device and version: its batch; null: it gave no event"),
    Column("digest", LargeBinary, nullable=False, comment="of what it said, 16 bytes"),
    Column("reason", Text, comment="why it gave no event"),
    moment("received_at"),
    Index("ix_source_key_unreadable", "profile", postgresql_where=text("seq is null")),
    comment="messages of devices that are not ours: each counts once, however often it comes",
)

counter_state: Final = Table(
    "counter_state",
    metadata,
    Column("device", Integer, ForeignKey("device.id"), primary_key=True),
    Column("counter", Text, primary_key=True, comment="profile and name"),
    Column("value", BigInteger, nullable=False, comment="last reading, in the smallest step"),
    Column("at_ms", BigInteger, nullable=False, comment="Unix time of the last reading"),
    comment="locked by row in the ingest transaction: events are differences of readings",
)
