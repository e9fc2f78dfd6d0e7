"""The ecosystem of the demonstration: the shipped EV-charging design, its participants and its charge points."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from thalweg.design import content_hash, load
from thalweg.examples import text
from thalweg_store.database import Database
from thalweg_store.registry import BEGINNING, NewDevice, Registry

ECOSYSTEM: Final = "ev-charging"
_NAME: Final = "EV charging with roaming"
_OPERATOR: Final = "city-charge"
_HOSTS: Final = {"mall-42": "Mall 42", "library": "City library", "rec-center": "Recreation centre"}
_PARTICIPANTS: Final = {
    "drivers": "Drivers",
    "volt-pass": "Volt Pass",
    "e-roamer": "E-Roamer",
    "roam-hub": "Roam Hub",
    _OPERATOR: "City Charge",
    "river-power": "River Power",
    "rivertown": "Rivertown",
    "charge-points": "Charge points",
    **_HOSTS,
}


def charge_points(count: int) -> list[str]:
    """Names of `count` charge points."""
    return [f"cp-{number:02}" for number in range(1, count + 1)]


def register(database: Database, devices: Sequence[str], now: datetime) -> None:
    """Register the ecosystem and its devices, at each site host in turn; a first start gets the shipped design."""
    registry = Registry(database)
    registry.ensure_ecosystem(ECOSYSTEM, _NAME, _PARTICIPANTS)
    if registry.directory(ECOSYSTEM).design_document is None:
        document = text(ECOSYSTEM)
        registry.activate_design(ECOSYSTEM, document, content_hash(load(document)), now)
    hosts = list(_HOSTS)
    new = [
        NewDevice(
            name=device, operator=_OPERATOR, roles={"host": hosts[number % len(hosts)], "charger": "charge-points"}
        )
        for number, device in enumerate(devices)
    ]
    registry.ensure_devices(ECOSYSTEM, new, BEGINNING)
