"""Assigning a device from any instant on, also one in the past.

A rollup names an assignment, and an assignment belongs to one device; so what was measured within whole quarter hours
of the window changes hands as it stands, and only the quarter hours that the window cuts are derived again from the
device's batches. All in one transaction under the directory lock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from thalweg.errors import StoreError
from thalweg_store.activation import booked_events, fed_meters
from thalweg_store.assignments import add_assignment, read_assignments
from thalweg_store.batches import booked_batches
from thalweg_store.closing import read_closures
from thalweg_store.facts import QUARTER, FlowKey, RollupKey, Total, quarter_hour
from thalweg_store.rollups import add_rollups


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
    add_rollups(connection, moved, read_closures(connection, ecosystem))
    connection.execute(_FORGET_EMPTY, {"assignment": old})
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


def _round_up(moment: datetime) -> datetime:
    start = quarter_hour(moment)
    return start if start == moment else start + QUARTER


_SUMS = text("""
    select meter, bucket, "group", sum(quantity) as q, sum(occurrences) as n from rollup
    where assignment = :assignment and bucket >= :start and (:end ::timestamptz is null or bucket < :end)
    group by meter, bucket, "group"
""")

_IS_DROPPED = text("""
    select exists (
        select 1 from batch where device = :device and payload is null and design is not null
          and last_at >= :start and first_at < :end
    )
""")

_FORGET_EMPTY = text("delete from rollup where assignment = :assignment and quantity = 0 and occurrences = 0")
