"""Who gets what by which step: the table that exact amounts are put into, and rounded to atoms in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from thalweg.allocation.terms import Terms
from thalweg.errors import RatingError

#: what a step puts into another agreement's pool is due to this and the agreement's id; no participant's id can be so
POOL: Final = "pool:"


#: places of cells that belong together
Groups = tuple[tuple[int, ...], ...]


class Seat(NamedTuple):
    """One recipient of one step; a pool has the role ``pool:<agreement>`` too."""

    step: str
    role: str
    participant: str


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """What one participant gets by one step, by whatever roles."""

    #: the step's place in the agreement
    step: int
    participant: str
    #: parts of the step's weight; their sum is `weight`
    weights: tuple[int, ...]
    #: places of the seats that belong to it, by role, as many as weights
    seats: tuple[int, ...]

    @property
    def weight(self) -> int:
        """The participant's part of the step's weight."""
        return sum(self.weights)


@dataclass(frozen=True, slots=True, eq=False)
class Seating:
    """The recipients of an agreement, once it is known who fills its roles."""

    #: by step id, then role
    seats: tuple[Seat, ...]
    #: those that have a weight, by participant, then step id: who is first gets an atom that two have equal claim to
    cells: tuple[Cell, ...]
    #: step place → sum of its weights
    whole: tuple[int, ...]
    #: places of cells that are one step's, for each step that has any
    by_step: Groups
    #: places of cells that are one participant's
    by_participant: Groups

    #: ways to round, in the order in which they are tried: the sums of the first groups, then the cells of each; a way
    #: is right if the sums of the second groups come out right too
    ways: tuple[tuple[Groups, Groups], ...]


def seating(terms: Terms, participants: Mapping[str, str]) -> Seating:
    """The recipients of `terms`; `participants` says who fills each role, or RatingError is raised."""
    return _seating(terms, tuple(map(participants.get, terms.roles)))


@lru_cache(maxsize=4096)
def _seating(terms: Terms, filled: tuple[str | None, ...]) -> Seating:
    participants: dict[str, str] = {}
    for role, participant in zip(terms.roles, filled, strict=True):
        if participant is None:
            raise RatingError(f"agreement {terms.agreement.id!r} shares with {role!r}: say which participant that is")
        participants[role] = participant
    claims: list[tuple[Seat, int, int]] = []
    for place, step in enumerate(terms.steps):
        if step.pool is not None:
            claims.append((Seat(step.id, POOL + step.pool, POOL + step.pool), place, 1))
        claims += [(Seat(step.id, role, participants[role]), place, weight) for role, weight in step.weights.items()]
    claims.sort()
    cells: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
    for number, (seat, place, weight) in enumerate(claims):
        if weight:
            cells.setdefault((seat.participant, seat.step), []).append((place, weight, number))
    table = tuple(
        Cell(entries[0][0], participant, tuple(weight for _, weight, _ in entries), tuple(n for *_, n in entries))
        for (participant, _), entries in sorted(cells.items())
    )
    by_step, by_participant = _together([cell.step for cell in table]), _together([cell.participant for cell in table])
    return Seating(
        tuple(seat for seat, *_ in claims),
        table,
        tuple(sum(step.weights.values()) or 1 for step in terms.steps),
        by_step,
        by_participant,
        _ways(by_step, by_participant),
    )


def _ways(by_step: Groups, by_participant: Groups) -> tuple[tuple[Groups, Groups], ...]:
    steps, participants = _several(by_step), _several(by_participant)
    if not participants:
        return ((by_step, ()),)
    return ((by_participant, ()),) if not steps else ((by_participant, steps), (by_step, participants))


def _several(groups: Groups) -> Groups:
    return tuple(group for group in groups if len(group) > 1)


def _together(keys: Sequence[int | str]) -> Groups:
    """The places of equal keys, in the order in which the keys come first."""
    groups: dict[int | str, list[int]] = {}
    for place, key in enumerate(keys):
        groups.setdefault(key, []).append(place)
    return tuple(tuple(group) for group in groups.values())
