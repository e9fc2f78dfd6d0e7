"""Shared scooters: rides, and reports of where a scooter stands. Its figures are plausible, not measured."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Final, NamedTuple

from thalweg_edge.activities import Activity, DeviceEvent, Kind
from thalweg_edge.generators.days import DAY_MS, Draws, at_rank

_KINDS: Final[Mapping[str, Kind]] = {
    "scooter.ride": Kind("s", ("ride", "metres"), numbered_by="ride"),
    "location": Kind("s", ("to", "report"), numbered_by="report"),
}
#: rides a day; each scooter draws the mean of its corner of the city
_MEAN_RIDES: Final = (1, 2, 2, 3, 3, 4, 5, 6, 8)
#: as many attempts for each ride of the mean, of which one in so many succeeds
_ATTEMPTS: Final = 3
#: weights of the hours in which rides begin, UTC; none begins so late that it lasts beyond the day's last report
_BEGINS_BY_HOUR: Final = (0, 0, 0, 0, 1, 2, 6, 10, 7, 5, 6, 8, 8, 7, 7, 9, 12, 11, 8, 6, 4, 3, 0, 0)
#: seconds of rides: (per mille of them, seconds)
_SECONDS_QUANTILES: Final = (
    (0, 90), (100, 240), (250, 390), (500, 620), (750, 980), (900, 1_560), (980, 2_520), (1000, 3_540),
)  # fmt: skip
_METRES_PER_10_SECONDS: Final = (22, 45)
_BREAK_SECONDS: Final = 120
_REPORT_SECONDS: Final = 3_600
#: a stay in the workshop, which is one of so many stretches of that length
_WORKSHOP_DAYS: Final = 3
_WORKSHOP_EVERY: Final = 20


class _Ride(NamedTuple):
    """A ride, in seconds of the day; `metres` long."""

    begin: int
    end: int
    metres: int


class Scooter:
    """See `DayGenerator`. A scooter says every hour and after every ride where it is, and for how long it was out."""

    kinds = _KINDS
    ids_per_day = 200
    longest_days = 0

    def day(self, draws: Draws, day: int) -> list[Activity]:
        """See `DayGenerator`; without anything while the scooter is in the workshop."""
        if draws(f"stretch {day // _WORKSHOP_DAYS}").randrange(_WORKSHOP_EVERY) == 0:
            return []
        draw = draws(str(day))
        rides = {ride.end: ride for ride in _rides(draw, draws("corner").choice(_MEAN_RIDES))}
        minute = draws("minute").randrange(_REPORT_SECONDS)
        last_report = minute - _REPORT_SECONDS
        done: list[Activity] = []
        for second in sorted({*rides, *range(minute, 24 * 3_600, _REPORT_SECONDS)}):
            first_id, at_ms = day * self.ids_per_day + len(done), day * DAY_MS + second * 1000
            if ride := rides.get(second):
                done.append(_ridden(first_id, at_ms, ride))
                first_id += 1
            done.append(_reported(first_id, at_ms, second - last_report))
            last_report = second
        return done


def _rides(draw: random.Random, mean: int) -> list[_Ride]:
    """The rides of a day, one after another."""
    number = sum(draw.randrange(_ATTEMPTS) == 0 for _ in range(mean * _ATTEMPTS))
    hours = draw.choices(range(24), _BEGINS_BY_HOUR, k=number)
    rides: list[_Ride] = []
    for begin in sorted(hour * 3_600 + draw.randrange(3_600) for hour in hours):
        seconds = at_rank(draw.randrange(1000), _SECONDS_QUANTILES)
        metres = seconds * draw.randint(*_METRES_PER_10_SECONDS) // 10
        if not rides or begin >= rides[-1].end + _BREAK_SECONDS:  # else somebody else is riding it
            rides.append(_Ride(begin, begin + seconds, metres))
    return rides


def _ridden(ride_id: int, at_ms: int, ride: _Ride) -> Activity:
    attributes: dict[str, int | str] = {"ride": ride_id, "metres": ride.metres}
    event = DeviceEvent("scooter.ride", ride.end - ride.begin, attributes=attributes)
    return Activity(ride_id, at_ms, (event,), is_final=True)


def _reported(report_id: int, at_ms: int, seconds: int) -> Activity:
    event = DeviceEvent("location", seconds, to="city", attributes={"report": report_id})
    return Activity(report_id, at_ms, (event,))
