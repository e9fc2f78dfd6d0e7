"""What is summed from the facts, and over what those sums are complete."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from thalweg_store.tables.schema import metadata, moment

flow: Final = Table(
    "flow",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("meter", Integer, ForeignKey("meter.id"), nullable=False),
    Column("assignment", Integer, nullable=False),
    Column("group", ARRAY(Text), nullable=False),
    UniqueConstraint("assignment", "meter", "group"),
    comment="where measured quantities are summed: a meter, who held the roles, and the groups",
)

rollup: Final = Table(
    "rollup",
    metadata,
    Column("flow", Integer, ForeignKey("flow.id"), primary_key=True, autoincrement=False),
    Column("bucket", DateTime(timezone=True), primary_key=True, comment="quarter hour UTC of measurement"),
    Column("revision", SmallInteger, primary_key=True, comment="how often the bucket's period had been closed"),
    Column("quantity", Numeric, nullable=False),
    Column("occurrences", BigInteger, nullable=False),
    Index(None, "bucket"),
)

rollup_change: Final = Table(
    "rollup_change",
    metadata,
    Column("hour", Integer, primary_key=True, autoincrement=False, comment="of the buckets, counted from 1970 (UTC)"),
    Column(
        "writer",
        Integer,
        primary_key=True,
        autoincrement=False,
        comment="process of the server: writers have rows of their own and never wait for each other",
    ),
    Column(
        "xact",
        BigInteger,
        nullable=False,
        comment="its last transaction (xid8) that changed the hour's rollups",
    ),
    Index(None, "xact"),
    comment="tells readers what they must read again",
)

closed_period: Final = Table(
    "closed_period",
    metadata,
    Column("ecosystem", Text, ForeignKey("ecosystem.id"), primary_key=True),
    Column("start", DateTime(timezone=True), primary_key=True),
    Column("end", DateTime(timezone=True), primary_key=True, comment="half-open"),
    Column("revision", SmallInteger, primary_key=True, comment="the revision that this close froze"),
    moment("closed_at"),
    comment="facts that come later for its buckets go to the next revision",
)

meter_coverage: Final = Table(
    "meter_coverage",
    metadata,
    Column("ecosystem", Text, ForeignKey("ecosystem.id"), primary_key=True),
    Column("meter", Integer, ForeignKey("meter.id"), primary_key=True),
    moment("covers_from", comment="rollups hold every received event measured from here on"),
    Column("fed_through", Integer, comment="last design version that fed it; null while the design in force does"),
    moment("fed_until", optional=True, comment="when the design after that was put in force"),
)

pane: Final = Table(
    "pane",
    metadata,
    Column("minute", DateTime(timezone=True), primary_key=True, comment="minute of commit"),
    Column("flow", Integer, ForeignKey("flow.id"), primary_key=True),
    Column("quantity", Numeric, nullable=False),
    Column("occurrences", BigInteger, nullable=False),
    comment="the last hours by commit time, for live views only",
)

tally: Final = Table(
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
