"""One charge over one slice of time: linear prices cell by cell, all else by scopes, divided among their cells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, NamedTuple

from thalweg.charging.rules import TierScale
from thalweg.charging.terms import Terms
from thalweg.design.tariffs import Scope

#: assignment and group: what a quantity is kept apart by
Cell = tuple[int, tuple[str, ...]]
#: exact atoms
Amounts = dict[Cell, Fraction]

_WIDE: Final = (Scope.PERIOD, Scope.PAYER)


class Measured(NamedTuple):
    """What was measured in one quarter hour of one cell."""

    quarter: int
    #: in smallest steps of the exchange's unit
    quantity: Fraction
    occurrences: int


CellRows = Mapping[Cell, list[Measured]]


class Total(NamedTuple):
    """A cumulative number of a scope: a quantity in steps or an amount in atoms, and how often something occurred."""

    number: Fraction = Fraction(0)
    occurrences: int = 0

    def plus(self, other: Total) -> Total:
        """Both together."""
        return Total(self.number + other.number, self.occurrences + other.occurrences)


@dataclass(frozen=True)
class Sources:
    """Where a charge's numbers come from, apart from the quantities of its own exchange."""

    #: who pays for a cell
    payer: Callable[[Cell], Hashable]
    #: attribute name → value
    attributes: Callable[[Cell], Mapping[str, str]]
    #: id of a metered charge, cell, quarter → atoms that its charge meter has measured
    metered: Callable[[str | None, Cell, int], int]
    #: exchange, cell → exact atoms that it charges in the slice
    charged: Callable[[str, Cell], Fraction]


@dataclass
class State:
    """What a period has come to before the slice at hand."""

    #: whether amounts are kept for later slices
    is_kept: bool
    #: all that was rated
    rows: dict[Cell, list[Measured]] = field(default_factory=lambda: defaultdict(list))
    #: component (None for the whole), scope and its key → amount before the scope's limits
    amounts: dict[tuple[str | None, Scope, Hashable], Total] = field(default_factory=lambda: defaultdict(Total))


def charge_of(terms: Terms, rows: CellRows, before: CellRows, state: State, sources: Sources) -> Amounts:
    """What `terms` charge for each cell of a slice; `before` is what the period held before it. Updates `state`."""
    rows, before = _applicable(terms, rows), _applicable(terms, before)
    amounts: Amounts = dict.fromkeys(rows, Fraction(0))
    if terms.needs_occurrence:
        for cell, own in rows.items():
            amounts[cell] += sum(sources.metered(terms.id, cell, each.quarter) for each in own)
    else:
        _add(amounts, _linear(terms, rows, sources))
        _add(amounts, _cumulative(terms, rows, before, sources))
        for part in terms.parts:
            _add(amounts, charge_of(part, rows, before, state, sources))
    for scope in _WIDE:
        if scope in terms.bounds or state.is_kept:  # a later version may have the limit that this one lacks
            amounts = _limited(terms, scope, amounts, rows, state, sources)
    return amounts


def _applicable(terms: Terms, rows: CellRows) -> CellRows:
    if terms.during is None:
        return rows
    kept = {cell: [each for each in own if terms.applies(each.quarter)] for cell, own in rows.items()}
    return {cell: own for cell, own in kept.items() if own}


def _add(amounts: Amounts, more: Mapping[Cell, Fraction]) -> None:
    for cell, amount in more.items():
        amounts[cell] += amount


def _linear(terms: Terms, rows: CellRows, sources: Sources) -> Amounts:
    """Prices per unit and per occurrence, and percentages of other charges."""
    amounts: Amounts = {}
    for cell, own in rows.items():
        amount = Fraction(0)
        if terms.unit_price is not None:
            amount += _priced(terms.unit_price.at, sources.attributes(cell), [(e.quarter, e.quantity) for e in own])
        if terms.flat is not None:
            amount += _priced(terms.flat.at, sources.attributes(cell), [(e.quarter, e.occurrences) for e in own])
        if terms.percent_of is not None:
            amount += terms.percent_of[1] * sources.charged(terms.percent_of[0], cell)
        amounts[cell] = amount
    return amounts


def _priced(
    price_at: Callable[[Mapping[str, int | str], int], Fraction | None],
    attributes: Mapping[str, str],
    numbers: list[tuple[int, Fraction | int]],
) -> Fraction:
    """The sum of numbers by quarter hour times their prices; what has the same price is added up before."""
    by_price: defaultdict[Fraction, Fraction | int] = defaultdict(int)
    for quarter, number in numbers:
        by_price[price_at(attributes, quarter) or Fraction(0)] += number
    return sum((price * number for price, number in by_price.items()), Fraction(0))


def _cumulative(terms: Terms, rows: CellRows, before: CellRows, sources: Sources) -> Amounts:
    """Tiers, packages and fees: functions of what a scope has come to, less what it had come to before the slice."""
    amounts: Amounts = dict.fromkeys(rows, Fraction(0))
    for scale in (terms.tiers, terms.package):
        if scale is not None:
            function, scope = scale
            tiers = function if isinstance(function, TierScale) else None
            for cells, was, now in _by_scope(rows, before, scope, sources):
                due = function.amount(now.number) - function.amount(was.number)
                price = tiers.mean_price(was.number, now.number) if tiers else Fraction(0)
                _add(amounts, _divided(due, {cell: own.number for cell, own in cells.items()}, price))
    if terms.period_fee is not None:
        fee, scope = terms.period_fee
        for cells, was, now in _by_scope(rows, before, scope, sources):
            due = fee * (_sign(now.occurrences) - _sign(was.occurrences))
            _add(amounts, _divided(due, {cell: Fraction(own.occurrences) for cell, own in cells.items()}))
    return amounts


def _by_scope(
    rows: CellRows, before: CellRows, scope: Scope, sources: Sources
) -> list[tuple[dict[Cell, Total], Total, Total]]:
    """Each scope: the totals of its cells in the slice, its total before the slice, and after."""
    cells: defaultdict[Hashable, dict[Cell, Total]] = defaultdict(dict)
    for cell, own in rows.items():
        cells[_key(cell, scope, sources)][cell] = _total(own)
    was: defaultdict[Hashable, Total] = defaultdict(Total)
    for cell, own in before.items():
        key = _key(cell, scope, sources)
        was[key] = was[key].plus(_total(own))
    found = []
    for key, totals in cells.items():
        now = was[key]
        for total in totals.values():
            now = now.plus(total)
        found.append((totals, was[key], now))
    return found


def _limited(terms: Terms, scope: Scope, amounts: Amounts, rows: CellRows, state: State, sources: Sources) -> Amounts:
    """`amounts` within the limits of each scope; what they change is divided by the size of the amounts."""
    bounds = terms.bounds.get(scope)
    scopes: defaultdict[Hashable, list[Cell]] = defaultdict(list)
    for cell in amounts:
        scopes[_key(cell, scope, sources)].append(cell)
    limited: Amounts = {}
    for key, cells in scopes.items():
        own = {cell: Total(amounts[cell], _total(rows[cell]).occurrences) for cell in cells}
        was = now = state.amounts[terms.id, scope, key]
        for total in own.values():
            now = now.plus(total)
        state.amounts[terms.id, scope, key] = now
        if bounds is None:
            limited |= {cell: amounts[cell] for cell in cells}
            continue
        change = bounds.bounded(*now) - bounds.bounded(*was) - (now.number - was.number)
        weights = {cell: total.number for cell, total in own.items()}
        if not any(weights.values()):
            weights = {cell: Fraction(total.occurrences) for cell, total in own.items()}
        divided = _divided(change, weights)
        limited |= {cell: amounts[cell] + divided[cell] for cell in cells}
    return limited


def _divided(due: Fraction, weights: Mapping[Cell, Fraction], price: Fraction = Fraction(0)) -> Amounts:
    """`due` divided among cells: each pays its weight times `price`, and the rest is divided by the size of weights.

    Sums to `due` exactly, unless all weights are zero, and then nothing is due.
    """
    rest = due - price * sum(weights.values())
    size = sum((abs(weight) for weight in weights.values()), Fraction(0))
    per_size = rest / size if size else Fraction(0)
    return {cell: weight * price + abs(weight) * per_size for cell, weight in weights.items()}


def _key(cell: Cell, scope: Scope, sources: Sources) -> Hashable:
    payer = sources.payer(cell)
    return payer if scope is Scope.PAYER else (cell[0], payer)


def _total(rows: list[Measured]) -> Total:
    return Total(sum((each.quantity for each in rows), Fraction(0)), sum(each.occurrences for each in rows))


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)
