"""What becomes of bytes on a bad way, and what somebody writes who holds a key and means harm."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Mapping
from typing import Final

#: takes a source of chance, a message and another one that came before
Strategy = Callable[[random.Random, bytes, bytes], bytes]

_HEADER: Final = struct.Struct(">BBIIHBQH")
#: offset and size of each field of a batch's fixed part
_FIELDS: Final = ((0, 1), (1, 1), (2, 4), (6, 4), (10, 2), (12, 1), (13, 8), (21, 2))
_COUNT: Final = 10
_EVENT_BYTES: Final = 21
#: behind the definitions: digest of the batch before and authentication code
_TAIL_BYTES: Final = 32
_LONGEST: Final = 70_000
_NOT_UTF_8: Final = (
    b"\xff\xfe",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xf5\x80\x80\x80",
    b"\xe2\x82",
    b"\x00",
    b"\xef\xbb\xbf",
)
_OVERFLOWS: Final = (b"\xff" * 9 + b"\x01", b"\xff" * 9 + b"\x02", b"\xff" * 10, b"\xff" * 30 + b"\x00", b"\x80" * 12)


def flip_bits(chance: random.Random, message: bytes, _other: bytes) -> bytes:
    """A few bits are the other way round."""
    data = bytearray(message)
    for _ in range(chance.choice((1, 1, 1, 2, 8)) if data else 0):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def truncate(chance: random.Random, message: bytes, _other: bytes) -> bytes:
    """The end is missing."""
    return message[: chance.randrange(len(message) + 1)]


def insert(chance: random.Random, message: bytes, _other: bytes) -> bytes:
    """Something strange stands in the middle."""
    at = chance.randrange(len(message) + 1)
    return message[:at] + chance.randbytes(chance.randrange(1, 40)) + message[at:]


def delete(chance: random.Random, message: bytes, _other: bytes) -> bytes:
    """A part of the middle is missing."""
    at = chance.randrange(len(message) + 1)
    return message[:at] + message[at + chance.randrange(1, 20) :]


def repeat(chance: random.Random, message: bytes, _other: bytes) -> bytes:
    """A part stands there several times."""
    at = chance.randrange(len(message) + 1)
    return message[:at] + message[at : at + chance.randrange(1, 30)] * chance.randrange(2, 6) + message[at:]


def splice(chance: random.Random, message: bytes, other: bytes) -> bytes:
    """The head of one message and the tail of another."""
    return message[: chance.randrange(len(message) + 1)] + other[chance.randrange(len(other) + 1) :]


def overflow(chance: random.Random, message: bytes, _other: bytes) -> bytes:
    """An integer that does not end, or does not fit 64 bits, in place of other bytes or between them."""
    at = chance.randrange(min(_HEADER.size, len(message)), len(message) + 1)
    number = chance.choice(_OVERFLOWS)
    return message[:at] + number + message[at + chance.choice((0, len(number))) :]


def break_text(chance: random.Random, message: bytes, _other: bytes) -> bytes:
    """Bytes that are no UTF-8, or that text should not hold."""
    at = chance.randrange(len(message) + 1)
    wrong = chance.choice(_NOT_UTF_8)
    return message[:at] + wrong + message[at + len(wrong) :]


def set_field(chance: random.Random, message: bytes, _other: bytes) -> bytes:
    """A field of a batch's fixed part has a value at the edge, or any."""
    if len(message) < _HEADER.size:
        return message
    offset, size = chance.choice(_FIELDS)
    limit = 1 << 8 * size
    value = chance.choice((0, 1, 2, limit // 2, limit - 2, limit - 1, chance.randrange(limit)))
    return message[:offset] + value.to_bytes(size, "big") + message[offset + size :]


def huge_count(chance: random.Random, message: bytes, _other: bytes) -> bytes:
    """A batch claims many more events than it holds."""
    if len(message) < _HEADER.size:
        return message
    count = chance.choice((0xFFFF, 0xFFFE, 0x8000, chance.randrange(1 << 16)))
    return message[:_COUNT] + count.to_bytes(2, "big") + message[_COUNT + 2 :]


def lengthen(chance: random.Random, message: bytes, _other: bytes) -> bytes:
    """Far more bytes than any device sends, behind the beginning of a real message."""
    return message[:_EVENT_BYTES] + chance.randbytes(64) * (chance.randrange(_LONGEST) // 64)


def noise(chance: random.Random, _message: bytes, _other: bytes) -> bytes:
    """Nothing of the message is left."""
    return chance.randbytes(chance.choice((0, 1, 22, 23, 54, 55, 56, 100, 300)))


def random_events(chance: random.Random, message: bytes, _other: bytes) -> bytes:
    """A batch whose event section holds small integers of any meaning, in agreement with its length."""
    if len(message) < _HEADER.size + _TAIL_BYTES:
        return message
    events_end = _HEADER.size + int.from_bytes(message[_EVENT_BYTES : _EVENT_BYTES + 2], "big")
    rest = message[events_end:] if events_end <= len(message) - _TAIL_BYTES else bytes(_TAIL_BYTES)
    events = bytes(chance.choices((0, 0, 1, 2, 3, 5, 0x7F, 0x80, 0x81, 0xFF), k=chance.randrange(1, 60)))
    count = chance.choice((1, 2, len(events) // 3, len(events) // 6, 0xFFFF)) or 1
    head = message[:_COUNT] + count.to_bytes(2, "big") + message[_COUNT + 2 : _EVENT_BYTES]
    return head + len(events).to_bytes(2, "big") + events + rest


STRATEGIES: Final[Mapping[str, Strategy]] = {
    each.__name__: each
    for each in (
        flip_bits,
        truncate,
        insert,
        delete,
        repeat,
        splice,
        overflow,
        break_text,
        set_field,
        huge_count,
        noise,
        random_events,
    )
}
#: costly in bytes, and so seldom
SELDOM: Final[Mapping[str, Strategy]] = {lengthen.__name__: lengthen}
