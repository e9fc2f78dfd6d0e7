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
    return [int(each) for each in sums_by_place(places, values, count).tolist()]


def sums_by_place(places: Places, values: Integers, count: int) -> Integers:
    """The same as a column."""
    if values.dtype == np.int64 and _fits(values):
        sums = np.zeros(count, np.int64)
        np.add.at(sums, places, values)
        return sums
    totals = [0] * count
    for place, value in zip(places.tolist(), values.tolist(), strict=True):
        totals[place] += value
    return exact(totals)


def joined(columns: Sequence[Integers]) -> Integers:
    """Columns behind one another."""
    return np.concatenate(columns) if columns else np.zeros(0, np.int64)


def times(column: Integers, factors: Integers | int) -> Integers:
    """The products, row by row, with one factor or as many as there are rows."""
    other = factors if isinstance(factors, np.ndarray) else exact([factors])
    if column.dtype == other.dtype == np.int64 and _largest(column) * _largest(other) < _LIMIT:
        return column * other
    return _small(column.astype(object) * other.astype(object))


def rounded(numerators: Integers, denominator: int) -> Integers:
    """`numerators` / `denominator`, which is positive, to the nearest whole number; halves to the even one."""
    if denominator == 1:
        return numerators
    if numerators.dtype == np.int64 and denominator >= _LIMIT // 2:
        numerators = numerators.astype(object)
    whole = numerators // denominator
    twice = (numerators - whole * denominator) * 2
    is_up = (twice > denominator) | ((twice == denominator) & (whole % 2 == 1))
    return _small(whole + is_up.astype(whole.dtype))


def added(left: Integers, right: Integers) -> Integers:
    """The sums of two columns, row by row."""
    if left.dtype == right.dtype == np.int64 and _largest(left) + _largest(right) < _LIMIT:
        return left + right
    return exact([one + other for one, other in zip(left.tolist(), right.tolist(), strict=True)])


def less(left: Integers, right: Integers) -> Integers:
    """The differences of two columns, row by row."""
    return added(left, times(right, -1))


def _small(column: Integers) -> Integers:
    """The column in 64 bits, if it fits."""
    return exact(column.tolist()) if column.dtype == object else column


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
