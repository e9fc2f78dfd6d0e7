"""Variable-length integers: seven bits a byte, lowest first, and zigzag for signed values."""

from __future__ import annotations

from thalweg.errors import MalformedMessage

MAX_BYTES = 10
UNSIGNED_LIMIT = 1 << 64
SIGNED_LIMIT = 1 << 63


def append_unsigned(out: bytearray, value: int) -> None:
    """Append `value` (0 ≤ value < 2⁶⁴)."""
    if not 0 <= value < UNSIGNED_LIMIT:
        raise ValueError(f"{value} does not fit an unsigned 64-bit integer")
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def append_signed(out: bytearray, value: int) -> None:
    """Append `value` (−2⁶³ ≤ value < 2⁶³) in zigzag form: 0, −1, 1, −2, … become 0, 1, 2, 3, …"""
    if not -SIGNED_LIMIT <= value < SIGNED_LIMIT:
        raise ValueError(f"{value} does not fit a signed 64-bit integer")
    append_unsigned(out, value << 1 if value >= 0 else ~value << 1 | 1)


def unzigzag(value: int) -> int:
    """The signed integer that a zigzag value stands for."""
    return value >> 1 ^ -(value & 1)


def read_unsigned(data: bytes, position: int, end: int) -> tuple[int, int]:
    """The integer at `position` and the position behind it; `end` is exclusive."""
    value = shift = 0
    for at in range(position, min(position + MAX_BYTES, end)):
        byte = data[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >= UNSIGNED_LIMIT:
                raise MalformedMessage(f"the integer at byte {position} exceeds 64 bits")
            return value, at + 1
        shift += 7
    raise MalformedMessage(f"the integer at byte {position} does not end")


def read_all(data: bytes, position: int, end: int) -> list[int]:
    """Every integer of a section that holds nothing else; `end` is exclusive."""
    values = []
    while position < end:
        value, position = read_unsigned(data, position, end)
        values.append(value)
    return values
