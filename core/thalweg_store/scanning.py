"""What any designs measure of the past, in force or not: from the rollups, and for meters that these do not cover by
one scan over the batches of the window. Nothing is written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from thalweg.design.charge_meters import ChargeMeter
from thalweg.design.meters import Meter
from thalweg.errors import OutsideCoverage
from thalweg.mapping import Plan
from thalweg.plan import DesignPlan
from thalweg.rating import Quantities, Quantity
from thalweg_store.activation import first_kept
from thalweg_store.assignments import BEGINNING, Assignments, read_assignments
from thalweg_store.backfill import AssignedDevice, measured_columns, portions, read_stored
from thalweg_store.batches import StoredBatch, booked_batches
from thalweg_store.coverage import Coverage
from thalweg_store.database import Database
from thalweg_store.facts import FlowKey, RollupKey, Total, quarter_hour
from thalweg_store.fed_meters import booked_events
from thalweg_store.flow_columns import EventRows
from thalweg_store.measuring_columns import ReadBatches
from thalweg_store.reading import Reading

_Meters = Mapping[str, Meter | ChargeMeter]


class Measured(NamedTuple):
    """What rating one design takes."""

    quantities: Quantities
    #: what the periods held before the window
    opening: Quantities


class _Needed(NamedTuple):
    """A meter, and from when on it bears on the window under any of the designs."""

    meter: Meter | ChargeMeter
    since: datetime


class Past(NamedTuple):
    """One window of one snapshot, as several designs measure it."""

    #: one for each design
    measured: tuple[Measured, ...]
    #: assignment id → role → participant
    assignments: Mapping[int, Mapping[str, str]]
    #: ids of the meters that the rollups did not cover
    scanned: tuple[str, ...]


def read_past(
    database: Database, ecosystem: str, plans: Sequence[DesignPlan], start: datetime, end: datetime
) -> Past:  # fmt: skip
    """What each of `plans` measures within [start, end), quarter hours, and in the periods before that bear on it.

    Raises OutsideCoverage for a meter that is not covered, where the bytes of its batches are not kept any more.
    """
    begins = [(plan.opening(start) or BEGINNING) if plan.has_state else start for plan in plans]
    needed: dict[str, _Needed] = {}
    for plan, begin in zip(plans, begins, strict=True):
        for content_hash, meter in plan.meters.items():
            since = min(begin, needed[content_hash].since) if content_hash in needed else begin
            needed[content_hash] = _Needed(meter, since)
    with database.snapshot() as connection:
        reading = Reading(connection, ecosystem, database.remembered)
        uncovered = _uncovered(reading.register.coverage, needed, end)
        lacking = {content_hash: each.meter for content_hash, each in uncovered.items()}
        since = min((each.since for each in uncovered.values()), default=end)
        scanned = scan(connection, ecosystem, lacking, since, end) if lacking else Quantities.of(())

        def measured(plan: DesignPlan, since: datetime, until: datetime, *, by_bucket: bool) -> Quantities:
            if since == until:
                return Quantities.of(())
            covered = plan.meters.keys() - lacking.keys()
            rollups = reading.quantities(since, until, by_bucket=by_bucket).of_meters(covered)
            found = scanned.within(since, until).of_meters(plan.meters.keys())
            return rollups.plus(found if by_bucket else found.summed())

        return Past(
            tuple(
                Measured(
                    measured(plan, start, end, by_bucket=plan.needs_buckets),
                    measured(plan, begin, start, by_bucket=True),
                )
                for plan, begin in zip(plans, begins, strict=True)
            ),
            reading.assignments(),
            tuple(sorted({meter.id for meter in lacking.values()})),
        )


def scan(
    connection: Connection, ecosystem: str, meters: _Meters, start: datetime, end: datetime
) -> Quantities:  # fmt: skip
    """What `meters` (by content hash) measure of the stored batches within [start, end), by quarter hour.

    An event that a meter cannot measure is left out for it.
    """
    _check_kept(connection, ecosystem, meters, start)
    scanning = _Scan(meters, read_assignments(connection, ecosystem))
    for portion in portions(booked_batches(connection, ecosystem, measured_from=start, measured_until=end)):
        scanning.add(portion)
    return scanning.quantities().within(start, end)


class _Scan:
    """Adds up what meters measure of batches, by columns; what is unusual goes event by event."""

    def __init__(self, meters: _Meters, assignments: Mapping[int, Assignments]) -> None:
        self._hashes = list(meters)
        self._plans = [Plan((meter,)) for meter in meters.values()]
        self._assignments = assignments
        self._sums: defaultdict[RollupKey, Total] = defaultdict(Total)

    def add(self, batches: Sequence[StoredBatch]) -> None:
        """Add booked batches."""
        plain = [batch for batch in batches if not batch.refused]
        read = read_stored(plain)
        self._add_columns(plain, read)
        unusual = [batch for batch, is_unusual in zip(plain, read.is_unusual.tolist(), strict=True) if is_unusual]
        for batch in [*unusual, *(batch for batch in batches if batch.refused)]:
            self._add_events(batch)

    def quantities(self) -> Quantities:
        """All sums, by meter, assignment, group and quarter hour."""
        return Quantities.of(
            Quantity(
                self._hashes[key.flow.meter],
                key.flow.assignment,
                key.flow.group,
                total.quantity,
                total.occurrences,
                key.bucket,
            )
            for key, total in self._sums.items()
        )

    def _add_columns(self, batches: Sequence[StoredBatch], read: ReadBatches) -> None:
        usual = np.flatnonzero(~read.is_unusual[read.events.batch])
        if not len(usual):
            return
        devices = [AssignedDevice(each.batch.key.device, self._assignments[each.batch.key.device]) for each in batches]
        rows = EventRows.of(read.events, usual, read.at_ms[usual].astype(np.int64), devices)
        every = np.ones(len(batches), np.bool_)
        for number, plan in enumerate(self._plans):
            for column in measured_columns(plan, read, usual, every):
                for key, total in rows.flows(column, number).items():
                    self._sums[key].add(total.quantity, total.occurrences)

    def _add_events(self, batch: StoredBatch) -> None:
        assignments = self._assignments[batch.batch.key.device]
        for number, plan in enumerate(self._plans):
            for event in booked_events(batch, plan):
                for measurement in event.measurements:
                    flow = FlowKey(number, assignments.at(event.at), measurement.group)
                    self._sums[RollupKey(quarter_hour(event.at), flow)].add(measurement.quantity)


def _uncovered(coverage: Coverage, needed: Mapping[str, _Needed], end: datetime) -> dict[str, _Needed]:
    found = {}
    for content_hash, each in needed.items():
        try:
            coverage.check([content_hash], each.since, end)
        except OutsideCoverage:
            found[content_hash] = each
    return found


def _check_kept(connection: Connection, ecosystem: str, meters: _Meters, start: datetime) -> None:
    kept_from = first_kept(connection, ecosystem)
    if kept_from > start and kept_from != BEGINNING:
        raise OutsideCoverage(", ".join(sorted({meter.id for meter in meters.values()})), kept_from, None)
