"""From quantities to flows of value: what was exchanged, what it was worth, what it cost, and who got which share.

Pure functions of the design, a window's quantities and the assignments. A line is summed exactly, as a rational, and
rounded to atoms once, half to even; then its agreement shares the rounded amount without loss.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from thalweg.allocation.claims import Booking, book
from thalweg.allocation.pools import allocate_all
from thalweg.charging.window import Charging
from thalweg.design.agreements import Agreement, recipients_of
from thalweg.design.document import Design
from thalweg.design.exchanges import Exchange
from thalweg.design.shares import share_exchanges
from thalweg.flows import Flow, Flows, Numbers, Path, Paths
from thalweg.integer_columns import Integers, joined
from thalweg.plan import DesignPlan, compile_design
from thalweg.quantities import Quantities, Quantity
from thalweg.rating_columns import ColumnRating
from thalweg.rating_layout import layout_of
from thalweg.rating_lines import Assignments, Line, LineKey, Lines, Row

__all__ = ["Flow", "Flows", "Occurrences", "Quantities", "Quantity", "count", "rate"]


class Occurrences(NamedTuple):
    """How many events flows are of, apart from what they are worth."""

    paths: Paths
    #: one for each path
    numbers: Integers


def rate(
    design: Design | DesignPlan,
    quantities: Iterable[Quantity],
    assignments: Assignments,
    opening: Iterable[Quantity] = (),
) -> Flows:
    """All flows that `quantities` mean under `design`, in the order of its exchanges; shares follow their charge.

    `assignments` maps each assignment id to its role → participant table. Quantities of other designs' meters are left
    out. `opening` is what the periods of `quantities` held before them (`DesignPlan.opening` says from when on): tiers,
    limits, caps and accounts go on from there, and the flows are what `quantities` add. Raises RatingError for an
    assignment that is not given, for a group that does not fit its meter, and for quantities that lack their quarter
    hour where the design needs it.
    """
    plan = design if isinstance(design, DesignPlan) else compile_design(design)
    window, before = plan.grouped(Quantities.of(quantities), Quantities.of(opening))
    layout = layout_of(plan, window.sources, assignments)
    columns = ColumnRating(plan, layout, window)
    charged = plan.charges.exchanges.keys()
    by_period = set(charged) if len(before) else charged - layout.parts.keys()
    if not by_period:
        return Flows(layout.paths, Numbers.joined(map(columns.numbers, layout.parts)))
    periods = _Periods(plan, window, assignments, before)
    paths: list[Path] = []
    numbers: list[Numbers] = []
    for exchange in plan.design.exchanges:
        if exchange.id in by_period:
            flows = Flows.of(periods.charges(exchange))
            paths += flows.paths.listed
            numbers.append(flows.numbers)
        elif exchange.id in layout.parts:
            paths += layout.parts[exchange.id].paths
            numbers.append(columns.numbers(exchange.id))
    return Flows(Paths(tuple(paths)), Numbers.joined(numbers))


def count(
    plan: DesignPlan, quantities: Iterable[Quantity], assignments: Assignments, opening: Iterable[Quantity] = ()
) -> Occurrences:
    """The occurrences of the flows that `rate` gives, without rating what numbers of events do not depend on."""
    window, before = plan.grouped(Quantities.of(quantities), Quantities.of(opening))
    layout = layout_of(plan, window.sources, assignments)
    if len(before) or plan.charges.exchanges.keys() - layout.parts.keys():
        flows = rate(plan, quantities, assignments, opening)
        return Occurrences(flows.paths, flows.numbers.occurrences)
    columns = ColumnRating(plan, layout, window)
    return Occurrences(layout.paths, joined([columns.occurrences(each) for each in layout.parts]))


class _Periods:
    """Charges period by period: those that depend on what came before, and all where there is an opening."""

    def __init__(self, plan: DesignPlan, quantities: Quantities, assignments: Assignments, opening: Quantities) -> None:
        self.design = design = plan.design
        self.lines = Lines(design, quantities, assignments)
        self.charging = Charging(plan.charges, design, quantities, assignments, opening)
        self.paid_along = share_exchanges(design)
        #: by exchange, the agreements that do more than give fixed parts, or have dates, with all that they lead to
        self.networks = plan.charges.networks
        self.booked: dict[str, defaultdict[LineKey, list[tuple[Line, Booking]]]] = {}
        #: the others
        self.agreements = {each.on: each for each in design.agreements if each.on not in self.networks}
        self.terms = plan.agreements
        self.exchanges = {exchange.id: exchange for exchange in design.exchanges}

    def charges(self, exchange: Exchange) -> Iterator[Flow]:
        """The charges of a money exchange, each followed by its shares."""
        if exchange.id in self.networks:
            yield from self._charges_by_period(exchange)
            return
        agreement = self.agreements.get(exchange.id)
        recipients = recipients_of(agreement, self.design.agreements) if agreement else frozenset()
        roles = {exchange.source, exchange.target, *recipients}
        deductions = self._deductions(agreement, exchange) if agreement else {}
        for line, charge, unrated in self.charging.lines(exchange, roles):
            yield _flow(exchange, line, v_from_atoms=charge, v_to_atoms=charge, unrated=unrated)
            if agreement:
                keys = {_key(row, self.lines.group_names(exchange)) for row in line.rows}
                base = charge - round(sum((deductions.get(key, Fraction(0)) for key in keys), Fraction(0)))
                yield from self._shares(agreement, exchange, line, base)

    def _charges_by_period(self, exchange: Exchange) -> Iterator[Flow]:
        """The charges of an exchange whose agreements depend on more than them, each followed by its shares.

        A line without quantities of its own has shares where the window changes its part of what is due.
        """
        booked = self._booked_on(exchange)
        for line, charge, unrated in self.charging.lines(exchange, self.charging.roles(exchange)):
            yield _flow(exchange, line, v_from_atoms=charge, v_to_atoms=charge, unrated=unrated)
            for _, booking in booked.pop(line.key, ()):
                yield self._share(exchange, line, booking)
        for bookings in booked.values():
            for line, booking in bookings:
                yield self._share(exchange, replace(line, quantity=Fraction(0), occurrences=0), booking)

    def _booked_on(self, paid: Exchange) -> dict[LineKey, list[tuple[Line, Booking]]]:
        """What the lines of an exchange pay, by their keys; all that shares with it is shared at once."""
        network = self.networks[paid.id]
        if paid.id not in self.booked:
            self.booked |= {each: defaultdict(list) for each in network.paid}
            lines, claims, counts = self.charging.claims(network)
            for booking in book(self.terms, network, claims, counts):
                exchange_id, line = lines[booking.line]
                if booking.role != self.exchanges[exchange_id].target:  # what the payee gets itself, it has already
                    self.booked[exchange_id][line.key].append((line, booking))
        return self.booked[paid.id]

    def _share(self, paid: Exchange, line: Line, booking: Booking) -> Flow:
        return _flow(
            self.paid_along[paid.target, booking.role],
            line,
            v_from_atoms=booking.atoms,
            v_to_atoms=booking.atoms,
            agreement=booking.agreement,
            step=booking.step,
        )

    def _shares(self, agreement: Agreement, paid: Exchange, line: Line, base_atoms: int) -> Iterator[Flow]:
        payee = paid.target
        for name, portion in allocate_all(self.terms, agreement.id, base_atoms, line.parties):
            if portion.role != payee:  # what the payee gets by its own agreement, it has already
                yield _flow(
                    self.paid_along[payee, portion.role],
                    line,
                    v_from_atoms=portion.atoms,
                    v_to_atoms=portion.atoms,
                    agreement=name,
                    step=portion.step,
                )

    def _deductions(self, agreement: Agreement, paid: Exchange) -> dict[tuple[int, tuple[str, ...]], Fraction]:
        """What is taken off before sharing: exact atoms by assignment and by the attributes that `paid` groups by."""
        names = self.lines.group_names(paid)
        taken: defaultdict[tuple[int, tuple[str, ...]], Fraction] = defaultdict(Fraction)
        for exchange_id in agreement.deductions:
            for row, amount in self.charging.rows(self.exchanges[exchange_id]):
                taken[_key(row, names)] += amount
        return taken


def _key(row: Row, names: Iterable[str]) -> tuple[int, tuple[str, ...]]:
    return row.assignment_id, tuple([row.attributes[name] for name in names])


def _flow(
    exchange: Exchange,
    line: Line,
    *,
    v_from_atoms: int,
    v_to_atoms: int,
    agreement: str | None = None,
    step: str | None = None,
    unrated: tuple[Fraction, int] = (Fraction(0), 0),
) -> Flow:
    return Flow(
        exchange=exchange.id,
        source_role=exchange.source,
        target_role=exchange.target,
        source=line.parties[exchange.source],
        target=line.parties[exchange.target],
        medium=exchange.medium,
        assignment_id=line.assignment_id,
        quantity=round(line.quantity),
        occurrences=line.occurrences,
        v_from_atoms=v_from_atoms,
        v_to_atoms=v_to_atoms,
        agreement=agreement,
        step=step,
        unrated_quantity=round(unrated[0]),
        unrated_occurrences=unrated[1],
    )
