"""Format 1 of a signed event batch, packed: what a device seals, stores as one file and publishes as it is.

The byte layout is specified in `docs/protocol.md` and frozen; `tests/contract/vectors` holds golden batches
that this module and the firmware both reproduce.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from thalweg.errors import BadSignature, MalformedMessage, UnknownVersion
from thalweg.wire import authentication
from thalweg.wire.varint import append_signed, append_unsigned, read_all, read_unsigned, unzigzag

VERSION: Final = 1
MAC_BYTES: Final = authentication.CODE_BYTES
DIGEST_BYTES: Final = 16
MAX_BATCH_BYTES: Final = 65_535
MAX_STRING_BYTES: Final = 255
MAX_ATTRIBUTES: Final = 16
FIRST_OF_BOOT: Final = bytes(DIGEST_BYTES)

#: version, key version, boot, first seq, count, time quality, base time in ms, bytes of the event section
_HEADER: Final = struct.Struct(">BBIIHBQH")
_TAIL_BYTES: Final = DIGEST_BYTES + MAC_BYTES
MIN_BATCH_BYTES: Final = _HEADER.size + _TAIL_BYTES

AttributeValue = int | str


class TimeQuality:
    """How far the base time of a batch can be trusted."""

    UNSYNCHRONISED = 0  #: the base time is the uptime in ms
    NTP = 1
    EDGE = 2
    GPS = 3


class Header(NamedTuple):
    """The fixed part, readable without a key."""

    version: int
    #: which of the device's keys signed this batch, 1..255
    key_version: int
    #: random number of the device's start; seq counts from 0 within it
    boot: int
    first_seq: int
    #: number of events, at least 1
    count: int  # type: ignore[assignment] # hides a method of tuples that nobody misses
    #: a value of `TimeQuality`
    time_quality: int
    #: time of the first event: Unix time in ms, or uptime in ms when unsynchronised
    base_ms: int
    #: bytes of the event section; 0 for JSON rows
    event_bytes: int = 0

    @property
    def end_seq(self) -> int:
        """The seq behind the last event (half-open)."""
        return self.first_seq + self.count


@dataclass(frozen=True, slots=True)
class Event:
    """One usage or data-exchange event, as the device recorded it."""

    #: the batch's base time plus the deltas up to this event, in ms
    at_ms: int
    #: what was used (`charging.session`) or, for an exchange, the object that was handed over (`occupancy`)
    kind: str
    #: integer, in the smallest step of the kind's unit
    quantity: int
    #: True for a data exchange, False for usage
    is_exchange: bool = False
    attributes: dict[str, AttributeValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Batch:
    """A decoded batch; event i has seq `header.first_seq + i`."""

    header: Header
    events: tuple[Event, ...]
    #: digest of the boot's batch before this one, 16 zero bytes for the first
    previous_digest: bytes


class Shape(NamedTuple):
    """What events of the same form share, so that each event carries only its numbers."""

    kind: str
    is_exchange: bool
    #: names of the attributes in order, each with True where the value is a string
    attributes: tuple[tuple[str, bool], ...]


def digest(batch: bytes) -> bytes:
    """The first 16 bytes of the SHA-256 of a whole batch: its identity, and the next batch's back link."""
    return hashlib.sha256(batch).digest()[:DIGEST_BYTES]


def read_header(batch: bytes) -> Header:
    """The fixed part of `batch`; raises UnknownVersion or MalformedMessage. Proves nothing: `verify` does."""
    if not batch:
        raise MalformedMessage("an empty message")
    if batch[0] != VERSION:
        raise UnknownVersion(f"format version {batch[0]}; this build decodes version {VERSION}")
    if not MIN_BATCH_BYTES <= len(batch) <= MAX_BATCH_BYTES:
        raise MalformedMessage(f"{len(batch)} bytes; a batch has {MIN_BATCH_BYTES} to {MAX_BATCH_BYTES}")
    header = Header._make(_HEADER.unpack_from(batch))
    if header.count == 0:
        raise MalformedMessage("a batch without events")
    if header.end_seq > 1 << 32:
        raise MalformedMessage(f"seq {header.first_seq} + {header.count} exceeds 32 bits")
    if header.time_quality > TimeQuality.GPS:
        raise MalformedMessage(f"time quality {header.time_quality}")
    if header.event_bytes > len(batch) - MIN_BATCH_BYTES:
        raise MalformedMessage(f"an event section of {header.event_bytes} bytes in a batch of {len(batch)}")
    return header


def verify(batch: bytes, uplink_key: bytes) -> None:
    """Raise BadSignature unless `batch` ends with its authentication code under `uplink_key`."""
    if not hmac.compare_digest(authentication.code(uplink_key, batch[:-MAC_BYTES]), batch[-MAC_BYTES:]):
        raise BadSignature("the batch's authentication code does not match")


def checker(uplink_key: bytes) -> Callable[[bytes], bool]:
    """Tells of many batches whether each ends with its authentication code under `uplink_key`."""
    code_of = authentication.Codes(uplink_key).of
    return lambda batch: hmac.compare_digest(code_of(batch[:-MAC_BYTES]), batch[-MAC_BYTES:])


def decode(batch: bytes) -> Batch:
    """Everything in `batch`; raises MalformedMessage or UnknownVersion. Does not verify the signature."""
    header = read_header(batch)
    events_end = _HEADER.size + header.event_bytes
    definitions_end = len(batch) - _TAIL_BYTES
    strings, shapes = read_definitions(batch, events_end, definitions_end)
    numbers = read_all(batch, _HEADER.size, events_end)
    events: list[Event] = []
    at, now = 0, header.base_ms
    try:
        for _ in range(header.count):
            shape = shapes[numbers[at]]
            now += unzigzag(numbers[at + 1])
            quantity = unzigzag(numbers[at + 2])
            at += 3
            attributes: dict[str, AttributeValue] = {}
            for name, is_string in shape.attributes:
                attributes[name] = strings[numbers[at]] if is_string else unzigzag(numbers[at])
                at += 1
            if now < 0:
                raise MalformedMessage(f"event {len(events)} lies before time 0")
            events.append(Event(now, shape.kind, quantity, shape.is_exchange, attributes))
    except IndexError:
        raise MalformedMessage(f"event {len(events)} refers to what the batch does not hold") from None
    if at != len(numbers):
        raise MalformedMessage(f"{len(numbers) - at} numbers behind the last event")
    return Batch(header, tuple(events), batch[definitions_end : definitions_end + DIGEST_BYTES])


class BatchWriter:
    """Builds batches of one boot, event by event, the way the firmware does.

    `add` until `size_bytes` is near the limit of choice, then `seal`; the seqs and the back link go on by themselves.
    """

    def __init__(self, uplink_key: bytes, boot: int, *, key_version: int = 1, first_seq: int = 0) -> None:
        self._key = uplink_key
        self._key_version = key_version
        self._boot = boot
        self._next_seq = first_seq
        self._previous = FIRST_OF_BOOT
        self._count = 0
        self._clear()

    @property
    def count(self) -> int:
        """Events in the unsealed batch."""
        return self._count

    @property
    def size_bytes(self) -> int:
        """What the unsealed batch would weigh."""
        return MIN_BATCH_BYTES + len(self._events) + len(self._definitions)

    def add(self, event: Event) -> None:
        """Append one event; raises ValueError for what the format cannot carry."""
        if len(event.attributes) > MAX_ATTRIBUTES:
            raise ValueError(f"{len(event.attributes)} attributes; an event has at most {MAX_ATTRIBUTES}")
        names = tuple((name, isinstance(value, str)) for name, value in event.attributes.items())
        shape = self._shape(Shape(event.kind, event.is_exchange, names))
        values = [self._string(value) if isinstance(value, str) else value for value in event.attributes.values()]
        if not self._count:
            self._base_ms = self._last_ms = event.at_ms
        append_unsigned(self._events, shape)
        append_signed(self._events, event.at_ms - self._last_ms)
        append_signed(self._events, event.quantity)
        for (_, is_string), value in zip(names, values, strict=True):
            (append_unsigned if is_string else append_signed)(self._events, value)
        self._last_ms = event.at_ms
        self._count += 1

    def seal(self, time_quality: int = TimeQuality.NTP) -> bytes:
        """The signed batch of what was added since the last one; raises ValueError when that is nothing."""
        if not self._count:
            raise ValueError("nothing to seal")
        head = _HEADER.pack(
            VERSION, self._key_version, self._boot, self._next_seq, self._count,
            time_quality, self._base_ms, len(self._events),
        )  # fmt: skip
        body = head + bytes(self._events) + bytes(self._definitions) + self._previous
        batch = body + authentication.code(self._key, body)
        self._previous = digest(batch)
        self._next_seq += self._count
        self._clear()
        return batch

    def _clear(self) -> None:
        self._events = bytearray()
        self._definitions = bytearray()
        self._strings: dict[str, int] = {}
        self._shapes: dict[Shape, int] = {}
        self._count = self._base_ms = self._last_ms = 0

    def _string(self, text: str) -> int:
        index = self._strings.get(text)
        if index is None:
            raw = text.encode()
            if len(raw) > MAX_STRING_BYTES:
                raise ValueError(f"a string of {len(raw)} bytes; the limit is {MAX_STRING_BYTES}")
            index = self._strings[text] = len(self._strings)
            append_unsigned(self._definitions, len(raw) << 1)
            self._definitions += raw
        return index

    def _shape(self, shape: Shape) -> int:
        index = self._shapes.get(shape)
        if index is None:
            numbers = [self._string(shape.kind) << 1 | shape.is_exchange]
            numbers += [self._string(name) << 1 | is_string for name, is_string in shape.attributes]
            index = self._shapes[shape] = len(self._shapes)
            append_unsigned(self._definitions, len(shape.attributes) << 1 | 1)
            for number in numbers:
                append_unsigned(self._definitions, number)
        return index


def read_definitions(data: bytes, position: int, end: int) -> tuple[list[str], list[Shape]]:
    """The strings and shapes defined from `position` to `end` (exclusive); raises MalformedMessage."""
    strings: list[str] = []
    shapes: list[Shape] = []
    while position < end:
        head, position = read_unsigned(data, position, end)
        size, is_shape = head >> 1, head & 1
        if is_shape:
            if size > MAX_ATTRIBUTES:
                raise MalformedMessage(f"a shape of {size} attributes")
            numbers = []
            for _ in range(1 + size):
                number, position = read_unsigned(data, position, end)
                numbers.append(number)
            shapes.append(_shape_of(numbers, strings))
        else:
            if size > MAX_STRING_BYTES or position + size > end:
                raise MalformedMessage(f"a string of {size} bytes at byte {position}")
            try:
                strings.append(data[position : position + size].decode())
            except UnicodeDecodeError:
                raise MalformedMessage(f"the string at byte {position} is not UTF-8") from None
            position += size
    return strings, shapes


def _shape_of(numbers: list[int], strings: list[str]) -> Shape:
    try:
        kind = strings[numbers[0] >> 1]
        attributes = tuple((strings[number >> 1], bool(number & 1)) for number in numbers[1:])
    except IndexError:
        raise MalformedMessage("a shape refers to a string that the batch does not hold") from None
    if len({name for name, _ in attributes}) != len(attributes):
        raise MalformedMessage(f"a shape of {kind!r} names an attribute twice")
    return Shape(kind, bool(numbers[0] & 1), attributes)
