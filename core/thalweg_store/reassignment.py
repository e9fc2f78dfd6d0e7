"""Assigning a device from any instant on, also one in the past.

A rollup names an assignment, and an assignment belongs to one device; so what was measured within whole quarter hours
of the window changes hands as it stands, and only the quarter hours that the window cuts are derived again from the
device's batches. Panes are too short for that: the device's are made again from what was received since they begin, by
the minute of receipt. All in one transaction under the directory lock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from thalweg.errors import StoreError
from thalweg_store.assignments import add_assignment, read_assignments
from thalweg_store.batches import booked_batches
from thalweg_store.closing import read_closures
from thalweg_store.facts import QUARTER, FlowKey, RollupKey, Total, quarter_hour
from thalweg_store.fed_meters import booked_events, fed_meters
from thalweg_store.flows import FlowNumbers
from thalweg_store.rollups import PANE_HOURS, add_panes, add_rollups


@dataclass(frozen=True, slots=True)
class _Window:
    """What changes hands: one device's measurements within [start, end)."""

    ecosystem: str
    device: int
    old: int
    new: int
    start: datetime
    #: None: without end
    end: datetime | None

    def whole(self) -> tuple[datetime, datetime | None]:
        """The whole quarter hours in it; the end may lie before the start when there are none."""
        return _round_up(self.start), None if self.end is None else quarter_hour(self.end)

    def cut(self) -> list[tuple[datetime, datetime]]:
        """Its parts of quarter hours that it does not hold wholly."""
        start, end = self.whole()
        if end is not None and self.end is not None and end < start:
            return [(self.start, self.end)]
        parts = [(self.start, start)] if self.start < start else []
        return [*parts, (end, self.end)] if end is not None and self.end is not None and end < self.end else parts


def reassign(
    connection: Connection,
    ecosystem: str,
    device: int,
    roles: Mapping[str, str],
    valid_from: datetime,
    now: datetime,
) -> int:
    """Assign `device` from `valid_from` until its next assignment and return the new assignment's id.

    What was measured in that window moves to it; what lies in closed periods moves in their next revision. Needs the
    exclusive directory lock. Raises StoreError where retention dropped bytes that it needs.
    """
    assignments = read_assignments(connection, ecosystem)[device]
    old, end = assignments.at(valid_from), assignments.after(valid_from)
    new = add_assignment(connection, device, valid_from, roles, now)
    window = _Window(ecosystem, device, old, new, valid_from, end)
    moved: defaultdict[RollupKey, Total] = defaultdict(Total)
    _move_whole(connection, window, moved)
    for start, stop in window.cut():
        _move_part(connection, window, start, stop, moved)
    flows = FlowNumbers()
    add_rollups(connection, moved, read_closures(connection, ecosystem), flows)
    connection.execute(_FORGET_EMPTY, {"assignment": old})
    _make_panes_again(connection, window, now, flows)
    return new


def _move_whole(connection: Connection, window: _Window, moved: defaultdict[RollupKey, Total]) -> None:
    start, end = window.whole()
    for row in connection.execute(_SUMS, {"assignment": window.old, "start": start, "end": end}):
        for assignment, sign in ((window.old, -1), (window.new, 1)):
            key = RollupKey(row.bucket, FlowKey(row.meter, assignment, tuple(row.group)))
            moved[key].add(sign * int(row.q), sign * int(row.n))


def _move_part(
    connection: Connection, window: _Window, start: datetime, end: datetime, moved: defaultdict[RollupKey, Total]
) -> None:
    bounds = {"device": window.device, "start": start, "end": end}
    if connection.scalar(_IS_DROPPED, bounds):
        raise StoreError(
            f"retention dropped the batches of {quarter_hour(start)} to {_round_up(end)}: "
            "assign from a quarter hour UTC on, which needs none"
        )
    meters = fed_meters(connection, window.ecosystem).values()
    batches = booked_batches(
        connection, window.ecosystem, device=window.device, measured_from=start, measured_until=end
    )
    for batch in batches:
        for meter in meters:
            if meter.holds(batch):
                for event in booked_events(batch, meter.plan):
                    if start <= event.at < end:
                        for measurement in event.measurements:
                            for assignment, sign in ((window.old, -1), (window.new, 1)):
                                flow = FlowKey(meter.number, assignment, measurement.group)
                                moved[RollupKey(quarter_hour(event.at), flow)].add(sign * measurement.quantity, sign)


def _make_panes_again(connection: Connection, window: _Window, now: datetime, flows: FlowNumbers) -> None:
    assignments = read_assignments(connection, window.ecosystem)[window.device]
    meters = [meter for meter in fed_meters(connection, window.ecosystem).values() if meter.fed_through is None]
    since = now.replace(second=0, microsecond=0) - timedelta(hours=PANE_HOURS)
    panes: defaultdict[datetime, defaultdict[FlowKey, Total]] = defaultdict(lambda: defaultdict(Total))
    batches = booked_batches(
        connection, window.ecosystem, device=window.device, only="b.received_at >= :since", only_with={"since": since}
    )
    for batch in batches:
        minute = batch.batch.received_at.replace(second=0, microsecond=0)
        for meter in meters:
            for event in booked_events(batch, meter.plan):
                for measurement in event.measurements:
                    flow = FlowKey(meter.number, assignments.at(event.at), measurement.group)
                    panes[minute][flow].add(measurement.quantity)
    connection.execute(_FORGET_PANES, {"device": window.device})
    for minute in sorted(panes):
        add_panes(connection, panes[minute], minute, flows)


def _round_up(moment: datetime) -> datetime:
    start = quarter_hour(moment)
    return start if start == moment else start + QUARTER


_SUMS = text("""
    select f.meter, r.bucket, f."group", sum(r.quantity) as q, sum(r.occurrences) as n
    from rollup r join flow f on f.id = r.flow
    where f.assignment = :assignment and r.bucket >= :start and (:end ::timestamptz is null or r.bucket < :end)
    group by f.meter, r.bucket, f."group"
""")

_IS_DROPPED = text("""
    select exists (
        select 1 from batch where device = :device and payload is null and design is not null
          and last_at >= :start and first_at < :end
    )
""")

_FORGET_EMPTY = text("""
    delete from rollup r using flow f
    where f.id = r.flow and f.assignment = :assignment and r.quantity = 0 and r.occurrences = 0
""")

_FORGET_PANES = text("""
    delete from pane p using flow f, assignment a
    where f.id = p.flow and a.id = f.assignment and a.device = :device
""")
