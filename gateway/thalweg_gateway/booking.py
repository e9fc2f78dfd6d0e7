"""Map: from new batches to what one transaction books. Pure: the store decides what is new, this what it means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from thalweg.intervals import Intervals
from thalweg.mapping import Measurement
from thalweg.wire.batch import TimeQuality
from thalweg_gateway.booking_columns import BookedTogether, book_together
from thalweg_gateway.intake import Batch
from thalweg_store.batch_columns import BookedColumns, ReceivedColumns
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
from thalweg_store.rejections import Rejection

#: the store's number of a meter, and what it measured
Numbered = tuple[int, Measurement]
#: seqs of a conflicting batch that belong to another one: nothing can book them
TAKEN = "taken"


@dataclass(slots=True)
class Booking:
    """What the new batches of one transaction come to, and those that were set aside before."""

    meters: MeterPlan
    #: those that were booked whole, and by themselves those of which anything else became
    columns: list[BookedColumns] = field(default_factory=list)
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
        usual = [
            place
            for place, (batch, admission, offset_ms) in enumerate(new)
            if not admission.is_conflict and (offset_ms is not None or not _needs_clock(batch))
        ]
        together = [new[place] for place in usual]
        apart = {*range(len(new))} - {*usual}
        for portion in book_together(
            ReceivedColumns.of([batch.facts for batch, _, _ in together]),
            [batch.device for batch, _, _ in together],
            self.meters,
            [offset_ms if _needs_clock(batch) else None for batch, _, offset_ms in together],
        ):
            self.add_together(portion)
            apart |= {usual[place] for place in portion.unusual}
        for place in sorted(apart):
            self.add(*new[place])

    def add_together(self, portion: BookedTogether) -> None:
        """Book the usual ones among new batches; the others are for `add`."""
        self.columns.append(portion.booked)
        for rollup, total in portion.rollups.items():
            self.rollups[rollup].add(total.quantity, total.occurrences)
            self.panes[rollup.flow].add(total.quantity, total.occurrences)
        for tally, total in portion.tallies.items():
            self.tallies[tally].add(total.quantity, total.occurrences)

    def add(self, batch: Batch, admission: Admission, offset_ms: int | None) -> None:
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

    def add_whole(self, batch: Batch) -> None:
        """Book one new batch with a clock, all of whose seqs are new, event by event."""
        self.add(batch, Admission(True, False, ((batch.header.first_seq, batch.header.end_seq),)), None)

    def unpark(self, stored: StoredBatch, batch: Batch, offset_ms: int) -> None:
        """Book a batch that waited for its boot's clock."""
        bucket = quarter_hour(stored.batch.received_at)
        self.tallies[TallyKey(batch.device.id, bucket, "", Fate.PARKED)].add(0, -stored.batch.count)
        self.rebooked.append((stored, self._booked(batch, offset_ms)))

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


def _needs_clock(batch: Batch) -> bool:
    return batch.header.time_quality == TimeQuality.UNSYNCHRONISED
