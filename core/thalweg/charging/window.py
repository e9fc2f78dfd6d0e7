"""The charges of a window, line by line: what its quantities add to what came before them in the same periods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

from thalweg.allocation.claims import Claim, Count
from thalweg.allocation.successions import Network
from thalweg.charging.charges import Charges, unrated_of
from thalweg.charging.claims import Cumulative, claims_of, counts_of
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

    def claims(self, network: Network) -> tuple[Mapping[str, tuple[str, Line]], list[Claim], list[Count]]:
        """What the lines of a network's exchanges claim, and what its meters counted.

        Lines come by the names that claims have for them, each with the exchange that it is of.
        """
        named: dict[str, tuple[str, Line]] = {}
        claims: list[Claim] = []
        for exchange_id in network.paid:
            exchange, sharing = self._plan.exchanges[exchange_id].exchange, network.on(exchange_id)
            roles = self.roles(exchange)
            after = Cumulative(sharing, exchange, roles, self._all_lines, self._after)
            before = Cumulative(sharing, exchange, roles, self._open_lines, self._before) if self._before else None
            names = {line.key: f"{exchange_id} {place:09d}" for place, line in enumerate(after.lines)}
            named |= {names[line.key]: (exchange_id, line) for line in after.lines}
            claims += claims_of(sharing, names, after, before)
        counts = [
            *counts_of(network, self._open_lines, is_opening=True),
            *counts_of(network, self._lines, is_opening=False),
        ]
        return named, claims, counts

    def roles(self, exchange: Exchange) -> set[str]:
        """The roles whose participants tell the lines of a shared exchange apart."""
        return {exchange.source, exchange.target, *self._plan.sharing[exchange.id].roles}
