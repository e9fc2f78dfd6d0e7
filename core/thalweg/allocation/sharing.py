"""Sharing one amount by an agreement: W(G, U; O), exact, summing to the whole, independent of the order of anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from thalweg.allocation.arithmetic import EXACT
from thalweg.allocation.rounding import largest, rounded
from thalweg.allocation.seating import POOL, Cell, Seating, seating
from thalweg.allocation.state import NEW, Account, State, Sums
from thalweg.allocation.terms import Terms
from thalweg.allocation.waterfall import Basis, Taken, takes
from thalweg.errors import RatingError

_NOTHING: Final[Mapping[str, int]] = {}
_NONE_IDLE: Final[frozenset[str]] = frozenset()
_NO_ATTRIBUTES: Final[Mapping[str, str]] = {}


class Portion(NamedTuple):
    """What one step of an agreement gives to one role."""

    step: str
    role: str
    participant: str
    atoms: int


@dataclass(frozen=True, kw_only=True)
class Shared:
    """A segment's base, shared."""

    #: by step id, then role; they sum to the base
    portions: tuple[Portion, ...]
    #: what each step takes before rounding, in their order
    taken: Sequence[Taken]
    #: atoms of each step, in their order
    atoms_of_steps: Sequence[int]
    #: what the segment was shared by
    terms: Terms
    base_atoms: int
    units: Mapping[str, int]
    opening: State

    @property
    def by_participant(self) -> Mapping[str, int]:
        """Participant → atoms, without what went into pools."""
        sums: dict[str, int] = {}
        for portion in self.portions:
            if not portion.role.startswith(POOL):
                sums[portion.participant] = sums.get(portion.participant, 0) + portion.atoms
        return sums

    @property
    def pools(self) -> Mapping[str, int]:
        """Agreement id → atoms put into its pool; these are among the portions too, with the role ``pool:<id>``."""
        sums: dict[str, int] = {}
        for portion in self.portions:
            if portion.role.startswith(POOL):
                pool = portion.role.removeprefix(POOL)
                sums[pool] = sums.get(pool, 0) + portion.atoms
        return sums

    @property
    def closing(self) -> State:
        """The state that the next segment opens with."""
        scale = self.terms.scale
        accrued, left, accounts = {}, {}, {}
        for each, atoms in zip(self.taken, self.atoms_of_steps, strict=True):
            step = each.step
            without_limit = atoms + int(each.beyond // scale)
            if step.cap is not None:
                accrued[step.id] = without_limit
            if step.floor is not None:
                left[step.id] = int(each.left // scale)
            if step.account is not None:
                before = self.opening.accounts.get(step.account, Account())
                accounts[step.account] = Account(
                    recouped=before.recouped + atoms, accrued=before.accrued + without_limit
                )
        segment = Sums(
            gross=self.base_atoms,
            units=dict(self.units),
            taken={step.id: atoms for step, atoms in zip(self.terms.steps, self.atoms_of_steps, strict=True)},
            accrued=accrued,
            left=left,
        )
        return self.opening.after(segment, accounts)


def share(
    terms: Terms,
    base_atoms: int,
    participants: Mapping[str, str],
    *,
    units: Mapping[str, int] = _NOTHING,
    opening: State = NEW,
    day: date | None = None,
    attributes: Mapping[str, str] = _NO_ATTRIBUTES,
) -> Shared:
    """Share the cumulative base of a segment of time; the portions sum to it exactly.

    A segment is a period, or the part of one before or after an amendment. `base_atoms` and `units` (meter id →
    smallest steps) are cumulative over the segment; `opening` is the previous segment's closing state. `participants`
    says who fills each role that the agreement names. `day` (the segment's first, in the design's zone) and the event
    `attributes` that its events have in common decide which steps apply.

    Rounded to atoms once (`thalweg.allocation.rounding`). A negative base is shared like a positive one: recipients
    give back. Raises RatingError for a role or meter that is not given.
    """
    seats = seating(terms, participants)
    check_units(terms, units)
    basis = Basis(base_atoms * terms.scale, units, opening, idle_steps(terms, day, attributes))
    taken = takes(terms, basis, EXACT)
    atoms = rounded(seats, [each.amount for each in taken], terms.scale)
    atoms_of_steps = [0] * len(taken)
    for cell, amount in zip(seats.cells, atoms, strict=True):
        atoms_of_steps[cell.step] += amount
    return Shared(
        portions=_portions(seats, atoms),
        taken=taken,
        atoms_of_steps=atoms_of_steps,
        terms=terms,
        base_atoms=base_atoms,
        units=units,
        opening=opening,
    )


def idle_steps(terms: Terms, day: date | None, attributes: Mapping[str, str]) -> frozenset[str]:
    """Ids of the steps whose conditions on day or attributes do not hold."""
    return frozenset(step.id for step in terms.steps if step.when is not None and not step.when.holds(day, attributes))


def check_units(terms: Terms, given: Iterable[str]) -> None:
    """Raise RatingError if the terms count units of a meter that is not given."""
    if terms.meters and (missing := sorted(terms.meters.difference(given))):
        names = ", ".join(missing)
        raise RatingError(
            f"agreement {terms.agreement.id!r} counts units of {names}: give their quantities, 0 for none"
        )


def _portions(seats: Seating, atoms: list[int]) -> tuple[Portion, ...]:
    """The portions of all seats: those of a cell with several roles are divided among these by weight."""
    given = [0] * len(seats.seats)
    for cell, amount in zip(seats.cells, atoms, strict=True):
        for seat, part in zip(cell.seats, _divide(cell, amount), strict=True):
            given[seat] = part
    return tuple(Portion(*seat, amount) for seat, amount in zip(seats.seats, given, strict=True))


def _divide(cell: Cell, amount: int) -> list[int]:
    if len(cell.weights) == 1:
        return [amount]
    if amount < 0:
        return [-part for part in _divide(cell, -amount)]
    parts = [divmod(amount * weight, cell.weight) for weight in cell.weights]
    ups = set(largest([rest for _, rest in parts], amount - sum(part for part, _ in parts)))
    return [part + (place in ups) for place, (part, _) in enumerate(parts)]
