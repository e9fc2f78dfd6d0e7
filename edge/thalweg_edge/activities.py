"""What a simulated device is driven with: activities, each of which it records as a few events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of events, as a device declares it to the gateway."""

    #: unit of the quantity
    unit: str
    #: attributes that an event has
    fields: tuple[str, ...]
    #: the attribute that holds the id of the activity which ends with an event of this kind; None when none does
    numbered_by: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceEvent:
    """One event: something was used, or handed over to somebody."""

    kind: str
    #: in the smallest step of the kind's unit
    quantity: int
    #: who received it; None for what was used
    to: str | None = None
    attributes: Mapping[str, int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Activity:
    """What a device does at one moment: a charging session ends, a scooter says where it stands."""

    #: unique for its device; an attribute of the last event holds it (`Kind.numbered_by`)
    id: int
    #: when its events happen, Unix time in ms, UTC
    at_ms: int
    #: in the order in which they are recorded
    events: tuple[DeviceEvent, ...]
    #: whether it closes a bill: then the device stores it before anything else happens
    is_final: bool = False

    def command(self, at_ms: int | None) -> dict[str, Any]:
        """The line of the simulated board that records it (`firmware/README.md`), at `at_ms` or, when None, now."""
        rows = [[event.kind, event.quantity, event.to, dict(event.attributes)] for event in self.events]
        return {"at_ms": at_ms, "events": rows, "final": self.is_final}


class ActivitySource(Protocol):
    """Activities of devices, always the same ones in the same order."""

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """The kinds of all events in it."""
        ...

    @property
    def keeps_times(self) -> bool:
        """Whether `at_ms` is told to a device also when activities are paced; otherwise the device's clock counts."""
        ...

    def activities_after(self, device: str, activity_id: int | None) -> Iterator[Activity]:
        """The device's activities by their time, from the first one, or from the one behind the activity of that id."""
        ...

    def count(self, device: str) -> int | None:
        """How many activities the device has in all; None when they never end."""
        ...
