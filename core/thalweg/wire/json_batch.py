"""Format 1 of a signed event batch in JSON rows: the same meaning as the packed form, for people and any language.

::

    {"v":1,"key":1,"boot":305441741,"seq":0,"q":1,"at":1764000000123,"rows":[[0,"energy",6706]]}.5d41402abc4b2a76b9…

It is signed text of the channel `ej`, specified in `docs/protocol.md`. The header is what any JSON reader finds under
its keys; everything else is read strictly, so that nothing is booked that could be understood in two ways. This is the
reader that judges; `json_rows` reads what is as usual and leaves the rest to it.
"""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import Any, Final, NamedTuple

from thalweg.errors import MalformedMessage, UnknownVersion
from thalweg.wire import text
from thalweg.wire.batch import (
    DIGEST_BYTES,
    FIRST_OF_BOOT,
    MAX_ATTRIBUTES,
    MAX_BATCH_BYTES,
    MAX_STRING_BYTES,
    VERSION,
    AttributeValue,
    Batch,
    Event,
    Header,
    TimeQuality,
)
from thalweg.wire.json_object import check_depth
from thalweg.wire.topics import Channel
from thalweg.wire.varint import SIGNED_LIMIT

#: the first byte, which is no version of the packed form
FIRST_BYTE: Final = b"{"
#: receiver of a data exchange
TO: Final = "to"
_SEQ_LIMIT: Final = 1 << 32
_KEYS: Final = frozenset({"v", "key", "boot", "seq", "q", "at", "prev", "rows"})
_DIGEST: Final = re.compile(rf"[0-9a-f]{{{2 * DIGEST_BYTES}}}")
_INT64_DIGITS: Final = 20


def read_header(message: bytes) -> Header:
    """What identifies the batch in `message`; raises UnknownVersion or MalformedMessage. Proves nothing."""
    return _header(_body(message))


def verify(message: bytes, uplink_key: bytes) -> None:
    """Raise BadSignature unless `message` ends with its authentication code under `uplink_key`."""
    text.verify(Channel.EVENTS_JSON, message, uplink_key)


def decode(message: bytes) -> Batch:
    """Everything in `message`; raises MalformedMessage or UnknownVersion. Does not verify the signature."""
    body = _body(message)
    header = _header(body)
    if isinstance(body, _Repeating):
        raise MalformedMessage(f"the key {body.twice!r} stands twice")
    for key in body:
        if key not in _KEYS:
            raise MalformedMessage(f"unknown key {key!r}: a batch has {', '.join(sorted(_KEYS))}")
    rows = [_row(place, row) for place, row in enumerate(body["rows"])]
    times = [*accumulate((row.step for row in rows), initial=header.base_ms)][1:]
    if min(times) < 0:
        early = next(place for place, at_ms in enumerate(times) if at_ms < 0)
        raise MalformedMessage(f"event {early} lies before time 0")
    previous = _previous(body)
    return Batch(header, tuple(Event(at_ms, *row[1:]) for at_ms, row in zip(times, rows, strict=True)), previous)


class _Row(NamedTuple):
    """An event; `step` is the time since the row before, in ms."""

    step: int
    kind: str
    quantity: int
    is_exchange: bool
    attributes: dict[str, AttributeValue]


class _Repeating(dict[str, Any]):
    """An object in which a key stands twice; JSON readers differ in what they make of it."""

    twice = ""


class _NotAnInteger:
    """A number with a fraction, an exponent, or far more digits than 64 bits have."""

    def __init__(self, digits: str) -> None:
        self._digits = digits

    def __repr__(self) -> str:
        return self._digits[:40]


def _body(message: bytes) -> dict[str, Any]:
    try:
        raw = text.json_part(message, MAX_BATCH_BYTES).decode()
    except UnicodeDecodeError:
        raise MalformedMessage("the text is not UTF-8") from None
    if raw[:1] != FIRST_BYTE.decode():
        raise MalformedMessage("a batch in JSON rows begins with {")
    check_depth(raw)
    try:
        body: dict[str, Any] = _DECODER.decode(raw)
    except ValueError as error:
        raise MalformedMessage(f"the text before the authentication code is not JSON: {error}") from None
    return body


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    names = [name for name, _ in pairs]
    repeating = _Repeating(found)
    repeating.twice = next(name for name in names if names.count(name) > 1)
    return repeating


def _integer(digits: str) -> int | _NotAnInteger:
    return int(digits) if len(digits) <= _INT64_DIGITS else _NotAnInteger(digits)


def _constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_NotAnInteger, parse_constant=_constant
)


def _header(body: dict[str, Any]) -> Header:
    version = _number(body, "v", 256)
    if version != VERSION:
        raise UnknownVersion(f"format version {version}; this build decodes version {VERSION}")
    rows = body.get("rows")
    if not isinstance(rows, list) or not rows:
        raise MalformedMessage('"rows" is no array of at least one event')
    header = Header(
        version=version,
        key_version=_number(body, "key", 256),
        boot=_number(body, "boot", _SEQ_LIMIT),
        first_seq=_number(body, "seq", _SEQ_LIMIT),
        count=len(rows),
        time_quality=_number(body, "q", TimeQuality.GPS + 1),
        base_ms=_number(body, "at", SIGNED_LIMIT),
    )
    if header.end_seq > _SEQ_LIMIT:
        raise MalformedMessage(f"seq {header.first_seq} + {header.count} exceeds 32 bits")
    return header


def _number(body: dict[str, Any], key: str, limit: int) -> int:
    value = body.get(key)
    if type(value) is not int or not 0 <= value < limit:
        raise MalformedMessage(f'"{key}" is no integer from 0 to {limit - 1}')
    return value


def _previous(body: dict[str, Any]) -> bytes:
    if "prev" not in body:
        return FIRST_OF_BOOT
    previous = body["prev"]
    if not isinstance(previous, str) or not _DIGEST.fullmatch(previous):
        raise MalformedMessage('"prev" is no digest of 32 lower-case hex digits')
    return bytes.fromhex(previous)


def _row(place: int, row: object) -> _Row:
    if not isinstance(row, list) or not 3 <= len(row) <= 5:
        raise MalformedMessage(f"row {place} is not [ms, kind, quantity, {{attributes}}, to], the last two optional")
    step, kind, quantity, *rest = row
    attributes = rest[0] if rest else {}
    if not isinstance(attributes, dict):
        raise MalformedMessage(f"row {place}: the attributes are no object")
    if isinstance(attributes, _Repeating):
        raise MalformedMessage(f"row {place} names the attribute {attributes.twice!r} twice")
    is_exchange = len(rest) > 1
    if is_exchange:
        if TO in attributes:
            raise MalformedMessage(f"row {place} names the attribute {TO!r} twice")
        attributes = {TO: _string(rest[1], place, "the receiver"), **attributes}
    if len(attributes) > MAX_ATTRIBUTES:
        raise MalformedMessage(f"row {place} has {len(attributes)} attributes; the limit is {MAX_ATTRIBUTES}")
    for name, value in attributes.items():
        _string(name, place, "an attribute's name")
        if not isinstance(value, str):
            _int64(value, place, f"attribute {name!r}")
        else:
            _string(value, place, f"attribute {name!r}")
    return _Row(
        _int64(step, place, "the time step"),
        _string(kind, place, "the kind"),
        _int64(quantity, place, "the quantity"),
        is_exchange,
        attributes,
    )


def _int64(value: object, place: int, what: str) -> int:
    if type(value) is not int or not -SIGNED_LIMIT <= value < SIGNED_LIMIT:
        raise MalformedMessage(f"row {place}: {what} is no integer of 64 bits: {value!r:.60}")
    return value


def _string(value: object, place: int, what: str) -> str:
    if not isinstance(value, str):
        raise MalformedMessage(f"row {place}: {what} is no string: {value!r:.60}")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise MalformedMessage(f"row {place}: {what} holds half of a surrogate pair") from None
    if size > MAX_STRING_BYTES:
        raise MalformedMessage(f"row {place}: {what} has {size} bytes; the limit is {MAX_STRING_BYTES}")
    return value
