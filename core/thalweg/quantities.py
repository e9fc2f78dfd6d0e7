"""Quantities: what meters counted, one at a time, or in columns of which rating takes millions of rows at once."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from thalweg.design.quarters import beginning_of, quarter_of
from thalweg.integer_columns import Integers, Places, distinct, exact, joined, sums_by_place, times

#: in place of a quarter hour that is not known
UNTIMED: Final = -(1 << 62)


class Quantity(NamedTuple):
    """What one meter counted over a window, or in one quarter hour of it, for one assignment and one group."""

    meter_hash: str
    assignment_id: int
    #: values of the meter's `group_by` attributes, in its order
    group: tuple[str, ...]
    #: in the smallest step of the meter's unit
    quantity: int
    #: number of events
    occurrences: int
    #: when the quarter hour began; None for a whole window, where the design's terms need no more
    bucket: datetime | None = None


class Source(NamedTuple):
    """What quantities are kept apart by, time aside."""

    meter_hash: str
    assignment_id: int
    group: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Quantities:
    """Quantities in columns; iterated, it gives them one by one."""

    #: all different, and each has a row (but for `at`)
    sources: tuple[Source, ...]
    #: row → the place of its source
    places: Places
    #: row → the number of its quarter hour (`thalweg.design.quarters`), or UNTIMED
    quarters: NDArray[np.int64]
    quantities: Integers
    occurrences: Integers

    @classmethod
    def of(cls, rows: Iterable[Quantity]) -> Quantities:
        """The same in columns; what is in columns stays as it is."""
        if isinstance(rows, Quantities):
            return rows
        listed = list(rows)
        place_of = {source: place for place, source in enumerate(dict.fromkeys(Source(*each[:3]) for each in listed))}
        quarters = [UNTIMED if each.bucket is None else quarter_of(each.bucket) for each in listed]
        return cls(
            tuple(place_of),
            np.array([place_of[Source(*each[:3])] for each in listed], np.intp),
            np.array(quarters, np.int64),
            exact([each.quantity for each in listed]),
            exact([each.occurrences for each in listed]),
        )

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[Quantity]:
        columns = (self.places, self.quarters, self.quantities, self.occurrences)
        for place, quarter, quantity, number in zip(*(column.tolist() for column in columns), strict=True):
            meter, assignment, group = self.sources[place]
            bucket = None if quarter == UNTIMED else beginning_of(quarter)
            yield Quantity(meter, assignment, group, quantity, number, bucket)

    def of_meters(self, meters: Container[str]) -> Quantities:
        """Those of some meters, by content hash."""
        kept = [place for place, source in enumerate(self.sources) if source.meter_hash in meters]
        if len(kept) == len(self.sources):
            return self
        new_place = np.full(len(self.sources), -1, np.intp)
        new_place[kept] = np.arange(len(kept))
        rows = np.flatnonzero(new_place[self.places] >= 0)
        chosen = self.at(rows)
        return replace(chosen, sources=tuple([self.sources[place] for place in kept]), places=new_place[chosen.places])

    def within(self, start: datetime, end: datetime) -> Quantities:
        """Those of the quarter hours [start, end)."""
        rows = np.flatnonzero((self.quarters >= quarter_of(start)) & (self.quarters < quarter_of(end)))
        places, kept = np.unique(self.places[rows], return_inverse=True)
        return replace(self.at(rows), sources=tuple([self.sources[place] for place in places.tolist()]), places=kept)

    def at(self, rows: Places) -> Quantities:
        """Some of the rows, with all sources."""
        return Quantities(
            self.sources, self.places[rows], self.quarters[rows], self.quantities[rows], self.occurrences[rows]
        )

    def summed(self, quarters: NDArray[np.int64] | None = None) -> Quantities:
        """Added up by source, and by what `quarters` has for each row in place of its quarter hour."""
        if quarters is None:
            first, places = np.arange(len(self.sources)), self.places
            untimed = np.full(len(first), UNTIMED, np.int64)
            return self._added_up(first, places, untimed)
        rows, places = distinct([self.places, quarters], len(self))
        return self._added_up(self.places[rows], places, quarters[rows])

    def negative(self) -> Quantities:
        """All of it, taken back."""
        return replace(self, quantities=times(self.quantities, -1), occurrences=times(self.occurrences, -1))

    def plus(self, other: Quantities) -> Quantities:
        """The rows of both."""
        place_of = {source: place for place, source in enumerate(dict.fromkeys((*self.sources, *other.sources)))}
        theirs = np.array([place_of[source] for source in other.sources], np.intp)
        return Quantities(
            tuple(place_of),
            np.concatenate([self.places, theirs[other.places]]),
            np.concatenate([self.quarters, other.quarters]),
            joined([self.quantities, other.quantities]),
            joined([self.occurrences, other.occurrences]),
        )

    def _added_up(self, sources: Places, places: Places, quarters: NDArray[np.int64]) -> Quantities:
        count = len(sources)
        return Quantities(
            self.sources,
            sources,
            quarters,
            sums_by_place(places, self.quantities, count),
            sums_by_place(places, self.occurrences, count),
        )
