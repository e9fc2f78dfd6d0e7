"""What a metric gives: an exact or rounded decimal, or no value and the reason why."""

from __future__ import annotations

import math
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final, NamedTuple

from thalweg.decimals import rounded_decimal, rounded_quotient
from thalweg.money import format_atoms

#: decimal places of a ratio; only here is a metric ever rounded
_RATIO_PLACES: Final = 12


class Reason(StrEnum):
    """Why there is no value."""

    #: nothing flowed, or nothing was counted
    NO_FLOW = "no_flow"
    #: what it would be measured against is zero or negative
    NOT_POSITIVE = "not_positive"
    #: it takes more windows than there are
    TOO_FEW_WINDOWS = "too_few_windows"
    #: the design does not say what the metric needs, such as an interface's correlation attribute
    NOT_DECLARED = "not_declared"
    #: what the metric needs besides the flows was not given, such as a second design
    NOT_GIVEN = "not_given"
    #: with that many nodes and alternatives there is no exact way in reasonable time
    TOO_LARGE = "too_large"


class Value(NamedTuple):
    """A metric's value, or None with the reason."""

    value: Decimal | None
    reason: Reason | None = None


def money(atoms: int, currency: str) -> Value:
    """An amount of `currency`, exact."""
    return Value(Decimal(format_atoms(atoms, currency)))


def ratio(part: Fraction | int, whole: Fraction | int, *, scale: int = 1, flows: bool = True) -> Value:
    """`scale` × part / whole, rounded half to even at twelve decimal places; no value unless `whole` is positive.

    `flows` tells the reason apart: False where there was nothing to measure at all.
    """
    if whole <= 0:
        return Value(None, Reason.NOT_POSITIVE if flows else Reason.NO_FLOW)
    # without finding common divisors: this runs for every participant and window
    numerator, denominator = part.numerator * scale * whole.denominator, part.denominator * whole.numerator
    return Value(rounded_quotient(numerator, denominator, _RATIO_PLACES))


def number(value: Fraction | int) -> Value:
    """An exact number, rounded half to even at twelve decimal places."""
    return Value(rounded_decimal(value, _RATIO_PLACES))


def statistic(value: float) -> Value:
    """The result of floating-point statistics; one that is no number has nothing positive to stand on."""
    return number(Fraction(value)) if math.isfinite(value) else Value(None, Reason.NOT_POSITIVE)


def rounded_money(atoms: Fraction, currency: str) -> Value:
    """A part of an amount, rounded half to even to atoms: for showing, never for sharing."""
    return money(round(atoms), currency)
