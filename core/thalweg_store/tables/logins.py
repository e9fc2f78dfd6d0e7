"""How devices sign in at a broker that asks Thalweg."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, SmallInteger, Table

from thalweg_store.tables.schema import metadata, moment

device_login: Final = Table(
    "device_login",
    metadata,
    Column("device", Integer, ForeignKey("device.id"), primary_key=True),
    Column("salt", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False, comment="scrypt of the password, 32 bytes"),
    Column("log2_cost", SmallInteger, nullable=False),
    moment("changed_at"),
    comment="passwords at the broker; the keys that sign batches are derived, not stored",
)
