"""Boots without a clock: which of them have batches that have waited long enough."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text

from thalweg_store.database import Database
from thalweg_store.facts import BootKey


def boots_parked_before(database: Database, ecosystem: str, before: datetime) -> list[BootKey]:
    """The boots of `ecosystem` whose oldest waiting batch was received before then, in key order."""
    with database.snapshot() as connection:
        rows = connection.execute(_PARKED, {"ecosystem": ecosystem, "before": before})
        return [BootKey(row.device, row.boot) for row in rows]


_PARKED = text("""
    select b.device, b.boot from boot b join device d on d.id = b.device
    where d.ecosystem = :ecosystem and b.parked_since < :before order by b.device, b.boot
""")
