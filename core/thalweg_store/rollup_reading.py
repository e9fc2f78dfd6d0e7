"""Reading rollups as columns, and remembering those of past hours for as long as nothing changes them.

Exact: every row that is remembered belongs to a snapshot of the database, and `rollup_change` says which hours were
changed by transactions that a snapshot does not see. So whatever is given is what the reader's own snapshot holds. A
standby's snapshots do not say what is under way: nothing is remembered of one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, Final, NamedTuple

import numpy as np
from sqlalchemy import Connection, Row, text

from thalweg.design.quarters import beginning_of, quarter_of
from thalweg.integer_columns import Integers, distinct, exact, joined
from thalweg.quantities import Quantities, Source
from thalweg_store.arrays import int_array

#: 32 bytes each
MAX_ROWS: Final = 2_000_000
_QUARTERS: Final = 4


class RollupColumns(NamedTuple):
    """Rows of rollups. A flow may have several rows in a quarter hour, one for each revision."""

    flows: Integers
    #: numbers, see `thalweg.design.quarters`
    quarters: Integers
    quantities: Integers
    occurrences: Integers

    @classmethod
    def joined(cls, parts: Sequence[RollupColumns]) -> RollupColumns:
        """The rows of all."""
        return cls(*(joined(columns) for columns in zip(*parts, strict=True))) if parts else _NOTHING

    def within(self, first: int, end: int) -> RollupColumns:
        """Those of the quarter hours [first, end)."""
        rows = (self.quarters >= first) & (self.quarters < end)
        return RollupColumns(*(column[rows] for column in self))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a transaction sees: every transaction below `xmax` that was not under way, in one life of one server."""

    server: datetime
    name: str
    xmax: int
    under_way: frozenset[int]

    @classmethod
    def of(cls, connection: Connection) -> Snapshot | None:
        """That of a connection's transaction; None on a standby."""
        row = connection.execute(_SNAPSHOT).one()
        if row.is_standby:
            return None
        _, xmax, under_way = row.name.split(":")
        return cls(row.server, row.name, int(xmax), frozenset(map(int, filter(None, under_way.split(",")))))

    def includes(self, other: Snapshot) -> bool:
        """Whether it sees all that the other one of the same server sees."""
        return self.xmax > other.xmax or (self.xmax == other.xmax and self.under_way <= other.under_way)


class _Hour(NamedTuple):
    """The rollups of one hour, the same for all snapshots from `since` to the one that is remembered last."""

    since: Snapshot
    rows: RollupColumns


class RememberedRollups:
    """The rollups of hours that were asked for lately, of one database. Safe to share between threads."""

    def __init__(self, max_rows: int = MAX_ROWS) -> None:
        self._max_rows = max_rows
        self._lock = Lock()
        #: nothing that is remembered has changed up to here
        self._until: Snapshot | None = None
        self._hours: OrderedDict[int, _Hour] = OrderedDict()
        self._rows = 0
        #: number of a flow → its ecosystem and what it is the sum of; these never change
        self._sources: dict[int, tuple[str, Source]] = {}

    def quantities(self, connection: Connection, ecosystem: str, first: int, end: int) -> Quantities:
        """What was measured in the quarter hours [first, end), as the connection's snapshot holds it."""
        return self.named(connection, ecosystem, self.read(connection, first, end))

    def named(self, connection: Connection, ecosystem: str, columns: RollupColumns) -> Quantities:
        """What belongs to an ecosystem, with what its flows are the sums of."""
        rows, places = distinct([columns.flows], len(columns.flows))
        flows = columns.flows[rows].tolist()
        known = self._known(connection, flows)
        own = [place for place, flow in enumerate(flows) if known[flow][0] == ecosystem]
        if len(own) == len(flows):
            sources = tuple([known[flow][1] for flow in flows])
            return Quantities(sources, places, columns.quarters, columns.quantities, columns.occurrences)
        new_place = np.full(len(flows), -1, np.intp)
        new_place[own] = np.arange(len(own))
        kept = np.flatnonzero(new_place[places] >= 0)
        return Quantities(
            tuple([known[flows[place]][1] for place in own]),
            new_place[places[kept]],
            columns.quarters[kept],
            columns.quantities[kept],
            columns.occurrences[kept],
        )

    def read(self, connection: Connection, first: int, end: int) -> RollupColumns:
        """What the connection's snapshot holds of the quarter hours [first, end)."""
        with self._lock:
            present = Snapshot.of(connection)
            if present is None:
                return RollupColumns.joined([rows for _, rows in read_quarters(connection, first, end)])
            self._catch_up(connection, present)
            hours = range(first // _QUARTERS, -(-end // _QUARTERS))
            known = {hour: self._hours[hour] for hour in hours if hour in self._hours}
            known = {hour: found for hour, found in known.items() if present.includes(found.since)}
            for run in _runs([hour for hour in hours if hour not in known]):
                for hour, rows in _read_hours(connection, run).items():
                    known[hour] = _Hour(present, rows)
            if self._until == present:
                for hour in hours:
                    self._remember(hour, known[hour])
        parts = [known[hour].rows for hour in hours]
        for edge in {0, len(parts) - 1} if parts else ():
            parts[edge] = parts[edge].within(first, end)
        return RollupColumns.joined(parts)

    def _known(self, connection: Connection, flows: Sequence[int]) -> dict[int, tuple[str, Source]]:
        known = self._sources
        if missing := [flow for flow in flows if flow not in known]:
            for row in connection.execute(_FLOWS, {"flows": int_array(missing)}):
                known[row.id] = row.ecosystem, Source(row.hash, row.assignment, tuple(row.group))
        return known

    def _catch_up(self, connection: Connection, present: Snapshot) -> None:
        """Forget what changed since it was looked up last; an older snapshot changes nothing."""
        until = self._until
        if until is None or until.server != present.server:
            self._hours.clear()
            self._sources = {}
            self._rows = 0
        elif not present.includes(until):
            return
        elif present != until:
            for (hour,) in connection.execute(_CHANGED, {"snapshot": until.name}):
                self._forget(hour)
        self._until = present

    def _remember(self, hour: int, found: _Hour) -> None:
        self._forget(hour)
        self._hours[hour] = found
        self._rows += len(found.rows.flows)
        while self._rows > self._max_rows:
            self._forget(next(iter(self._hours)))

    def _forget(self, hour: int) -> None:
        found = self._hours.pop(hour, None)
        if found is not None:
            self._rows -= len(found.rows.flows)


def first_quarter(moment: datetime) -> int:
    """The number of the first quarter hour that does not begin before `moment`."""
    quarter = quarter_of(moment)
    return quarter if beginning_of(quarter) == moment else quarter + 1


def _runs(hours: Sequence[int]) -> Iterator[range]:
    """Ascending hours as stretches without gaps."""
    start = 0
    for place, hour in enumerate(hours):
        if place + 1 == len(hours) or hours[place + 1] != hour + 1:
            yield range(hours[start], hour + 1)
            start = place + 1


def _read_hours(connection: Connection, hours: range) -> dict[int, RollupColumns]:
    """The rollups of consecutive hours."""
    found = {hour: [_NOTHING] for hour in hours}
    for quarter, rows in read_quarters(connection, hours.start * _QUARTERS, hours.stop * _QUARTERS):
        found[quarter // _QUARTERS].append(rows)
    return {hour: RollupColumns.joined(parts) for hour, parts in found.items()}


def read_quarters(connection: Connection, first: int, end: int) -> Iterator[tuple[int, RollupColumns]]:
    """The rollups of the quarter hours [first, end), one after the other."""
    yield from _columns(connection.execute(_COLUMNS, {"start": beginning_of(first), "end": beginning_of(end)}))


def read_panes(connection: Connection, since: datetime) -> RollupColumns:
    """What was committed since then, by quarter hours of commit."""
    return RollupColumns.joined([rows for _, rows in _columns(connection.execute(_PANES, {"since": since}))])


def _columns(found: Iterable[Row[Any]]) -> Iterator[tuple[int, RollupColumns]]:
    for row in found:
        flows, quantities, occurrences = (
            exact(list(map(int, each.split(",")))) for each in (row.flows, row.quantities, row.occurrences)
        )
        yield row.quarter, RollupColumns(flows, np.full(len(flows), row.quarter), quantities, occurrences)


_NOTHING: Final = RollupColumns(*(np.zeros(0, np.int64) for _ in RollupColumns._fields))

_SNAPSHOT = text("""
    select pg_postmaster_start_time() as server, pg_current_snapshot()::text as name,
           pg_is_in_recovery() as is_standby
""")

_FLOWS = text("""
    select f.id, d.ecosystem, m.hash, f.assignment, f."group"
    from flow f join meter m on m.id = f.meter join assignment a on a.id = f.assignment join device d on d.id = a.device
    where f.id = any(:flows ::int[])
""")

# rows of transactions that a snapshot does not see are few, and its oldest one under way bounds the search
_CHANGED = text("""
    select distinct hour from rollup_change
    where xact >= pg_snapshot_xmin(:snapshot ::pg_snapshot)::text::bigint
      and not pg_visible_in_snapshot(xact::text::xid8, :snapshot ::pg_snapshot)
""")

# as texts: the driver makes an object of each number of an array, which takes longer than the query
_COLUMNS = text("""
    select floor(extract(epoch from bucket) / 900)::int as quarter, string_agg(flow::text, ',') as flows,
           string_agg(quantity::text, ',') as quantities, string_agg(occurrences::text, ',') as occurrences
    from rollup where bucket >= :start and bucket < :end
    group by bucket
""")

_PANES = text("""
    select quarter, string_agg(flow::text, ',') as flows,
           string_agg(q::text, ',') as quantities, string_agg(n::text, ',') as occurrences
    from (
        select flow, floor(extract(epoch from minute) / 900)::int as quarter, sum(quantity) as q, sum(occurrences) as n
        from pane where minute >= :since group by 1, 2
    ) as p
    group by quarter
""")
