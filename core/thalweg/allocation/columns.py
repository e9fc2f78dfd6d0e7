"""Many bases shared at once, in columns of integers; each row comes out as `share` gives it, to the atom.

64-bit integers where a bound on every intermediate amount shows that they suffice, Python's integers where it does
not. Rows that need rationals, or a rounding that is not a matter of sorting, are shared one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thalweg.allocation.arithmetic import Columns
from thalweg.allocation.seating import Groups, Seat, Seating, seating
from thalweg.allocation.sharing import check_units, idle_steps, share
from thalweg.allocation.state import NEW, State
from thalweg.allocation.terms import Terms
from thalweg.allocation.waterfall import Basis, takes
from thalweg.integer_columns import Integers, exact

_SAFE: Final = 1 << 62
#: as many rows as stay in a processor's cache
_ROWS: Final = 1 << 13
_NO_UNITS: Final[Mapping[str, Sequence[int]]] = {}
_NO_ATTRIBUTES: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Allocations:
    """What each recipient of each step gets of each base."""

    #: by step id, then role
    seats: tuple[Seat, ...]
    #: atoms: a row for each seat, a column for each base; the columns sum to the bases
    atoms: Integers


def allocate_many(
    terms: Terms,
    bases_atoms: Sequence[int] | Integers,
    participants: Mapping[str, str],
    *,
    units: Mapping[str, Sequence[int] | Integers] = _NO_UNITS,
    opening: State = NEW,
    day: date | None = None,
    attributes: Mapping[str, str] = _NO_ATTRIBUTES,
) -> Allocations:
    """Share each of `bases_atoms` by itself, every one with the same `opening` state: `share` for many.

    `units` holds for each meter a quantity for each base. The other arguments, and what is raised, are those of
    `share`.
    """
    check_units(terms, units)
    job = _Job(
        terms,
        seating(terms, participants),
        participants,
        {meter: _column(units[meter]) for meter in sorted(terms.meters)},
        opening,
        day,
        attributes,
    )
    bases = _column(bases_atoms)
    if not job.fits(bases):
        bases = bases.astype(object)
        job.units = {meter: column.astype(object) for meter, column in job.units.items()}
    parts = [job.shared(bases[start : start + _ROWS], start) for start in range(0, len(bases), _ROWS)]
    empty = np.zeros((len(job.seats.seats), 0), np.int64)
    return Allocations(job.seats.seats, np.concatenate(parts, axis=1) if parts else empty)


def bookings(
    terms: Terms,
    bases_atoms: Sequence[int] | Integers,
    participants: Mapping[str, str],
    *,
    units: Mapping[str, Sequence[int] | Integers] = _NO_UNITS,
    opening: State = NEW,
    day: date | None = None,
    attributes: Mapping[str, str] = _NO_ATTRIBUTES,
) -> Allocations:
    """What each event of a segment adds to the shares, W(after) − W(before), for events in the order they are shown in.

    `bases_atoms` and `units` are those of single events. Only the sums bind, and they are those of the whole segment,
    whatever the order; the bookings are for display.
    """
    running = {meter: _running(column) for meter, column in units.items()}
    sums = allocate_many(
        terms,
        _running(bases_atoms),
        participants,
        units=running,
        opening=opening,
        day=day,
        attributes=attributes,
    )
    before_any = share(
        terms, 0, participants, units=dict.fromkeys(terms.meters, 0), opening=opening, day=day, attributes=attributes
    )
    first = np.array([[portion.atoms] for portion in before_any.portions], sums.atoms.dtype)
    return Allocations(sums.seats, np.diff(np.concatenate([first, sums.atoms], axis=1), axis=1))


class _Job:
    """One agreement over many bases."""

    def __init__(
        self,
        terms: Terms,
        seats: Seating,
        participants: Mapping[str, str],
        units: dict[str, Integers],
        opening: State,
        day: date | None,
        attributes: Mapping[str, str],
    ) -> None:
        self.terms = terms
        self.seats = seats
        self.participants = participants
        self.units = units
        self.opening = opening
        self.day = day
        self.attributes = attributes
        self.idle = idle_steps(terms, day, attributes)

    def fits(self, bases: Integers) -> bool:
        """True if no intermediate amount can leave the 64-bit integers.

        A step's amount is what its take gives, limited to what is left, which is never more than the base. So the
        largest amounts are sums of the base (with what accumulated before), of what units are worth, of the scale and
        of the constants of the terms; each counts as often as there are steps, which bounds their sums too.
        """
        columns = [bases, *self.units.values()]
        if any(column.dtype == object for column in columns):
            return False
        scale, opening, steps = self.terms.scale, self.opening, self.terms.steps
        largest = (1 + _largest(bases) + abs(opening.lifetime.gross) + abs(opening.period.gross)) * scale
        for sums in (opening.lifetime, opening.period):
            largest += sum(map(abs, (*sums.taken.values(), *sums.accrued.values(), *sums.left.values()))) * scale
        largest += sum(account.recouped + abs(account.accrued) for account in opening.accounts.values()) * scale
        for step in steps:
            rates = [step.numerator, *(tier.numerator for tier in step.tiers)]
            quantity = _largest(self.units[step.meter]) if step.meter is not None else 0
            before = max(abs(sums.units.get(step.meter or "", 0)) for sums in (opening.lifetime, opening.period))
            largest += (quantity + before) * max(rates)
            bounds = [tier.upper for tier in step.tiers] + [step.cap, step.floor, step.amount]
            bounds += [] if step.window is None else [step.window.low, step.window.high]
            largest += sum(bound for bound in bounds if bound is not None)
        return largest * (len(steps) + 1) < _SAFE

    def shared(self, bases: Integers, start: int) -> Integers:
        """Atoms by seat and base; `bases` begin at the place `start` of all."""
        rows = slice(start, start + len(bases))
        units = {meter: column[rows] for meter, column in self.units.items()}
        given = np.zeros((len(self.seats.seats), len(bases)), bases.dtype)
        if all(step.follows_window for step in self.terms.steps):
            columns = Columns(bases)
            taken = takes(self.terms, Basis(bases * self.terms.scale, units, self.opening, self.idle), columns)
            by_itself = columns.by_itself | self._round([abs(each.amount) for each in taken], given)
            given *= np.where(bases < 0, -1, 1)
        else:
            by_itself = np.ones(len(bases), bool)
        for row in np.flatnonzero(by_itself).tolist():
            given[:, row] = self._one_by_one(int(bases[row]), {meter: int(units[meter][row]) for meter in units})
        return given

    def _one_by_one(self, base: int, units: Mapping[str, int]) -> list[int]:
        alone = share(
            self.terms,
            base,
            self.participants,
            units=units,
            opening=self.opening,
            day=self.day,
            attributes=self.attributes,
        )
        return [portion.atoms for portion in alone.portions]

    def _round(self, amounts: Sequence[Integers], given: Integers) -> NDArray[np.bool_]:
        """Put the atoms of each seat into `given`; the rows for which that is not a matter of sorting."""
        seats, scale = self.seats, self.terms.scale
        whole: list[Integers] = []
        rests: list[Integers] = []
        for cell in seats.cells:
            amount, weight, weights = amounts[cell.step], cell.weight, seats.whole[cell.step]
            exactly = amount if weight == weights else amount // weights * weight
            whole.append(exactly // scale)
            rests.append(exactly - whole[-1] * scale)
        open_rows = np.zeros(given.shape[1], bool)
        for rest in rests:
            open_rows |= rest != 0
        for groups, others in seats.ways:
            if not open_rows.any():
                break
            ups = dict(self._ups(groups, rests))
            fitting = open_rows & self._fits(others, rests, ups)
            for place, up in ups.items():
                whole[place] = whole[place] + (up & fitting)
            open_rows &= ~fitting
        for cell, atoms in zip(seats.cells, whole, strict=True):
            parts = [atoms * weight for weight in cell.weights]
            for seat, part in zip(cell.seats, _divided(parts, atoms, cell.weight), strict=True):
                given[seat] = part
        return open_rows

    def _ups(self, groups: Groups, rests: Sequence[Integers]) -> Iterator[tuple[int, NDArray[np.bool_]]]:
        """For each cell, where it is rounded up: first the sums of the groups, then the cells of each."""
        scale = self.terms.scale
        sums: list[Any] = [sum(rests[cell] for cell in group) for group in groups]
        counts = [total // scale for total in sums]
        left_over = sum(sums) // scale - sum(counts)
        of_groups = _largest_first(
            [total - count * scale for total, count in zip(sums, counts, strict=True)], left_over
        )
        for group, count, up in zip(groups, counts, of_groups, strict=True):
            if len(group) == 1:
                yield group[0], up
            else:
                yield from zip(group, _largest_first([rests[cell] for cell in group], count + up), strict=True)

    def _fits(
        self, groups: Groups, rests: Sequence[Integers], ups: Mapping[int, NDArray[np.bool_]]
    ) -> NDArray[np.bool_] | bool:
        """Where the sums of the groups come out right too."""
        scale, fits = self.terms.scale, True
        for group in groups:
            off: Any = sum(ups[cell].astype(rests[cell].dtype) * scale - rests[cell] for cell in group)
            fits = fits & (abs(off) < scale)
        return fits


def _largest_first(rests: Sequence[Integers], count: Any) -> list[NDArray[np.bool_]]:
    """Where each is among the `count` largest of its row; of equal ones, the first."""
    behind = [np.zeros(len(rests[0]), np.int16) for _ in rests]
    for place, rest in enumerate(rests):
        for earlier in range(place):
            is_behind = rests[earlier] >= rest
            behind[place] += is_behind
            behind[earlier] += ~is_behind
    return [rank < count for rank in behind]


def _divided(parts: Sequence[Integers], total: Integers, weights: int) -> list[Integers]:
    """`parts` / `weights`, rounded to sum to `total`."""
    if len(parts) == 1:
        return [total]
    whole = [part // weights for part in parts]
    rests = [part - each * weights for part, each in zip(parts, whole, strict=True)]
    ups = _largest_first(rests, total - sum(whole))
    return [each + up for each, up in zip(whole, ups, strict=True)]


def _column(values: Sequence[int] | Integers) -> Integers:
    if isinstance(values, np.ndarray):
        return (
            values.astype(np.int64)
            if values.dtype.kind in "iu" and values.dtype != np.uint64
            else exact(values.tolist())
        )
    return exact(values)


def _running(values: Sequence[int] | Integers) -> Integers:
    column = _column(values)
    if column.dtype == np.int64 and _largest(column) * max(len(column), 1) >= _SAFE:
        column = column.astype(object)
    return np.cumsum(column, dtype=column.dtype)


def _largest(column: Integers) -> int:
    """The largest magnitude."""
    return max(abs(int(column.min())), abs(int(column.max()))) if len(column) else 0
