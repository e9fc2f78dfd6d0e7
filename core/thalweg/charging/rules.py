"""The arithmetic of charges: tiers, packages, rounding and limits, as exact functions of cumulative numbers.

All of them are odd: what is taken back costs what it cost, with the sign turned.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from thalweg.design.fields import exact
from thalweg.design.tariffs import Limit, Package, Rounding, Tiers


class Step(NamedTuple):
    """One tier."""

    #: in smallest steps, inclusive; None for the last
    up_to: Fraction | None
    #: atoms for a smallest step
    price: Fraction


class TierScale:
    """Tiers, in smallest steps and atoms."""

    def __init__(self, tiers: Tiers, steps: int, atoms: int) -> None:
        self.is_volume = tiers.mode == "volume"
        self.tiers = [
            Step(exact(tier.up_to) * steps if tier.up_to is not None else None, exact(tier.unit_price) * atoms / steps)
            for tier in tiers.tiers
        ]

    def amount(self, quantity: Fraction) -> Fraction:
        """Atoms for a cumulative quantity."""
        size = abs(quantity)
        amount = size * _reached(self.tiers, size).price if self.is_volume else _graduated(self.tiers, size)
        return amount if quantity >= 0 else -amount

    def mean_price(self, before: Fraction, after: Fraction) -> Fraction:
        """Atoms for a smallest step of what came between two cumulative quantities; never beyond the tiers' prices."""
        if self.is_volume or before == after:
            return _reached(self.tiers, abs(after)).price
        return (self.amount(after) - self.amount(before)) / (after - before)


def _reached(tiers: Sequence[Step], size: Fraction) -> Step:
    return next(tier for tier in tiers if tier.up_to is None or size <= tier.up_to)


def _graduated(tiers: Sequence[Step], size: Fraction) -> Fraction:
    amount = below = Fraction(0)
    for tier in tiers:
        top = size if tier.up_to is None else min(size, tier.up_to)
        amount += (top - below) * tier.price
        if top == size:
            break
        below = top
    return amount


class PackageScale:
    """Packages, in smallest steps and atoms."""

    def __init__(self, package: Package, steps: int, atoms: int) -> None:
        self.size = exact(package.size) * steps
        self.price = exact(package.price) * atoms

    def amount(self, quantity: Fraction) -> Fraction:
        """Atoms for the packages that a cumulative quantity has begun."""
        begun = -(-abs(quantity) // self.size)
        return begun * self.price if quantity >= 0 else -begun * self.price


class RoundingStep:
    """How an occurrence's amount is rounded, in atoms."""

    def __init__(self, rounding: Rounding, atoms: int) -> None:
        self.step = exact(rounding.to) * atoms
        self.mode = rounding.mode

    def rounded(self, amount: Fraction) -> Fraction:
        """The multiple of the step that `amount` is rounded to."""
        # in integers: this runs once for each event
        steps = amount.denominator * self.step.numerator
        whole, rest = divmod(abs(amount.numerator) * self.step.denominator, steps)
        match self.mode:
            case "up":
                is_up = rest > 0
            case "down":
                is_up = False
            case "half_up":
                is_up = 2 * rest >= steps
            case _:
                is_up = 2 * rest > steps or (2 * rest == steps and whole % 2 == 1)
        result = (whole + is_up) * self.step
        return result if amount >= 0 else -result


class Bounds:
    """A limit, in atoms."""

    def __init__(self, limit: Limit, atoms: int) -> None:
        self.least = exact(limit.minimum) * atoms if limit.minimum is not None else None
        self.most = exact(limit.maximum) * atoms if limit.maximum is not None else None

    def bounded(self, amount: Fraction, occurrences: int) -> Fraction:
        """`amount` within the limits. The minimum is for what occurred: it does not raise a refund."""
        if occurrences < 0 or (occurrences == 0 and amount < 0):
            return -self.bounded(-amount, -occurrences)
        if self.least is not None and occurrences > 0 and amount >= 0:
            amount = max(amount, self.least)
        if self.most is not None:
            amount = max(min(amount, self.most), -self.most)
        return amount

    def of_occurrence(self, amount: Fraction) -> Fraction:
        """One event's amount within the limits; a refund mirrors the charge that it takes back."""
        return self.bounded(amount, 1) if amount >= 0 else -self.bounded(-amount, 1)
