"""Charge points: sessions with the statistics of real ones."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Final

from thalweg_edge.activities import Activity, Kind
from thalweg_edge.charging_sessions import KINDS, ChargingSession
from thalweg_edge.generators.charging_statistics import (
    DURATION_QUANTILES_SECONDS,
    EMPTY_DURATION_DECILES_SECONDS,
    EMPTY_SESSIONS_PER_MILLE,
    ENERGY_DECILES_WH,
    MAX_POWER_W,
    STARTS_BY_HOUR_PER_MILLE,
    STATION_SESSIONS_PER_100_DAYS,
)
from thalweg_edge.generators.days import DAY_MS, Draws, at_rank

_DRAWS_PER_DAY: Final = 40
_DECILES: Final = tuple(range(0, 1001, 100))


class ChargePoint:
    """See `DayGenerator`; a session belongs to the day on which it starts, and may end days later."""

    kinds: Mapping[str, Kind] = KINDS
    ids_per_day = 100
    longest_days = DURATION_QUANTILES_SECONDS[-1][1] // 86_400 + 1

    def __init__(self, sessions_per_100_days: int | None = None) -> None:
        """`sessions_per_100_days` of every device; without it, each draws the rate of a real station."""
        self._rate = sessions_per_100_days

    def day(self, draws: Draws, day: int) -> list[Activity]:
        """See `DayGenerator`."""
        return [session.activity() for session in self.sessions(draws, day)]

    def sessions(self, draws: Draws, day: int) -> list[ChargingSession]:
        """The sessions that start on one day."""
        rate = self._rate
        if rate is None:
            rate = draws("rate").choice(STATION_SESSIONS_PER_100_DAYS)
        draw = draws(str(day))
        number = sum(draw.randrange(100 * _DRAWS_PER_DAY) < rate for _ in range(_DRAWS_PER_DAY))
        return [_session(draw, day, day * self.ids_per_day + index) for index in range(number)]


def _session(draw: random.Random, day: int, session_id: int) -> ChargingSession:
    hour = draw.choices(range(24), STARTS_BY_HOUR_PER_MILLE)[0]
    start_ms = day * DAY_MS + hour * 3_600_000 + draw.randrange(3600) * 1000
    if draw.randrange(1000) < EMPTY_SESSIONS_PER_MILLE:
        seconds = at_rank(draw.randrange(1000), tuple(zip(_DECILES, EMPTY_DURATION_DECILES_SECONDS, strict=True)))
        energy_wh = 0
    else:
        rank = draw.randrange(DURATION_QUANTILES_SECONDS[-1][0])
        seconds = at_rank(rank, DURATION_QUANTILES_SECONDS)
        energies = tuple(zip(_DECILES, ENERGY_DECILES_WH[rank // 100], strict=True))
        energy_wh = max(1, min(at_rank(draw.randrange(1000), energies), seconds * MAX_POWER_W // 3600))
    return ChargingSession(session_id, start_ms, start_ms + seconds * 1000, energy_wh, seconds)
