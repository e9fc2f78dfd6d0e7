"""Remembering what past hours hold, for as long as nothing changes them.

Exact: all that is remembered belongs to a snapshot of the database, and `rollup_change` says which hours were changed
by transactions that a snapshot does not see. So whatever is given is what the reader's own snapshot holds. A standby's
snapshots do not say what is under way: nothing is remembered of one. A window all of whose hours are the same as when
it was last asked for is the same object, and what was made from it can be found again by that.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from operator import is_
from threading import Lock
from typing import Final, NamedTuple

import numpy as np
from sqlalchemy import Connection, text

from thalweg.integer_columns import distinct
from thalweg.quantities import Quantities, Source
from thalweg_store.arrays import int_array
from thalweg_store.facts import Fate
from thalweg_store.hour_reading import QUARTERS, HourRows, RollupColumns, read_hours
from thalweg_store.snapshots import Snapshot

#: 32 bytes each
MAX_ROWS: Final = 2_000_000
#: whole windows, beside those hours, and their rows: each time they end later they are others
_MAX_WINDOWS: Final = 64
_MAX_WINDOW_ROWS: Final = MAX_ROWS // 4


class _Hour(NamedTuple):
    """One hour, the same for all snapshots from `since` to the one that is remembered last."""

    since: Snapshot
    rows: HourRows


class _WindowKey(NamedTuple):
    ecosystem: str
    first: int
    end: int
    by_bucket: bool


class _Window(NamedTuple):
    """What was measured in some hours."""

    hours: Sequence[HourRows]
    quantities: Quantities

    def is_of(self, hours: Sequence[HourRows]) -> bool:
        return len(hours) == len(self.hours) and all(map(is_, hours, self.hours))


class RememberedHours:
    """The hours and windows of one database that were asked for lately. Safe to share between threads."""

    def __init__(self, max_rows: int = MAX_ROWS) -> None:
        self._max_rows = max_rows
        self._lock = Lock()
        #: nothing that is remembered has changed up to here
        self._until: Snapshot | None = None
        self._hours: OrderedDict[int, _Hour] = OrderedDict()
        self._rows = 0
        self._windows: OrderedDict[_WindowKey, _Window] = OrderedDict()
        self._window_rows = 0
        #: number of a flow → its ecosystem and what it is the sum of; these never change
        self._sources: dict[int, tuple[str, Source]] = {}

    def quantities(
        self, connection: Connection, present: Snapshot | None, ecosystem: str, first: int, end: int, *, by_bucket: bool
    ) -> Quantities:
        """What was measured in the quarter hours [first, end), as the connection's snapshot, `present`, holds it."""
        hours = self._read(connection, present, first, end)
        key = _WindowKey(ecosystem, first, end, by_bucket)
        kept = self._windows.get(key)
        if kept is not None and kept.is_of(hours):
            return kept.quantities
        found = self.named(connection, ecosystem, _rollups(hours, first, end))
        quantities = found if by_bucket else found.summed()
        if present is not None:
            self._keep(key, _Window(hours, quantities))
        return quantities

    def fates(
        self, connection: Connection, present: Snapshot | None, ecosystem: str, first: int, end: int
    ) -> Counter[Fate]:
        """What became of the events of the quarter hours [first, end), likewise."""
        counts: Counter[Fate] = Counter()
        for hour in self._read(connection, present, first, end):
            for each in hour.fates:
                if each.ecosystem == ecosystem and first <= each.quarter < end:
                    counts[each.fate] += each.events
        return counts

    def rollups(self, connection: Connection, present: Snapshot | None, first: int, end: int) -> RollupColumns:
        """The rollups of all ecosystems in the quarter hours [first, end), likewise."""
        return _rollups(self._read(connection, present, first, end), first, end)

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

    def _read(self, connection: Connection, present: Snapshot | None, first: int, end: int) -> list[HourRows]:
        """All hours of which [first, end) has a part."""
        hours = range(first // QUARTERS, -(-end // QUARTERS))
        if present is None:
            return list(read_hours(connection, hours).values())
        with self._lock:
            self._catch_up(connection, present)
            known = {hour: self._hours[hour] for hour in hours if hour in self._hours}
            known = {hour: found for hour, found in known.items() if present.includes(found.since)}
            for run in _runs([hour for hour in hours if hour not in known]):
                for hour, rows in read_hours(connection, run).items():
                    known[hour] = _Hour(present, rows)
            if self._until == present:
                for hour in hours:
                    self._remember(hour, known[hour])
        return [known[hour].rows for hour in hours]

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
            self._windows.clear()
            self._sources = {}
            self._rows = self._window_rows = 0
        elif not present.includes(until):
            return
        elif present != until:
            for (hour,) in connection.execute(_CHANGED, {"snapshot": until.name}):
                self._forget(hour)
        self._until = present

    def _remember(self, hour: int, found: _Hour) -> None:
        self._forget(hour)
        self._hours[hour] = found
        self._rows += len(found.rows)
        while self._rows > self._max_rows:
            self._forget(next(iter(self._hours)))

    def _forget(self, hour: int) -> None:
        found = self._hours.pop(hour, None)
        if found is not None:
            self._rows -= len(found.rows)

    def _keep(self, key: _WindowKey, window: _Window) -> None:
        with self._lock:
            before = self._windows.pop(key, None)
            self._window_rows += len(window.quantities) - (0 if before is None else len(before.quantities))
            self._windows[key] = window
            while self._window_rows > _MAX_WINDOW_ROWS or len(self._windows) > _MAX_WINDOWS:
                _, oldest = self._windows.popitem(last=False)
                self._window_rows -= len(oldest.quantities)


def _rollups(hours: Sequence[HourRows], first: int, end: int) -> RollupColumns:
    """Those of the quarter hours [first, end)."""
    parts = [hour.rollups for hour in hours]
    for edge in {0, len(parts) - 1} if parts else ():
        parts[edge] = parts[edge].within(first, end)
    return RollupColumns.joined(parts)


def _runs(hours: Sequence[int]) -> Iterator[range]:
    """Ascending hours as stretches without gaps."""
    start = 0
    for place, hour in enumerate(hours):
        if place + 1 == len(hours) or hours[place + 1] != hour + 1:
            yield range(hours[start], hour + 1)
            start = place + 1


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
