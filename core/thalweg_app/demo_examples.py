"""The ecosystems of the demonstration: a shipped design each, with participants, devices, and what devices do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from thalweg.errors import SetupError

#: by event kind: its events and the sum of their quantities, as devices count them
Kinds = Mapping[str, Mapping[Literal["events", "quantity"], int]]


@dataclass(frozen=True, slots=True)
class Counted:
    """What a meter shows: how many events of a kind there are, or the sum of their quantities."""

    kind: str
    what: Literal["events", "quantity"]

    def of(self, kinds: Kinds) -> int:
        """The number, where devices did that much."""
        return kinds[self.kind][self.what] if self.kind in kinds else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One ecosystem. Meters and prices are written down again here: a check does not ask the design that it checks."""

    #: the shipped design's name, and the ecosystem's
    id: str
    #: participant → name, of all that the design names and that devices are assigned to
    participants: Mapping[str, str]
    #: who operates the devices
    operator: str
    #: what they are called, in the plural
    devices: str
    device_prefix: str
    device_count: int
    #: role → participants that fill it, at each device in turn
    roles: Mapping[str, Sequence[str]]
    #: the name in `thalweg_edge.generators`
    generator: str
    #: whether recorded charging sessions may drive the devices
    takes_session_files: bool = False
    #: meter → what it shows
    meters: Mapping[str, Counted]
    #: exchange → what it charges for each step of a meter, in the currency; those charges that are so simple
    prices: Mapping[str, Mapping[str, Decimal]]

    def device_names(self, count: int | None = None) -> list[str]:
        """Names of `count` devices, or of as many as the example has."""
        return [f"{self.device_prefix}-{number:02}" for number in range(1, (count or self.device_count) + 1)]

    def quantities(self, kinds: Kinds) -> dict[str, int]:
        """What the meters show when devices did that much, in the smallest steps of their units."""
        return {meter: counted.of(kinds) for meter, counted in self.meters.items()}

    def charges(self, kinds: Kinds) -> dict[str, Decimal]:
        """What the exchanges with simple prices charge then, exactly."""
        shown = self.quantities(kinds)
        return {
            exchange: sum((shown[meter] * price for meter, price in prices.items()), Decimal(0))
            for exchange, prices in self.prices.items()
        }


EXAMPLES: Final[Mapping[str, Example]] = {
    example.id: example
    for example in (
        Example(
            id="ev-charging",
            participants={
                "drivers": "Drivers", "volt-pass": "Volt Pass", "e-roamer": "E-Roamer", "roam-hub": "Roam Hub",
                "city-charge": "City Charge", "river-power": "River Power", "rivertown": "Rivertown",
                "charge-points": "Charge points", "mall-42": "Mall 42", "library": "City library",
                "rec-center": "Recreation centre",
            },
            operator="city-charge",
            devices="charge points",
            device_prefix="cp",
            device_count=12,
            roles={"host": ["mall-42", "library", "rec-center"], "charger": ["charge-points"]},
            generator="charging",
            takes_session_files=True,
            meters={
                "energy": Counted("charging.session", "quantity"),
                "sessions": Counted("charging.session", "events"),
                "occupancy": Counted("occupancy", "events"),
            },
            prices={
                "charging-fee": {"energy": Decimal("0.0005")},
                "roaming-fee": {"energy": Decimal("0.00005")},
                "operator-fee": {"energy": Decimal("0.00035")},
                "energy-cost": {"energy": Decimal("0.0002")},
            },
        ),
        Example(
            id="scooters",
            participants={
                "riders": "Riders", "glide": "Glide", "north-fund": "North Fund", "river-fund": "River Fund",
                "night-shift": "Night Shift", "spoke-and-volt": "Spoke & Volt", "card-house": "Card House",
                "rivertown": "Rivertown", "scooters": "Scooters",
            },
            operator="glide",
            devices="scooters",
            device_prefix="scooter",
            device_count=12,
            roles={"owner": ["north-fund", "river-fund"]},
            generator="scooters",
            meters={
                "ride-time": Counted("scooter.ride", "quantity"),
                "rides": Counted("scooter.ride", "events"),
                "street-time": Counted("location", "quantity"),
                "location-reports": Counted("location", "events"),
            },
            prices={
                "ride-fee": {"rides": Decimal("1.00"), "ride-time": Decimal("0.0025")},  # 0.15 a minute
                "charging-pay": {"rides": Decimal("1.72")},
                "repair-pay": {"rides": Decimal("0.51")},
                "card-fee": {"rides": Decimal("0.41")},
            },
        ),
        Example(
            id="air-quality",
            participants={
                "ann": "Ann", "ben": "Ben", "cem": "Cem", "air-union": "Air Union", "open-ledger": "Open Ledger",
                "long-wave": "Long Wave", "breathe-maps": "Breathe Maps", "residents": "Residents",
                "sensors": "Sensors",
            },
            operator="air-union",
            devices="sensors",
            device_prefix="sensor",
            device_count=3,
            roles={"keeper": ["ann", "ben", "cem"]},
            generator="air-quality",
            meters={
                "readings": Counted("air.reading", "events"),
                "traffic": Counted("air.reading", "quantity"),
            },
            prices={"data-fee": {"readings": Decimal("0.01")}},
        ),
    )
}  # fmt: skip
DEFAULT: Final = EXAMPLES["ev-charging"]


def example_named(name: str) -> Example:
    """The example of that name; raises SetupError with the names that there are."""
    if name not in EXAMPLES:
        raise SetupError(f"there is no example {name!r}: write one of {', '.join(EXAMPLES)}")
    return EXAMPLES[name]
