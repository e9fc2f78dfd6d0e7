"""Map: from new batches to what one transaction books. Pure: the store decides what is new, this what it means."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from thalweg.errors import MeasurementError
from thalweg.mapping import Measurement, Plan
from thalweg.wire.batch import Event, TimeQuality
from thalweg_gateway.intake import Batch
from thalweg_store.ingest import (
    Admission,
    BookedBatch,
    Fate,
    FlowKey,
    Outcome,
    TallyKey,
    Total,
    quarter_hour,
)
from thalweg_store.rejections import Rejection

#: how far a device's clock may run ahead of the gateway's before its events are refused
CLOCK_TOLERANCE: Final = timedelta(seconds=60)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_KIND: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_ATTRIBUTE: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")


class _RefusedEventError(Exception):
    """One event of a batch cannot be booked; the rest of the batch can."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class MeterPlan:
    """The compiled plan with the store's number of each meter."""

    plan: Plan
    #: content hash → number
    numbers: Mapping[str, int]


@dataclass(slots=True)
class Booking:
    """What the new batches of one transaction come to."""

    batches: list[BookedBatch] = field(default_factory=list)
    rollups: defaultdict[tuple[datetime, FlowKey], Total] = field(default_factory=lambda: defaultdict(Total))
    panes: defaultdict[FlowKey, Total] = field(default_factory=lambda: defaultdict(Total))
    tallies: defaultdict[TallyKey, Total] = field(default_factory=lambda: defaultdict(Total))
    rejections: list[Rejection] = field(default_factory=list)

    def add(self, batch: Batch, admission: Admission, meters: MeterPlan) -> None:
        """Book one batch; a batch that came before adds nothing."""
        if not admission.is_new:
            return
        if admission.is_conflict:
            self._quarantine(batch, admission)
        elif batch.decoded is None:
            self._set_aside(batch, admission, Fate.UNDECODABLE, Outcome.UNDECODABLE)
            self._reject(batch, "undecodable", batch.problem or "")
        elif batch.header.time_quality == TimeQuality.UNSYNCHRONISED:
            self._set_aside(batch, admission, Fate.PARKED, Outcome.PARKED)
        else:
            self._measure(batch, batch.decoded.events, meters)

    def _measure(self, batch: Batch, events: tuple[Event, ...], meters: MeterPlan) -> None:
        latest = batch.facts.received_at + CLOCK_TOLERANCE
        last_at = None
        for offset, event in enumerate(events):
            try:
                measured_at = _checked_time(event, latest)
                measurements = _measured(event, meters.plan)
            except _RefusedEventError as error:
                self._tally(batch, batch.facts.received_at, "", Fate.REJECTED, event.quantity)
                seq = batch.header.first_seq + offset
                self._reject(batch, error.reason, f"boot {batch.header.boot} seq {seq}: {error}")
                continue
            last_at = measured_at if last_at is None else max(last_at, measured_at)
            self._tally(batch, measured_at, event.kind, Fate.MAPPED if measurements else Fate.UNMAPPED, event.quantity)
            self._add_flows(batch, measured_at, measurements, meters)
        self.batches.append(BookedBatch(batch.facts, Outcome.BOOKED, last_at))

    def _add_flows(
        self, batch: Batch, measured_at: datetime, measurements: tuple[Measurement, ...], meters: MeterPlan
    ) -> None:
        if not measurements:
            return
        bucket, assignment = quarter_hour(measured_at), batch.device.assignment_at(measured_at)
        for measurement in measurements:
            flow = FlowKey(meters.numbers[measurement.meter_hash], assignment, measurement.group)
            self.rollups[bucket, flow].add(measurement.quantity)
            self.panes[flow].add(measurement.quantity)

    def _quarantine(self, batch: Batch, admission: Admission) -> None:
        header = batch.header
        self._set_aside(batch, admission, Fate.REJECTED, Outcome.CONFLICT)
        interval = f"boot {header.boot} seqs [{header.first_seq}, {header.end_seq})"
        self._reject(batch, "conflict", f"{interval} belong at least in part to another batch with another digest")

    def _set_aside(self, batch: Batch, admission: Admission, fate: Fate, outcome: Outcome) -> None:
        self.batches.append(BookedBatch(batch.facts, outcome, None))
        if admission.added:
            key = TallyKey(batch.device.id, quarter_hour(batch.facts.received_at), "", fate)
            self.tallies[key].add(0, admission.added)

    def _tally(self, batch: Batch, moment: datetime, kind: str, fate: Fate, quantity: int) -> None:
        self.tallies[TallyKey(batch.device.id, quarter_hour(moment), kind, fate)].add(quantity)

    def _reject(self, batch: Batch, reason: str, detail: str) -> None:
        rejection = Rejection(
            topic="/".join(("tw1", *batch.topic)),
            ecosystem=batch.topic.ecosystem,
            principal=batch.topic.device,
            reason=reason,
            detail=detail,
            payload=batch.facts.payload,
            received_at=batch.facts.received_at,
        )
        self.rejections.append(rejection)


def _checked_time(event: Event, latest: datetime) -> datetime:
    """The event's time; old times are legal (devices are offline for long), a time ahead of ours is provably wrong."""
    ahead_ms = event.at_ms - (latest - _EPOCH) // timedelta(milliseconds=1)
    if ahead_ms > 0:
        detail = f"measured {ahead_ms} ms later than the gateway's clock allows: set the device's clock"
        raise _RefusedEventError("clock_ahead", detail)
    return _EPOCH + timedelta(milliseconds=event.at_ms)


def _measured(event: Event, plan: Plan) -> tuple[Measurement, ...]:
    if not _KIND.fullmatch(event.kind):
        raise _RefusedEventError("bad_name", f"kind {event.kind!r} does not match {_KIND.pattern}")
    for name, value in event.attributes.items():
        if not _ATTRIBUTE.fullmatch(name):
            raise _RefusedEventError("bad_name", f"attribute {name!r} does not match {_ATTRIBUTE.pattern}")
        if isinstance(value, str) and not value.isprintable():
            raise _RefusedEventError("bad_name", f"the value of attribute {name!r} holds unprintable characters")
    try:
        return plan.measure(event)
    except MeasurementError as error:
        raise _RefusedEventError("unmeasurable", str(error)) from error
