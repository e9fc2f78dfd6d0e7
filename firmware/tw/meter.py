"""What an application calls: `record` a usage event, or `exchange` a data object.

Quantities are integers in the smallest step of the kind's unit; attributes are integers and strings.
"""

from micropython import const

from tw.clock import Clock
from tw.codec import BatchWriter
from tw.delivery import Delivery
from tw.errors import OutboxFull
from tw.outbox import Outbox

_INTEGER_LIMIT = 1 << 63
_STRING_LIMIT_BYTES = const(255)
_ATTRIBUTE_LIMIT = const(16)
#: A string of this many characters cannot exceed the limit in UTF-8.
_SURELY_SHORT = const(63)


class Meter:
    """Numbers, signs and stores the events of one start of a device."""

    def __init__(self, writer: BatchWriter, outbox: Outbox, clock: Clock, delivery: Delivery) -> None:
        self._writer = writer
        self._outbox = outbox
        self._clock = clock
        self._delivery = delivery
        self._opened_ms = 0
        #: events that the application could not record, because the outbox was full
        self.refused = 0

    @property
    def next_seq(self) -> int:
        """Events recorded in this boot, which is the seq that the next one gets."""
        return self._writer.next_seq

    def record(self, kind: str, quantity: int, final: bool = False, **attributes: int | str) -> None:
        """Record that `quantity` of `kind` was used, for example 6706 Wh as `("charging.session", 6706)`.

        `final` stores the event on flash before this returns: say so for what closes a bill. Raises OutboxFull when
        there is no room, and TypeError or ValueError for what the format cannot carry; nothing is recorded then.
        """
        self._add(kind, quantity, None, final, attributes)

    def exchange(
        self, object_name: str, quantity: int, *, to: str, final: bool = False, **attributes: int | str
    ) -> None:
        """Record that `quantity` data objects were handed over to the receiver `to`; else like `record`."""
        _check_string("to", to)
        self._add(object_name, quantity, to, final, attributes)

    def has_room(self) -> bool:
        """Whether another event can be recorded now."""
        return self._writer.count > 0 or self._outbox.has_room()

    def seal(self) -> None:
        """Store the open batch, if there is one. Raises OutboxFull; the batch stays open then."""
        writer = self._writer
        if writer.count:
            batch = writer.seal(self._clock.quality)
            self._outbox.store(batch, writer.boot, writer.first_seq, writer.next_seq)
            writer.clear()
            self._delivery.stored()

    def seal_after(self, age_ms: int) -> None:
        """Seal the open batch if its first event is at least `age_ms` old. Raises OutboxFull, as `seal` does."""
        if self._writer.count and self._clock.uptime_ms() - self._opened_ms >= age_ms:
            self.seal()

    def set_clock(self, unix_ms: int, quality: int) -> None:
        """Set the wall clock; a batch never mixes time qualities, so one of another quality is sealed first."""
        if quality != self._clock.quality:
            self.seal()
        self._clock.set_unix_ms(unix_ms, quality)

    def _add(
        self, kind: str, quantity: int, receiver: str | None, final: bool, attributes: dict[str, int | str]
    ) -> None:
        _check(kind, quantity, receiver, attributes)
        try:
            self._write(kind, quantity, receiver, attributes)
            if final:
                self._seal_or_undo()
        except (OutboxFull, OSError):
            self.refused += 1
            raise

    def _write(self, kind: str, quantity: int, receiver: str | None, attributes: dict[str, int | str]) -> None:
        writer = self._writer
        at_ms = self._clock.event_ms()
        if writer.count:
            if writer.add(at_ms, kind, quantity, receiver, attributes):
                return
            self.seal()
        if not self._outbox.reserve():
            raise OutboxFull("no room for another batch: wait for receipts, then record again")
        if not writer.add(at_ms, kind, quantity, receiver, attributes):
            raise ValueError("one event with strings this long exceeds a batch: send shorter strings")
        self._opened_ms = self._clock.uptime_ms()

    def _seal_or_undo(self) -> None:
        try:
            self.seal()
        except (OutboxFull, OSError):
            self._writer.undo()
            raise


def _check(kind: str, quantity: int, receiver: str | None, attributes: dict[str, int | str]) -> None:
    _check_string("kind", kind)
    if not kind:
        raise ValueError("the kind of an event is empty: name what was used or handed over")
    _check_integer("quantity", quantity)
    count = len(attributes) + (receiver is not None)
    if count > _ATTRIBUTE_LIMIT:
        raise ValueError(f"{count} attributes: an event has at most {_ATTRIBUTE_LIMIT}")
    for name in attributes:
        _check_string(name, name)
        value = attributes[name]
        if isinstance(value, str):
            _check_string(name, value)
        else:
            _check_integer(name, value)


def _check_string(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name} is {value!r}: give a string")
    if len(value) > _SURELY_SHORT and len(value.encode()) > _STRING_LIMIT_BYTES:
        raise ValueError(f"{name} has more than {_STRING_LIMIT_BYTES} bytes: give a shorter string")


def _check_integer(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(
            f"{name} is {value!r}: give an integer (in the unit's smallest step) or, for an attribute, a string"
        )
    if not -_INTEGER_LIMIT <= value < _INTEGER_LIMIT:
        raise ValueError(f"{name} is {value}: the limit is 63 bits")
