"""Who takes part: ecosystems, participants, devices with keys and assignments, designs, access."""

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
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from thalweg_store.tables.schema import metadata, moment

ecosystem: Final = Table(
    "ecosystem",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("directory_version", BigInteger, nullable=False, comment="grows with every change that gateways must see"),
)

participant: Final = Table(
    "participant",
    metadata,
    Column("ecosystem", Text, ForeignKey("ecosystem.id"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
)

device: Final = Table(
    "device",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("ecosystem", Text, ForeignKey("ecosystem.id"), nullable=False),
    Column("name", Text, nullable=False, comment="the device id on the wire"),
    Column("operator", Text, nullable=False, comment="participant that answers for the device"),
    Column("key_version", SmallInteger, nullable=False, comment="the highest; those below stay valid"),
    Column("active", Boolean, nullable=False),
    moment("registered_at"),
    UniqueConstraint("ecosystem", "name"),
)

compromised_key: Final = Table(
    "compromised_key",
    metadata,
    Column("device", Integer, ForeignKey("device.id"), primary_key=True),
    Column("version", SmallInteger, primary_key=True),
    moment("since", comment="what is signed with it and received from then on waits for the operator"),
)

assignment: Final = Table(
    "assignment",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("device", Integer, ForeignKey("device.id"), nullable=False),
    moment("valid_from"),
    Column("roles", JSONB, nullable=False, comment="role → participant; a missing role is vacant"),
    moment("replaced_at", optional=True, comment="when another took its place from the same instant on"),
    Index(
        "uq_assignment_device_valid_from",
        "device",
        "valid_from",
        unique=True,
        postgresql_where=text("replaced_at is null"),
    ),
    comment="for which participants a device works, each until its next; the first begins before every event",
)

design: Final = Table(
    "design",
    metadata,
    Column("ecosystem", Text, ForeignKey("ecosystem.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("document", Text, nullable=False),
    moment("activated_at"),
)

meter: Final = Table(
    "meter",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("hash", Text, nullable=False, unique=True, comment="content hash of the definition"),
    Column("name", Text, nullable=False),
)

access_token: Final = Table(
    "access_token",
    metadata,
    Column("digest", LargeBinary, primary_key=True, comment="SHA-256 of the token"),
    Column("ecosystem", Text, ForeignKey("ecosystem.id"), nullable=False),
    Column("name", Text, nullable=False),
    moment("created_at"),
    moment("expires_at"),
)
