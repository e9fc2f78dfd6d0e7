"""One transaction for what was taken together: read, deduplicate, map, book. The loop and replays share it."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np

from thalweg.design import load
from thalweg.mapping import Plan, compile_plan
from thalweg.wire.batch import TimeQuality
from thalweg_gateway.booking import Booking
from thalweg_gateway.booking_columns import book_together
from thalweg_gateway.intake import Arrival, Batch, KeyRing, Untrusted, read_again
from thalweg_gateway.intake_columns import Senders
from thalweg_gateway.live_panes import LivePanes, Panes
from thalweg_gateway.log_context import about
from thalweg_gateway.preparing import Prepared, View, prepare
from thalweg_gateway.receipts import OwedReceipt, owed_receipts
from thalweg_gateway.source import Message
from thalweg_store.assignments import Assignments
from thalweg_store.database import Database
from thalweg_store.directory import Device, Directory
from thalweg_store.facts import BootKey, HeardState
from thalweg_store.flows import FlowNumbers
from thalweg_store.ingest import IngestTransaction, ingest
from thalweg_store.measuring import MeterPlan
from thalweg_store.quarantine import Quarantined
from thalweg_store.registry import Registry
from thalweg_store.rejections import Rejection

_LOG = logging.getLogger(__name__)
#: how often the store is looked at anew for a restored backup
_EPOCH_SECONDS: Final = 5.0


class StaleDirectoryError(Exception):
    """The registry has changed, or the store was restored, since the picture of it was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """What one transaction came to."""

    booking: Booking
    #: messages that wait for an operator, since their key was compromised
    quarantined: int
    receipts: Sequence[OwedReceipt]
    #: batches that came again unchanged
    duplicates: Sequence[Batch]


class Committer:
    """Books messages of one ecosystem on one database under the name of a gateway."""

    def __init__(
        self, database: Database, ecosystem: str, ring: KeyRing, instance: str, panes: LivePanes | None = None
    ) -> None:
        self._database = database
        self._registry = Registry(database)
        self.ecosystem = ecosystem
        self._ring = ring
        self._instance = instance
        self._flows = FlowNumbers()
        self._panes = panes or LivePanes()
        self._assignments: Mapping[str, Assignments] = {}
        self._view: View | None = None
        self._looked_at = float("-inf")
        #: how often this process knows that it has committed: a store with fewer was restored
        self._commits = 0
        self._is_restored = False
        self._epoch = ""

    def view(self) -> View:
        """The present picture of the registry; raises UnknownEcosystem."""
        if time.monotonic() - self._looked_at > _EPOCH_SECONDS:
            self._look()
        if self._view is None:
            directory = self._registry.directory(self.ecosystem)
            plan = compile_plan(load(directory.design_document)) if directory.design_document else Plan(())
            self._panes.forget(self._changed_assignments(directory))
            numbers = self._registry.meter_ids({meter.hash: meter.id for meter in plan.meters})
            meters = MeterPlan(plan, numbers, directory.design_version)
            self._view = View(directory, meters, Senders(directory, self._ring))
            _LOG.info(
                "directory version %d: %d devices, %d meters", directory.version, len(directory.devices), len(numbers)
            )
        return self._view

    def _changed_assignments(self, directory: Directory) -> set[int]:
        """The assignments, as they were, of the devices that have others now."""
        before, self._assignments = (
            self._assignments,
            {name: each.assignments for name, each in directory.devices.items()},
        )
        changed = [own for name, own in before.items() if own != self._assignments.get(name)]
        return {assignment.id for own in changed for assignment in own}

    @property
    def directory(self) -> Directory | None:
        """The picture that was worked from last; None before the first, and once it turned out to be stale."""
        return self._view.directory if self._view else None

    def forget_view(self) -> None:
        """Make the next picture from the store."""
        self._view = None
        self._looked_at = float("-inf")

    def commit(self, messages: Sequence[Message], *, are_released: bool = False) -> Committed:
        """Read `messages` and book them; raises StaleDirectoryError, after which nothing is kept."""
        return self.write(self.prepare(messages, are_released=are_released))

    def prepare(self, messages: Sequence[Message], *, are_released: bool = False) -> Prepared:
        """What `messages` are under the present view; raises UnknownEcosystem."""
        return prepare(messages, self.view(), self._ring, are_released=are_released)

    def prepare_under(self, view: View, messages: Sequence[Message]) -> Prepared:
        """What `messages` are under `view`; touches nothing else, so another thread may call it."""
        return prepare(messages, view, self._ring)

    def write(self, prepared: Prepared) -> Committed:
        """Book what was prepared; raises StaleDirectoryError, after which nothing is kept."""
        view = prepared.view
        booking = Booking(view.meters, rejections=[each for each in prepared.others if isinstance(each, Rejection)])
        now = datetime.now(UTC)
        with ingest(self._database, self._instance, self._flows) as transaction:
            self.check(transaction, view)
            heard = [state.facts for state in prepared.states]
            quarantined, again = _sorted_out(transaction, prepared.others)
            batches = [*prepared.batches, *again]
            transaction.lock([*prepared.runs.boots, *(batch.facts.key for batch in batches)], heard)
            self._set_clocks(transaction, heard, view, booking)
            batches += self._book_in_order(transaction, prepared, booking, {batch.facts.key for batch in batches})
            admissions = transaction.admit([batch.facts for batch in batches])
            boots = [transaction.boot(batch.facts.key) for batch in batches]
            booking.add_all(batches, admissions, [boot.offset_ms for boot in boots])
            for batch, admission, boot in zip(batches, admissions, boots, strict=True):
                if admission.is_new and _waits(batch) and boot.offset_ms is None and not admission.is_conflict:
                    boot.parked_since = min(boot.parked_since or batch.facts.received_at, batch.facts.received_at)
            speakers = prepared.speakers(again)
            receipts = owed_receipts(speakers, transaction, view.directory.store_epoch, now)
            panes = self._panes.to_write(booking.panes, time.monotonic())
            self.book(transaction, booking, view, now, panes, states=heard, quarantined=quarantined)
        self._panes.settle(booking.panes, panes, time.monotonic())
        self._commits = transaction.commits
        log_rejections(booking.rejections)
        duplicates = [batch for batch, each in zip(batches, admissions, strict=True) if not each.is_new]
        return Committed(booking=booking, quarantined=len(quarantined), receipts=receipts, duplicates=duplicates)

    def _book_in_order(
        self, transaction: IngestTransaction, prepared: Prepared, booking: Booking, others: set[BootKey]
    ) -> list[Batch]:
        """Book the usual batches of boots of which everything comes in order; gives the batches that are left."""
        received, devices, _ = prepared.usual
        is_new = transaction.admit_in_order(received, prepared.runs, others)
        together, places = prepared.together, [*range(len(received))]
        if not is_new.all():
            chosen = np.flatnonzero(is_new)
            places = chosen.tolist()
            together = book_together(received.among(chosen), [devices[place] for place in places], booking.meters)
        for portion in together:
            booking.add_together(portion)
            for place in portion.unusual:
                booking.add_whole(self._batch(prepared, places[place]))
        return [self._batch(prepared, place) for place in np.flatnonzero(~is_new).tolist()]

    def _batch(self, prepared: Prepared, place: int) -> Batch:
        received, devices, _ = prepared.usual
        return read_again(received.batch(place), devices[place], self.ecosystem)

    def has_panes_due(self, now_seconds: float) -> bool:
        """Whether something of the live view should wait no longer for a transaction to go with."""
        return self._panes.is_due(now_seconds)

    def write_panes(self) -> None:
        """Write what waits of the live view by itself; raises StaleDirectoryError."""
        view = self.view()
        panes = self._panes.waiting()
        with ingest(self._database, self._instance, self._flows) as transaction:
            self.check(transaction, view)
            transaction.book_panes(panes, datetime.now(UTC))
        self._panes.settle({}, panes, time.monotonic())

    def commit_refused(self, messages: Sequence[Message], why: str) -> None:
        """Keep messages that the store refuses as rejections, so that they block nobody behind them."""
        rejections = [
            Rejection(
                topic=message.topic,
                ecosystem=self.ecosystem,
                principal="",
                reason="refused_by_store",
                detail=why,
                payload=message.payload,
                received_at=message.received_at,
            )
            for message in messages
        ]
        with ingest(self._database, self._instance, self._flows) as transaction:
            transaction.book_rejections(rejections)

    def check(self, transaction: IngestTransaction, view: View) -> None:
        """Hold off changes of the registry; raises StaleDirectoryError unless `view` is the present picture."""
        standing = transaction.standing(self.ecosystem)
        if standing != view.standing or transaction.commits < self._commits:
            self._is_restored = transaction.commits < self._commits
            raise StaleDirectoryError

    def book(
        self,
        transaction: IngestTransaction,
        booking: Booking,
        view: View,
        now: datetime,
        panes: Panes,
        *,
        states: Sequence[HeardState] = (),
        quarantined: Sequence[Quarantined] = (),
    ) -> None:
        """Write what `booking` came to and `panes` of the live view, and add to it what the store had no room for."""
        booking.rejections += transaction.book(
            batches=booking.batches,
            columns=booking.columns,
            rebooked=booking.rebooked,
            states=states,
            rollups=booking.rollups,
            panes=panes,
            tallies=booking.tallies,
            closures=view.directory.closures,
            rejections=booking.rejections,
            quarantined=quarantined,
            now=now,
        )

    def _look(self) -> None:
        if self._is_restored:
            self._database.begin_epoch()
            self._commits, self._is_restored = 0, False
        epoch = self._database.store_epoch()
        self._looked_at = time.monotonic()
        if self._epoch not in ("", epoch):
            _LOG.warning("the store begins epoch %s: devices are told to send again what they hold", epoch)
            self._view = None
            self._flows.forget()
            self._panes.forget_all()
        self._epoch = epoch

    def _set_clocks(
        self, transaction: IngestTransaction, states: Iterable[HeardState], view: View, booking: Booking
    ) -> None:  # fmt: skip
        """Note the clocks that births bring, and book what waited for them."""
        for state in states:
            boot = transaction.boot(state.key)
            if state.offset_ms is None or boot.offset_ms is not None:
                continue
            boot.offset_ms = state.offset_ms
            if boot.parked_since is not None:
                device = device_of(view.directory, state.key.device)
                for stored in transaction.parked(state.key):
                    booking.unpark(stored, read_again(stored.batch, device, self.ecosystem), state.offset_ms)
                boot.parked_since = None


def log_rejections(rejections: Sequence[Rejection]) -> None:
    """One line for each sender and reason, about the first of its messages."""
    first = {(each.topic, each.reason): each for each in reversed(rejections)}
    for (topic, reason), count in Counter((each.topic, each.reason) for each in rejections).items():
        extra = about(topic, first[topic, reason].payload)
        _LOG.warning("rejected %d on %s: %s", count, topic, reason, extra=extra)


def _sorted_out(
    transaction: IngestTransaction, arrivals: Sequence[Arrival]
) -> tuple[list[Quarantined], list[Batch]]:  # fmt: skip
    """What cannot be trusted, apart from batches that the store holds already: their device is told so again."""
    untrusted = [each for each in arrivals if isinstance(each, Untrusted)]
    batches = [each.arrival for each in untrusted if isinstance(each.arrival, Batch)]
    stored = dict(zip(map(id, batches), transaction.are_stored([each.facts for each in batches]), strict=True))
    quarantined = [each.quarantined for each in untrusted if not stored.get(id(each.arrival), False)]
    return quarantined, [batch for batch in batches if stored[id(batch)]]


def _waits(batch: Batch) -> bool:
    return batch.header.time_quality == TimeQuality.UNSYNCHRONISED and batch.decoded is not None


def device_of(directory: Directory, number: int) -> Device:
    """The device with a number that the store knows."""
    return next(device for device in directory.devices.values() if device.id == number)
