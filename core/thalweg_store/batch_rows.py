"""Rows of the table `batch` in PostgreSQL's binary COPY format, a third of the work that the text format is.

The format: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format". Each field is its length in bytes
and its bytes, length -1 for null; integers are big-endian, times µs since 2000-01-01 UTC, jsonb begins with version 1.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

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
#: first_at and last_at, each behind its length
_SPAN: Final = struct.Struct(">iqiq")
_LENGTH: Final = struct.Struct(">i")
_INTEGER: Final = struct.Struct(">ii")
_LONG: Final = struct.Struct(">iq")
_NULL: Final = _LENGTH.pack(-1)
_JSONB_VERSION: Final = b"\x01"
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def copy_of(batches: Iterable[BookedBatch]) -> bytes:
    """All that COPY has to be sent."""
    parts = [_SIGNATURE]
    received_at, received_us = _EPOCH, 0
    for booked in batches:
        batch = booked.batch
        if batch.received_at is not received_at:  # what was read from the broker together came together
            received_at, received_us = batch.received_at, _microseconds(batch.received_at)
        device, boot = batch.key
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
    parts.append(_TRAILER)
    return b"".join(parts)


def _span(first_at: datetime | None, last_at: datetime | None) -> bytes:
    if first_at is None or last_at is None:
        return _moment(first_at) + _moment(last_at)
    first_us = _microseconds(first_at)
    return _SPAN.pack(8, first_us, 8, first_us if last_at is first_at else _microseconds(last_at))


def _moment(moment: datetime | None) -> bytes:
    return _NULL if moment is None else _LONG.pack(8, _microseconds(moment))


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _bytes(value: bytes) -> bytes:
    return _LENGTH.pack(len(value)) + value


_OUTCOMES: Final = {outcome: _bytes(outcome.encode()) for outcome in Outcome}
