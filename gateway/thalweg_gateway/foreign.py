"""Messages of devices that are not ours: read by a profile, counted once, booked as unsigned batches of one.

They go the way of signed batches from the transaction on: same locks, meters, sums and rejections, so lineage, replays,
back-fills and activations work on them. What differs comes before: nothing proves who sent them, the identity of a
message is a key that its source gives, and a counter's events are differences that the transaction computes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from thalweg.errors import StoreUnavailable
from thalweg.profiles import Found, Refused
from thalweg.profiles.counters import CounterState, advance
from thalweg.wire.batch import VERSION, Header, TimeQuality, digest
from thalweg.wire.topics import Channel, DeviceTopic
from thalweg.wire.unsigned import KEY_VERSION, unsigned_batch
from thalweg_gateway.booking import Booking
from thalweg_gateway.commit import Committer, StaleDirectoryError, log_rejections
from thalweg_gateway.foreign_parts import (
    ForeignMessage,
    ForeignSource,
    Part,
    boot_of,
    conflict_key,
    counter_of,
    parts_of,
)
from thalweg_gateway.intake import Batch
from thalweg_gateway.preparing import View
from thalweg_store.database import Database
from thalweg_store.directory import Device
from thalweg_store.facts import ReceivedBatch
from thalweg_store.flows import FlowNumbers
from thalweg_store.foreign import KeysTakenError, KnownMessage, SourceKey
from thalweg_store.ingest import IngestTransaction, ingest
from thalweg_store.rejections import Rejection, RejectionKey

CONFLICT: Final = "conflict"
_TRIES: Final = 10


class Effect(StrEnum):
    """What became of one part of a message, which is one event or one refusal."""

    BOOKED = "booked"  #: an event that is in the store now: mapped, unmapped, or refused by a meter
    REJECTED = "rejected"
    DUPLICATE = "duplicate"  #: it was counted before
    NO_DIFFERENCE = "no_difference"  #: the first reading of a counter, or one no later than the last


@dataclass(frozen=True, slots=True)
class ForeignCommitted:
    """What one transaction came to."""

    #: parts of messages by what became of them
    effects: Counter[Effect]
    #: those that were not accepted, by reason
    reasons: Counter[str]


class ForeignCommitter:
    """Books messages of one ecosystem, read by profiles, under the view of a committer."""

    def __init__(self, database: Database, committer: Committer, instance: str) -> None:
        self._database = database
        self._committer = committer
        self._instance = instance
        self._flows = FlowNumbers()

    def commit(self, source: ForeignSource, messages: Sequence[ForeignMessage]) -> ForeignCommitted:
        """Book `messages`, which one profile read, in one transaction; raises StoreUnavailable."""
        for _ in range(_TRIES):
            try:
                return self._commit(source, messages)
            except (StaleDirectoryError, KeysTakenError):
                self._committer.forget_view()
        raise StoreUnavailable("the registry changes all the time, or other gateways take the same messages")

    def _commit(self, source: ForeignSource, messages: Sequence[ForeignMessage]) -> ForeignCommitted:
        view = self._committer.view()
        parts = [part for message in messages for part in parts_of(message, source, view.directory)]
        with ingest(self._database, self._instance, self._flows) as transaction:
            self._committer.check(transaction, view)
            desk = _Desk(transaction, source, view, self._committer.ecosystem, parts)
            for part in parts:
                desk.take(part)
            booking = desk.booking()
            self._committer.book(transaction, booking, view, datetime.now(UTC), booking.panes)
            desk.write()
        log_rejections(booking.rejections)
        return ForeignCommitted(desk.effects, Counter(each.reason for each in booking.rejections))


class _Desk:
    """Decides, within one transaction, what each part comes to."""

    def __init__(
        self, transaction: IngestTransaction, source: ForeignSource, view: View, ecosystem: str, parts: Sequence[Part]
    ) -> None:
        """Locks the boots and counters that `parts` concern, and looks up what is known of them."""
        self.effects: Counter[Effect] = Counter()
        self._transaction = transaction
        self._facts = transaction.foreign()
        self._source = source
        self._view = view
        self._ecosystem = ecosystem
        self._batches: list[Batch] = []
        self._rejections: list[Rejection] = []
        self._resolved: Counter[RejectionKey] = Counter()
        self._new: dict[SourceKey, KnownMessage] = {}
        self._changed: dict[SourceKey, KnownMessage] = {}
        events = [part for part in parts if part.device is not None and isinstance(part.found, Found)]
        boots = {boot_of(part, source) for part in events}
        transaction.lock(boots)
        self._next_seq = {boot: transaction.boot(boot).next_seq for boot in boots}
        self._counters = self._facts.lock_counters(
            counter for part in events if (counter := counter_of(part, source)) is not None
        )
        self._known = self._facts.known(
            key for part in parts if part.key is not None for key in (part.key, conflict_key(part.key, part.digest))
        )

    def take(self, part: Part) -> None:
        """Decide about one part; they come in the order of their messages."""
        if part.key is None:
            self.effects[self._take_reading(part)] += 1
            return
        before = self._before(part.key)
        if before is None:
            self.effects[self._count(part, part.key)] += 1
        elif before.seq is None and isinstance(part.found, Found) and part.device is not None:
            if before.reason is not None:
                self._resolved[self._rejection_key(before)] += 1
            self._changed_or_new(part.key, self._event(part, part.found, part.device))
            self.effects[Effect.BOOKED] += 1
        elif self._contradicts(part, before):
            place = conflict_key(part.key, part.digest)
            if self._before(place) is None:
                detail = "its source gave the same identity to another event"
                refusal = Refused(CONFLICT, detail, part.found.device)
                self.effects[self._count(replace(part, found=refusal), place)] += 1
            else:
                self.effects[Effect.DUPLICATE] += 1
        else:
            self.effects[Effect.DUPLICATE] += 1

    def booking(self) -> Booking:
        """What all parts come to together."""
        booking = Booking(self._view.meters, rejections=self._rejections)
        admissions = self._transaction.admit([batch.facts for batch in self._batches])
        booking.add_all(self._batches, admissions, [None] * len(self._batches))
        return booking

    def write(self) -> None:
        """Write what is known of the messages from now on."""
        self._transaction.take_out_rejections(+self._resolved)
        self._facts.write(self._new, self._changed)
        self._facts.save_counters(self._counters)

    def _before(self, key: SourceKey) -> KnownMessage | None:
        return self._new.get(key) or self._changed.get(key) or self._known.get(key)

    def _contradicts(self, part: Part, before: KnownMessage) -> bool:
        """Whether the same rules made another event of it: other rules may well do so."""
        is_event = before.seq is not None and isinstance(part.found, Found)
        return is_event and before.version == self._source.version.id and before.digest != part.digest

    def _count(self, part: Part, key: SourceKey) -> Effect:
        if isinstance(part.found, Found) and part.device is not None:
            self._new[key] = self._event(part, part.found, part.device)
            return Effect.BOOKED
        assert isinstance(part.found, Refused)
        rejection = self._reject(part, part.found)
        self._new[key] = self._message(part, part.digest, None, rejection.reason)
        return Effect.REJECTED

    def _take_reading(self, part: Part) -> Effect:
        counter = counter_of(part, self._source)
        assert counter is not None
        assert isinstance(part.found, Found)
        assert part.device is not None
        reading = CounterState(part.found.event.quantity, part.found.event.at_ms)
        step = advance(self._counters.get(counter), reading, part.found.wraps_at)
        self._counters[counter] = step.state
        if step.difference is None:
            return Effect.NO_DIFFERENCE
        event = replace(part.found.event, quantity=step.difference)
        self._event(part, part.found._replace(event=event), part.device)
        return Effect.BOOKED

    def _event(self, part: Part, found: Found, device: Device) -> KnownMessage:
        """Make a batch of an event."""
        key = boot_of(part, self._source)
        seq = self._next_seq[key]
        self._next_seq[key] += 1
        quality = TimeQuality.NTP if found.has_own_time else TimeQuality.EDGE
        payload = unsigned_batch(found.event, key.boot, seq, quality)
        facts = ReceivedBatch(key, seq, 1, digest(payload), payload, part.message.received_at)
        header = Header(VERSION, KEY_VERSION, key.boot, seq, 1, quality, found.event.at_ms)
        topic = DeviceTopic(self._ecosystem, device.name, Channel.EVENTS_JSON)
        self._batches.append(Batch(topic, device, facts, header))
        return self._message(part, part.digest, seq, None)

    def _message(self, part: Part, said: bytes, seq: int | None, reason: str | None) -> KnownMessage:
        return KnownMessage(
            device=part.device.id if part.device is not None else None,
            version=self._source.version.id,
            seq=seq,
            digest=said,
            reason=reason,
            received_at=part.message.received_at,
        )

    def _changed_or_new(self, key: SourceKey, message: KnownMessage) -> None:
        (self._new if key in self._new else self._changed)[key] = message

    def _reject(self, part: Part, refused: Refused) -> Rejection:
        rejection = Rejection(
            topic=part.message.topic,
            ecosystem=self._ecosystem,
            principal=part.device.name if part.device is not None else "",
            reason=refused.reason,
            detail=refused.detail,
            payload=part.message.payload,
            received_at=part.message.received_at,
        )
        self._rejections.append(rejection)
        return rejection

    def _rejection_key(self, before: KnownMessage) -> RejectionKey:
        names = {device.id: name for name, device in self._view.directory.devices.items()}
        principal = names.get(before.device, "") if before.device is not None else ""
        day = before.received_at.astimezone(UTC).date()
        return RejectionKey(self._ecosystem, principal, before.reason or "", day)
