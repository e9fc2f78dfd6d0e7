"""Replays: what was rejected goes the same way again, after a fix, and is booked exactly once.

Whole messages are kept as samples and are committed like messages that a broker delivers. Events and batches that were
refused once their device was proved are in the store: their seqs count as received, and a batch's row says which of
them are booked nowhere, so a replay that ran before finds none. A conflict is no mistake that a fix could remove: its
seqs are booked only when somebody asks for conflicts by name. Nor does time mend a clock that was ahead: such events
are booked only when somebody asks for estimated times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Final, NamedTuple, TypeVar

from thalweg.errors import StoreError, StoreUnavailable, UnknownDevice
from thalweg_gateway.booking import Booking
from thalweg_gateway.commit import Committer, StaleDirectoryError
from thalweg_gateway.intake import KeyRing, read, read_again
from thalweg_gateway.second_booking import CLOCK_AHEAD, CONFLICT, UNDECODABLE, SecondBooking
from thalweg_gateway.source import Message
from thalweg_store.batches import boots_with_refusals
from thalweg_store.database import Database
from thalweg_store.facts import BootKey
from thalweg_store.flows import FlowNumbers
from thalweg_store.ingest import IngestTransaction, ingest
from thalweg_store.quarantine import QUARANTINE_FULL, Quarantined, forget, waiting
from thalweg_store.rejected import Rejected, Sample, forget_sample, list_rejected, samples_of
from thalweg_store.rejections import Rejection, RejectionKey

#: reasons of what is in the store; all others are of messages
STORED: Final = frozenset({CONFLICT, UNDECODABLE, CLOCK_AHEAD, "clock_behind", "bad_name", "unmeasurable"})
#: reasons whose samples are not sent again: a device does so itself with what found no room in quarantine
NO_MESSAGES: Final = STORED | {QUARANTINE_FULL}
_INSTANCE: Final = "replay"
_TRIES: Final = 10
#: quarantined messages that are committed together
MAX_RELEASED: Final = 200
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Replayed:
    """What one replay came to."""

    #: messages accepted after all
    messages: int = 0
    #: events of stored batches booked after all
    events: int = 0


class _Wanted(NamedTuple):
    """Which stored refusals are replayed; None stands for any."""

    reason: str
    device: str | None = None
    day: date | None = None

    def admits(self, device: str, received_at: datetime) -> bool:
        """Whether a batch is among them."""
        return self.device in (None, device) and self.day in (None, received_at.astimezone(UTC).date())


class Replay:
    """Replays what was rejected of one ecosystem."""

    def __init__(self, database: Database, ecosystem: str, root_key: bytes) -> None:
        self._database = database
        self._ecosystem = ecosystem
        self._ring = KeyRing(root_key, ecosystem)
        self._committer = Committer(database, ecosystem, self._ring, _INSTANCE)

    def run(
        self, *, reason: str | None = None, rejection: int | None = None, estimate_times: bool = False
    ) -> Replayed:  # fmt: skip
        """Replay everything but conflicts, or only one reason, or only one row of the list; conflicts if so named.

        With `estimate_times`, events from a clock that was ahead are booked as if the last of their batch had been
        measured when it was received, and marked as estimates; not where others of their batch are booked already.
        """
        rows = [
            row
            for row in list_rejected(self._database, self._ecosystem)
            if row.count and reason in (None, row.key.reason) and rejection in (None, row.id)
        ]
        messages = sum(self._replay_samples(row) for row in rows if row.key.reason not in NO_MESSAGES)
        events = 0
        for wanted in self._wanted(rows, reason, rejection):
            for key in boots_with_refusals(self._database, self._ecosystem, wanted.reason):
                events += self._insist(partial(self._replay_boot, key, wanted, estimate_times))
        return Replayed(messages, events)

    def release(self, device: str, key_version: int) -> int:
        """Accept what was quarantined of a compromised key version; number of messages. Raises UnknownDevice."""
        found = self._committer.view().directory.devices.get(device)
        if found is None:
            raise UnknownDevice(self._ecosystem, device)
        released = 0
        while messages := waiting(self._database, found.id, key_version, MAX_RELEASED):
            read_back = {number: _message(each) for number, each in messages.items()}
            accepted = {number: each for number, each in read_back.items() if self._accepts(each, is_released=True)}
            if not accepted:
                break
            self._commit(list(accepted.values()), are_released=True)
            forget(self._database, accepted)
            released += len(accepted)
        return released

    def _accepts(self, message: Message, *, is_released: bool = False) -> bool:
        directory = self._committer.view().directory
        return not isinstance(read(message, directory, self._ring, is_released=is_released), Rejection)

    def _commit(self, messages: list[Message], *, are_released: bool = False) -> None:
        self._insist(lambda: self._committer.commit(messages, are_released=are_released))

    def _wanted(self, rows: list[Rejected], reason: str | None, rejection: int | None) -> list[_Wanted]:
        if rejection is not None:
            return [_Wanted(row.key.reason, row.key.principal, row.key.day) for row in rows]
        reasons = {reason} if reason is not None else STORED - {CONFLICT}
        return [_Wanted(each) for each in sorted(reasons & STORED)]

    def _replay_samples(self, row: Rejected) -> int:
        accepted = 0
        for sample in samples_of(self._database, row.id):
            message = _message(sample)
            if not self._accepts(message):
                continue
            try:
                self._commit([message])
            except StoreUnavailable:
                raise
            except StoreError:
                continue
            with self._database.transaction() as connection:
                forget_sample(connection, sample.id)
            accepted += 1
        return accepted

    def _insist(self, act: Callable[[], _T]) -> _T:
        for _ in range(_TRIES):
            try:
                return act()
            except StaleDirectoryError:
                self._committer.forget_view()
        raise StoreError("the registry changes all the time: replay again later")

    def _replay_boot(self, key: BootKey, wanted: _Wanted, estimate_times: bool) -> int:
        view = self._committer.view()
        device = next(each for each in view.directory.devices.values() if each.id == key.device)
        booking = Booking(view.meters)
        resolved: Counter[RejectionKey] = Counter()
        booked = 0
        with ingest(self._database, _INSTANCE, FlowNumbers()) as transaction:
            self._committer.check(transaction, view)
            transaction.lock([key])
            retired = transaction.retired_meters(self._ecosystem)
            for stored in transaction.refused(key, wanted.reason):
                if wanted.admits(device.name, stored.batch.received_at):
                    batch = read_again(stored.batch, device, self._ecosystem)
                    attempt = SecondBooking(stored, batch, wanted.reason, booking)
                    if (
                        attempt.estimate_times()
                        if estimate_times and wanted.reason == CLOCK_AHEAD
                        else attempt.is_possible(transaction.boot(key).offset_ms)
                    ):
                        attempt.book(retired)
                        day = stored.batch.received_at.astimezone(UTC).date()
                        place = RejectionKey(self._ecosystem, device.name, wanted.reason, day)
                        resolved[place] += attempt.resolved
                        booked += attempt.booked
            self._book(transaction, booking, resolved)
        return booked

    def _book(self, transaction: IngestTransaction, booking: Booking, resolved: Counter[RejectionKey]) -> None:
        transaction.take_out_rejections(+resolved)
        self._committer.book(transaction, booking, self._committer.view(), datetime.now(UTC), booking.panes)


def _message(kept: Sample | Quarantined) -> Message:
    return Message(kept.topic, kept.payload, kept.received_at, None)
