"""The charges of a window, line by line: what its quantities add to what came before them in the same periods."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from thalweg.allocation.claims import Claim
from thalweg.charging.charges import Charges, unrated_of
from thalweg.charging.claims import Cumulative, claims_of
from thalweg.charging.tariffs import ChargePlan
from thalweg.design.document import Design
from thalweg.design.exchanges import Exchange
from thalweg.quantities import Quantities
from thalweg.rating_lines import Assignments, Line, Lines, Row


class Charging:
    """Everything charged in a window whose periods opened with `opening`."""

    def __init__(
        self,
        plan: ChargePlan,
        design: Design,
        quantities: Quantities,
        assignments: Assignments,
        opening: Quantities,
    ) -> None:
        self._plan = plan
        self._lines = Lines(design, quantities, assignments)
        self._all_lines = Lines(design, opening.plus(quantities), assignments) if len(opening) else self._lines
        self._after = Charges(plan, self._all_lines)
        self._open_lines = Lines(design, opening, assignments)
        self._before = Charges(plan, self._open_lines) if len(opening) else None

    def lines(self, exchange: Exchange, roles: set[str]) -> Iterator[tuple[Line, int, tuple[Fraction, int]]]:
        """Each line with its charge in atoms, and the quantity and occurrences of it that have no price.

        A line without quantities of its own appears where the window changes its part of what a payer owes.
        """
        lines = self._all_lines.lines(exchange, roles)
        atoms = self._after.by_line(exchange.id, lines)
        unrated = [unrated_of(self._after.of(exchange.id).unrated, line) for line in lines]
        if self._before is None:
            yield from zip(lines, atoms, unrated, strict=True)
            return
        own = {line.key: line for line in self._lines.lines(exchange, roles)}
        earlier = self._open_lines.lines(exchange, roles)
        was = dict(zip([line.key for line in earlier], self._before.by_line(exchange.id, earlier), strict=True))
        gaps = {line.key: unrated_of(self._before.of(exchange.id).unrated, line) for line in earlier}
        for line, after, missing in zip(lines, atoms, unrated, strict=True):
            key = line.key
            added = after - was.get(key, 0)
            if key in own or added:
                quantity, occurrences = gaps.get(key, (Fraction(0), 0))
                window = own.get(key) or replace(line, quantity=Fraction(0), occurrences=0)
                yield window, added, (missing[0] - quantity, missing[1] - occurrences)

    def rows(self, exchange: Exchange) -> Iterator[tuple[Row, Fraction]]:
        """The exact atoms of each row."""
        after = self._after.of(exchange.id).exact()
        before = self._before.of(exchange.id).exact() if self._before else {}
        for row in self._all_lines.rows(exchange):
            yield row, after.get(row.cell, Fraction(0)) - before.get(row.cell, Fraction(0))

    def claims(self, exchange: Exchange, roles: set[str]) -> tuple[list[Line], list[Claim]]:
        """What the lines of an exchange in `ChargePlan.sharing` claim of its agreement, period by period.

        A claim names its line by the place in the list that comes with it, and `roles` are among its parties.
        """
        times = self._plan.sharing[exchange.id]
        after = Cumulative(times, exchange, roles, self._all_lines, self._after)
        before = Cumulative(times, exchange, roles, self._open_lines, self._before) if self._before else None
        return claims_of(times, exchange.target, after, before)
