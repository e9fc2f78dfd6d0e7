"""Sensors of an air-quality data union: a reading every ten minutes. Its figures are plausible, not measured."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Final

from thalweg_edge.activities import Activity, DeviceEvent, Kind
from thalweg_edge.generators.days import DAY_MS, Draws

_KINDS: Final[Mapping[str, Kind]] = {
    "air.reading": Kind("byte", ("to", "reading", "pm25_ug_m3"), numbered_by="reading")
}
_READING_SECONDS: Final = 600
_READINGS_PER_DAY: Final = 86_400 // _READING_SECONDS
#: size of a message, and how much longer one is at most that reports the sensor's battery too
_MESSAGE_BYTES: Final = 24
_BATTERY_BYTES: Final = 6
_BATTERY_EVERY_READINGS: Final = 36
#: of so many readings, one never leaves the sensor
_LOST_EVERY_READINGS: Final = 80
#: of so many days, a sensor is without power on one, for some of it; each draws how well it is kept
_OUTAGE_EVERY_DAYS: Final = (4, 8, 15, 30)
#: fine dust by the hour, UTC, in µg/m³
_DUST_BY_HOUR: Final = (9, 8, 8, 7, 8, 11, 15, 18, 16, 13, 11, 10, 10, 9, 9, 10, 12, 15, 18, 20, 18, 15, 12, 10)
_WEATHER_PER_CENT: Final = (40, 240)


class AirSensor:
    """See `DayGenerator`; each reading is handed to the union at once."""

    kinds = _KINDS
    ids_per_day = _READINGS_PER_DAY
    longest_days = 0

    def day(self, draws: Draws, day: int) -> list[Activity]:
        """See `DayGenerator`; without the readings of an outage, and some that got lost."""
        draw = draws(str(day))
        outage = _outage(draw, draws("care").choice(_OUTAGE_EVERY_DAYS))
        weather = draw.randint(*_WEATHER_PER_CENT)
        begin_ms = day * DAY_MS + draws("second").randrange(_READING_SECONDS) * 1000
        return [
            _reading(draw, day * self.ids_per_day + number, begin_ms, number, weather)
            for number in range(_READINGS_PER_DAY)
            if number not in outage and draw.randrange(_LOST_EVERY_READINGS)
        ]


def _outage(draw: random.Random, every_days: int) -> range:
    """The numbers of a day's readings that an outage takes; mostly none."""
    first = draw.randrange(_READINGS_PER_DAY)
    length = draw.randrange(6, _READINGS_PER_DAY)
    return range(first, first + length) if draw.randrange(every_days) == 0 else range(0)


def _reading(draw: random.Random, reading_id: int, begin_ms: int, number: int, weather: int) -> Activity:
    dust = _DUST_BY_HOUR[number * 24 // _READINGS_PER_DAY] * weather // 100 + draw.randrange(4)
    is_longer = number % _BATTERY_EVERY_READINGS == 0
    size = _MESSAGE_BYTES + (draw.randint(1, _BATTERY_BYTES) if is_longer else 0)
    attributes: dict[str, int | str] = {"reading": reading_id, "pm25_ug_m3": dust}
    event = DeviceEvent("air.reading", size, to="union", attributes=attributes)
    return Activity(reading_id, begin_ms + number * _READING_SECONDS * 1000, (event,))
