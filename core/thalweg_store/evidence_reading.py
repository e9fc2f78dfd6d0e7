"""What metrics need besides quantities: what became of the events of a window, and what each device is known to miss.

Windows are half-open and lie on quarter hours UTC; `start` None means from the beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text

from thalweg_store.arrival_reading import Freshness
from thalweg_store.database import Database
from thalweg_store.facts import QUARTER, Fate
from thalweg_store.measuring import CLOCK_TOLERANCE
from thalweg_store.reading import Reading


@dataclass(frozen=True, slots=True)
class KindTally:
    """The events of one kind that one thing became of."""

    kind: str
    fate: Fate
    events: int
    #: Σ of the quantities that they carried
    quantity: int
    #: of unmapped ones: the number of quarter hours in which they came; otherwise 0
    quarters: int
    #: beginning of the first such quarter hour, and end of the last
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class DeviceArrivals:
    """What one active device numbered, and what of it arrived."""

    device: str
    operator: str
    #: role → participant of the assignment in force
    roles: Mapping[str, str]
    numbered: int
    received: int


class EvidenceReading(Reading):
    """Queries on one snapshot of one ecosystem, these among them."""

    def tallies(self, start: datetime | None, end: datetime) -> list[KindTally]:
        """The received events of [start, end) by kind and by what became of them."""
        rows = self._connection.execute(_TALLIES, self._with(start=start, end=end, quarter=QUARTER))
        return [
            KindTally(r.kind, Fate(r.outcome), int(r.events), int(r.quantity), r.quarters, r.first, r.last)
            for r in rows
        ]  # fmt: skip

    def first_event(self) -> datetime | None:
        """The beginning of the quarter hour of the first event ever; None without any."""
        return self._connection.execute(_FIRST, self._with()).scalar()

    def arrivals(self, now: datetime) -> list[DeviceArrivals]:
        """The arrivals of every active device since the beginning, with the roles that it fills at `now`."""
        return [_arrivals(row) for row in self._connection.execute(_SINCE_BEGINNING, self._with(now=now))]

    def arrivals_within(self, start: datetime, end: datetime, now: datetime) -> list[DeviceArrivals]:
        """The arrivals of those active devices whose batches ended within [start, end), likewise.

        What misses between two batches of a boot counts to the window of the later one.
        """
        parameters = self._with(start=start, end=end, now=now, tolerance=CLOCK_TOLERANCE)
        return [_arrivals(row) for row in self._connection.execute(_WITHIN, parameters)]

    def freshness_within(self, start: datetime | None, end: datetime, at_most: timedelta) -> Freshness | None:
        """As `freshness`, of the batches received within [start, end)."""
        delays = self._connection.execute(_FRESHNESS, self._with(start=start, end=end, at_most=at_most)).one().delays
        return None if delays is None else Freshness(*delays)


@contextmanager
def evidence_reading(database: Database, ecosystem: str) -> Iterator[EvidenceReading]:
    """One snapshot of `ecosystem`."""
    with database.snapshot() as connection:
        yield EvidenceReading(connection, ecosystem, database.remembered)


def _arrivals(row: Row[Any]) -> DeviceArrivals:
    return DeviceArrivals(row.name, row.operator, row.roles or {}, int(row.numbered), int(row.received))


_TALLIES = text("""
    select t.kind, t.outcome, sum(t.events) as events, sum(t.quantity) as quantity,
           count(distinct t.bucket) filter (where t.outcome = 'unmapped') as quarters,
           min(t.bucket) as first, max(t.bucket) + :quarter ::interval as last
    from tally t join device d on d.id = t.device
    where d.ecosystem = :ecosystem and t.bucket < :end and (:start ::timestamptz is null or t.bucket >= :start)
    group by t.kind, t.outcome
    order by t.kind, t.outcome
""")

_FIRST = text("""
    select min((select min(bucket) from tally t where t.device = d.id)) from device d where d.ecosystem = :ecosystem
""")

_ROLES = """
    left join lateral (
        select roles from assignment where device = d.id and valid_from <= :now order by valid_from desc limit 1
    ) a on true
"""

_SINCE_BEGINNING = text(f"""
    select d.name, d.operator, a.roles, coalesce(b.numbered, 0) as numbered, coalesce(b.received, 0) as received
    from device d
    left join (select device, sum(numbered) as numbered, sum(received) as received from boot group by device) b
        on b.device = d.id
    {_ROLES}
    where d.ecosystem = :ecosystem and d.active
    order by d.name
""")  # noqa: S608 - a constant

_WITHIN = text(f"""
    with come as (
        select b.device, b.boot, min(b.first_seq) as first, max(b.first_seq + b.count) as stop, sum(b.count) as received
        from batch b join device d on d.id = b.device
        where d.ecosystem = :ecosystem and d.active and b.outcome = 'booked'
          and b.last_at >= :start and b.last_at < :end and b.received_at >= :start - :tolerance ::interval
        group by b.device, b.boot
    ),
    counted as (
        select c.device, sum(c.received) as received, sum(c.stop - coalesce((
            select b.first_seq + b.count from batch b
            where b.device = c.device and b.boot = c.boot and b.first_seq < c.first and b.outcome = 'booked'
            order by b.first_seq desc limit 1
        ), 0)) as numbered
        from come c group by c.device
    )
    select d.name, d.operator, a.roles, c.numbered, c.received
    from counted c join device d on d.id = c.device
    {_ROLES}
    order by d.name
""")  # noqa: S608 - a constant

_FRESHNESS = text("""
    select percentile_cont(array[0.5, 0.95, 0.99]) within group (order by b.received_at - b.last_at) as delays
    from batch b join device d on d.id = b.device
    where d.ecosystem = :ecosystem and b.last_at is not null and b.offset_ms is null and b.received_at < :end
      and (:start ::timestamptz is null or b.received_at >= :start)
      and b.received_at - b.last_at <= :at_most ::interval
""")
