"""Columns of integers that are exact at any size: 64-bit ones where they fit, Python's (dtype object) where not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_LIMIT: Final = 1 << 63
#: a table of all possible combinations is quicker than sorting while it is no larger than this
_MIN_TABLE: Final = 1 << 14
_TABLE_PER_ROW: Final = 8

#: int64, or object
Integers = NDArray[Any]
Places = NDArray[np.intp]


def exact(values: Sequence[int]) -> Integers:
    """`values` as a column."""
    try:
        return np.array(values, np.int64)
    except OverflowError:
        return np.array(values, object)


def sum_by_place(places: Places, values: Integers, count: int) -> list[int]:
    """For each place below `count`: the sum of the values that stand beside it in `places`."""
    if values.dtype == np.int64 and _fits(values):
        sums = np.zeros(count, np.int64)
        np.add.at(sums, places, values)
        return [int(each) for each in sums.tolist()]
    totals = [0] * count
    for place, value in zip(places.tolist(), values.tolist(), strict=True):
        totals[place] += value
    return totals


def added(left: Integers, right: Integers) -> Integers:
    """The sums of two columns, row by row."""
    if left.dtype == right.dtype == np.int64 and _largest(left) + _largest(right) < _LIMIT:
        return left + right
    return exact([one + other for one, other in zip(left.tolist(), right.tolist(), strict=True)])


def distinct(columns: Sequence[NDArray[Any]], rows: int) -> tuple[Places, Places]:
    """The different combinations of values in `columns` of `rows` rows: a row of each, and each row's combination."""
    combined, limit = np.zeros(rows, np.int64), 1
    for column in columns:
        codes, size = _codes(column)
        if limit * size >= _LIMIT:
            combined, limit = _ranks(combined)
            codes, size = _ranks(codes)
        combined, limit = combined * size + codes, limit * size
    if limit <= max(_MIN_TABLE, _TABLE_PER_ROW * rows):
        return _looked_up(combined, limit)
    _, first, places = np.unique(combined, return_index=True, return_inverse=True)
    return first, places


def _codes(column: NDArray[Any]) -> tuple[NDArray[np.int64], int]:
    """Numbers from 0 that differ where the values of an integer column differ, and a limit that they stay below."""
    if not len(column):
        return column.astype(np.int64), 1
    low, high = int(column.min()), int(column.max())
    if high - low < _LIMIT:
        return column.astype(np.int64) - low, high - low + 1
    return _ranks(column)


def _ranks(column: NDArray[Any]) -> tuple[NDArray[np.int64], int]:
    values, ranks = np.unique(column, return_inverse=True)
    return ranks.astype(np.int64), len(values)


def _looked_up(codes: NDArray[np.int64], limit: int) -> tuple[Places, Places]:
    """`distinct` of small numbers, without sorting: the last row of each number, and each row's place."""
    row_of = np.full(limit, -1, np.intp)
    row_of[codes] = np.arange(len(codes))
    is_there = row_of >= 0
    return row_of[is_there], (np.cumsum(is_there) - 1)[codes]


def _largest(values: NDArray[np.int64]) -> int:
    return max(int(values.max(initial=0)), -int(values.min(initial=0)))


def _fits(values: Integers) -> bool:
    """Whether no sum of these 64-bit integers can leave 64 bits."""
    return _largest(values) * len(values) < _LIMIT
