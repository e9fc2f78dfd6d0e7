"""Map: from new batches to what one transaction books. Pure: the store decides what is new, this what it means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from thalweg.intervals import Intervals
from thalweg.mapping import Measurement
from thalweg.wire.batch import TimeQuality
from thalweg_gateway.booking_columns import sum_up
from thalweg_gateway.intake import Batch
from thalweg_store.batches import StoredBatch
from thalweg_store.facts import (
    Admission,
    BookedBatch,
    Fate,
    FlowKey,
    Interval,
    Outcome,
    RollupKey,
    TallyKey,
    Total,
    quarter_hour,
)
from thalweg_store.measuring import MeasuredEvent, MeterPlan, RefusedEvent, measure
from thalweg_store.measuring_columns import measure_together
from thalweg_store.rejections import Rejection

#: the store's number of a meter, and what it measured
Numbered = tuple[int, Measurement]
#: events whose columns are worked on together: some 200 bytes each
_EVENTS_TOGETHER: Final = 100_000
_LEAST_EVENT_BYTES: Final = 3
#: seqs of a conflicting batch that belong to another one: nothing can book them
TAKEN = "taken"


@dataclass(slots=True)
class Booking:
    """What the new batches of one transaction come to, and those that were set aside before."""

    meters: MeterPlan
    batches: list[BookedBatch] = field(default_factory=list)
    rebooked: list[tuple[StoredBatch, BookedBatch]] = field(default_factory=list)
    rollups: defaultdict[RollupKey, Total] = field(default_factory=lambda: defaultdict(Total))
    panes: defaultdict[FlowKey, Total] = field(default_factory=lambda: defaultdict(Total))
    tallies: defaultdict[TallyKey, Total] = field(default_factory=lambda: defaultdict(Total))
    rejections: list[Rejection] = field(default_factory=list)

    def add_all(
        self, batches: Sequence[Batch], admissions: Sequence[Admission], offsets_ms: Sequence[int | None]
    ) -> None:
        """Book batches; those that came before add nothing. Offset: Unix time minus uptime, where known."""
        new = [each for each in zip(batches, admissions, offsets_ms, strict=True) if each[1].is_new]
        together = [
            (batch, offset_ms)
            for batch, admission, offset_ms in new
            if not admission.is_conflict and (offset_ms is not None or not _needs_clock(batch))
        ]
        booked: dict[int, BookedBatch | None] = {}
        for portion in _portions(together):
            booked |= zip([id(batch) for batch, _ in portion], self._booked_together(portion), strict=True)
        for batch, admission, offset_ms in new:
            done = booked.get(id(batch))
            if done is not None:
                self.batches.append(done)
            else:
                self._add(batch, admission, offset_ms)

    def _add(self, batch: Batch, admission: Admission, offset_ms: int | None) -> None:
        """Book one new batch, event by event, or set it aside."""
        if admission.is_conflict:
            self._quarantine(batch, admission)
        elif batch.decoded is None:
            refused = {"undecodable": list(admission.added)}
            self._set_aside(batch, admission, Fate.UNDECODABLE, Outcome.UNDECODABLE, refused)
            self._reject(batch, "undecodable", batch.problem or "")
        elif _needs_clock(batch) and offset_ms is None:
            self._set_aside(batch, admission, Fate.PARKED, Outcome.PARKED)
        else:
            self.batches.append(self._booked(batch, offset_ms if _needs_clock(batch) else None))

    def unpark(self, stored: StoredBatch, batch: Batch, offset_ms: int) -> None:
        """Book a batch that waited for its boot's clock."""
        bucket = quarter_hour(stored.batch.received_at)
        self.tallies[TallyKey(batch.device.id, bucket, "", Fate.PARKED)].add(0, -stored.batch.count)
        self.rebooked.append((stored, self._booked(batch, offset_ms)))

    def _booked_together(self, batches: Sequence[tuple[Batch, int | None]]) -> list[BookedBatch | None]:
        """Book what is as usual, by columns; None for each batch that is not."""
        if not batches:
            return []
        facts = [batch.facts for batch, _ in batches]
        offsets_ms = [offset_ms if _needs_clock(batch) else None for batch, offset_ms in batches]
        measured = measure_together(facts, [offset_ms or 0 for offset_ms in offsets_ms], self.meters.plan)
        sums = sum_up(measured, [batch.device for batch, _ in batches], self.meters.numbers)
        for rollup, total in sums.rollups.items():
            self.rollups[rollup].add(total.quantity, total.occurrences)
            self.panes[rollup.flow].add(total.quantity, total.occurrences)
        for tally, total in sums.tallies.items():
            self.tallies[tally].add(total.quantity, total.occurrences)
        return [
            span
            and BookedBatch(
                batch=each,
                outcome=Outcome.BOOKED,
                first_at=span[0],
                last_at=span[1],
                offset_ms=offset_ms,
                design=self.meters.design,
                refused={},
            )
            for each, offset_ms, span in zip(facts, offsets_ms, sums.spans, strict=True)
        ]

    def _booked(self, batch: Batch, offset_ms: int | None) -> BookedBatch:
        assert batch.decoded is not None
        times: list[datetime] = []
        refused: dict[str, Intervals] = {}
        for event in measure(batch.decoded, batch.facts.received_at, offset_ms or 0, self.meters.plan):
            if isinstance(event, RefusedEvent):
                self.refuse(batch, event)
                refused.setdefault(event.reason, Intervals()).add(event.seq, event.seq + 1)
            else:
                times.append(event.at)
                self.book_event(batch, event)
        return BookedBatch(
            batch=batch.facts,
            outcome=Outcome.BOOKED,
            first_at=min(times, default=None),
            last_at=max(times, default=None),
            offset_ms=offset_ms,
            design=self.meters.design,
            refused={reason: list(seqs) for reason, seqs in refused.items()},
        )

    def book_event(self, batch: Batch, event: MeasuredEvent, more: Sequence[Numbered] = ()) -> None:
        """Add what one event comes to; `more` holds what meters measured that the design in force does not have."""
        measured = [*((self.meters.numbers[each.meter_hash], each) for each in event.measurements), *more]
        bucket = quarter_hour(event.at)
        fate = Fate.MAPPED if measured else Fate.UNMAPPED
        self.tallies[TallyKey(batch.device.id, bucket, event.kind, fate)].add(event.quantity)
        if measured:
            assignment = batch.device.assignment_at(event.at)
            for meter, measurement in measured:
                flow = FlowKey(meter, assignment, measurement.group)
                self.rollups[RollupKey(bucket, flow)].add(measurement.quantity)
                self.panes[flow].add(measurement.quantity)

    def refuse(self, batch: Batch, event: RefusedEvent) -> None:
        """Count an event that cannot be booked."""
        key = TallyKey(batch.device.id, quarter_hour(batch.facts.received_at), "", Fate.REJECTED)
        self.tallies[key].add(event.quantity)
        self._reject(batch, event.reason, f"boot {batch.header.boot} seq {event.seq}: {event.detail}")

    def _quarantine(self, batch: Batch, admission: Admission) -> None:
        header = batch.header
        added = Intervals(admission.added)
        refused = {"conflict": list(added), TAKEN: added.gaps(header.first_seq, header.end_seq)}
        self._set_aside(batch, admission, Fate.REJECTED, Outcome.CONFLICT, refused)
        interval = f"boot {header.boot} seqs [{header.first_seq}, {header.end_seq})"
        self._reject(batch, "conflict", f"{interval} belong at least in part to another batch with another digest")

    def _set_aside(
        self,
        batch: Batch,
        admission: Admission,
        fate: Fate,
        outcome: Outcome,
        refused: Mapping[str, list[Interval]] | None = None,
    ) -> None:
        self.batches.append(BookedBatch(batch=batch.facts, outcome=outcome, refused=refused))
        if admission.added:
            key = TallyKey(batch.device.id, quarter_hour(batch.facts.received_at), "", fate)
            self.tallies[key].add(0, admission.added_count)

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


def _portions(batches: Sequence[tuple[Batch, int | None]]) -> Iterator[Sequence[tuple[Batch, int | None]]]:
    """The batches in runs of so few events that their columns take little memory."""
    first = events = 0
    for place, (batch, _) in enumerate(batches):
        own = _most_events(batch)
        events += own
        if events > _EVENTS_TOGETHER:
            yield batches[first:place]
            first, events = place, own
    yield batches[first:]


def _most_events(batch: Batch) -> int:
    """How many events it can hold at most, whatever it claims: a few bytes may claim 65,535."""
    return min(batch.header.count, len(batch.facts.payload) // _LEAST_EVENT_BYTES)


def _needs_clock(batch: Batch) -> bool:
    return batch.header.time_quality == TimeQuality.UNSYNCHRONISED
