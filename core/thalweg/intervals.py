"""Sets of half-open integer intervals: which seqs of a boot were received."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator


class Intervals:
    """A set of integers kept as ascending, disjoint, non-touching intervals [first, end)."""

    __slots__ = ("_ends", "_firsts")

    def __init__(self, intervals: Iterable[tuple[int, int]] = ()) -> None:
        self._firsts: list[int] = []
        self._ends: list[int] = []
        for first, end in intervals:
            self.add(first, end)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(zip(self._firsts, self._ends, strict=True))

    def __bool__(self) -> bool:
        return bool(self._firsts)

    def __len__(self) -> int:
        """How many integers the set holds."""
        return sum(self._ends) - sum(self._firsts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Intervals) and self._firsts == other._firsts and self._ends == other._ends

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"Intervals({list(self)})"

    def add(self, first: int, end: int) -> None:
        """Add every integer of [first, end); raises ValueError when that is empty."""
        if first >= end:
            raise ValueError(f"[{first}, {end}) is empty")
        low = bisect_left(self._ends, first)
        high = bisect_right(self._firsts, end)
        if low < high:
            first = min(first, self._firsts[low])
            end = max(end, self._ends[high - 1])
        self._firsts[low:high] = [first]
        self._ends[low:high] = [end]

    def remove(self, first: int, end: int) -> None:
        """Take every integer of [first, end) out of the set."""
        low, high = bisect_right(self._ends, first), bisect_left(self._firsts, end)
        if low >= high:
            return
        rest = [
            (self._firsts[low], min(first, self._ends[low])),
            (max(end, self._firsts[high - 1]), self._ends[high - 1]),
        ]
        rest = [(start, stop) for start, stop in rest if start < stop]
        self._firsts[low:high] = [start for start, _ in rest]
        self._ends[low:high] = [stop for _, stop in rest]

    def within(self, first: int, end: int) -> list[tuple[int, int]]:
        """What the set holds of [first, end), as ascending intervals."""
        low, high = bisect_right(self._ends, first), bisect_left(self._firsts, end)
        return [(max(first, self._firsts[at]), min(end, self._ends[at])) for at in range(low, high)]

    def gaps(self, first: int, end: int) -> list[tuple[int, int]]:
        """What the set lacks of [first, end), as ascending intervals."""
        lacking = []
        for start, stop in self.within(first, end):
            if first < start:
                lacking.append((first, start))
            first = stop
        return [*lacking, (first, end)] if first < end else lacking

    def overlap(self, first: int, end: int) -> int:
        """How many integers of [first, end) the set holds."""
        return sum(stop - start for start, stop in self.within(first, end))

    @property
    def next_missing(self) -> int:
        """The smallest integer ≥ 0 that the set lacks."""
        return self._ends[0] if self._firsts and self._firsts[0] == 0 else 0

    @property
    def end(self) -> int:
        """The integer behind the largest one held; 0 for the empty set."""
        return self._ends[-1] if self._ends else 0
