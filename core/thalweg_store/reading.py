"""The read path: what the API derives its figures from.

A `Reading` is one snapshot: everything asked of it comes from the same committed state. It never touches batches'
bytes. Windows are half-open and lie on quarter hours UTC; `start` None means from the beginning.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, text

from thalweg.errors import UnknownEcosystem
from thalweg.rating import Quantities, Quantity
from thalweg_store import snapshots
from thalweg_store.arrival_reading import (
    BootStatus,
    Completeness,
    DeviceStatus,
    Freshness,
    count_received,
    read_boots,
    read_completeness,
    read_devices,
    read_freshness,
)
from thalweg_store.database import Database
from thalweg_store.facts import Fate
from thalweg_store.hour_reading import first_quarter, read_panes
from thalweg_store.register import Ecosystem, Register
from thalweg_store.remembered import Remembered
from thalweg_store.snapshots import Snapshot


class Watermark(NamedTuple):
    """How far the store had committed."""

    commit: int
    #: time of that commit; None while the store is empty
    at: datetime | None
    #: grows whenever something else changes that figures follow from: designs, assignments, closes
    changes: int


class _Present(NamedTuple):
    """What one query says of a snapshot."""

    watermark: Watermark
    #: None on a standby
    snapshot: Snapshot | None
    register: Register


class Reading:
    """Queries on one snapshot of one ecosystem."""

    def __init__(self, connection: Connection, ecosystem: str, remembered: Remembered | None = None) -> None:
        """`remembered` is the database's."""
        self._connection = connection
        self._ecosystem = ecosystem
        self._remembered = remembered or Remembered()

    @cached_property
    def _present(self) -> _Present:
        row = self._connection.execute(_PRESENT, self._with()).one()
        register = self._remembered.registers.register(self._connection, row.server, self._ecosystem, row.version)
        return _Present(_watermark(row), Snapshot.of_row(row), register)

    @property
    def register(self) -> Register:
        """The ecosystem besides its events: the same object as long as nothing of it changes."""
        return self._present.register

    def watermark(self) -> Watermark:
        """The last commit that this snapshot includes."""
        return self._present.watermark

    def ecosystem(self) -> Ecosystem:
        """The ecosystem and its design in force; raises UnknownEcosystem also before the first activation."""
        found = self.register.ecosystem
        if found is None:
            raise UnknownEcosystem(self._ecosystem)
        return found

    def assignments(self) -> Mapping[int, Mapping[str, str]]:
        """Every assignment's roles (role → participant), by assignment id."""
        return self.register.roles

    def quantities(
        self,
        start: datetime | None,
        end: datetime,
        *,
        meters: Collection[str] = (),
        as_of_revision: int | None = None,
        by_bucket: bool = False,
    ) -> Quantities:
        """What was measured within [start, end), summed over buckets unless `by_bucket` (`DesignPlan.needs_buckets`).

        `as_of_revision` leaves out what came after a period was closed so often: 0 is as of its first close.
        Raises OutsideCoverage unless the rollups of all `meters` (content hashes) hold the whole of the window.
        """
        self.register.coverage.check(meters, start, end)
        if start is not None and as_of_revision is None and end - start <= LONGEST_REMEMBERED:
            bounds = first_quarter(start), first_quarter(end)
            return self._remembered.hours.quantities(
                self._connection, self._present.snapshot, self._ecosystem, *bounds, by_bucket=by_bucket
            )
        statement = _QUANTITIES_BY_BUCKET if by_bucket else _QUANTITIES
        rows = self._connection.execute(statement, self._with(start=start, end=end, revision=as_of_revision))
        return Quantities.of(_quantity(row) for row in rows)

    def measured_since(self, meters: Collection[str]) -> datetime | None:
        """From when on the rollups of all `meters` (content hashes) hold everything; None from the beginning."""
        return self.register.coverage.covered_from(meters)

    def recent_quantities(self, since: datetime) -> Quantities:
        """What was committed since the minute of `since`, whenever it was measured, by quarter hours of commit."""
        columns = read_panes(self._connection, since.replace(second=0, microsecond=0))
        return self._remembered.hours.named(self._connection, self._ecosystem, columns)

    def fates(self, start: datetime | None, end: datetime) -> dict[Fate, int]:
        """Received events of [start, end) by what became of them."""
        counts = dict.fromkeys(Fate, 0)
        if start is not None and end - start <= LONGEST_REMEMBERED:
            bounds = first_quarter(start), first_quarter(end)
            return counts | self._remembered.hours.fates(
                self._connection, self._present.snapshot, self._ecosystem, *bounds
            )
        rows = self._connection.execute(_FATES, self._with(start=start, end=end))
        return counts | {Fate(row.outcome): int(row.events) for row in rows}

    def completeness(self) -> Completeness:
        """Events numbered and received, duplicates and conflicts."""
        return read_completeness(self._connection, self._ecosystem)

    def boots(self) -> list[BootStatus]:
        """The boots that have gaps or lost intervals or ended uncleanly, by device."""
        return read_boots(self._connection, self._ecosystem)

    def freshness(self, since: datetime | None, at_most: timedelta | None = None) -> Freshness | None:
        """Delay from measurement to commit of the batches received since `since`; None without any. Estimated times
        do not count.

        `at_most` leaves out what was late for longer, such as the backlog of a device that was offline.
        """
        return read_freshness(self._connection, self._ecosystem, since, at_most)

    def events_received_since(self, since: datetime) -> int:
        """Number of events whose batch was received since `since`."""
        return count_received(self._connection, self._ecosystem, since)

    def devices(self, now: datetime) -> list[DeviceStatus]:
        """Every active device with the roles that it fills at `now`, by name."""
        return read_devices(self._connection, self._ecosystem, self.register, now)

    def _with(self, **parameters: Any) -> dict[str, Any]:
        return {"ecosystem": self._ecosystem, **parameters}


@contextmanager
def reading(database: Database, ecosystem: str) -> Iterator[Reading]:
    """One snapshot of `ecosystem`."""
    with database.snapshot() as connection:
        yield Reading(connection, ecosystem, database.remembered)


def watermark(database: Database) -> Watermark:
    """The store's last commit: cheap enough to be asked every second."""
    with database.snapshot() as connection:
        return _watermark(connection.execute(_WATERMARK).one())


def _watermark(row: Row[Any]) -> Watermark:
    return Watermark(int(row.commits), row.at, int(row.changes))


def _quantity(row: Row[Any]) -> Quantity:
    return Quantity(row.hash, row.assignment, tuple(row.group), int(row.q), int(row.n), row.bucket)


#: windows up to this length are added up from what is remembered; longer ones the database adds up
LONGEST_REMEMBERED = timedelta(days=62)
#: how long a live view looks back
RECENT = timedelta(minutes=5)

_COMMITS = """
    (select coalesce(sum(commits), 0) from gateway) as commits, (select max(committed_at) from gateway) as at,
    (select coalesce(sum(directory_version), 0) from ecosystem) as changes
"""
_WATERMARK = text(f"select {_COMMITS}")

_PRESENT = text(f"""
    select {_COMMITS}, {snapshots.COLUMNS},
           coalesce((select directory_version from ecosystem where id = :ecosystem), 0) as version
""")  # noqa: S608 - constants

# sums by number first: to tell rows apart by names and groups costs twice as much
_SUMS = """
    select m.hash, f.assignment, f."group", s.q, s.n, s.bucket
    from (
        select flow, {bucket} as bucket, sum(quantity) as q, sum(occurrences) as n
        from rollup
        where bucket < :end and (:start ::timestamptz is null or bucket >= :start)
          and (:revision ::int is null or revision <= :revision)
        group by {key}
    ) as s join flow f on f.id = s.flow join meter m on m.id = f.meter
    where f.assignment in (
        select a.id from assignment a join device d on d.id = a.device where d.ecosystem = :ecosystem
    )
"""
_QUANTITIES = text(_SUMS.format(bucket="null ::timestamptz", key="flow"))
_QUANTITIES_BY_BUCKET = text(_SUMS.format(bucket="bucket", key="flow, bucket"))

_FATES = text("""
    select t.outcome, sum(t.events) as events
    from tally t join device d on d.id = t.device
    where d.ecosystem = :ecosystem and t.bucket < :end and (:start ::timestamptz is null or t.bucket >= :start)
    group by t.outcome
""")
