"""Writes format 1 of a signed event batch (`docs/protocol.md`), event by event, into one buffer that is used again.

The event section grows directly behind the header; the definitions grow in a second buffer and follow at the seal.
An event of a known shape allocates nothing.
"""

import struct

from micropython import const

from tw.sign import DIGEST_BYTES, MAC_BYTES, Key, digest

VERSION = const(1)
#: No batch is heavier than this, so that a stored one takes a single 4 KiB block of flash.
BATCH_LIMIT_BYTES = const(3800)
BUFFER_BYTES = const(4096)
_DEFINITIONS_BYTES = const(2048)
#: version, key version, boot, first seq, count, time quality, base time in ms, bytes of the event section
HEADER = ">BBIIHBQH"
HEADER_BYTES = const(23)
FRAME_BYTES = HEADER_BYTES + DIGEST_BYTES + MAC_BYTES
_COUNT_LIMIT = const(65535)


class BatchWriter:
    """The open batch of one boot.

    `add` until it says that nothing more fits, then `seal`, store what it gives, and `clear`.
    """

    def __init__(self, key: Key, key_version: int, boot: int) -> None:
        self._key = key
        self._key_version = key_version
        self.boot = boot
        self._buffer = bytearray(BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._definitions = bytearray(_DEFINITIONS_BYTES)
        self._previous_digest = bytes(DIGEST_BYTES)
        #: seq of the open batch's first event
        self.first_seq = 0
        #: numbers of the strings of the open batch
        self._strings: dict[str, int] = {}
        #: by kind: number, whether a data exchange, names of the attributes, and which of them are strings
        self._shapes: dict[str, list[tuple[int, bool, tuple[str, ...], tuple[bool, ...]]]] = {}
        self._sealed_bytes = 0
        #: events in the open batch
        self.count = 0
        self._base_ms = self._last_ms = 0
        self._events_end = HEADER_BYTES
        self._definitions_end = 0
        self._shape_count = 0
        self._mark(0)

    @property
    def next_seq(self) -> int:
        """The seq that the next event gets."""
        return self.first_seq + self.count

    @property
    def size_bytes(self) -> int:
        """What the open batch would weigh."""
        return self._events_end - HEADER_BYTES + self._definitions_end + FRAME_BYTES

    def add(self, at_ms: int, kind: str, quantity: int, receiver: str | None, attributes: dict[str, int | str]) -> bool:
        """Append one event, a data exchange if it has a `receiver`; False, and nothing changed, if it does not fit.

        The caller has checked that the format can carry the values (`meter`).
        """
        self._mark(at_ms)
        try:
            shape = self._shape_number(kind, receiver is not None, attributes)
            receiver_number = None if receiver is None else self._string_number(receiver)
            for name in attributes:
                value = attributes[name]
                if isinstance(value, str):
                    self._string_number(value)
            self._put_event(shape, at_ms, quantity, receiver_number, attributes)
        except IndexError:
            self.undo()
            return False
        self.count += 1
        if self.size_bytes > BATCH_LIMIT_BYTES or self.count > _COUNT_LIMIT:
            self.undo()
            return False
        self._last_ms = at_ms
        return True

    def undo(self) -> None:
        """Take back the event that was added last; once."""
        self.count = self._count_before
        self._last_ms = self._last_ms_before
        self._events_end = self._events_end_before
        self._definitions_end = self._definitions_end_before
        self._shape_count = self._shape_count_before
        for text in [text for text, number in self._strings.items() if number >= self._string_count_before]:
            del self._strings[text]
        for same_kind in self._shapes.values():
            while same_kind and same_kind[-1][0] >= self._shape_count:
                same_kind.pop()

    def seal(self, quality: int) -> memoryview:
        """The signed batch, valid until the next `add` or `clear`; `quality` is the time quality of all its events."""
        events_bytes = self._events_end - HEADER_BYTES
        struct.pack_into(
            HEADER, self._buffer, 0,
            VERSION, self._key_version, self.boot, self.first_seq, self.count, quality, self._base_ms, events_bytes,
        )  # fmt: skip
        end = self._events_end
        for part in (memoryview(self._definitions)[: self._definitions_end], self._previous_digest):
            self._view[end : end + len(part)] = part
            end += len(part)
        self._view[end : end + MAC_BYTES] = self._key.mac(self._view[:end])
        self._sealed_bytes = end + MAC_BYTES
        return self._view[: self._sealed_bytes]

    def clear(self) -> None:
        """Begin the next batch of the chain, once the sealed one is safe."""
        self._previous_digest = digest(self._view[: self._sealed_bytes])
        self.first_seq += self.count
        self.count = 0
        self._events_end = HEADER_BYTES
        self._definitions_end = 0
        self._strings.clear()
        self._shapes.clear()
        self._shape_count = 0

    def _mark(self, at_ms: int) -> None:
        if not self.count:
            self._base_ms = self._last_ms = at_ms
        self._count_before = self.count
        self._last_ms_before = self._last_ms
        self._events_end_before = self._events_end
        self._definitions_end_before = self._definitions_end
        self._shape_count_before = self._shape_count
        self._string_count_before = len(self._strings)

    def _put_event(
        self,
        shape: int,
        at_ms: int,
        quantity: int,
        receiver_number: int | None,
        attributes: dict[str, int | str],
    ) -> None:
        buffer = self._buffer
        end = _put_unsigned(buffer, self._events_end, shape)
        end = _put_signed(buffer, end, at_ms - self._last_ms)
        end = _put_signed(buffer, end, quantity)
        if receiver_number is not None:
            end = _put_unsigned(buffer, end, receiver_number)
        for name in attributes:
            value = attributes[name]
            if isinstance(value, str):
                end = _put_unsigned(buffer, end, self._strings[value])
            else:
                end = _put_signed(buffer, end, value)
        self._events_end = end

    def _string_number(self, text: str) -> int:
        number = self._strings.get(text)
        if number is None:
            raw = text.encode()
            end = _put_unsigned(self._definitions, self._definitions_end, len(raw) << 1)
            if end + len(raw) > _DEFINITIONS_BYTES:
                raise IndexError
            self._definitions[end : end + len(raw)] = raw
            self._definitions_end = end + len(raw)
            number = len(self._strings)
            self._strings[text] = number
        return number

    def _shape_number(self, kind: str, is_exchange: bool, attributes: dict[str, int | str]) -> int:
        if kind in self._shapes:
            for shape in self._shapes[kind]:
                if _fits(shape, is_exchange, attributes):
                    return shape[0]
        # Apart from the above, because a function with a comprehension allocates its variables at each call.
        return self._define_shape(kind, is_exchange, attributes)

    def _define_shape(self, kind: str, is_exchange: bool, attributes: dict[str, int | str]) -> int:
        names = tuple(attributes)
        textual = tuple(isinstance(attributes[name], str) for name in names)
        numbers = [self._string_number(kind) << 1 | is_exchange]
        if is_exchange:
            numbers.append(self._string_number("to") << 1 | 1)
        numbers.extend([self._string_number(name) << 1 | text for name, text in zip(names, textual)])
        end = _put_unsigned(self._definitions, self._definitions_end, (len(numbers) - 1) << 1 | 1)
        for number in numbers:
            end = _put_unsigned(self._definitions, end, number)
        self._definitions_end = end
        self._shape_count += 1
        self._shapes.setdefault(kind, []).append((self._shape_count - 1, is_exchange, names, textual))
        return self._shape_count - 1


def _fits(
    shape: tuple[int, bool, tuple[str, ...], tuple[bool, ...]], is_exchange: bool, attributes: dict[str, int | str]
) -> bool:
    names, textual = shape[2], shape[3]
    if shape[1] is not is_exchange or len(names) != len(attributes):
        return False
    at = 0
    for name in attributes:  # enumerate would allocate for every attribute
        if name != names[at] or isinstance(attributes[name], str) is not textual[at]:
            return False
        at += 1
    return True


def _put_unsigned(buffer: bytearray, at: int, value: int) -> int:
    while value > 0x7F:
        buffer[at] = value & 0x7F | 0x80
        value >>= 7
        at += 1
    buffer[at] = value
    return at + 1


def _put_signed(buffer: bytearray, at: int, value: int) -> int:
    return _put_unsigned(buffer, at, value << 1 if value >= 0 else ~value << 1 | 1)
