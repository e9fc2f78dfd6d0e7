"""Rating in columns: worths, and linear charges with their shares, all lines of an exchange at once.

A sum is exact, in integers over a denominator that all prices of the exchange have in common, and is rounded to atoms
once for each line and slice of time: to what `thalweg.charging` and `thalweg.allocation` give one by one, to the atom.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import lcm
from typing import Final, NamedTuple

import numpy as np

from thalweg.allocation.columns import allocate_many
from thalweg.charging.charges import needs_time
from thalweg.charging.tariffs import ChargedExchange
from thalweg.design.exchanges import Exchange, Valuation
from thalweg.design.fields import exact as exact_number
from thalweg.design.validity import Slice
from thalweg.flows import Numbers
from thalweg.integer_columns import (
    Integers,
    Places,
    added,
    distinct,
    exact,
    joined,
    less,
    rounded,
    sums_by_place,
    times,
)
from thalweg.money import atoms_per_major_unit
from thalweg.plan import DesignPlan
from thalweg.quantities import UNTIMED, Quantities
from thalweg.rating_layout import NONE, Layout, LineUp, Part, Sharing
from thalweg.units import unit

_NO_RATES: Final = (Fraction(0), Fraction(0))


class _Charged(NamedTuple):
    """What one exchange charges for the rows of its meter, none of which is rounded."""

    rows: Quantities
    #: atoms × `denominator`; 0 where there is no price
    numerators: Integers
    denominator: int
    #: row → the slice of time that it is rounded in
    slices: Places
    #: number of slices
    slice_count: int
    #: places of the rows that have no price
    unrated: Places


class _Priced(NamedTuple):
    """What is the same for all rows of one quarter hour (or what stands for it) and one combination of attributes."""

    slice: Slice
    is_known: bool
    #: atoms
    per_step: Fraction
    per_occurrence: Fraction

    @classmethod
    def of(cls, charged: ChargedExchange, attributes: Mapping[str, str], quarter: int) -> _Priced:
        """The prices in force; nothing where one is not known."""
        version = charged.version_at(quarter)
        rates = None if version is None else version.terms.rates(attributes, quarter)
        return cls(charged.slice_of(quarter), rates is not None, *(rates or _NO_RATES))


class ColumnRating:
    """One window of one layout."""

    def __init__(self, plan: DesignPlan, layout: Layout, quantities: Quantities) -> None:
        """`quantities` have the sources that the layout was made of."""
        self._plan = plan
        self._parts = layout.parts
        self._rows = quantities
        self._sums = quantities.summed()
        self._charged: dict[str, _Charged] = {}
        self._by_lines: dict[int, tuple[Integers, Integers]] = {}
        self._atoms = atoms_per_major_unit(plan.design.currency)

    def numbers(self, exchange_id: str) -> Numbers:
        """The numbers of the flows of a part of the layout; raises RatingError where a quarter hour is missing."""
        part = self._parts[exchange_id]
        return self._charge(part) if part.exchange.is_money else self._worth(part)

    def occurrences(self, exchange_id: str) -> Integers:
        """Their occurrences alone: those of a line are the same for its charge and all of its shares."""
        part = self._parts[exchange_id]
        _, occurrences = self._summed(part.lines)
        count = len(part.lines.parties)
        return occurrences.repeat(len(part.paths) // count) if count else occurrences

    def _worth(self, part: Part) -> Numbers:
        steps, occurrences = self._summed(part.lines)
        v_from, v_to = (
            _multiplied(steps, part.factor * self._per_step(part.exchange, each))
            for each in (part.exchange.v_from, part.exchange.v_to)
        )
        none = np.zeros(len(steps), np.int64)
        return Numbers(_multiplied(steps, part.factor), occurrences, v_from, v_to, none, none)

    def _charge(self, part: Part) -> Numbers:
        charged = self._of(part)
        lines, count = part.lines, len(part.lines.parties)
        steps, occurrences = self._summed(lines)
        unrated_steps, unrated = self._measured(lines, charged.rows.at(charged.unrated))
        pieces = lines.of_source[charged.rows.places] * charged.slice_count + charged.slices
        exactly = sums_by_place(pieces, charged.numerators, count * charged.slice_count)
        atoms = rounded(exactly, charged.denominator)
        if charged.slice_count != 1:
            atoms = sums_by_place(np.arange(len(atoms)) // charged.slice_count, atoms, count)
        quantity, none = _multiplied(steps, part.factor), np.zeros(count, np.int64)
        shares = self._shares(part.sharing, atoms) if part.sharing else []
        columns = [
            (quantity, occurrences, atoms, atoms, _multiplied(unrated_steps, part.factor), unrated),
            *((quantity, occurrences, share, share, none, none) for share in shares),
        ]
        return Numbers(*(_interleaved(each) for each in zip(*columns, strict=True)))

    def _shares(self, sharing: Sharing, charges: Integers) -> list[Integers]:
        """What each paid seat gets of each line."""
        bases = less(charges, self._deduction(sharing, len(charges)))
        parts = [allocate_many(sharing.terms, bases[each.lines], each.participants).atoms for each in sharing.alike]
        if not parts:
            return [bases] * len(sharing.paid)
        order = np.argsort(np.concatenate([each.lines for each in sharing.alike]), kind="stable")
        return [joined([part[seat] for part in parts])[order] for seat in sharing.paid]

    def _deduction(self, sharing: Sharing, count: int) -> Integers:
        """What is taken off each line before it is shared, rounded once."""
        taken = [(self._of(self._parts[each]), line_of) for each, line_of in sharing.deducted.items()]
        denominator = lcm(*(charged.denominator for charged, _ in taken))
        total: Integers = np.zeros(count, np.int64)
        for charged, line_of in taken:
            lines = line_of[charged.rows.places]
            known = np.flatnonzero(lines != NONE)
            exactly = sums_by_place(lines[known], charged.numerators[known], count)
            total = added(total, times(exactly, denominator // charged.denominator))
        return rounded(total, denominator)

    def _of(self, part: Part) -> _Charged:
        if part.exchange.id not in self._charged:
            self._charged[part.exchange.id] = self._charge_rows(part)
        return self._charged[part.exchange.id]

    def _charge_rows(self, part: Part) -> _Charged:
        charged = self._plan.charges.exchanges[part.exchange.id]
        is_timed = self._plan.charges.takes_buckets(part.exchange.id)
        rows = self._rows if is_timed else self._sums
        rows = rows.at(np.flatnonzero(part.lines.of_source[rows.places] != NONE))
        if is_timed and (rows.quarters == UNTIMED).any():
            raise needs_time(part.exchange.id)
        quarters = rows.quarters if is_timed else np.zeros(len(rows), np.int64)
        first, places = distinct([part.combinations[rows.places], quarters], len(rows))
        kinds = zip(part.combinations[rows.places[first]].tolist(), quarters[first].tolist(), strict=True)
        priced = [_Priced.of(charged, part.attributes[combination], quarter) for combination, quarter in kinds]
        slices = {each: number for number, each in enumerate(dict.fromkeys(kind.slice for kind in priced))}
        per_step = [kind.per_step * part.factor for kind in priced]
        per_occurrence = [kind.per_occurrence for kind in priced]
        denominator = lcm(*(each.denominator for each in (*per_step, *per_occurrence)))
        numerators = added(
            times(rows.quantities, _numerators(per_step, denominator)[places]),
            times(rows.occurrences, _numerators(per_occurrence, denominator)[places]),
        )
        return _Charged(
            rows,
            numerators,
            denominator,
            np.array([slices[kind.slice] for kind in priced], np.intp)[places],
            max(1, len(slices)),
            np.flatnonzero(np.array([not kind.is_known for kind in priced], np.bool_)[places]),
        )

    def _summed(self, lines: LineUp) -> tuple[Integers, Integers]:
        """`_measured` of the whole window: many exchanges have the same lines."""
        key = id(lines.of_source)
        if key not in self._by_lines:
            self._by_lines[key] = self._measured(lines, self._sums)
        return self._by_lines[key]

    def _measured(self, lines: LineUp, rows: Quantities) -> tuple[Integers, Integers]:
        """Smallest steps of the meter, and occurrences, by line."""
        line_of = lines.of_source[rows.places]
        own, count = np.flatnonzero(line_of != NONE), len(lines.parties)
        steps = sums_by_place(line_of[own], rows.quantities[own], count)
        return steps, sums_by_place(line_of[own], rows.occurrences[own], count)

    def _per_step(self, exchange: Exchange, valuation: Valuation | None) -> Fraction:
        """Atoms for one smallest step; nothing where the value is open, or counted in points."""
        if valuation is None or not valuation.is_priced:
            return Fraction(0)
        return exact_number(valuation.amount) * self._atoms / unit(exchange.unit).steps


def _multiplied(column: Integers, factor: Fraction) -> Integers:
    return rounded(times(column, factor.numerator), factor.denominator)


def _numerators(numbers: Iterable[Fraction], denominator: int) -> Integers:
    return exact([each.numerator * (denominator // each.denominator) for each in numbers])


def _interleaved(columns: tuple[Integers, ...]) -> Integers:
    """Row by row, one of each column behind the other."""
    return columns[0] if len(columns) == 1 else np.stack(columns, axis=1).ravel()
