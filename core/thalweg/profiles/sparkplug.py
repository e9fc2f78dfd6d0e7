"""Payloads of Sparkplug B (specification 3.0, section 6.4): what its protobuf messages say of metrics.

The few kinds of fields that metrics have are read here; data sets, templates, files and metadata are left out.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from thalweg.errors import UnreadableRecord

_VARINT: Final = 0
_FIXED64: Final = 1
_BYTES: Final = 2
_FIXED32: Final = 5
_MAX_VARINT_BYTES: Final = 10
#: data types whose integers are two's complement, and their bits on the wire
_SIGNED: Final = {1: 32, 2: 32, 3: 32, 4: 64}
#: digits that tell one number of single precision from every other
_SINGLE_DIGITS: Final = range(1, 10)

Fields = Mapping[int, list[int | bytes]]


def decoded(raw: bytes) -> dict[str, Any]:
    """`{"timestamp", "seq", "metrics": [{"name", "alias", "timestamp", "datatype", "value", "properties"}, …]}`.

    Keys that say nothing are left out, as is the value of a metric that is null or no number, boolean or text. Numbers
    with a fraction are the shortest decimals that stand for them. Raises UnreadableRecord.
    """
    payload = _fields(raw)
    found: dict[str, Any] = {"metrics": [_metric(_bytes(each)) for each in payload.get(2, [])]}
    return found | _integers(payload, {"timestamp": 1, "seq": 3})


def _metric(raw: bytes) -> dict[str, Any]:
    fields = _fields(raw)
    found = _integers(fields, {"alias": 2, "timestamp": 3, "datatype": 4})
    if 1 in fields:
        found["name"] = _text(fields[1][-1])
    if 9 in fields:
        properties = _fields(_bytes(fields[9][-1]))
        values = [_value(_fields(_bytes(each)), datatype=1, is_null=2, first=3) for each in properties.get(2, [])]
        found["properties"] = dict(zip(map(_text, properties.get(1, [])), values, strict=False))
    value = _value(fields, datatype=4, is_null=7, first=10)
    return found if value is None else found | {"value": value}


def _value(fields: Fields, datatype: int, is_null: int, first: int) -> int | Decimal | bool | str | None:
    """The value of a metric or property: six fields from `first` on, in one order in both."""
    if fields.get(is_null, [0])[-1]:
        return None
    for kind in range(6):
        if first + kind in fields:
            found = fields[first + kind][-1]
            match kind:
                case 2 | 3:
                    return _fraction(_bytes(found))
                case 4:
                    return bool(_integer(found))
                case 5:
                    return _text(found)
                case _:
                    return _whole(_integer(found), fields.get(datatype, [0])[-1])
    return None


def _whole(value: int, datatype: int | bytes) -> int:
    bits = _SIGNED.get(_integer(datatype))
    if bits is None:
        return value
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _fraction(raw: bytes) -> Decimal:
    if len(raw) == 8:
        return Decimal(repr(struct.unpack("<d", raw)[0]))
    if len(raw) != 4:
        raise _malformed("a field has another type")
    (value,) = struct.unpack("<f", raw)
    for digits in _SINGLE_DIGITS:
        written = f"{value:.{digits}g}"
        if _single(written) == raw:
            break
    return Decimal(written)


def _single(written: str) -> bytes:
    try:
        return struct.pack("<f", float(written))
    except OverflowError:  # rounded beyond the largest
        return b""


def _integers(fields: Fields, names: Mapping[str, int]) -> dict[str, Any]:
    return {name: _integer(fields[number][-1]) for name, number in names.items() if number in fields}


def _integer(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise _malformed("a field has another type")
    return value


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise _malformed("a field has another type")
    return value


def _text(value: int | bytes) -> str:
    try:
        return _bytes(value).decode()
    except UnicodeDecodeError:
        raise _malformed("a text is no UTF-8") from None


def _fields(raw: bytes) -> Fields:
    """The values of a protobuf message by their fields' numbers, in their order; fixed widths as bytes."""
    found: dict[int, list[int | bytes]] = defaultdict(list)
    for number, value in _walk(raw):
        found[number].append(value)
    return found


def _walk(raw: bytes) -> Iterator[tuple[int, int | bytes]]:
    position = 0
    while position < len(raw):
        key, position = _varint(raw, position)
        wire_type = key & 7
        if wire_type == _VARINT:
            value, position = _varint(raw, position)
            yield key >> 3, value
            continue
        if wire_type == _BYTES:
            size, position = _varint(raw, position)
        else:
            size = {_FIXED64: 8, _FIXED32: 4}.get(wire_type, -1)
        if size < 0 or position + size > len(raw):
            raise _malformed("it is cut off, or no protobuf")
        yield key >> 3, raw[position : position + size]
        position += size


def _varint(raw: bytes, position: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(raw[position : position + _MAX_VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, position + place + 1
    raise _malformed("it is cut off, or no protobuf")


def _malformed(why: str) -> UnreadableRecord:
    return UnreadableRecord("malformed", f"the payload is no Sparkplug B: {why}")
