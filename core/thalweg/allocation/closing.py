"""Closing a period: guarantees as top-ups that sum to zero, then reserves, then settlement in minor units."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

from thalweg.design.agreements import Agreement, Guarantee, Reserve
from thalweg.design.fields import exact
from thalweg.design.periods import Period, days_of, midnight
from thalweg.design.quarters import quarter_of
from thalweg.design.validity import Validity
from thalweg.money import largest_remainder, parse_atoms, settle

#: (role, participant)
Party = tuple[str, str]
#: (agreement, place of the reserve, role, participant)
_Held = tuple[str, int, str, str]


class TopUp(NamedTuple):
    """What a guarantee moves; the lines of one guarantee sum to zero."""

    agreement: str
    #: the guarantee's place in the agreement
    guarantee: int
    role: str
    participant: str
    #: positive for the party that gets, negative for one that gives
    atoms: int


class Hold(NamedTuple):
    """What a reserve holds back."""

    agreement: str
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


class Segment(NamedTuple):
    """What was earned in a period under one agreement: all of it, or the part in which this version was in force."""

    agreement: Agreement
    #: atoms, over all lines and devices
    earned: Mapping[Party, int]
    #: needed where a guarantee is prorated; without it, the agreement was in force all the time
    days: Days | None = None


def days_in_force(validity: Validity, period: Period, day: date, zone: str) -> Days:
    """How long an agreement was in force in the period of `zone` that holds `day`; for an hour, in its day.

    A day is of the version that is in force when it begins, so the days of all versions sum to those of the period.
    """
    days = days_of(period, day)
    return Days(sum(validity.holds(quarter_of(midnight(each, ZoneInfo(zone)))) for each in days), len(days))


def close_period(segments: Sequence[Segment], currency: str, ends_before: date) -> Close:
    """Close a period; versions that followed each other in it are its segments, in their order.

    Each has its own guarantees and reserves, of what was earned under it; all are settled together. `ends_before` is
    the first day after the period.
    """
    top_ups: list[TopUp] = []
    held: dict[_Held, int] = {}
    lines: defaultdict[str, int] = defaultdict(int)
    for agreement, earned, days in segments:
        balances = dict(earned)
        for number, guarantee in enumerate(agreement.guarantees):
            for party, atoms in sorted(_moved(guarantee, balances, currency, days).items()):
                balances[party] += atoms
                top_ups.append(TopUp(agreement.id, number, *party, atoms))
        for (_, participant), atoms in balances.items():
            lines[participant] += atoms
        for number, (role, participant), atoms in _held(agreement.reserves, balances):
            held[agreement.id, number, role, participant] = agreement.reserves[number].days
            lines[participant] -= atoms
            lines[_line(agreement.id, number, role, participant)] += atoms
    minor = settle(lines)
    holds = tuple(Hold(*key, minor.pop(_line(*key)), ends_before + timedelta(days)) for key, days in held.items())
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


def _held(reserves: tuple[Reserve, ...], balances: Mapping[Party, int]) -> Iterable[tuple[int, Party, int]]:
    for number, reserve in enumerate(reserves):
        for party, atoms in sorted(balances.items()):
            if party[0] == reserve.party and atoms > 0:
                yield number, party, int(atoms * exact(reserve.percent) / 100)


def _line(agreement: str, reserve: int, role: str, participant: str) -> str:
    """A key of what is held that no participant's id can be; it stands beside the participant's own."""
    return f"{participant} {role} {reserve} {agreement}"
