"""Charging sessions that nobody charged, with the statistics of real ones; the same for the same seed and device."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from itertools import count, pairwise
from typing import Final

from thalweg_edge.charging_statistics import (
    DURATION_QUANTILES_SECONDS,
    EMPTY_DURATION_DECILES_SECONDS,
    EMPTY_SESSIONS_PER_MILLE,
    ENERGY_DECILES_WH,
    MAX_POWER_W,
    STARTS_BY_HOUR_PER_MILLE,
    STATION_SESSIONS_PER_100_DAYS,
)
from thalweg_edge.sessions import ChargingSession

DAY_MS: Final = 86_400_000
#: the id of a session is its starting day (since 1970) times this, plus its number among that day's sessions
IDS_PER_DAY: Final = 100
_DRAWS_PER_DAY: Final = 40
_LONGEST_DAYS: Final = DURATION_QUANTILES_SECONDS[-1][1] // 86_400 + 1
_DECILES: Final = tuple(range(0, 1001, 100))


class GeneratedSessions:
    """A source whose sessions begin on the day of `first_ms` and end with `last_ms`, or never when that is None.

    `sessions_per_100_days` is the same for all devices; without it each device draws the rate of a real station.
    """

    keeps_times = False

    def __init__(
        self, seed: int, first_ms: int, last_ms: int | None = None, sessions_per_100_days: int | None = None
    ) -> None:
        self._seed = seed
        self._first_day = first_ms // DAY_MS
        self._last_ms = last_ms
        self._rate = sessions_per_100_days

    def sessions_after(self, device: str, session_id: int | None) -> Iterator[ChargingSession]:
        """See `SessionSource`; a session known by its id may lie before the first day: then the gap is filled."""
        if session_id is None:
            yield from self._from_day(device, self._first_day)
            return
        day = session_id // IDS_PER_DAY
        for session in self._day(device, day):
            if session.id == session_id:
                done = (session.end_ms, session.id)
                earliest = day - _LONGEST_DAYS  # one that started earlier may end later
                if day >= self._first_day:
                    earliest = max(earliest, self._first_day)
                yield from (s for s in self._from_day(device, earliest) if (s.end_ms, s.id) > done)
                return
        yield from self._from_day(device, self._first_day)

    def count(self, device: str) -> int | None:
        """See `SessionSource`."""
        return None if self._last_ms is None else sum(1 for _ in self.sessions_after(device, None))

    def _from_day(self, device: str, first_day: int) -> Iterator[ChargingSession]:
        ahead: list[tuple[int, int, ChargingSession]] = []
        for day in count(first_day):
            while ahead and ahead[0][0] < day * DAY_MS:
                yield heapq.heappop(ahead)[2]
            if self._last_ms is not None and day * DAY_MS > self._last_ms:
                return
            for session in self._day(device, day):
                if self._last_ms is None or session.end_ms <= self._last_ms:
                    heapq.heappush(ahead, (session.end_ms, session.id, session))

    def _day(self, device: str, day: int) -> list[ChargingSession]:
        """The sessions that start on one day."""
        rate = self._rate
        if rate is None:
            rate = self._random(device, "rate").choice(STATION_SESSIONS_PER_100_DAYS)
        draw = self._random(device, str(day))
        number = sum(draw.randrange(100 * _DRAWS_PER_DAY) < rate for _ in range(_DRAWS_PER_DAY))
        return [_session(draw, day, index) for index in range(number)]

    def _random(self, device: str, what: str) -> random.Random:
        return random.Random(f"{self._seed}/{device}/{what}")  # noqa: S311 - a simulation, no secret


def _session(draw: random.Random, day: int, index: int) -> ChargingSession:
    hour = draw.choices(range(24), STARTS_BY_HOUR_PER_MILLE)[0]
    start_ms = day * DAY_MS + hour * 3_600_000 + draw.randrange(3600) * 1000
    if draw.randrange(1000) < EMPTY_SESSIONS_PER_MILLE:
        seconds = _at(draw.randrange(1000), tuple(zip(_DECILES, EMPTY_DURATION_DECILES_SECONDS, strict=True)))
        energy_wh = 0
    else:
        rank = draw.randrange(DURATION_QUANTILES_SECONDS[-1][0])
        seconds = _at(rank, DURATION_QUANTILES_SECONDS)
        energies = tuple(zip(_DECILES, ENERGY_DECILES_WH[rank // 100], strict=True))
        energy_wh = max(1, min(_at(draw.randrange(1000), energies), seconds * MAX_POWER_W // 3600))
    return ChargingSession(day * IDS_PER_DAY + index, start_ms, start_ms + seconds * 1000, energy_wh, seconds)


def _at(per_mille: int, quantiles: tuple[tuple[int, int], ...]) -> int:
    """The value at that rank, by straight lines between the known ones."""
    for (low, value), (high, next_value) in pairwise(quantiles):
        if per_mille < high:
            return value + (next_value - value) * (per_mille - low) // (high - low)
    raise AssertionError(f"rank {per_mille} lies beyond the last quantile")
