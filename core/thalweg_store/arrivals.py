"""How much arrived in each hour: for charts of an ecosystem's traffic, and for nothing that anyone is paid by.

Where TimescaleDB keeps the sums of past hours it is asked for them; elsewhere, and for the latest hours, the batches
are counted. The answer is the same.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import text

from thalweg_store import timescale_catalog as catalog
from thalweg_store.database import Database
from thalweg_store.timescale import WANTED


class Hour(NamedTuple):
    """What arrived in the hour that begins at `start`."""

    start: datetime
    batches: int
    events: int


def arrivals(database: Database, ecosystem: str, start: datetime, end: datetime) -> list[Hour]:
    """The hours of [start, end) in which something arrived, in order; both ends lie on full hours."""
    with database.snapshot() as connection:
        has_sums = catalog.has_relation(connection, WANTED.aggregate.name)
        rows = connection.execute(
            _FROM_SUMS if has_sums else _FROM_BATCHES, {"ecosystem": ecosystem, "start": start, "end": end}
        )
        return [Hour(row.hour, int(row.batches), int(row.events)) for row in rows]


_FROM_SUMS: Final = text("""
    select a.hour, sum(a.batches) as batches, sum(a.events) as events
    from arrivals_hourly a join device d on d.id = a.device
    where d.ecosystem = :ecosystem and a.hour >= :start and a.hour < :end
    group by a.hour order by a.hour
""")

_FROM_BATCHES: Final = text("""
    select date_trunc('hour', b.received_at, 'UTC') as hour, count(*) as batches, sum(b."count") as events
    from batch b join device d on d.id = b.device
    where d.ecosystem = :ecosystem and b.received_at >= :start and b.received_at < :end
    group by 1 order by 1
""")
