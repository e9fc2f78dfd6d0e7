"""The fixed parts of many batches by columns; the scalar reader is `batch.read_header`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from thalweg.wire.batch import MAX_BATCH_BYTES, MIN_BATCH_BYTES, VERSION, TimeQuality

_FIELDS: Final = np.dtype(
    [
        ("version", "u1"),
        ("key_version", "u1"),
        ("boot", ">u4"),
        ("first_seq", ">u4"),
        ("count", ">u2"),
        ("time_quality", "u1"),
        ("base_ms", ">u8"),
        ("event_bytes", ">u2"),
    ]
)
HEADER_BYTES: Final = _FIELDS.itemsize
_SEQ_LIMIT: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class Headers:
    """One row a batch; the names are those of `batch.Header`. Rows that are not valid mean nothing."""

    is_valid: NDArray[np.bool_]
    key_version: NDArray[np.int64]
    boot: NDArray[np.int64]
    first_seq: NDArray[np.int64]
    count: NDArray[np.int64]
    time_quality: NDArray[np.int64]
    base_ms: NDArray[np.uint64]
    event_bytes: NDArray[np.int64]

    def with_rows(self, rows: Sequence[int], others: Headers) -> Headers:
        """These, with `others` in place of those at `rows`."""
        columns = {field.name: getattr(self, field.name).copy() for field in fields(self)}
        for name, column in columns.items():
            column[rows] = getattr(others, name)
        return Headers(**columns)


def read_headers(batches: Sequence[bytes]) -> Headers:
    """The headers of `batches`; valid is what `batch.read_header` accepts."""
    heads = b"".join([batch[:HEADER_BYTES].ljust(HEADER_BYTES, b"\0") for batch in batches])
    rows = np.frombuffer(heads, _FIELDS)
    sizes = np.fromiter(map(len, batches), np.int64, len(batches))
    wide = {name: rows[name].astype(np.int64) for name in _FIELDS.fields or () if name != "base_ms"}
    is_valid = (
        (wide.pop("version") == VERSION)
        & (sizes >= MIN_BATCH_BYTES)
        & (sizes <= MAX_BATCH_BYTES)
        & (wide["count"] > 0)
        & (wide["first_seq"] + wide["count"] <= _SEQ_LIMIT)
        & (wide["time_quality"] <= TimeQuality.GPS)
        & (wide["event_bytes"] <= sizes - MIN_BATCH_BYTES)
    )
    return Headers(is_valid=is_valid, base_ms=rows["base_ms"].astype(np.uint64), **wide)
