"""Closing a period: guarantees as top-ups that sum to zero, then reserves, then settlement in minor units."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

from thalweg.design.agreements import Agreement, Guarantee, Reserve
from thalweg.design.fields import exact
from thalweg.money import largest_remainder, parse_atoms, settle

#: (role, participant)
Party = tuple[str, str]


class TopUp(NamedTuple):
    """What a guarantee moves; the lines of one guarantee sum to zero."""

    #: the guarantee's place in the agreement
    guarantee: int
    role: str
    participant: str
    #: positive for the party that gets, negative for one that gives
    atoms: int


class Hold(NamedTuple):
    """What a reserve holds back."""

    #: the reserve's place in the agreement
    reserve: int
    role: str
    participant: str
    minor_units: int
    #: the day on which it is due
    release_on: date


@dataclass(frozen=True, slots=True)
class Close:
    """A closed period. What is settled and what is held sum to what was shared, in minor units."""

    top_ups: tuple[TopUp, ...]
    holds: tuple[Hold, ...]
    #: participant → minor units to be paid now
    settled: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Days:
    """How long an agreement was in force in a period."""

    in_force: int
    of_period: int


def close_period(
    agreement: Agreement, earned: Mapping[Party, int], currency: str, ends_before: date, days: Days | None = None
) -> Close:
    """Close a period in which the parties have earned so many atoms each, over all lines and devices.

    `ends_before` is the first day after the period. `days` is needed where a guarantee is prorated; without it, the
    agreement was in force all the time.
    """
    balances = dict(earned)
    top_ups: list[TopUp] = []
    for number, guarantee in enumerate(agreement.guarantees):
        for party, atoms in sorted(_moved(guarantee, balances, currency, days).items()):
            balances[party] += atoms
            top_ups.append(TopUp(number, *party, atoms))
    held = dict(_held(agreement.reserves, balances))
    lines: defaultdict[str, int] = defaultdict(int)
    for (_, participant), atoms in balances.items():
        lines[participant] += atoms
    for (number, (role, participant)), atoms in held.items():
        lines[participant] -= atoms
        lines[_line(number, role, participant)] += atoms
    minor = settle(lines)
    holds = tuple(
        Hold(
            number,
            role,
            participant,
            minor.pop(_line(number, role, participant)),
            ends_before + timedelta(days=agreement.reserves[number].days),
        )
        for number, (role, participant) in held
    )
    return Close(tuple(top_ups), holds, minor)


def released(holds: Iterable[Hold], day: date) -> Mapping[str, int]:
    """Participant → minor units that are due by `day`."""
    due: dict[str, int] = {}
    for hold in holds:
        if hold.release_on <= day:
            due[hold.participant] = due.get(hold.participant, 0) + hold.minor_units
    return due


def _moved(
    guarantee: Guarantee, balances: Mapping[Party, int], currency: str, days: Days | None
) -> Mapping[Party, int]:
    """What one guarantee moves; the sum is zero.

    Everybody who fills the party's role has the minimum. Those who fund it give in proportion to what they have; with
    recourse, equally where they have nothing. Without, they never give more than they have, and where that does not
    suffice, every claim gets the same part.
    """
    minimum = Fraction(parse_atoms(guarantee.minimum, currency))
    if guarantee.prorate == "days" and days is not None:
        minimum = minimum * days.in_force / days.of_period
    claims = {party: max(0, round(minimum) - atoms) for party, atoms in balances.items() if party[0] == guarantee.party}
    funders = {party: max(0, atoms) for party, atoms in balances.items() if party[0] in guarantee.funded_by}
    claimed, available = sum(claims.values()), sum(funders.values())
    amount = claimed if guarantee.recourse and funders else min(claimed, available)
    if not amount:
        return {}
    moved = _shared_out(amount, claims)
    for party, atoms in _shared_out(amount, funders if available else dict.fromkeys(funders, 1)).items():
        moved[party] = moved.get(party, 0) - atoms
    return {party: atoms for party, atoms in moved.items() if atoms}


def _shared_out(amount: int, weights: Mapping[Party, int]) -> dict[Party, int]:
    """`amount` by weights, ties by participant, then role."""
    names = {f"{participant} {role}": (role, participant) for role, participant in weights}
    atoms = largest_remainder(amount, {name: weights[party] for name, party in names.items()})
    return {party: atoms[name] for name, party in names.items()}


def _held(reserves: tuple[Reserve, ...], balances: Mapping[Party, int]) -> Iterable[tuple[tuple[int, Party], int]]:
    for number, reserve in enumerate(reserves):
        for party, atoms in sorted(balances.items()):
            if party[0] == reserve.party and atoms > 0:
                yield (number, party), int(atoms * exact(reserve.percent) / 100)


def _line(reserve: int, role: str, participant: str) -> str:
    """A key of what is held that no participant's id can be; it stands beside the participant's own."""
    return f"{participant} {role} {reserve}"
