"""The turning points of an agreement: at which gross the parts of each further amount change, and to what.

The waterfall is gone through with amounts that grow: each is a value and a slope. Every comparison that it makes holds
up to the gross where the two sides meet; the nearest of these is where to look again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, NamedTuple

from thalweg.allocation.arithmetic import Amount, Arithmetic
from thalweg.allocation.state import NEW, State
from thalweg.allocation.terms import Kind, Terms
from thalweg.allocation.waterfall import Basis, takes

#: more than any agreement has
_MOST_POINTS: Final = 1000


class TurningPoint(NamedTuple):
    """From here on, each further amount is shared in these parts, up to the next turning point."""

    gross_atoms: Fraction
    #: step id → part of each further amount; the parts sum to 1
    parts: Mapping[str, Fraction]


def turning_points(
    terms: Terms, units: Mapping[str, int] | None = None, opening: State = NEW
) -> tuple[TurningPoint, ...] | None:
    """All turning points, the first at a gross of 0, for given units (by default none) and opening state.

    None for agreements whose shares do not grow evenly between such points: tiers by volume, thresholds on the
    remainder, fees that become due at a threshold, and percentages side by side where money is short.
    """
    if any(
        step.is_volume or not step.follows_window or (step.kind is Kind.FLAT and step.window) for step in terms.steps
    ):
        return None
    points: list[TurningPoint] = []
    gross: Fraction | None = Fraction(0)
    while gross is not None and len(points) < _MOST_POINTS:
        growing = _Growing()
        basis = Basis(
            _Ray(gross, Fraction(1), growing.meetings), units or dict.fromkeys(terms.meters, 0), opening, frozenset()
        )
        slopes = [_slope(each.amount) for each in takes(terms, basis, growing)]
        if not growing.is_even:
            return None
        parts = dict(zip((step.id for step in terms.steps), slopes, strict=True))
        if not points or points[-1].parts != parts:
            points.append(TurningPoint(gross / terms.scale, parts))
        gross = gross + min(growing.meetings) if growing.meetings else None
    return tuple(points)


@dataclass(frozen=True, slots=True, eq=False)
class _Ray:
    """An amount just above a gross: `value` + `slope` × what is added to the gross, until a comparison turns."""

    value: Fraction
    slope: Fraction
    #: how much must be added to the gross until two amounts meet that were compared
    meetings: list[Fraction]

    def __add__(self, other: Amount) -> _Ray:
        return _Ray(self.value + _value(other), self.slope + _slope(other), self.meetings)

    __radd__ = __add__

    def __neg__(self) -> _Ray:
        return _Ray(-self.value, -self.slope, self.meetings)

    def __sub__(self, other: Amount) -> _Ray:
        return self._less(other)

    def __rsub__(self, other: Amount) -> _Ray:
        return (-self).__add__(other)

    def __mul__(self, factor: int | Fraction) -> _Ray:
        return _Ray(self.value * factor, self.slope * factor, self.meetings)

    def __abs__(self) -> _Ray:
        return -self if self < 0 else self

    def __lt__(self, other: Amount) -> bool:
        return self._less(other)._sign() < 0

    def __le__(self, other: Amount) -> bool:
        return self._less(other)._sign() <= 0

    def __gt__(self, other: Amount) -> bool:
        return self._less(other)._sign() > 0

    def __ge__(self, other: Amount) -> bool:
        return self._less(other)._sign() >= 0

    def _less(self, other: Amount) -> _Ray:
        return _Ray(self.value - _value(other), self.slope - _slope(other), self.meetings)

    def _sign(self) -> Fraction:
        """A number of the ray's sign."""
        if self.value == 0:
            return self.slope
        if self.value * self.slope < 0:
            self.meetings.append(-self.value / self.slope)
        return self.value


def _value(amount: Amount) -> Fraction:
    return amount.value if isinstance(amount, _Ray) else Fraction(amount)


def _slope(amount: Amount) -> Fraction:
    return amount.slope if isinstance(amount, _Ray) else Fraction(0)


@dataclass
class _Growing(Arithmetic):
    """Amounts that grow with the gross."""

    meetings: list[Fraction] = field(default_factory=list)
    #: False once amounts are in play that do not grow evenly
    is_even: bool = True

    def clip(self, value: Amount, low: Amount, high: Amount) -> Amount:
        if value < low:
            return low
        return high if value > high else value  # noqa: FURB136 - min() would compare the other way round

    def part(self, value: Amount, numerator: int, denominator: int) -> Amount:
        return value * Fraction(numerator, denominator)

    def where(self, condition: Amount, one: Amount, other: Amount) -> Amount:
        return one if condition else other

    def in_proportion(self, wants: Sequence[Amount], available: Amount) -> Sequence[Amount]:
        total = sum(wants)
        if abs(total) <= abs(available):
            return wants
        self.is_even &= all(_slope(want) == 0 for want in wants)
        return [available * (_value(want) / _value(total)) for want in wants] if _value(total) else wants
