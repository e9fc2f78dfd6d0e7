"""Variable-length integers of many sections in one pass, exact for all 64 bits; the scalar reader is `varint`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from thalweg.wire.varint import MAX_BYTES

_PAYLOAD_BITS = 7
_PAYLOAD = (1 << _PAYLOAD_BITS) - 1
#: what the tenth byte may hold: 9 × 7 bits come before it
_LAST_PAYLOAD = 1


class Numbers(NamedTuple):
    """The integers of all sections, one behind the other."""

    values: NDArray[np.uint64]
    #: position in `values` of each section's first integer, and at the end the number of all
    first: NDArray[np.intp]
    #: sections that hold an integer beyond 64 bits; their values mean nothing
    is_bad: NDArray[np.bool_]


def read_sections(sections: Sequence[bytes]) -> Numbers:
    """Every integer of `sections`, each of which is empty or ends with the last byte of an integer."""
    data = np.frombuffer(b"".join(sections), np.uint8)
    ends = np.cumsum([0, *map(len, sections)], dtype=np.intp)
    last = np.flatnonzero(data <= _PAYLOAD)
    begin = np.zeros_like(last)
    begin[1:] = last[:-1] + 1
    values, too_long = _values(data, begin, last - begin)
    too_large = np.flatnonzero(last - begin == MAX_BYTES - 1)
    too_large = too_large[data[last[too_large]] > _LAST_PAYLOAD]
    first = np.searchsorted(last, ends)
    is_bad = np.zeros(len(sections), np.bool_)
    for wrong in (too_long, too_large):
        is_bad[np.searchsorted(first, wrong, "right") - 1] = True
    return Numbers(values, first, is_bad)


def unzigzag(values: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The signed integers that zigzag values stand for."""
    halves: NDArray[np.int64] = (values >> np.uint64(1)).view(np.int64)
    return halves ^ -(values & np.uint64(1)).view(np.int64)


def zigzag(values: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The zigzag values that stand for signed integers."""
    return ((values << np.int64(1)) ^ (values >> np.int64(63))).view(np.uint64)


def _values(
    data: NDArray[np.uint8], begin: NDArray[np.intp], more_bytes: NDArray[np.intp]
) -> tuple[NDArray[np.uint64], NDArray[np.intp]]:
    """The integers that begin at `begin`, and the positions of those that are too long."""
    values = (data[begin] & _PAYLOAD).astype(np.uint64)
    longer = np.flatnonzero(more_bytes)
    for place in range(1, MAX_BYTES):
        if not len(longer):
            break
        payload = (data[begin[longer] + place] & _PAYLOAD).astype(np.uint64)
        values[longer] |= payload << np.uint64(_PAYLOAD_BITS * place)
        longer = longer[more_bytes[longer] > place]
    return values, longer
