"""Booking those events of a stored batch that were refused the first time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from thalweg.intervals import Intervals
from thalweg.mapping import Measurement
from thalweg.wire.batch import TimeQuality
from thalweg_gateway.booking import Booking
from thalweg_gateway.intake import Batch
from thalweg_store.batches import StoredBatch
from thalweg_store.facts import BookedBatch, Fate, Outcome, TallyKey, quarter_hour
from thalweg_store.fed_meters import FedMeter
from thalweg_store.measuring import MeasuredEvent, RefusedEvent, measure, uptime_bound_ms

CONFLICT: Final = "conflict"
UNDECODABLE: Final = "undecodable"
CLOCK_AHEAD: Final = "clock_ahead"


class SecondBooking:
    """Books the seqs of one stored batch that were refused for one reason into the booking of a transaction."""

    def __init__(self, stored: StoredBatch, batch: Batch, reason: str, booking: Booking) -> None:
        self._stored = stored
        self._batch = batch
        self._reason = reason
        self._booking = booking
        self._offset_ms: int | None = None
        self._left = Intervals(stored.refused[reason])
        self._refused = {each: Intervals(seqs) for each, seqs in stored.refused.items() if each != reason}
        #: events booked
        self.booked = 0
        #: rejections that are none any more: a batch that was set aside is one, and an event of any other is one
        self.resolved = 0

    def estimate_times(self) -> bool:
        """Move its times so far back that none lies after the receipt, which marks them as estimates.

        False where that is not possible: some of its events are booked at other times already.
        """
        if self._batch.decoded is None or self._stored.first_at is not None:
            return False
        self._offset_ms = uptime_bound_ms(self._batch.decoded, self._batch.facts.received_at)
        return True

    def is_possible(self, boot_offset_ms: int | None) -> bool:
        """Whether its bytes follow the format and its clock, if it needs one, is known."""
        if self._batch.header.time_quality == TimeQuality.UNSYNCHRONISED:
            known = self._stored.offset_ms
            self._offset_ms = boot_offset_ms if known is None else known
            return self._batch.decoded is not None and self._offset_ms is not None
        return self._batch.decoded is not None

    def book(self, retired: Sequence[FedMeter]) -> None:
        """Book what can be booked now; what cannot is refused for the reason that it has now.

        `retired` meters are fed too where their sums hold the batch, so that sums still follow from batches alone.
        """
        more = self._measured_by(retired)
        times = []
        for event in self._events():
            if isinstance(event, MeasuredEvent):
                self._booking.book_event(self._batch, event, more.get(event.seq, ()))
                times.append(event.at)
            elif self._was_set_aside:
                self._booking.refuse(self._batch, event)
                self._refused.setdefault(event.reason, Intervals()).add(event.seq, event.seq + 1)
            else:
                continue
            self._untally(event)
            self._left.remove(event.seq, event.seq + 1)
        self.booked = len(times)
        self.resolved = int(not self._left) if self._was_set_aside else len(times)
        self._booking.rebooked.append((self._stored, self._rebooked(times)))

    @property
    def _was_set_aside(self) -> bool:
        return self._reason in (CONFLICT, UNDECODABLE)

    def _events(self, meter: FedMeter | None = None) -> list[MeasuredEvent | RefusedEvent]:
        """The events that were refused for the reason, as the plan in force or one meter measures them."""
        assert self._batch.decoded is not None
        plan = self._booking.meters.plan if meter is None else meter.plan
        events = measure(self._batch.decoded, self._batch.facts.received_at, self._offset_ms or 0, plan)
        seqs = Intervals(self._stored.refused[self._reason])
        return [event for event in events if seqs.overlap(event.seq, event.seq + 1)]

    def _measured_by(self, meters: Sequence[FedMeter]) -> dict[int, list[tuple[int, Measurement]]]:
        """What `meters` measured, by seq."""
        measured: dict[int, list[tuple[int, Measurement]]] = {}
        if self._stored.design is not None:
            for meter in meters:
                if meter.holds(self._stored):
                    for event in self._events(meter):
                        if isinstance(event, MeasuredEvent):
                            found = [(meter.number, measurement) for measurement in event.measurements]
                            measured.setdefault(event.seq, []).extend(found)
        return measured

    def _untally(self, event: MeasuredEvent | RefusedEvent) -> None:
        """Take an event out of the fate that it had."""
        fate = Fate.UNDECODABLE if self._reason == UNDECODABLE else Fate.REJECTED
        quantity = 0 if self._was_set_aside else event.quantity
        key = TallyKey(self._batch.device.id, quarter_hour(self._batch.facts.received_at), "", fate)
        self._booking.tallies[key].add(-quantity, -1)

    def _rebooked(self, times: Sequence[datetime]) -> BookedBatch:
        refused = dict(self._refused)
        if self._left:
            refused[self._reason] = self._left
        known = [moment for moment in (self._stored.first_at, self._stored.last_at) if moment is not None]
        return BookedBatch(
            batch=self._stored.batch,
            outcome=Outcome.CONFLICT if self._stored.outcome is Outcome.CONFLICT else Outcome.BOOKED,
            first_at=min([*times, *known], default=None),
            last_at=max([*times, *known], default=None),
            offset_ms=self._offset_ms,
            design=self._booking.meters.design if self._stored.design is None else self._stored.design,
            refused={reason: list(seqs) for reason, seqs in refused.items() if seqs},
        )
