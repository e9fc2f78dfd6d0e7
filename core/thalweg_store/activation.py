"""Putting a design in force: meters that are new are fed from the batches before, all others go on.

The whole of it is one transaction under the exclusive directory lock: batches before are scanned, batches after are
fed, and a design is either in force with its history or not at all. Ingest waits meanwhile (devices and broker hold
what comes), a few seconds for a million events that a new meter looks at. Resumable portions would not hold it up, but
would have to take turns with replays, parking and back-dated assignments, each of which changes batches already passed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

from sqlalchemy import Connection, text

from thalweg.design import load
from thalweg.design.meters import Meter, meter_hash
from thalweg.errors import MalformedMessage
from thalweg.mapping import Plan
from thalweg.wire.batch import decode
from thalweg_store.assignments import BEGINNING, Assignments, read_assignments
from thalweg_store.batches import StoredBatch, booked_batches
from thalweg_store.closing import read_closures
from thalweg_store.facts import QUARTER, Fate, FlowKey, RollupKey, TallyKey, Total, quarter_hour
from thalweg_store.measuring import CLOCK_TOLERANCE, MeasuredEvent, measure
from thalweg_store.rollups import add_rollups, add_tallies

#: several meters look at a batch in turn
_decoded: Final = lru_cache(maxsize=2)(decode)


class FedMeter(NamedTuple):
    """A meter of any design of an ecosystem, and which batches its rollups hold."""

    number: int
    plan: Plan
    #: last design version that fed it; None while the design in force does
    fed_through: int | None

    def holds(self, batch: StoredBatch) -> bool:
        """Whether its rollups hold what it measures of a booked batch."""
        return self.fed_through is None or (batch.design or 0) <= self.fed_through


def put_in_force(connection: Connection, ecosystem: str, version: int, document: str, now: datetime) -> None:
    """Make the meters of design `version` those that are fed, filling in what they missed so far."""
    meters = {meter_hash(meter): meter for meter in load(document).meters}
    numbers = number_meters(connection, {content_hash: meter.id for content_hash, meter in meters.items()})
    before = fed_meters(connection, ecosystem)
    behind = {
        content_hash: before.get(content_hash)
        for content_hash in meters
        if content_hash not in before or before[content_hash].fed_through is not None
    }
    if behind:
        missed = [_Missed(numbers[each], Plan((meters[each],)), behind[each]) for each in behind]
        _fill_in(connection, ecosystem, missed, list(before.values()))
    parameters = {"ecosystem": ecosystem, "meters": list(numbers.values()), "version": version, "now": now}
    covers_from = _first_kept(connection, ecosystem)
    connection.execute(_COVER, parameters | {"from": covers_from})
    connection.execute(_END_COVER, parameters)


def number_meters(connection: Connection, names: Mapping[str, str]) -> dict[str, int]:
    """The numbers of meters by content hash (`names`: hash → name), registering those that are new."""
    for content_hash in sorted(names):
        connection.execute(_ENSURE_METER, {"hash": content_hash, "name": names[content_hash]})
    rows = connection.execute(_METER_NUMBERS, {"hashes": list(names)})
    return {row.hash: row.id for row in rows}


def fed_meters(connection: Connection, ecosystem: str) -> dict[str, FedMeter]:
    """Every meter that was ever fed in `ecosystem`, by content hash."""
    definitions: dict[str, Meter] = {}
    for (document,) in connection.execute(_DOCUMENTS, {"ecosystem": ecosystem}):
        definitions |= {meter_hash(meter): meter for meter in load(document).meters}
    rows = connection.execute(_FED, {"ecosystem": ecosystem})
    return {row.hash: FedMeter(row.id, Plan((definitions[row.hash],)), row.fed_through) for row in rows}


def booked_events(batch: StoredBatch, plan: Plan) -> Iterator[MeasuredEvent]:
    """The booked events of a batch as `plan` measures them; those that it cannot measure are left out."""
    try:
        decoded = _decoded(batch.batch.payload)
    except MalformedMessage:
        return
    unbooked = batch.unbooked
    for event in measure(decoded, batch.batch.received_at, batch.offset_ms or 0, plan):
        if isinstance(event, MeasuredEvent) and not unbooked.overlap(event.seq, event.seq + 1):
            yield event


class _Missed(NamedTuple):
    """A meter that is behind; `before` says what it was fed so far, if it ever was."""

    number: int
    plan: Plan
    before: FedMeter | None

    def lacks(self, batch: StoredBatch) -> bool:
        return self.before is None or not self.before.holds(batch)


def _fill_in(
    connection: Connection, ecosystem: str, missed: Sequence[_Missed], fed: Sequence[FedMeter]
) -> None:  # fmt: skip
    rollups: defaultdict[RollupKey, Total] = defaultdict(Total)
    tallies: defaultdict[TallyKey, Total] = defaultdict(Total)
    assignments = read_assignments(connection, ecosystem)
    for batch in booked_batches(connection, ecosystem):
        mapped_anew: dict[int, MeasuredEvent] = {}
        for meter in missed:
            if meter.lacks(batch):
                for event in booked_events(batch, meter.plan):
                    if event.measurements:
                        mapped_anew[event.seq] = event
                        add_flows(rollups, event, meter.number, assignments[batch.batch.key.device])
        if mapped_anew:
            mapped_before = {
                event.seq
                for meter in fed
                if meter.holds(batch)
                for event in booked_events(batch, meter.plan)
                if event.measurements
            }
            for seq, event in mapped_anew.items():
                if seq not in mapped_before:
                    _move(tallies, batch, event)
    add_rollups(connection, rollups, read_closures(connection, ecosystem))
    add_tallies(connection, tallies)


def add_flows(
    rollups: defaultdict[RollupKey, Total], event: MeasuredEvent, meter: int, assignments: Assignments, sign: int = 1
) -> None:
    """Add what one meter measured of an event (take it away with `sign` −1)."""
    assignment = assignments.at(event.at)
    for measurement in event.measurements:
        key = RollupKey(quarter_hour(event.at), FlowKey(meter, assignment, measurement.group))
        rollups[key].add(sign * measurement.quantity, sign)


def _move(tallies: defaultdict[TallyKey, Total], batch: StoredBatch, event: MeasuredEvent) -> None:
    place = batch.batch.key.device, quarter_hour(event.at), event.kind
    tallies[TallyKey(*place, Fate.UNMAPPED)].add(-event.quantity, -1)
    tallies[TallyKey(*place, Fate.MAPPED)].add(event.quantity)


def _first_kept(connection: Connection, ecosystem: str) -> datetime:
    """The first quarter hour all of whose batches have kept their bytes."""
    kept_from = connection.scalar(_KEPT_FROM, {"ecosystem": ecosystem})
    if kept_from is None:
        return BEGINNING
    return quarter_hour(kept_from + CLOCK_TOLERANCE) + QUARTER


_ENSURE_METER = text("""
    insert into meter (hash, name) values (:hash, :name) on conflict (hash) do nothing
""")

_METER_NUMBERS = text("select id, hash from meter where hash = any(:hashes)")

_DOCUMENTS = text("select document from design where ecosystem = :ecosystem order by version")

_FED = text("""
    select m.hash, m.id, c.fed_through from meter_coverage c join meter m on m.id = c.meter
    where c.ecosystem = :ecosystem
""")

_KEPT_FROM = text("select bytes_from from retention where ecosystem = :ecosystem")

_COVER = text("""
    insert into meter_coverage as c (ecosystem, meter, covers_from)
    select :ecosystem, meter, :from from unnest(:meters ::int[]) as m (meter)
    on conflict (ecosystem, meter) do update
    set fed_through = null, fed_until = null,
        covers_from = case
            when c.fed_through is not null and c.fed_until < :from then excluded.covers_from else c.covers_from
        end
""")

_END_COVER = text("""
    update meter_coverage set fed_through = :version - 1, fed_until = :now
    where ecosystem = :ecosystem and fed_through is null and meter <> all(:meters)
""")
