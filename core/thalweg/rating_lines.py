"""Lines: the quantities of an exchange, put together by the assignment and the parties that they concern."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from thalweg.design.document import Design
from thalweg.design.exchanges import Exchange
from thalweg.design.meters import Meter, meter_hash
from thalweg.design.ratios import measure_of
from thalweg.design.roles import participant_of
from thalweg.errors import RatingError
from thalweg.quantities import UNTIMED, Quantities, Source

Assignments = Mapping[int, Mapping[str, str]]
#: assignment and group: what quantities are kept apart by
Cell = tuple[int, tuple[str, ...]]
#: assignment and sorted (role, participant)
LineKey = tuple[int, tuple[tuple[str, str], ...]]


class Row(NamedTuple):
    """A quantity of an exchange, before it is put into a line."""

    assignment_id: int
    #: attribute name → value
    attributes: Mapping[str, str]
    #: in the smallest step of the exchange's unit; a ratio may make it a fraction
    quantity: Fraction
    occurrences: int
    #: values of the meter's `group_by` attributes, in its order
    group: tuple[str, ...]

    @property
    def cell(self) -> Cell:
        """What quantities are kept apart by."""
        return self.assignment_id, self.group

    def values(self, names: Iterable[str]) -> tuple[str, ...]:
        """The values of the attributes of these names."""
        return tuple([self.attributes[name] for name in names])


class Bucket(NamedTuple):
    """What was measured in one quarter hour."""

    #: its number, see `thalweg.design.quarters`; None: it is not known
    quarter: int | None
    #: in the smallest step of the meter's unit
    quantity: int
    occurrences: int


@dataclass(frozen=True, slots=True)
class Line:
    """The part of an exchange's quantities that one assignment and one set of parties have in common."""

    assignment_id: int
    #: role → participant
    parties: Mapping[str, str]
    #: in the smallest step of the exchange's unit
    quantity: Fraction
    occurrences: int
    rows: tuple[Row, ...]

    @property
    def key(self) -> LineKey:
        """What tells it from all other lines of its exchange, in any window."""
        return self.assignment_id, tuple(sorted(self.parties.items()))


class Lines:
    """The quantities of one window, as the exchanges of one design see them."""

    def __init__(self, design: Design, quantities: Quantities, assignments: Assignments) -> None:
        """Add up `quantities`; several of the same key are one. Those of meters not in the design are left out."""
        self._nodes = {node.id: node for node in design.nodes}
        self._design = design
        self._measures: dict[str, tuple[Meter, Fraction]] = {}
        self._hashes = {meter.id: meter_hash(meter) for meter in design.meters}
        self._assignments = assignments
        self._sums: dict[str, dict[Cell, dict[int, list[int]]]] = {}
        columns = (quantities.places, quantities.quarters, quantities.quantities, quantities.occurrences)
        for place, quarter, quantity, occurrences in zip(*(column.tolist() for column in columns), strict=True):
            meter, assignment_id, group = quantities.sources[place]
            total = self._sums.setdefault(meter, {}).setdefault((assignment_id, group), {}).setdefault(quarter, [0, 0])
            total[0] += quantity
            total[1] += occurrences

    def rows(self, exchange: Exchange) -> Iterator[Row]:
        """The quantities of `exchange`, one for each assignment and group, in their order.

        Raises RatingError for an assignment that is not given, and for a group that does not fit the meter.
        """
        return self._rows(*self._measure_of(exchange))

    def counted(self, meter_id: str) -> Iterator[tuple[Row, list[Bucket]]]:
        """What a meter of the design has counted, in its steps, as `rows` and `buckets` give it."""
        meter = next(each for each in self._design.meters if each.id == meter_id)
        for row in self._rows(meter, Fraction(1)):
            yield row, self._buckets(self._hashes[meter_id], row.cell)

    def _rows(self, meter: Meter, factor: Fraction) -> Iterator[Row]:
        sums = self._sums.get(self._hashes[meter.id], {})
        for assignment_id, group in sorted(sums):
            buckets = sums[assignment_id, group].values()
            quantity, occurrences = sum(own[0] for own in buckets), sum(own[1] for own in buckets)
            check_source(meter, Source(self._hashes[meter.id], assignment_id, group), self._assignments)
            attributes = dict(zip(meter.group_by, group, strict=True))
            yield Row(assignment_id, attributes, quantity * factor, occurrences, group)

    def buckets(self, exchange: Exchange, row: Row) -> list[Bucket]:
        """What `row` of `exchange` adds up, by quarter hour, in the meter's steps: times `factor`, the row's."""
        return self._buckets(self._hashes[self._measure_of(exchange)[0].id], row.cell)

    def metered(self, meter: str, cell: Cell) -> dict[int | None, int]:
        """What the meter of that content hash has for a cell, by quarter hour."""
        return {each.quarter: each.quantity for each in self._buckets(meter, cell)}

    def factor(self, exchange: Exchange) -> Fraction:
        """Smallest steps of the exchange's unit for one smallest step of its meter."""
        return self._measure_of(exchange)[1]

    def party(self, row: Row, role: str) -> str:
        """The participant that fills `role` for `row`."""
        return participant_of(self._nodes[role], self._assignments[row.assignment_id], row.attributes)

    def _buckets(self, meter: str, cell: Cell) -> list[Bucket]:
        sums = self._sums.get(meter, {}).get(cell, {})
        return [Bucket(None if at == UNTIMED else at, *total) for at, total in sums.items()]

    def lines(self, exchange: Exchange, roles: Iterable[str]) -> list[Line]:
        """The quantities of `exchange`, summed over what has the same assignment and the same parties in `roles`."""
        nodes = [self._nodes[role] for role in sorted(set(roles))]
        together: defaultdict[tuple[int, tuple[str, ...]], list[Row]] = defaultdict(list)
        for row in self.rows(exchange):
            assigned = self._assignments[row.assignment_id]
            parties = tuple([participant_of(node, assigned, row.attributes) for node in nodes])
            together[row.assignment_id, parties].append(row)
        return [
            Line(
                assignment_id,
                {node.id: participant for node, participant in zip(nodes, parties, strict=True)},
                sum((row.quantity for row in rows), Fraction(0)),
                sum(row.occurrences for row in rows),
                tuple(rows),
            )
            for (assignment_id, parties), rows in sorted(together.items())
        ]

    def group_names(self, exchange: Exchange) -> tuple[str, ...]:
        """The attributes that the quantities of `exchange` are kept apart by."""
        return self._measure_of(exchange)[0].group_by

    def _measure_of(self, exchange: Exchange) -> tuple[Meter, Fraction]:
        if exchange.id not in self._measures:
            self._measures[exchange.id] = measure_of(self._design, exchange)
        return self._measures[exchange.id]


def check_source(meter: Meter, source: Source, assignments: Assignments) -> None:
    """Raise RatingError for an assignment that is not given, and for a group that does not fit the meter."""
    if source.assignment_id not in assignments:
        raise RatingError(
            f"assignment {source.assignment_id} is not given; an assignment without roles is an empty table"
        )
    if len(source.group) != len(meter.group_by):
        raise RatingError(
            f"the group {source.group!r} does not fit meter {meter.id!r}, which groups by {meter.group_by!r}"
        )
