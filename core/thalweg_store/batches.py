"""Batches in the store: written once, read again when something is derived from them anew."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import Connection as DriverConnection
from sqlalchemy import Connection, text

from thalweg.intervals import Intervals
from thalweg_store.batch_columns import BookedColumns
from thalweg_store.batch_rows import COPY_BATCHES, copy_of
from thalweg_store.database import Database, translated
from thalweg_store.facts import BookedBatch, BootKey, Interval, Outcome, ReceivedBatch

_PORTION: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBatch:
    """A batch whose bytes are in the store."""

    id: int
    batch: ReceivedBatch
    outcome: Outcome
    #: version of the design whose meters it was fed to; None when to none
    design: int | None
    offset_ms: int | None
    #: times of its first and last booked event
    first_at: datetime | None
    last_at: datetime | None
    #: reason → seqs that are booked nowhere
    refused: Mapping[str, list[Interval]]

    @property
    def unbooked(self) -> Intervals:
        """Its seqs that are booked nowhere."""
        return Intervals((first, end) for parts in self.refused.values() for first, end in parts)


def copy_batches(
    connection: Connection, batches: Sequence[BookedBatch], columns: Sequence[BookedColumns] = ()
) -> None:  # fmt: skip
    """Write new batches."""
    if not batches and not any(columns):
        return
    driver = connection.connection.driver_connection
    assert isinstance(driver, DriverConnection)
    with translated(), driver.cursor() as cursor, cursor.copy(COPY_BATCHES) as copy:
        copy.write(copy_of(columns, batches))


def rebook(connection: Connection, stored: StoredBatch, booked: BookedBatch) -> None:
    """Write what became of a batch that was set aside before."""
    parameters = {
        "id": stored.id,
        "received_at": stored.batch.received_at,
        "outcome": booked.outcome.value,
        "first_at": booked.first_at,
        "last_at": booked.last_at,
        "design": booked.design,
        "offset_ms": booked.offset_ms,
        "refused": json.dumps(booked.refused) if booked.refused else None,
    }
    connection.execute(_REBOOK, parameters)


def parked_batches(connection: Connection, key: BootKey) -> list[StoredBatch]:
    """The batches of a boot that wait for its clock, in the order in which they came."""
    rows = connection.execute(text(_SELECT + _PARKED), {"device": key.device, "boot": key.boot})
    return [_stored(row) for row in rows]


def boots_with_refusals(database: Database, ecosystem: str, reason: str) -> list[BootKey]:
    """The boots that have batches with seqs that are booked nowhere for `reason`, in key order."""
    with database.snapshot() as connection:
        rows = connection.execute(_REFUSED_BOOTS, {"ecosystem": ecosystem, "reason": reason})
        return [BootKey(row.device, row.boot) for row in rows]


def refused_of(connection: Connection, key: BootKey, reason: str) -> list[StoredBatch]:
    """The batches of a boot with seqs that are booked nowhere for `reason` and whose bytes are kept."""
    parameters = {"device": key.device, "boot": key.boot, "reason": reason}
    return [_stored(row) for row in connection.execute(text(_SELECT + _REFUSED), parameters)]


def booked_batches(
    connection: Connection,
    ecosystem: str,
    *,
    device: int | None = None,
    measured_from: datetime | None = None,
    measured_until: datetime | None = None,
    only: str = "true",
    only_with: Mapping[str, Any] | None = None,
) -> Iterator[StoredBatch]:
    """Every booked batch whose bytes are kept, of one device or of all, read in portions.

    With bounds: those that may hold events measured within [`measured_from`, `measured_until`). `only` is a further
    condition in SQL on a batch `b`, with its parameters.
    """
    parameters = {"ecosystem": ecosystem, "device": device, "after": measured_from, "before": measured_until}
    parameters |= only_with or {}
    statement = text(_SELECT + _BOOKED.replace("{only}", only)).execution_options(yield_per=_PORTION)
    yield from map(_stored, connection.execute(statement, parameters))


def _stored(row: Any) -> StoredBatch:
    batch = ReceivedBatch(
        key=BootKey(row.device, row.boot),
        first_seq=row.first_seq,
        count=row.count,
        digest=bytes(row.digest),
        payload=bytes(row.payload),
        received_at=row.received_at,
    )
    refused = {reason: [(first, end) for first, end in parts] for reason, parts in (row.refused or {}).items()}
    return StoredBatch(
        id=row.id,
        batch=batch,
        outcome=Outcome(row.outcome),
        design=row.design,
        offset_ms=row.offset_ms,
        first_at=row.first_at,
        last_at=row.last_at,
        refused=refused,
    )


_REBOOK = text("""
    update batch set outcome = :outcome, first_at = :first_at, last_at = :last_at, design = :design,
        offset_ms = :offset_ms, refused = :refused ::jsonb
    where received_at = :received_at and id = :id
""")

_SELECT = """
    select b.id, b.received_at, b.device, b.boot, b.first_seq, b.count, b.digest, b.payload, b.outcome, b.design,
           b.offset_ms, b.refused, b.first_at, b.last_at
    from batch b
"""

_PARKED = """
    where b.device = :device and b.boot = :boot and b.outcome = 'parked'
    order by b.received_at, b.id
"""

_REFUSED_BOOTS = text("""
    select distinct b.device, b.boot from batch b join device d on d.id = b.device
    where d.ecosystem = :ecosystem and b.refused is not null and b.payload is not null
      and b.refused ? :reason
    order by b.device, b.boot
""")

_REFUSED = """
    where b.device = :device and b.boot = :boot and b.refused is not null and b.payload is not null
      and b.refused ? :reason
    order by b.received_at, b.id
"""

_BOOKED = """
    join device d on d.id = b.device
    where d.ecosystem = :ecosystem and (:device ::int is null or b.device = :device)
      and b.design is not null and b.first_at is not null and b.payload is not null and ({only})
      and (:after ::timestamptz is null or b.last_at >= :after)
      and (:before ::timestamptz is null or b.first_at < :before)
    order by b.received_at, b.id
"""
