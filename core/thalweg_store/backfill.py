"""What meters missed: the events of stored batches measured by meters that were not fed with them.

By columns, many batches at once; a batch with anything unusual in it (refused events, a time that is not possible) goes
event by event, which says the same and knows more. Sums wait in temporary tables, so memory does not grow with history.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, LiteralString, NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection as DriverConnection
from sqlalchemy import Connection, text

from thalweg.integer_columns import Places
from thalweg.mapping import Plan
from thalweg.mapping_columns import MeasuredColumn, measure
from thalweg_store.assignments import Assignments
from thalweg_store.batches import StoredBatch
from thalweg_store.closing import REVISION_AT
from thalweg_store.database import translated
from thalweg_store.facts import Fate, FlowKey, RollupKey, TallyKey, Total, quarter_hour
from thalweg_store.fed_meters import FedMeter, booked_events
from thalweg_store.flow_columns import EventRows
from thalweg_store.measuring import MeasuredEvent
from thalweg_store.measuring_columns import ReadBatches, read_together
from thalweg_store.rollups import NOTE_CHANGES

#: events whose columns are worked on together: some 300 bytes each
_EVENTS_TOGETHER: Final = 50_000
#: sums that wait in memory: some 500 bytes each
_MAX_SUMS: Final = 50_000


class MissedMeter(NamedTuple):
    """A meter that is behind; `before` says what it was fed so far, if it ever was."""

    number: int
    plan: Plan
    before: FedMeter | None

    def lacks(self, batch: StoredBatch) -> bool:
        """Whether its rollups do not hold what it measures of a booked batch."""
        return self.before is None or not self.before.holds(batch)


class AssignedDevice(NamedTuple):
    """A device's number, and for whom it works when."""

    id: int
    assignments: Assignments


class Backfill:
    """Adds up what `missed` meters measure of batches, within one transaction; `pour` books it.

    `fed` are all meters that were ever fed, `assignments` those of every device.
    """

    def __init__(
        self,
        connection: Connection,
        missed: Sequence[MissedMeter],
        fed: Sequence[FedMeter],
        assignments: Mapping[int, Assignments],
    ) -> None:
        self._connection = connection
        self._missed = missed
        self._fed = fed
        self._assignments = assignments
        self._rollups: defaultdict[RollupKey, Total] = defaultdict(Total)
        self._tallies: defaultdict[TallyKey, Total] = defaultdict(Total)
        connection.execute(_CREATE_ROLLUPS)
        connection.execute(_CREATE_TALLIES)

    def add(self, batches: Iterable[StoredBatch]) -> None:
        """Add what was missed of booked batches."""
        for portion in portions(batches):
            plain = [batch for batch in portion if not batch.refused]
            read = read_stored(plain)
            self._add_columns(plain, read)
            unusual = [batch for batch, is_unusual in zip(plain, read.is_unusual.tolist(), strict=True) if is_unusual]
            for batch in [*unusual, *(batch for batch in portion if batch.refused)]:
                self._add_events(batch)
            if len(self._rollups) + len(self._tallies) > _MAX_SUMS:
                self._put_down()

    def pour(self, ecosystem: str) -> None:
        """Add everything to rollups and tallies; what lies in closed periods goes to their next revision."""
        self._put_down()
        self._connection.execute(_NUMBER_FLOWS)
        self._connection.execute(_POUR_ROLLUPS, {"ecosystem": ecosystem})
        self._connection.execute(_NOTE_CHANGES)
        self._connection.execute(_POUR_TALLIES)

    def _add_columns(self, batches: Sequence[StoredBatch], read: ReadBatches) -> None:
        usual = np.flatnonzero(~read.is_unusual[read.events.batch])
        if not len(usual):
            return
        devices = [AssignedDevice(each.batch.key.device, self._assignments[each.batch.key.device]) for each in batches]
        rows = EventRows.of(read.events, usual, read.at_ms[usual].astype(np.int64), devices)
        is_new, is_old = (np.zeros(len(read.events), np.bool_) for _ in range(2))
        for meter in self._missed:
            lacks = np.array([meter.lacks(batch) for batch in batches], np.bool_)
            for column in measured_columns(meter.plan, read, usual, lacks):
                is_new[column.rows] = True
                for key, total in rows.flows(column, meter.number).items():
                    self._rollups[key].add(total.quantity, total.occurrences)
        for fed in self._fed:
            holds = np.array([fed.holds(batch) for batch in batches], np.bool_)
            for column in measured_columns(fed.plan, read, np.flatnonzero(is_new), holds):
                is_old[column.rows] = True
        for each in rows.tallies((is_new & ~is_old)[usual]):
            if each.is_marked:
                self._move((each.device, each.bucket, each.kind), each.total)

    def _add_events(self, batch: StoredBatch) -> None:
        mapped_anew: dict[int, MeasuredEvent] = {}
        assignments = self._assignments[batch.batch.key.device]
        for meter in self._missed:
            for event in booked_events(batch, meter.plan) if meter.lacks(batch) else ():
                if event.measurements:
                    mapped_anew[event.seq] = event
                for measurement in event.measurements:
                    flow = FlowKey(meter.number, assignments.at(event.at), measurement.group)
                    self._rollups[RollupKey(quarter_hour(event.at), flow)].add(measurement.quantity)
        for fed in self._fed if mapped_anew else ():
            for event in booked_events(batch, fed.plan) if fed.holds(batch) else ():
                if event.measurements:
                    mapped_anew.pop(event.seq, None)
        for event in mapped_anew.values():
            self._move((batch.batch.key.device, quarter_hour(event.at), event.kind), Total(event.quantity, 1))

    def _move(self, place: tuple[int, datetime, str], total: Total) -> None:
        """Count events as mapped that were unmapped before."""
        self._tallies[TallyKey(*place, Fate.UNMAPPED)].add(-total.quantity, -total.occurrences)
        self._tallies[TallyKey(*place, Fate.MAPPED)].add(total.quantity, total.occurrences)

    def _put_down(self) -> None:
        """Move the sums from memory to the temporary tables."""
        rollups = (
            (key.flow.meter, key.bucket, key.flow.assignment, list(key.flow.group), total.quantity, total.occurrences)
            for key, total in self._rollups.items()
        )
        tallies = (
            (key.device, key.bucket, key.kind, key.fate.value, total.occurrences, total.quantity)
            for key, total in self._tallies.items()
        )
        _copy(self._connection, "copy missed_rollup from stdin", rollups)
        _copy(self._connection, "copy missed_tally from stdin", tallies)
        self._rollups.clear()
        self._tallies.clear()


def _copy(connection: Connection, statement: LiteralString, rows: Iterable[Sequence[Any]]) -> None:
    driver = connection.connection.driver_connection
    assert isinstance(driver, DriverConnection)
    with translated(), driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def read_stored(batches: Sequence[StoredBatch]) -> ReadBatches:
    """The events of stored batches, at the times at which they were booked."""
    received = [each.batch for each in batches]
    offsets_ms = [each.offset_ms or 0 for each in batches]
    return read_together([each.payload for each in received], [each.received_at for each in received], offsets_ms)


def measured_columns(plan: Plan, read: ReadBatches, rows: Places, is_chosen: NDArray[np.bool_]) -> list[MeasuredColumn]:
    """What `plan` measures of those of `rows` whose batch is chosen; an event that it cannot measure is left out."""
    chosen = rows[is_chosen[read.events.batch[rows]]]
    return measure(plan, read.events, chosen, read.at_ms).columns if len(chosen) else []


def portions(batches: Iterable[StoredBatch]) -> Iterator[list[StoredBatch]]:
    """As many batches at a time as are worked on together."""
    portion: list[StoredBatch] = []
    events = 0
    for batch in batches:
        portion.append(batch)
        events += batch.batch.count
        if events >= _EVENTS_TOGETHER:
            yield portion
            portion, events = [], 0
    if portion:
        yield portion


_CREATE_ROLLUPS = text("""
    create temporary table missed_rollup
        (meter int, bucket timestamptz, assignment int, "group" text[], quantity numeric, occurrences bigint)
    on commit drop
""")

_CREATE_TALLIES = text("""
    create temporary table missed_tally
        (device int, bucket timestamptz, kind text, outcome text, events bigint, quantity numeric)
    on commit drop
""")

_NUMBER_FLOWS = text("""
    insert into flow (meter, assignment, "group")
    select distinct meter, assignment, "group" from missed_rollup order by 1, 2, 3
    on conflict do nothing
""")

_POUR_ROLLUPS = text(
    """
    insert into rollup as r (flow, bucket, revision, quantity, occurrences)
    select f.id, bucket, {revision}, sum(quantity), sum(occurrences)
    from missed_rollup join flow f using (meter, assignment, "group") group by f.id, bucket order by 1, 2
    on conflict (flow, bucket, revision) do update
    set quantity = r.quantity + excluded.quantity, occurrences = r.occurrences + excluded.occurrences
    """.replace("{revision}", REVISION_AT)
)

_NOTE_CHANGES = text(
    NOTE_CHANGES.replace(
        "{hours}",
        """
        select distinct floor(extract(epoch from bucket) / 3600)::int
        from (select bucket from missed_rollup union select bucket from missed_tally) as m
        """,
    )
)

_POUR_TALLIES = text("""
    insert into tally as t (device, bucket, kind, outcome, events, quantity)
    select device, bucket, kind, outcome, sum(events), sum(quantity)
    from missed_tally group by device, bucket, kind, outcome order by 1, 2, 3, 4
    on conflict (device, bucket, kind, outcome) do update
    set events = t.events + excluded.events, quantity = t.quantity + excluded.quantity
""")
