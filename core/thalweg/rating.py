"""From quantities to flows of value: what was exchanged, what it was worth, what it cost, and who got which share.

Pure functions of the design, a window's quantities and the assignments. A line is summed exactly, as a rational, and
rounded to atoms once, half to even; then its agreement shares the rounded amount without loss.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from thalweg.allocation.claims import Booking, Claim, book
from thalweg.allocation.pools import allocate_all
from thalweg.charging.window import Charging
from thalweg.design.agreements import Agreement, recipients_of
from thalweg.design.document import Design
from thalweg.design.exchanges import Exchange, Medium, Valuation
from thalweg.design.fields import exact
from thalweg.design.shares import share_exchanges
from thalweg.design.ways import Ways
from thalweg.money import atoms_per_major_unit
from thalweg.plan import DesignPlan, compile_design
from thalweg.rating_lines import Assignments, Line, LineKey, Lines, Quantity, Row
from thalweg.units import unit

__all__ = ["Flow", "Quantity", "rate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What flowed along one exchange between two participants for one assignment within the window."""

    #: id of the exchange; one that the design draws, or one that an agreement implies (`thalweg.design.all_exchanges`)
    exchange: str
    source_role: str
    target_role: str
    #: the participant that gives, or `suspense:<role>` for a vacant role
    source: str
    #: the participant that receives, likewise
    target: str
    medium: Medium
    assignment_id: int
    #: in the smallest step of the exchange's unit; where a ratio makes a fraction, rounded half to even
    quantity: int
    #: number of events
    occurrences: int
    #: worth to the giver in atoms; for money, the amount
    v_from_atoms: int
    #: worth to the receiver in atoms; for money, the amount
    v_to_atoms: int
    #: the agreement and its step that this is a share by; None for a charge and for what is not money
    agreement: str | None = None
    step: str | None = None
    #: (role, participant) of all whom the exchange's chain can need, by whichever way, sorted; empty for money
    needs: tuple[tuple[str, str], ...] = ()
    #: of a charge: the part of `quantity` and of `occurrences` that no tariff has a price for
    unrated_quantity: int = 0
    unrated_occurrences: int = 0

    @property
    def is_money(self) -> bool:
        """True for a money flow."""
        return self.medium is Medium.MONEY

    @property
    def money_atoms(self) -> int:
        """The amount of money that flows; 0 for any other medium."""
        return self.v_to_atoms if self.is_money else 0

    @property
    def created_atoms(self) -> int:
        """Value created: worth to the receiver less worth to the giver; 0 for money."""
        return self.v_to_atoms - self.v_from_atoms


def rate(
    design: Design | DesignPlan,
    quantities: Iterable[Quantity],
    assignments: Assignments,
    opening: Iterable[Quantity] = (),
) -> tuple[Flow, ...]:
    """All flows that `quantities` mean under `design`, in the order of its exchanges; shares follow their charge.

    `assignments` maps each assignment id to its role → participant table. Quantities of other designs' meters are left
    out. `opening` is what the periods of `quantities` held before them (`DesignPlan.opening` says from when on): tiers,
    limits, caps and accounts go on from there, and the flows are what `quantities` add. Raises RatingError for an
    assignment that is not given, for a group that does not fit its meter, and for quantities that lack their quarter
    hour where the design needs it.
    """
    plan = design if isinstance(design, DesignPlan) else compile_design(design)
    rating = _Rating(plan, list(quantities), assignments, list(opening))
    flows: list[Flow] = []
    for exchange in plan.design.exchanges:
        if not exchange.is_money:
            flows += rating.worths(exchange)
        elif exchange.id in plan.charges.exchanges:
            flows += rating.charges(exchange)
    return tuple(flows)


class _Rating:
    """One design over one window."""

    def __init__(
        self, plan: DesignPlan, quantities: list[Quantity], assignments: Assignments, opening: list[Quantity]
    ) -> None:
        self.design = design = plan.design
        self.lines = Lines(design, quantities, assignments)
        self.charging = Charging(plan.charges, design, quantities, assignments, opening)
        self.paid_along = share_exchanges(design)
        self.sharing = plan.charges.sharing
        self.agreements = {agreement.on: agreement for agreement in design.agreements if agreement.on is not None}
        self.terms = plan.agreements
        self.exchanges = {exchange.id: exchange for exchange in design.exchanges}
        self.atoms = atoms_per_major_unit(design.currency)
        self.ways = Ways(design.chains, design.exchanges)

    def worths(self, exchange: Exchange) -> Iterator[Flow]:
        """The flows of an exchange that is not money."""
        v_from, v_to = self._per_step(exchange, exchange.v_from), self._per_step(exchange, exchange.v_to)
        for line in self.lines.lines(exchange, self.ways.roles(exchange.id)):
            yield _flow(
                exchange,
                line,
                v_from_atoms=round(line.quantity * v_from),
                v_to_atoms=round(line.quantity * v_to),
                needs=tuple(sorted(line.parties.items())),
            )

    def charges(self, exchange: Exchange) -> Iterator[Flow]:
        """The charges of a money exchange, each followed by its shares."""
        agreement = self.agreements.get(exchange.id)
        recipients = recipients_of(agreement, self.design.agreements) if agreement else frozenset()
        roles = {exchange.source, exchange.target, *recipients}
        if exchange.id in self.sharing:
            yield from self._charges_by_period(exchange, roles)
            return
        deductions = self._deductions(agreement, exchange) if agreement else {}
        for line, charge, unrated in self.charging.lines(exchange, roles):
            yield _flow(exchange, line, v_from_atoms=charge, v_to_atoms=charge, unrated=unrated)
            if agreement:
                keys = {_key(row, self.lines.group_names(exchange)) for row in line.rows}
                base = charge - round(sum((deductions.get(key, Fraction(0)) for key in keys), Fraction(0)))
                yield from self._shares(agreement, exchange, line, base)

    def _charges_by_period(self, exchange: Exchange, roles: set[str]) -> Iterator[Flow]:
        """The charges of an exchange whose agreement depends on more than them, each followed by its shares.

        A line without quantities of its own has shares where the window changes its part of what is due.
        """
        lines, claims = self.charging.claims(exchange, roles)
        booked = self._booked(exchange, lines, claims)
        for line, charge, unrated in self.charging.lines(exchange, roles):
            yield _flow(exchange, line, v_from_atoms=charge, v_to_atoms=charge, unrated=unrated)
            for booking in booked.pop(line.key, ()):
                yield self._share(exchange, line, booking)
        for line in lines:
            for booking in booked.pop(line.key, ()):
                yield self._share(exchange, replace(line, quantity=Fraction(0), occurrences=0), booking)

    def _booked(self, paid: Exchange, lines: list[Line], claims: list[Claim]) -> dict[LineKey, list[Booking]]:
        """What each line pays, by its key. Each participant that is paid has sums of its own."""
        by_payee: defaultdict[str, list[Claim]] = defaultdict(list)
        for claim in claims:
            by_payee[claim.parties[paid.target]].append(claim)
        booked: defaultdict[LineKey, list[Booking]] = defaultdict(list)
        for _, own in sorted(by_payee.items()):
            for booking in book(self.terms, self.sharing[paid.id].agreement.id, own).bookings:
                if booking.role != paid.target:  # what the payee gets by its own agreement, it has already
                    booked[lines[int(booking.line)].key].append(booking)
        return booked

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

    def _per_step(self, exchange: Exchange, valuation: Valuation | None) -> Fraction:
        """Atoms for one smallest step; nothing where the value is open, or counted in points."""
        if valuation is None or not valuation.is_priced:
            return Fraction(0)
        return exact(valuation.amount) * self.atoms / unit(exchange.unit).steps


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
    needs: tuple[tuple[str, str], ...] = (),
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
        needs=needs,
        unrated_quantity=round(unrated[0]),
        unrated_occurrences=unrated[1],
    )
