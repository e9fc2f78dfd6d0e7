"""Rounding shares to atoms, once, so that nothing is lost and no limit is passed.

Each share, each participant's sum and each step's sum differ from the exact amount by less than one atom, and what is
whole stays as it is: a cap, a fixed fee or a recouped total is met to the atom, also where a step has several
recipients and a recipient several steps. Atoms that are left over go to the largest remainders, ties by participant id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

from thalweg.allocation.arithmetic import EXACT
from thalweg.allocation.seating import Groups, Seating

Number = int | Fraction
#: step and participant of a cell; -1 for the slack of the other one's sum
_Place = tuple[int, int]


def rounded(seating: Seating, amounts: Sequence[Number], scale: int) -> list[int]:
    """The atoms of each cell of `seating`, where its steps take `amounts`, in 1/`scale` atom, whose sum is whole.

    Amounts are all ≥ 0 or all ≤ 0; negative ones mirror the positive.
    """
    if any(amount < 0 for amount in amounts):
        return [-atoms for atoms in rounded(seating, [-amount for amount in amounts], scale)]
    whole: list[int] = []
    rests: list[Number] = []
    for cell in seating.cells:
        exact = EXACT.part(amounts[cell.step], cell.weight, seating.whole[cell.step])
        atoms = exact // scale
        whole.append(atoms)
        rests.append(exact - atoms * scale)
    if any(rests):
        for cell_place in _ups(seating, rests, scale):
            whole[cell_place] += 1
    return whole


def largest(rests: Sequence[Number], count: int) -> list[int]:
    """The places of the `count` largest, of equal ones the first."""
    return sorted(range(len(rests)), key=[-rest for rest in rests].__getitem__)[:count] if count else []


def _ups(seating: Seating, rests: Sequence[Number], unit: int) -> Iterable[int]:
    """The cells to round up."""
    for groups, others in seating.ways:
        ups = set(_nested_ups(groups, rests, unit))
        if all(_fits(_sum(rests, other), len(ups.intersection(other)), unit) for other in others):
            return ups
    return controlled_ups(seating, rests, unit)


def _nested_ups(groups: Groups, rests: Sequence[Number], unit: int) -> Iterator[int]:
    """The cells to round up if first the sums of the groups are rounded, then the cells of each."""
    if all(len(group) == 1 for group in groups):
        cells = [group[0] for group in groups]
        ups = largest([rests[cell] for cell in cells], int(sum(rests) // unit))
        yield from (cells[place] for place in ups)
        return
    sums: list[Number] = [_sum(rests, group) for group in groups]
    counts = [int(total // unit) for total in sums]
    left_over = int(sum(sums) // unit) - sum(counts)
    for place in largest([total - count * unit for total, count in zip(sums, counts, strict=True)], left_over):
        counts[place] += 1
    for group, count in zip(groups, counts, strict=True):
        yield from (group[place] for place in largest([rests[cell] for cell in group], count))


def _sum(rests: Sequence[Number], cells: Iterable[int]) -> Number:
    total: Number = 0
    for cell in cells:
        total += rests[cell]
    return total


def _fits(rests: Number, ups: int, unit: int) -> bool:
    """True if a sum differs from its exact amount by less than one atom, and stays as it is where it is whole."""
    return -unit < ups * unit - rests < unit


def controlled_ups(seating: Seating, rests: Sequence[Number], unit: int) -> list[int]:
    """The cells to round up where sorting does not meet all sums: Cox's controlled rounding (1987), made repeatable.

    Sums of steps and of participants are made whole by a slack cell each. Then, around circles of cells that are not
    whole, as much is added as is taken, until all are whole; so no sum ever changes.
    """
    table: dict[_Place, Number] = {}
    place_of: dict[int, _Place] = {}
    for row, cells in enumerate(seating.by_step):
        table[row, -1] = -_sum(rests, cells) % unit
        for cell in cells:
            place_of[cell] = row, next(n for n, group in enumerate(seating.by_participant) if cell in group)
    for column, cells in enumerate(seating.by_participant):
        table[-1, column] = -_sum(rests, cells) % unit
    table |= {place: rests[cell] for cell, place in place_of.items()}
    while between := [place for place, rest in table.items() if 0 < rest < unit]:
        circle = _circle(between, table)
        gains, losses = circle[::2], circle[1::2]
        moved = min([unit - table[place] for place in gains] + [table[place] for place in losses])
        table |= {place: table[place] + moved for place in gains} | {place: table[place] - moved for place in losses}
    return [cell for cell, place in place_of.items() if table[place] == unit]


def _circle(between: Sequence[_Place], table: Mapping[_Place, Number]) -> list[_Place]:
    """Cells around a closed way along rows and columns in turn. The largest rest, where the way begins, gains.

    Every row and column that one of the cells is in has another of them, since its sum is whole.
    """
    way = [min(between, key=lambda place: (-table[place], place))]
    while True:
        axis = (len(way) - 1) % 2
        line = [place for place in between if place[axis] == way[-1][axis] and place != way[-1]]
        here = min(line, key=lambda place: ((1, -1)[axis] * table[place], place))
        # The next move would be along the other axis: where the way has used that line before, it closes.
        for start in range(axis, len(way), 2):
            if way[start][1 - axis] == here[1 - axis]:
                return [*way[start:], here] if start % 2 == 0 else [here, *way[start:]]
        way.append(here)
