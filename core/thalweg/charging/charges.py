"""Stage 1 of rating: each payer's charge, from that payer's cumulative quantities in the period.

Exact: nothing is rounded but whole lines, once. An amount that depends on a whole scope (a payer's tiers, a cap) is
divided among the cells that it comes from. Time is cut into slices; the charge of a slice is the tariff's function
of all that came up to its end, less that of all that came before it, so a cut that changes nothing changes no payer's
charge. How a payer's amount is divided among assignments does follow the slices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, NamedTuple

from thalweg.charging.scopes import Amounts, CellRows, Measured, Sources, State, charge_of
from thalweg.charging.tariffs import ChargedExchange, ChargePlan, Version
from thalweg.design.exchanges import Exchange
from thalweg.design.tariffs import Scope
from thalweg.design.validity import Slice
from thalweg.errors import RatingError
from thalweg.money import round_to_sum
from thalweg.rating_lines import Bucket, Cell, Line, Lines, Row

#: the slice of an exchange, then those of all else that cuts its charge (`ChargePlan.slicers`)
SliceKey = tuple[Slice, ...]

_ALWAYS: Final = Slice(0, 0)


class Part(NamedTuple):
    """What an agreement shares by itself: the part of a line that it tells apart by time and attributes."""

    #: the line's place
    line: int
    #: values of the attributes that the agreement's steps depend on, in their order
    attributes: tuple[str, ...] = ()
    slice: Slice = _ALWAYS


class Unrated:
    """Quantities without a price."""

    __slots__ = ("occurrences", "quantity")

    def __init__(self) -> None:
        #: in smallest steps of the exchange's unit
        self.quantity = Fraction(0)
        self.occurrences = 0


@dataclass
class Charged:
    """What one exchange charges."""

    #: exact atoms by slice and cell
    amounts: dict[SliceKey, Amounts] = field(default_factory=dict)
    unrated: defaultdict[Cell, Unrated] = field(default_factory=lambda: defaultdict(Unrated))
    #: the quarter hours of each cell that have no price
    gaps: set[tuple[Cell, int]] = field(default_factory=set)

    def exact(self) -> Amounts:
        """Exact atoms by cell, over all slices."""
        total: defaultdict[Cell, Fraction] = defaultdict(Fraction)
        for amounts in self.amounts.values():
            for cell, amount in amounts.items():
                total[cell] += amount
        return dict(total)


class Charges:
    """All charges under a plan for one set of quantities; each exchange is computed when it is first asked for."""

    def __init__(self, plan: ChargePlan, lines: Lines) -> None:
        self._plan = plan
        self._lines = lines
        self._charged: dict[str, Charged] = {}
        self._rows: dict[str, dict[Cell, Row]] = {}

    def of(self, exchange_id: str) -> Charged:
        """What a charged exchange charges; raises RatingError where quantities lack their quarter hour."""
        if exchange_id not in self._charged:
            self._charged[exchange_id] = self._charge(self._plan.exchanges[exchange_id])
        return self._charged[exchange_id]

    def exchange(self, exchange_id: str) -> Exchange:
        """A charged exchange."""
        return self._plan.exchanges[exchange_id].exchange

    def by_line(self, exchange_id: str, lines: list[Line]) -> list[int]:
        """Atoms of each of `lines`, which are all that the exchange has: rounded once for each slice.

        The lines of one payer sum to the payer's charge, rounded half to even, where the tariff looks at the payer.
        """
        atoms = [0] * len(lines)
        for part, amount in self.by_part(exchange_id, lines).items():
            atoms[part.line] += amount
        return atoms

    def by_part(self, exchange_id: str, lines: list[Line]) -> dict[Part, int]:
        """The same, and of each line by what its agreement tells apart; a line has one part where that is nothing."""
        charged = self._plan.exchanges[exchange_id]
        times = self._plan.sharing.get(exchange_id)
        names = times.attributes if times else ()
        of_cell = {row.cell: (n, row.values(names)) for n, line in enumerate(lines) for row in line.rows}
        places = sorted(set(of_cell.values()))
        number_of = {place: number for number, place in enumerate(places)}
        place_of = {cell: number_of[place] for cell, place in of_cell.items()}
        cut = list(self._plan.slicers(exchange_id)).index(times.name) if times else None
        together: defaultdict[tuple[Slice, Slice], Amounts] = defaultdict(dict)
        for key, amounts in self.of(exchange_id).amounts.items():
            own = together[key[0], _ALWAYS if cut is None else key[cut]]
            for cell, amount in amounts.items():
                own[cell] = own.get(cell, Fraction(0)) + amount
        atoms: defaultdict[Part, int] = defaultdict(int)
        for (_, piece), own in together.items():
            sums: defaultdict[Hashable, defaultdict[int, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
            for cell, amount in own.items():
                payer = self._payer(charged, cell) if _looks_at_payer(charged) else place_of[cell]
                sums[payer][place_of[cell]] += amount
            for parts in sums.values():
                exact = {
                    f"{place:09d}": amount for place, amount in parts.items()
                }  # lines are in an order of their own
                for place, share in round_to_sum(exact).items():
                    line, attributes = places[int(place)]
                    atoms[Part(line, attributes, piece)] += share
        return dict(atoms)

    def by_slice(self, exchange_id: str, slicer: str) -> dict[Slice, Amounts]:
        """Exact atoms of each cell by the slices of one of the exchange's slicers."""
        place = list(self._plan.slicers(exchange_id)).index(slicer)
        found: defaultdict[Slice, Amounts] = defaultdict(dict)
        for key, amounts in self.of(exchange_id).amounts.items():
            own = found[key[place]]
            for cell, amount in amounts.items():
                own[cell] = own.get(cell, Fraction(0)) + amount
        return dict(found)

    def _charge(self, charged: ChargedExchange) -> Charged:
        done = Charged()
        exchange_id = charged.exchange.id
        self._rows[exchange_id] = rows = {row.cell: row for row in self._lines.rows(charged.exchange)}
        slices: defaultdict[SliceKey, defaultdict[Cell, list[Measured]]] = defaultdict(lambda: defaultdict(list))
        slicers = self._plan.slicers(exchange_id).values()
        factor = self._lines.factor(charged.exchange)
        for cell, row in rows.items():
            for quarter, steps, occurrences in self._buckets(charged, row):
                quantity = steps * factor
                version = charged.version_at(quarter)
                if version is None or not self._is_priced(charged, version, row, quarter):
                    done.unrated[cell].quantity += quantity
                    done.unrated[cell].occurrences += occurrences
                    done.gaps.add((cell, quarter))
                else:
                    key = tuple([slicer.slice_of(quarter) for slicer in slicers])
                    slices[key][cell].append(Measured(quarter, quantity, occurrences))
        state, period = State(charged.has_state), 0
        for key in sorted(slices):
            if key[0].period != period:
                state, period = State(charged.has_state), key[0].period
            done.amounts[key] = self._slice(charged, key, slices[key], state)
        return done

    def _slice(self, charged: ChargedExchange, key: SliceKey, rows: CellRows, state: State) -> Amounts:
        version = charged.version_at(next(iter(rows.values()))[0].quarter)
        assert version is not None, "unrated quantities are in no slice"
        amounts = charge_of(version.terms, rows, state.rows, state, self._sources(charged, version, key))
        if state.is_kept:
            for cell, own in rows.items():
                state.rows[cell] += own
        return amounts

    def _sources(self, charged: ChargedExchange, version: Version, key: SliceKey) -> Sources:
        rows = self._rows[charged.exchange.id]
        metered: dict[tuple[str, Cell], dict[int, int]] = {}
        bases: dict[str, Amounts] = {}

        def metered_atoms(name: str | None, cell: Cell, quarter: int) -> int:
            meter = version.meters[name]
            if (meter, cell) not in metered:
                found = self._lines.metered(meter, cell)
                if self._plan.takes_buckets(charged.exchange.id):
                    metered[meter, cell] = {at: atoms for at, atoms in found.items() if at is not None}
                else:
                    metered[meter, cell] = {0: sum(found.values())}
            return metered[meter, cell].get(quarter, 0)

        def base_atoms(base: str, cell: Cell) -> Fraction:
            if base not in bases:
                bases[base] = self._base(charged, base, key)
            return bases[base].get(cell, Fraction(0))

        return Sources(
            payer=lambda cell: self._payer(charged, cell),
            attributes=lambda cell: rows[cell].attributes,
            metered=metered_atoms,
            charged=base_atoms,
        )

    def _base(self, charged: ChargedExchange, base: str, key: SliceKey) -> Amounts:
        """What another exchange charges within a slice of this one."""
        names, own = list(self._plan.slicers(base)), self._plan.slicers(charged.exchange.id)
        places = [names.index(each) for each in own]
        total: defaultdict[Cell, Fraction] = defaultdict(Fraction)
        for piece, amounts in self.of(base).amounts.items():
            if tuple([piece[place] for place in places]) == key:
                for cell, amount in amounts.items():
                    total[cell] += amount
        return total

    def _buckets(self, charged: ChargedExchange, row: Row) -> list[tuple[int, int, int]]:
        """Quarter hour (0 where time does not matter), quantity in steps of the meter, occurrences; by time."""
        buckets = self._lines.buckets(charged.exchange, row)
        if not self._plan.takes_buckets(charged.exchange.id):
            return [(0, sum(each.quantity for each in buckets), sum(each.occurrences for each in buckets))]
        return sorted([_timed(charged, each) for each in buckets])

    def _is_priced(self, charged: ChargedExchange, version: Version, row: Row, quarter: int) -> bool:
        if not version.terms.is_priced(row.attributes, quarter):
            return False
        return all((row.cell, quarter) not in self.of(base).gaps for base in charged.bases)

    def _payer(self, charged: ChargedExchange, cell: Cell) -> Hashable:
        row = self._rows[charged.exchange.id][cell]
        own = row.attributes[charged.payer] if charged.payer is not None else ""
        return self._lines.party(row, charged.exchange.source), own


def _timed(charged: ChargedExchange, bucket: Bucket) -> tuple[int, int, int]:
    if bucket.quarter is None:
        raise needs_time(charged.exchange.id)
    return bucket.quarter, bucket.quantity, bucket.occurrences


def needs_time(exchange_id: str) -> RatingError:
    """The error where a quarter hour is missing that a charge depends on."""
    return RatingError(f"the charge on {exchange_id!r} depends on time: give its quantities by quarter hour (`bucket`)")


def _looks_at_payer(charged: ChargedExchange) -> bool:
    return any(Scope.PAYER in version.terms.scopes for version in charged.versions)


def unrated_of(unrated: Mapping[Cell, Unrated], line: Line) -> tuple[Fraction, int]:
    """Quantity and occurrences of `line` that no price is known for."""
    found = [unrated[row.cell] for row in line.rows if row.cell in unrated]
    return sum((each.quantity for each in found), Fraction(0)), sum(each.occurrences for each in found)
