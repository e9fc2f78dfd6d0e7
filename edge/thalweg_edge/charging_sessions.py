"""Charging sessions, recorded or generated, and the events that a charge point makes of one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from thalweg_edge.activities import Activity, DeviceEvent, Kind

#: what charge points send
KINDS: Final[Mapping[str, Kind]] = {
    "occupancy": Kind("count", ("to",)),
    "charging.session": Kind("Wh", ("emsp", "session", "seconds"), numbered_by="session"),
}
#: e-mobility service providers (the drivers' contract partners) with their share of the sessions in per cent
PROVIDERS: Final[Mapping[str, int]] = {"volt-pass": 60, "e-roamer": 40}


@dataclass(frozen=True, slots=True)
class ChargingSession:
    """One stay of a vehicle at a charge point."""

    #: unique for its device
    id: int
    #: when the vehicle was connected and disconnected, Unix time in ms, UTC
    start_ms: int
    end_ms: int
    #: energy that was delivered; 0 is a session too
    energy_wh: int
    #: how long the vehicle was connected
    duration_seconds: int

    def activity(self) -> Activity:
        """What the charge point records at its end: the city learns that the place is free, and the bill is closed."""
        attributes: dict[str, int | str] = {
            "emsp": provider_of(self.id),
            "session": self.id,
            "seconds": self.duration_seconds,
        }
        session = DeviceEvent("charging.session", self.energy_wh, attributes=attributes)
        return Activity(self.id, self.end_ms, (DeviceEvent("occupancy", 1, to="city"), session), is_final=True)


def provider_of(session_id: int) -> str:
    """The provider whose driver charged: a fixed choice for each session id, weighted by `PROVIDERS`."""
    draw = int.from_bytes(hashlib.sha256(f"provider of session {session_id}".encode()).digest()[:8], "big")
    rest = draw % sum(PROVIDERS.values())
    for provider, share in PROVIDERS.items():
        if rest < share:
            return provider
        rest -= share
    raise AssertionError("the shares add up to the modulus")
