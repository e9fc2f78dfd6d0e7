"""What a charge point is driven with: charging sessions, wherever they come from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

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


class SessionSource(Protocol):
    """Sessions of devices, always the same ones in the same order."""

    #: whether `end_ms` is to be told to the device also when sessions are paced; otherwise the device's clock counts
    keeps_times: bool

    def sessions_after(self, device: str, session_id: int | None) -> Iterator[ChargingSession]:
        """The device's sessions by their end, from the first one, or from the one behind the session of that id."""
        ...

    def count(self, device: str) -> int | None:
        """How many sessions the device has in all; None when they never end."""
        ...


def provider_of(session_id: int) -> str:
    """The provider whose driver charged: a fixed choice for each session id, weighted by `PROVIDERS`."""
    draw = int.from_bytes(hashlib.sha256(f"provider of session {session_id}".encode()).digest()[:8], "big")
    rest = draw % sum(PROVIDERS.values())
    for provider, share in PROVIDERS.items():
        if rest < share:
            return provider
        rest -= share
    raise AssertionError("the shares add up to the modulus")
