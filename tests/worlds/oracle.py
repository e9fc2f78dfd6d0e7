"""What a store must hold, found by one scan over its batches, written apart from the code that keeps it up to date.

It reads the batches as they came and what was declared about them (designs, assignments, clocks, refusals), and sums
with loops and dictionaries. It knows nothing of revisions: those must add up to what it finds.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from thalweg.design import load
from thalweg.design.charge_meters import ChargeMeter, meters_to_feed
from thalweg.design.expressions import context_of
from thalweg.design.meters import Meter
from thalweg.errors import MalformedMessage, MeasurementError
from thalweg.mapping import CompiledMeter
from thalweg.wire.batch import Event
from thalweg.wire.forms import decode
from thalweg_store.database import Database
from worlds.charge_oracle import UnsaidError, cost_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Rollups = dict[tuple[str, datetime, int, tuple[str, ...]], tuple[int, int]]


def stored_rollups(database: Database) -> Rollups:
    """(meter hash, bucket, assignment, group) → quantity and occurrences, over all revisions; zeros left out."""
    with database.transaction() as connection:
        rows = connection.exec_driver_sql(
            'select m.hash, r.bucket, f.assignment, f."group", sum(r.quantity), sum(r.occurrences) '
            "from rollup r join flow f on f.id = r.flow join meter m on m.id = f.meter "
            'group by m.hash, r.bucket, f.assignment, f."group"'
        )
        return {
            (meter, bucket, assignment, tuple(group)): (int(quantity), int(number))
            for meter, bucket, assignment, group, quantity, number in rows
            if quantity or number
        }


def stored_fates(database: Database) -> dict[str, int]:
    """Fate → number of events; zeros left out."""
    with database.transaction() as connection:
        rows = connection.exec_driver_sql("select outcome, sum(events) from tally group by outcome")
        return {outcome: int(events) for outcome, events in rows if events}


def received_events(database: Database) -> int:
    with database.transaction() as connection:
        return int(connection.exec_driver_sql("select coalesce(sum(received), 0) from boot").scalar_one())


def scan(database: Database, ecosystem: str) -> tuple[Rollups, dict[str, int]]:
    """The rollups that the batches come to, and the fates of the booked and parked events."""
    with database.transaction() as connection:

        def rows(statement: str) -> list[tuple]:
            return [tuple(row) for row in connection.exec_driver_sql(statement, {"eco": ecosystem})]

        meters = {}
        for (document,) in rows("select document from design where ecosystem = %(eco)s"):
            meters |= meters_to_feed(load(document))
        coverage = rows(
            "select m.hash, c.fed_through from meter_coverage c join meter m on m.id = c.meter "
            "where c.ecosystem = %(eco)s"
        )
        assignments: dict[int, list[tuple[datetime, int]]] = {}
        for device, start, number in rows(
            "select device, valid_from, a.id from assignment a join device d on d.id = a.device "
            "where d.ecosystem = %(eco)s and replaced_at is null order by valid_from"
        ):
            assignments.setdefault(device, []).append((start, number))
        batches = rows(
            "select b.device, b.first_seq, b.payload, b.outcome, b.design, b.offset_ms, b.refused from batch b "
            "join device d on d.id = b.device where d.ecosystem = %(eco)s"
        )
    sums: Counter = Counter()
    numbers: Counter = Counter()
    fates: Counter = Counter()
    for device, first_seq, payload, outcome, design, offset_ms, refused in batches:
        lost = {seq for parts in (refused or {}).values() for first, end in parts for seq in range(first, end)}
        try:
            events = decode(bytes(payload)).events
        except MalformedMessage:
            continue
        if outcome == "parked":
            fates["parked"] += len(events)
        if design is None:
            continue
        for seq, event in enumerate(events, first_seq):
            if seq in lost:
                continue
            at = EPOCH + timedelta(milliseconds=event.at_ms + (offset_ms or 0))
            bucket = at - timedelta(minutes=at.minute % 15, seconds=at.second, microseconds=at.microsecond)
            assignment = [number for start, number in assignments[device] if start <= at][-1]
            is_mapped = False
            for digest, fed_through in coverage:
                meter = meters[digest]
                if fed_through is not None and design > fed_through:
                    continue
                if (meter.kind, meter.exchange) != (event.kind, event.is_exchange):
                    continue
                measured = _measured(meter, event, at)
                if measured is not None:
                    is_mapped = True
                    quantity, group = measured
                    sums[digest, bucket, assignment, group] += quantity
                    numbers[digest, bucket, assignment, group] += 1
            fates["mapped" if is_mapped else "unmapped"] += 1
    return {key: (sums[key], numbers[key]) for key in numbers}, dict(fates)


def _measured(meter: Meter | ChargeMeter, event: Event, at: datetime) -> tuple[int, tuple[str, ...]] | None:
    """Quantity and group of what a meter, or the atoms of what a charge meter, makes of an event."""
    measure = meter.meter if isinstance(meter, ChargeMeter) else meter
    try:
        found = CompiledMeter(measure).measure(event, context_of(event.attributes, event.quantity))
        if found is None or not isinstance(meter, ChargeMeter):
            return None if found is None else (found.quantity, found.group)
        atoms = cost_of(meter, event, found.quantity, at)
    except (MeasurementError, UnsaidError):
        return None
    return None if atoms is None else (atoms, found.group)
