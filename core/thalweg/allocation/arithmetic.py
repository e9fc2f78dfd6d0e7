"""The few operations that sharing needs, once for exact numbers and once for columns of integers.

Amounts are integers in a fraction of an atom so small that every part an agreement can name is whole
(`thalweg.allocation.terms`). Where a part depends on the data, one number becomes a rational; a column cannot, and
marks the row as one to be shared by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

#: an int or a Fraction, or a column of int64 or of Python's integers
Amount = Any


class Arithmetic(Protocol):
    """What both kinds of amounts can do."""

    def clip(self, value: Amount, low: Amount, high: Amount) -> Amount:
        """`value`, but at least `low` and at most `high`."""

    def part(self, value: Amount, numerator: int, denominator: int) -> Amount:
        """`value` × `numerator` / `denominator`, exactly; for columns, of a multiple of `denominator`."""

    def where(self, condition: Amount, one: Amount, other: Amount) -> Amount:
        """`one` where the condition is true, else `other`."""

    def in_proportion(self, wants: Sequence[Amount], available: Amount) -> Sequence[Amount]:
        """`wants`, all of one sign, reduced in proportion where they sum to more than is available."""


class _Exact:
    """One number at a time: ints, and rationals where ints do not suffice."""

    def clip(self, value: Amount, low: Amount, high: Amount) -> Amount:
        return low if value < low else min(value, high)

    def part(self, value: Amount, numerator: int, denominator: int) -> Amount:
        if type(value) is int:
            whole, rest = divmod(value * numerator, denominator)
            if not rest:
                return whole
        return Fraction(value * numerator, denominator)

    def where(self, condition: Amount, one: Amount, other: Amount) -> Amount:
        return one if condition else other

    def in_proportion(self, wants: Sequence[Amount], available: Amount) -> Sequence[Amount]:
        total = sum(wants)
        if abs(total) <= abs(available):
            return wants
        return [Fraction(want * available, total) for want in wants]


EXACT: Final[Arithmetic] = _Exact()


class Columns(Arithmetic):
    """Many rows at a time."""

    def __init__(self, like: NDArray[Any]) -> None:
        """For columns of the length and type of `like`."""
        self._type = like.dtype
        #: rows that need rationals
        self.by_itself: NDArray[np.bool_] = np.zeros(len(like), bool)

    def clip(self, value: Amount, low: Amount, high: Amount) -> Amount:  # noqa: D102 - inherited
        return np.minimum(np.maximum(self._typed(value), self._typed(low)), self._typed(high))

    def part(self, value: Amount, numerator: int, denominator: int) -> Amount:  # noqa: D102 - inherited
        return value // denominator * numerator if denominator != 1 else value * numerator

    def where(self, condition: Amount, one: Amount, other: Amount) -> Amount:  # noqa: D102 - inherited
        return np.where(condition, self._typed(one), self._typed(other))

    def in_proportion(self, wants: Sequence[Amount], available: Amount) -> Sequence[Amount]:  # noqa: D102 - inherited
        self.by_itself |= (abs(sum(wants)) > abs(available)).astype(bool)
        return wants

    def _typed(self, amount: Amount) -> NDArray[Any]:
        """A constant in the columns' type: left to itself, NumPy chooses by the constant's size."""
        return amount if isinstance(amount, np.ndarray) else np.asarray(amount, self._type)
