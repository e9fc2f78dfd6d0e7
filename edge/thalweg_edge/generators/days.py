"""A source of activities that makes them day by day; what a day holds is for the generator of an example to say."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count, pairwise
from typing import Final, Protocol

from thalweg_edge.activities import Activity, Kind

DAY_MS: Final = 86_400_000
#: what is drawn → the random numbers for it, the same at each call
Draws = Callable[[str], random.Random]


class DayGenerator(Protocol):
    """What devices of one example do. Days are those of UTC, counted since 1970."""

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """The kinds of all events."""
        ...

    @property
    def ids_per_day(self) -> int:
        """The id of an activity is its day times this, plus its number among that day's activities."""
        ...

    @property
    def longest_days(self) -> int:
        """An activity happens at most so many days after the day that it belongs to."""
        ...

    def day(self, draws: Draws, day: int) -> list[Activity]:
        """The activities of one day of the device whose draws these are; the same at each call."""
        ...


class GeneratedActivities:
    """A source whose activities begin on the day of `first_ms` and end with `last_ms`, or never when that is None."""

    keeps_times = False

    def __init__(self, generator: DayGenerator, seed: int, first_ms: int, last_ms: int | None = None) -> None:
        self.kinds = generator.kinds
        self._generator = generator
        self._seed = seed
        self._first_day = first_ms // DAY_MS
        self._last_ms = last_ms

    def activities_after(self, device: str, activity_id: int | None) -> Iterator[Activity]:
        """See `ActivitySource`; an activity known by its id may lie before the first day: then the gap is filled."""
        if activity_id is None:
            yield from self._from_day(device, self._first_day)
            return
        day = activity_id // self._generator.ids_per_day
        for activity in self._day(device, day):
            if activity.id == activity_id:
                done = (activity.at_ms, activity.id)
                earliest = day - self._generator.longest_days  # what belongs to an earlier day may happen later
                if day >= self._first_day:
                    earliest = max(earliest, self._first_day)
                yield from (each for each in self._from_day(device, earliest) if (each.at_ms, each.id) > done)
                return
        yield from self._from_day(device, self._first_day)

    def count(self, device: str) -> int | None:
        """See `ActivitySource`."""
        return None if self._last_ms is None else sum(1 for _ in self.activities_after(device, None))

    def _from_day(self, device: str, first_day: int) -> Iterator[Activity]:
        ahead: list[tuple[int, int, Activity]] = []
        for day in count(first_day):
            while ahead and ahead[0][0] < day * DAY_MS:
                yield heapq.heappop(ahead)[2]
            if self._last_ms is not None and day * DAY_MS > self._last_ms:
                return
            for activity in self._day(device, day):
                if self._last_ms is None or activity.at_ms <= self._last_ms:
                    heapq.heappush(ahead, (activity.at_ms, activity.id, activity))

    def _day(self, device: str, day: int) -> list[Activity]:
        return self._generator.day(lambda what: draws_of(self._seed, device, what), day)


def draws_of(seed: int, device: str, what: str) -> random.Random:
    """The random numbers for one question about one device."""
    return random.Random(f"{seed}/{device}/{what}")  # noqa: S311 - a simulation, no secret


def at_rank(per_mille: int, quantiles: Sequence[tuple[int, int]]) -> int:
    """The value at that rank of a distribution, by straight lines between known pairs of per mille and value."""
    for (low, value), (high, next_value) in pairwise(quantiles):
        if per_mille < high:
            return value + (next_value - value) * (per_mille - low) // (high - low)
    raise AssertionError(f"rank {per_mille} lies beyond the last quantile")
