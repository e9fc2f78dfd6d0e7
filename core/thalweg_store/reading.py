"""The read path: what the API derives its figures from.

A `Reading` is one snapshot: everything asked of it comes from the same committed state. It never touches batches'
bytes. Windows are half-open and lie on quarter hours UTC; `start` None means from the beginning.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from thalweg.errors import UnknownEcosystem
from thalweg.rating import Quantity
from thalweg_store.coverage import check_coverage
from thalweg_store.database import Database
from thalweg_store.facts import Fate


class Watermark(NamedTuple):
    """How far the store had committed."""

    commit: int
    #: time of that commit; None while the store is empty
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Ecosystem:
    """Names of an ecosystem and of its participants, and its design in force."""

    id: str
    name: str
    #: participant id → name
    participants: Mapping[str, str]
    design_version: int
    design_document: str


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """One device, as last heard."""

    name: str
    operator: str
    #: role → participant of the assignment in force
    roles: Mapping[str, str]
    #: None: never heard
    heard_at: datetime | None
    #: False after a last will, or before the first birth
    is_on: bool


@dataclass(frozen=True, slots=True)
class Completeness:
    """Counts over all boots of an ecosystem's devices, since the beginning."""

    #: seqs that devices are known to have given out
    numbered: int
    received: int
    #: seqs that devices gave up, and that did not come after all
    lost: int
    #: batches that came again unchanged
    duplicates: int
    #: batches that claim seqs of another
    conflicts: int

    @property
    def gaps(self) -> int:
        """Seqs that are neither received nor given up."""
        return self.numbered - self.received - self.lost


@dataclass(frozen=True, slots=True)
class BootStatus:
    """One start of one device."""

    device: str
    boot: int
    #: seqs that the device is known to have given out
    numbered: int
    received: int
    #: seqs that the device gave up, and that did not come after all
    lost: int
    #: the seq behind the last sealed event, as a later boot told; what was numbered from there on never left the device
    sealed: int | None
    #: True when it ended without a last word: events behind `sealed` may have been lost unnumbered
    is_unclean: bool

    @property
    def gaps(self) -> int:
        """Seqs that are neither received nor given up."""
        return self.numbered - self.received - self.lost


@dataclass(frozen=True, slots=True)
class Freshness:
    """Percentiles of the time from an event's measurement to its commit, over the batches received in a window."""

    p50: timedelta
    p95: timedelta
    p99: timedelta


class Reading:
    """Queries on one snapshot of one ecosystem."""

    def __init__(self, connection: Connection, ecosystem: str) -> None:
        self._connection = connection
        self._ecosystem = ecosystem

    def watermark(self) -> Watermark:
        """The last commit that this snapshot includes."""
        row = self._one(_WATERMARK)
        return Watermark(int(row.commits), row.at)

    def ecosystem(self) -> Ecosystem:
        """The ecosystem and its design in force; raises UnknownEcosystem, also before the first activation."""
        row = self._connection.execute(_ECOSYSTEM, self._with()).first()
        if row is None:
            raise UnknownEcosystem(self._ecosystem)
        participants = {each.id: each.name for each in self._connection.execute(_PARTICIPANTS, self._with())}
        return Ecosystem(row.id, row.name, participants, row.version, row.document)

    def assignments(self) -> dict[int, Mapping[str, str]]:
        """Every assignment's roles (role → participant), by assignment id."""
        return {row.id: row.roles for row in self._connection.execute(_ASSIGNMENTS, self._with())}

    def quantities(
        self,
        start: datetime | None,
        end: datetime,
        *,
        meters: Collection[str] = (),
        as_of_revision: int | None = None,
    ) -> list[Quantity]:
        """What was measured within [start, end), summed over buckets.

        `as_of_revision` leaves out what came after a period was closed so often: 0 is as of its first close.
        Raises OutsideCoverage unless the rollups of all `meters` (content hashes) hold the whole of the window.
        """
        check_coverage(self._connection, self._ecosystem, meters, start, end)
        rows = self._connection.execute(_QUANTITIES, self._with(start=start, end=end, revision=as_of_revision))
        return [Quantity(row.hash, row.assignment, tuple(row.group), int(row.q), int(row.n)) for row in rows]

    def recent_quantities(self, since: datetime) -> list[Quantity]:
        """What was committed since the minute of `since`, whenever it was measured."""
        rows = self._connection.execute(_RECENT, self._with(since=since.replace(second=0, microsecond=0)))
        return [Quantity(row.hash, row.assignment, tuple(row.group), int(row.q), int(row.n)) for row in rows]

    def fates(self, start: datetime | None, end: datetime) -> dict[Fate, int]:
        """Received events of [start, end) by what became of them."""
        rows = self._connection.execute(_FATES, self._with(start=start, end=end))
        return dict.fromkeys(Fate, 0) | {Fate(row.outcome): int(row.events) for row in rows}

    def completeness(self) -> Completeness:
        """Events numbered and received, duplicates and conflicts."""
        row = self._one(_COMPLETENESS)
        return Completeness(*map(int, row))

    def boots(self) -> list[BootStatus]:
        """The boots that have gaps or lost intervals or ended uncleanly, by device."""
        return [BootStatus(*row) for row in self._connection.execute(_BOOTS, self._with())]

    def freshness(self, since: datetime | None, at_most: timedelta | None = None) -> Freshness | None:
        """Delay from measurement to commit of the batches received since `since`; None without any. Estimated times
        do not count.

        `at_most` leaves out what was late for longer, such as the backlog of a device that was offline.
        """
        delays = self._one(_FRESHNESS, since=since, at_most=at_most).delays
        return None if delays is None else Freshness(*delays)

    def events_received_since(self, since: datetime) -> int:
        """Number of events whose batch was received since `since`."""
        return int(self._one(_RECEIVED_SINCE, since=since).events)

    def devices(self, now: datetime) -> list[DeviceStatus]:
        """Every active device with the roles that it fills at `now`, by name."""
        rows = self._connection.execute(_DEVICES, self._with(now=now))
        return [DeviceStatus(row.name, row.operator, row.roles or {}, row.heard_at, row.is_on) for row in rows]

    def _one(self, statement: Any, **parameters: Any) -> Any:
        return self._connection.execute(statement, self._with(**parameters)).one()

    def _with(self, **parameters: Any) -> dict[str, Any]:
        return {"ecosystem": self._ecosystem, **parameters}


@contextmanager
def reading(database: Database, ecosystem: str) -> Iterator[Reading]:
    """One snapshot of `ecosystem`."""
    with database.snapshot() as connection:
        yield Reading(connection, ecosystem)


def watermark(database: Database) -> Watermark:
    """The store's last commit: cheap enough to be asked every second."""
    with database.snapshot() as connection:
        row = connection.execute(_WATERMARK).one()
        return Watermark(int(row.commits), row.at)


#: how long a live view looks back
RECENT = timedelta(minutes=5)

_WATERMARK = text("select coalesce(sum(commits), 0) as commits, max(committed_at) as at from gateway")

_ECOSYSTEM = text("""
    select e.id, e.name, d.version, d.document from ecosystem e join design d on d.ecosystem = e.id
    where e.id = :ecosystem order by d.version desc limit 1
""")

_PARTICIPANTS = text("select id, name from participant where ecosystem = :ecosystem order by id")

_ASSIGNMENTS = text("""
    select a.id, a.roles from assignment a join device d on d.id = a.device where d.ecosystem = :ecosystem
""")

_QUANTITIES = text("""
    select m.hash, r.assignment, r."group", sum(r.quantity) as q, sum(r.occurrences) as n
    from rollup r join meter m on m.id = r.meter
    where r.bucket < :end and (:start ::timestamptz is null or r.bucket >= :start)
      and (:revision ::int is null or r.revision <= :revision)
      and r.assignment in (
        select a.id from assignment a join device d on d.id = a.device where d.ecosystem = :ecosystem
      )
    group by m.hash, r.assignment, r."group"
""")

_RECENT = text("""
    select m.hash, p.assignment, p."group", sum(p.quantity) as q, sum(p.occurrences) as n
    from pane p join meter m on m.id = p.meter
    where p.minute >= :since
      and p.assignment in (
        select a.id from assignment a join device d on d.id = a.device where d.ecosystem = :ecosystem
      )
    group by m.hash, p.assignment, p."group"
""")

_FATES = text("""
    select t.outcome, sum(t.events) as events
    from tally t join device d on d.id = t.device
    where d.ecosystem = :ecosystem and t.bucket < :end and (:start ::timestamptz is null or t.bucket >= :start)
    group by t.outcome
""")

_COMPLETENESS = text("""
    select coalesce(sum(b.numbered), 0) as numbered, coalesce(sum(b.received), 0) as received,
           coalesce(sum(b.lost), 0) as lost, coalesce(sum(b.duplicates), 0) as duplicates,
           (select coalesce(sum(count + replayed), 0) from rejection
            where ecosystem = :ecosystem and reason = 'conflict') as conflicts
    from boot b join device d on d.id = b.device
    where d.ecosystem = :ecosystem
""")

_BOOTS = text("""
    select * from (
        select d.name, b.boot, b.numbered, b.received, b.lost, b.sealed,
               not b.is_off and coalesce(s.boot <> b.boot, false) as is_unclean
        from boot b join device d on d.id = b.device left join device_state s on s.device = d.id
        where d.ecosystem = :ecosystem
    ) as b
    where is_unclean or received < numbered
    order by name, boot
""")

_FRESHNESS = text("""
    select percentile_cont(array[0.5, 0.95, 0.99]) within group (
        order by b.received_at - b.last_at
    ) as delays
    from batch b join device d on d.id = b.device
    where d.ecosystem = :ecosystem and b.last_at is not null and b.offset_ms is null
      and (:since ::timestamptz is null or b.received_at >= :since)
      and (:at_most ::interval is null or b.received_at - b.last_at <= :at_most)
""")

_RECEIVED_SINCE = text("""
    select coalesce(sum(b.count), 0) as events from batch b join device d on d.id = b.device
    where d.ecosystem = :ecosystem and b.received_at >= :since
""")

_DEVICES = text("""
    select d.name, d.operator, a.roles, coalesce(s.is_on, false) as is_on,
           greatest(s.heard_at, (select max(last_at) from boot where device = d.id and last_at > '-infinity'))
               as heard_at
    from device d
    left join device_state s on s.device = d.id
    left join lateral (
        select roles from assignment
        where device = d.id and valid_from <= :now
        order by valid_from desc limit 1
    ) a on true
    where d.ecosystem = :ecosystem and d.active
    order by d.name
""")
