"""Agreements compiled: every number of the terms as an integer, in a fraction of an atom that makes all parts whole.

Take 15 percent of a cent, and a third of that: in units of 1/300 atom both are integers. `scale` is such a number for
the whole agreement, so that sharing needs integers only, whether one at a time or in columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from fractions import Fraction
from math import gcd, lcm

from thalweg.allocation.numbers import Numbers
from thalweg.design.agreements import Agreement, Step, When
from thalweg.design.fields import exact
from thalweg.design.takes import (
    Flat,
    Mode,
    Of,
    PercentOfGross,
    PercentOfRemainder,
    PerUnit,
    Recoup,
    Span,
    Tiered,
)


class Kind(Enum):
    """What a step takes a part of."""

    GROSS = auto()
    LEFT = auto()
    UNITS = auto()
    FLAT = auto()
    TIERS_OF_GROSS = auto()
    TIERS_OF_UNITS = auto()
    RECOUP = auto()
    REMAINDER = auto()


@dataclass(frozen=True, slots=True)
class Tier:
    """One tier: up to `upper` (a scaled amount, or smallest steps; None for no end), at a rate."""

    upper: int | None
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class Window:
    """The part of what accumulates that a step applies to: more than `low`, at most `high` (None for no end)."""

    #: scaled amounts, or smallest steps where a meter counts
    low: int
    high: int | None
    #: what counts; None for gross
    meter: str | None
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledStep:
    """One step. Amounts are scaled: in atoms × the agreement's scale."""

    id: str
    kind: Kind
    #: the part that it takes; for units, scaled atoms for one smallest step
    numerator: int = 1
    denominator: int = 1
    #: the flat amount, or the account's total
    amount: int = 0
    #: over what the flat amount or the tiers accumulate
    span: Span = Span.PERIOD
    meter: str | None = None
    account: str | None = None
    tiers: tuple[Tier, ...] = ()
    is_volume: bool = False
    cap: int | None = None
    cap_span: Span = Span.PERIOD
    floor: int | None = None
    when: When | None = None
    window: Window | None = None
    #: role → weight, integers; empty for a pool
    weights: Mapping[str, int]
    pool: str | None = None

    @property
    def follows_window(self) -> bool:
        """True if the part of the data within the window is itself an integer: no rational is needed."""
        counted = {Kind.GROSS: None, Kind.UNITS: self.meter}
        known = self.window is None or self.kind is Kind.FLAT
        return known or (self.kind in counted and self.window is not None and counted[self.kind] == self.window.meter)


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """An agreement in its compiled form; make it once with `compile_terms`."""

    agreement: Agreement
    #: amounts inside are integers of 1/`scale` atom
    scale: int
    #: steps that take side by side are one group
    groups: tuple[tuple[CompiledStep, ...], ...]
    #: all steps, in their order
    steps: tuple[CompiledStep, ...]
    #: the roles that it names as recipients, in their order
    roles: tuple[str, ...]
    #: the meters whose units it needs
    meters: frozenset[str]
    #: False if all steps apply on every day and to all attributes
    has_conditions: bool
    #: False if every share is a fixed part of the base: then the base's parts can be shared by themselves
    has_state: bool


def compile_terms(agreement: Agreement, currency: str | None = None, units: Mapping[str, str] | None = None) -> Terms:
    """The compiled form of `agreement`, which must be sound (`thalweg.design`).

    `currency` is that of its amounts, `units` the unit of each meter (meter id → symbol). Raises RatingError if one of
    them is needed and not given, MoneyError for an amount that is finer than an atom, UnitError.
    """
    numbers = Numbers(agreement.id, currency, units or {})
    rational = [_rational(numbers, step) for step in agreement.steps]
    groups = _side_by_side(agreement.steps)
    scale = _scale([[rational[number] for number in group] for group in groups])
    steps = tuple(_scaled(step, rates, scale) for step, rates in rational)
    counted = [step.meter for step in steps] + [step.window.meter for step in steps if step.window is not None]
    return Terms(
        agreement,
        scale,
        tuple(tuple(steps[number] for number in group) for group in groups),
        steps,
        tuple(sorted(agreement.roles)),
        frozenset(meter for meter in counted if meter is not None),
        any(step.when is not None for step in steps),
        any(_has_state(step) for step in steps),
    )


#: a step whose amounts are atoms, and its rates: one, or one for each tier
_Rational = tuple[CompiledStep, list[Fraction]]


def _rational(numbers: Numbers, step: Step) -> _Rational:
    common = CompiledStep(
        id=step.id,
        kind=Kind.REMAINDER,
        cap=None if step.cap is None else numbers.atoms(step.cap.amount),
        cap_span=Span.PERIOD if step.cap is None else step.cap.per,
        floor=None if step.floor_of_remainder is None else numbers.atoms(step.floor_of_remainder),
        when=step.when,
        window=_window(numbers, step.when),
        weights=_integers(step.weights),
        pool=step.pool,
    )
    rates = [Fraction(1)]
    match step.take:
        case PercentOfGross(percent_of_gross=percent):
            common, rates = replace(common, kind=Kind.GROSS), [exact(percent) / 100]
        case PercentOfRemainder(percent_of_remainder=percent):
            common, rates = replace(common, kind=Kind.LEFT), [exact(percent) / 100]
        case PerUnit(per_unit=rate):
            common = replace(common, kind=Kind.UNITS, meter=rate.meter)
            rates = [numbers.per_smallest_step(rate.amount, rate.meter, rate.unit)]
        case Flat(flat=flat):
            common = replace(common, kind=Kind.FLAT, amount=numbers.atoms(flat.amount), span=flat.per)
        case Recoup(recoup=recoup):
            total = numbers.atoms(recoup.total)
            common = replace(common, kind=Kind.RECOUP, account=recoup.account, amount=total)
            rates = [exact(recoup.percent_of_remainder) / 100]
        case Tiered():
            common, rates = _tiered(numbers, common, step.take)
        case _:
            pass
    return common, rates


def _has_state(step: CompiledStep) -> bool:
    is_part = step.kind in (Kind.GROSS, Kind.LEFT, Kind.REMAINDER)
    return not is_part or step.cap is not None or step.floor is not None or step.window is not None


def _tiered(numbers: Numbers, common: CompiledStep, take: Tiered) -> _Rational:
    tiers = take.tiered
    common = replace(common, span=tiers.per, is_volume=tiers.mode is Mode.VOLUME)
    if tiers.on is Of.GROSS:
        bounds = [None if upper is None else numbers.atoms(upper) for upper, _ in tiers.tiers]
        rates = [exact(rate) / 100 for _, rate in tiers.tiers]
        kind = Kind.TIERS_OF_GROSS
    else:
        meter = tiers.meter or ""
        bounds = [
            None if upper is None else numbers.smallest_steps(upper, meter, tiers.unit) for upper, _ in tiers.tiers
        ]
        rates = [numbers.per_smallest_step(rate, meter, tiers.unit) for _, rate in tiers.tiers]
        kind = Kind.TIERS_OF_UNITS
    return replace(common, kind=kind, meter=tiers.meter, tiers=tuple(Tier(upper, 1, 1) for upper in bounds)), rates


def _window(numbers: Numbers, when: When | None) -> Window | None:
    if when is None or not when.has_threshold:
        return None
    low, high = [
        None if bound is None else numbers.smallest_steps(bound, when.meter) if when.meter else numbers.atoms(bound)
        for bound in (when.above, when.up_to)
    ]
    return Window(low or 0, high, when.meter, when.per)


def _side_by_side(steps: tuple[Step, ...]) -> list[list[int]]:
    """The places of the steps; neighbours of equal priority together."""
    groups: list[list[int]] = []
    for number, step in enumerate(steps):
        if number and step.priority is not None and step.priority == steps[number - 1].priority:
            groups[-1].append(number)
        else:
            groups.append([number])
    return groups


def _scale(groups: Iterable[Iterable[_Rational]]) -> int:
    """The smallest number that makes every part of every step whole."""
    scale = left = 1
    for group in groups:
        found = left
        for step, rates in group:
            own = lcm(*(rate.denominator for rate in rates))
            if step.kind in (Kind.LEFT, Kind.RECOUP):
                own *= left
            # where money is short, a step takes what is left
            taken = lcm(own, left)
            found = lcm(found, taken)
            scale = lcm(scale, taken * (sum(step.weights.values()) or 1))
        left = found
    return lcm(scale, left)


def _scaled(step: CompiledStep, rates: list[Fraction], scale: int) -> CompiledStep:
    numerator, denominator = rates[0].numerator, rates[0].denominator
    if step.kind is Kind.UNITS:
        numerator, denominator = numerator * (scale // denominator), 1
    window = step.window
    if window is not None and window.meter is None:
        window = replace(window, low=window.low * scale, high=None if window.high is None else window.high * scale)
    return replace(
        step,
        numerator=numerator,
        denominator=denominator,
        amount=step.amount * scale,
        tiers=tuple(_scaled_tier(step.kind, tier, rate, scale) for tier, rate in zip(step.tiers, rates, strict=False)),
        cap=None if step.cap is None else step.cap * scale,
        floor=None if step.floor is None else step.floor * scale,
        window=window,
    )


def _scaled_tier(kind: Kind, tier: Tier, rate: Fraction, scale: int) -> Tier:
    if kind is Kind.TIERS_OF_UNITS:
        return Tier(tier.upper, rate.numerator * (scale // rate.denominator), 1)
    return Tier(None if tier.upper is None else tier.upper * scale, rate.numerator, rate.denominator)


def _integers(weights: Mapping[str, Fraction]) -> Mapping[str, int]:
    """The same proportions in the smallest integers."""
    common = lcm(*(weight.denominator for weight in weights.values()))
    whole = {role: (weight * common).numerator for role, weight in weights.items()}
    divisor = gcd(*whole.values()) or 1
    return {role: weight // divisor for role, weight in whole.items()}
