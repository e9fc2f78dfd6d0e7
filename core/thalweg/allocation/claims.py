"""Sharing what many lines put into an agreement, period after period, and booking the shares on the lines.

An agreement is kept once for each set of participants: thirty site hosts have thirty accounts under the same terms,
and tiers, caps and accounts go by the sum of all devices and payers that a set of participants has in common.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Final, NamedTuple

from thalweg.allocation.pools import share_all
from thalweg.allocation.seating import POOL
from thalweg.allocation.sharing import Shared
from thalweg.allocation.state import State
from thalweg.allocation.terms import Terms
from thalweg.design.agreements import recipients_of
from thalweg.money import round_to_sum

_NO_STATES: Final[Mapping[str, State]] = {}

#: (role, participant) of all recipients, and (attribute, value) of all that steps depend on, both sorted
Deal = tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one line adds to an agreement's base in one period, or in the part of one that an amendment cuts off."""

    #: names the line; claims of one line in several periods have the same
    line: str
    #: the agreement that is in force then
    agreement: str
    #: role → participant, for all recipients
    parties: Mapping[str, str]
    attributes: Mapping[str, str] = field(default_factory=dict)
    #: the first day of the period, or of the part of it, in the design's zone
    day: date
    #: its first quarter hour, where a day has several
    quarter: int = 0
    #: False for the part of a period behind an amendment
    begins_period: bool = True
    #: atoms within the window that flows are wanted for
    base_atoms: int
    #: atoms of the same period before that window
    opening_atoms: int = 0
    #: meter id → smallest steps within the window, and before it in the same period
    units: Mapping[str, int] = field(default_factory=dict)
    opening_units: Mapping[str, int] = field(default_factory=dict)


class Booking(NamedTuple):
    """What a line pays by one step to one role; by line, the bookings of all steps sum to its base."""

    line: str
    agreement: str
    step: str
    role: str
    participant: str
    atoms: int


@dataclass(frozen=True, slots=True)
class Booked:
    """The bookings of a window, and what the agreements of each deal close with."""

    bookings: tuple[Booking, ...]
    #: deal → agreement id → state behind the last period
    closing: Mapping[Deal, Mapping[str, State]]


def book(
    agreements: Mapping[str, Terms],
    versions: Collection[str],
    claims: Iterable[Claim],
    openings: Mapping[Deal, Mapping[str, State]] | None = None,
) -> Booked:
    """Share the claims on `versions`, agreements that follow each other, and on all that their pools lead to.

    Periods are shared in their order, each opening with the state that the one before closed with, and so is what an
    amendment or another version cuts off of one; `openings` are the states before the first. A deal is the same in all
    versions. The window adds W(opening and window) − W(opening), each with states of its own: so what comes late
    changes the periods behind it too, and windows sum to the whole. Raises what `share_all` raises.
    """
    known = [terms.agreement for terms in agreements.values()]
    roles = {role for version in versions for role in recipients_of(agreements[version].agreement, known)}
    attributes = {
        step.when.attribute
        for terms in agreements.values()
        for step in terms.steps
        if step.when is not None and step.when.attribute is not None
    }
    deals: defaultdict[Deal, defaultdict[tuple[date, int], list[Claim]]] = defaultdict(lambda: defaultdict(list))
    for claim in claims:
        deal = (
            tuple(sorted((role, claim.parties[role]) for role in roles)),
            tuple(sorted((name, claim.attributes[name]) for name in attributes if name in claim.attributes)),
        )
        deals[deal][claim.day, claim.quarter].append(claim)
    bookings: list[Booking] = []
    closing: dict[Deal, Mapping[str, State]] = {}
    for deal, periods in sorted(deals.items()):
        before = after = (openings or {}).get(deal, _NO_STATES)
        for (day, _), together in sorted(periods.items()):
            if together[0].begins_period:
                before, after = _next_period(before), _next_period(after)
            version = together[0].agreement
            before, after = _handed_on(before, versions, version), _handed_on(after, versions, version)
            period = _Period(agreements, version, deal, day, together, before, after)
            bookings += period.bookings()
            before, after = _behind(before, period.before), _behind(after, period.after)
        closing[deal] = after
    return Booked(tuple(sorted(bookings)), closing)


def _next_period(states: Mapping[str, State]) -> Mapping[str, State]:
    return {name: state.next_period() for name, state in states.items()}


def _handed_on(states: Mapping[str, State], versions: Collection[str], to: str) -> Mapping[str, State]:
    """The states where `to` has the one that some version closed with, as one of them at most has."""
    if to in states:
        return states
    return {to if name in versions else name: state for name, state in states.items()}


def _behind(states: Mapping[str, State], period: Mapping[str, Shared]) -> Mapping[str, State]:
    return {**states, **{name: shared.closing for name, shared in period.items()}}


class _Period:
    """The claims that a deal has in one period, shared."""

    def __init__(
        self,
        agreements: Mapping[str, Terms],
        agreement: str,
        deal: Deal,
        day: date,
        claims: Sequence[Claim],
        states_before: Mapping[str, State],
        states_after: Mapping[str, State],
    ) -> None:
        self.lines: defaultdict[str, int] = defaultdict(int)
        for claim in claims:
            self.lines[claim.line] += claim.base_atoms
        before, units_before = 0, dict.fromkeys((m for terms in agreements.values() for m in terms.meters), 0)
        units_after = dict(units_before)
        for claim in claims:
            before += claim.opening_atoms
            for meter in units_before:
                units_before[meter] += claim.opening_units.get(meter, 0)
                units_after[meter] += claim.opening_units.get(meter, 0) + claim.units.get(meter, 0)

        def shared(base: int, units: Mapping[str, int], states: Mapping[str, State]) -> Mapping[str, Shared]:
            parties, attributes = map(dict, deal)
            return share_all(
                agreements, {agreement: base}, parties, units=units, openings=states, day=day, attributes=attributes
            )

        self.before = shared(before, units_before, states_before)
        self.after = shared(before + sum(self.lines.values()), units_after, states_after)

    def bookings(self) -> Iterator[Booking]:
        """What the window adds, by line.

        The lines are gone through in the order of their names, and each books what the sum so far adds, rounded
        together; so the bookings of a line sum to its base, and those of a step to what the step takes.
        """
        was = dict(_portions(self.before))
        added = {key: atoms - was[key] for key, atoms in _portions(self.after)}
        total = sum(self.lines.values())
        names = {" ".join(key): key for key in added}
        booked = dict.fromkeys(names, 0)
        running = 0
        for number, (line, base) in enumerate(sorted(self.lines.items()), start=1):
            running += base
            exact = {
                name: self._so_far(Fraction(added[key]), running, total, number, is_last=key == max(added))
                for name, key in names.items()
            }
            now = round_to_sum(exact)
            for name, atoms in now.items():
                if atoms != booked[name]:
                    yield Booking(line, *names[name], atoms - booked[name])
            booked = now

    def _so_far(self, added: Fraction, running: int, total: int, number: int, *, is_last: bool) -> Fraction:
        """What of `added` goes with the lines so far: by their part of the base, or, where that is nothing, evenly."""
        if total:
            return added * running / total
        return added * number / len(self.lines) + (running if is_last else 0)


def _portions(shared: Mapping[str, Shared]) -> Iterator[tuple[tuple[str, str, str, str], int]]:
    for name, each in shared.items():
        for portion in each.portions:
            if not portion.role.startswith(POOL):
                yield (name, portion.step, portion.role, portion.participant), portion.atoms
