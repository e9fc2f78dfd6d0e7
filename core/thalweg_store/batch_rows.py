"""Rows of the table `batch` in PostgreSQL's binary COPY format, a third of the work that the text format is.

The format: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format". Each field is its length in bytes
and its bytes, length -1 for null; integers are big-endian, times µs since 2000-01-01 UTC, jsonb begins with version 1.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from thalweg.wire.batch import DIGEST_BYTES
from thalweg_store.batch_columns import BookedColumns
from thalweg_store.facts import BookedBatch, Outcome

COPY_BATCHES: Final = """
    copy batch (
        received_at, device, boot, first_seq, count, outcome, first_at, last_at, digest, payload, design, offset_ms,
        refused
    ) from stdin (format binary)
"""
_FIELDS: Final = 13
_SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER: Final = struct.pack(">h", -1)
#: number of fields, then received_at, device, boot, first_seq, count, each behind its length
_HEAD: Final = struct.Struct(">hiqiiiqiqii")
_LENGTH: Final = struct.Struct(">i")
_INTEGER: Final = struct.Struct(">ii")
_LONG: Final = struct.Struct(">iq")
_NULL: Final = _LENGTH.pack(-1)
_JSONB_VERSION: Final = b"\x01"
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_EPOCH_MS: Final = 946_684_800_000
_MICROSECOND: Final = timedelta(microseconds=1)


def copy_of(columns: Sequence[BookedColumns], batches: Iterable[BookedBatch]) -> bytes:
    """All that COPY has to be sent."""
    parts = [_SIGNATURE]
    for each in columns:
        parts += _rows_by_columns(each)
    parts += _rows(batches)
    parts.append(_TRAILER)
    return b"".join(parts)


def _rows(batches: Iterable[BookedBatch]) -> list[bytes]:
    parts: list[bytes] = []
    for booked in batches:
        batch = booked.batch
        device, boot = batch.key
        received_us = _microseconds(batch.received_at)
        parts += (
            _HEAD.pack(_FIELDS, 8, received_us, 4, device, 8, boot, 8, batch.first_seq, 4, batch.count),
            _OUTCOMES[booked.outcome],
            _span(booked.first_at, booked.last_at),
            _LENGTH.pack(len(batch.digest)),
            batch.digest,
            _LENGTH.pack(len(batch.payload)),
            batch.payload,
            _NULL if booked.design is None else _INTEGER.pack(4, booked.design),
            _NULL if booked.offset_ms is None else _LONG.pack(8, booked.offset_ms),
            _bytes(_JSONB_VERSION + json.dumps(booked.refused).encode()) if booked.refused else _NULL,
        )
    return parts


def _rows_by_columns(booked: BookedColumns) -> list[bytes]:
    """The same as `_rows`, whatever is of fixed length written for all rows at once."""
    received = booked.received
    moments = {id(moment): moment for moment in received.received_at}  # what was read together came together
    received_us = {place: _microseconds(moment) for place, moment in moments.items()}
    heads = np.full(len(received), _TEMPLATE)
    heads["received_us"] = [received_us[id(moment)] for moment in received.received_at]
    heads["device"], heads["boot"] = received.device, received.boot
    heads["first_seq"], heads["count"] = received.first_seq, received.count
    heads["first_us"], heads["last_us"] = (1000 * (each - _EPOCH_MS) for each in (booked.first_ms, booked.last_ms))
    heads["digest"] = np.frombuffer(b"".join(received.digests), _DIGEST)
    heads["payload_bytes"] = [*map(len, received.payloads)]
    tails = {
        offset_ms: _INTEGER.pack(4, booked.design) + (_NULL if offset_ms is None else _LONG.pack(8, offset_ms)) + _NULL
        for offset_ms in set(booked.offsets_ms)
    }
    raw, size = heads.tobytes(), heads.itemsize
    parts: list[bytes] = []
    for at, payload, offset_ms in zip(range(0, len(raw), size), received.payloads, booked.offsets_ms, strict=True):
        parts += (raw[at : at + size], payload, tails[offset_ms])
    return parts


def _span(first_at: datetime | None, last_at: datetime | None) -> bytes:
    return _moment(first_at) + _moment(last_at)


def _moment(moment: datetime | None) -> bytes:
    return _NULL if moment is None else _LONG.pack(8, _microseconds(moment))


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _bytes(value: bytes) -> bytes:
    return _LENGTH.pack(len(value)) + value


_OUTCOMES: Final = {outcome: _bytes(outcome.encode()) for outcome in Outcome}

_DIGEST: Final = np.dtype(f"V{DIGEST_BYTES}")
_BOOKED: Final = Outcome.BOOKED.encode()
#: a row of a batch that was booked whole, up to its payload
_ROW: Final = np.dtype(
    [
        ("fields", ">i2"),
        ("received_bytes", ">i4"), ("received_us", ">i8"),
        ("device_bytes", ">i4"), ("device", ">i4"),
        ("boot_bytes", ">i4"), ("boot", ">i8"),
        ("first_seq_bytes", ">i4"), ("first_seq", ">i8"),
        ("count_bytes", ">i4"), ("count", ">i4"),
        ("outcome_bytes", ">i4"), ("outcome", f"S{len(_BOOKED)}"),
        ("first_bytes", ">i4"), ("first_us", ">i8"),
        ("last_bytes", ">i4"), ("last_us", ">i8"),
        ("digest_bytes", ">i4"), ("digest", _DIGEST),
        ("payload_bytes", ">i4"),
    ]
)  # fmt: skip
_TEMPLATE: Final = np.array(
    (_FIELDS, 8, 0, 4, 0, 8, 0, 8, 0, 4, 0, len(_BOOKED), _BOOKED, 8, 0, 8, 0, DIGEST_BYTES, bytes(DIGEST_BYTES), 0),
    _ROW,
)
