"""Activities that nobody did, for each example ecosystem; plausible, and the same for the same seed and device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from thalweg_edge.generators.air_quality import AirSensor
from thalweg_edge.generators.charging import ChargePoint
from thalweg_edge.generators.days import DayGenerator
from thalweg_edge.generators.scooters import Scooter

#: by the name that a fleet's configuration says
GENERATORS: Final[Mapping[str, DayGenerator]] = {
    "charging": ChargePoint(),
    "scooters": Scooter(),
    "air-quality": AirSensor(),
}
