"""What metrics need besides the flows of one window. What is not known is None, and its metrics say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thalweg.metrics.figures import Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCounts:
    """What became of events: `numbered` and `received` since the beginning, the others within the window."""

    #: seqs that the devices are known to have given out
    numbered: int
    #: of these, the ones whose batch is stored
    received: int
    #: decodable events that a meter measured
    mapped: int
    #: decodable events in all: mapped, unmapped, rejected and parked
    decodable: int
    #: decodable events that a meter could not measure
    rejected: int = 0
    #: decodable events that wait for a clock
    parked: int = 0
    #: Σ of the quantities of mapped and of all decodable events, whatever their unit; None if not counted
    mapped_quantity: int | None = None
    decodable_quantity: int | None = None

    @property
    def unmapped(self) -> int:
        """Decodable events that no meter asks for."""
        return self.decodable - self.mapped - self.rejected - self.parked


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """Percentiles of the time from measured to visible, in seconds."""

    p50_seconds: Decimal
    p95_seconds: Decimal
    p99_seconds: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceEvents:
    """How many events one device numbered, and how many of them are stored."""

    #: the nodes that it works for
    nodes: frozenset[str]
    numbered: int
    received: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleCounts:
    """How often an interface occurred, and how often all its exchanges did so together."""

    complete: int
    occurred: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Events of one shape that no meter asks for: perhaps an exchange that the design does not draw."""

    #: what they have in common, such as their kind
    shape: str
    events: int
    #: quarter hours in which they came
    quarters: int
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that is known besides the flows."""

    events: EventCounts | None = None
    freshness: Freshness | None = None
    #: start and end of the window, aware, half-open
    window: tuple[datetime, datetime] | None = None
    #: the windows of equal length before this one, oldest first, at the same zoom level
    history: tuple[Figures, ...] = ()
    #: the same history under another design, at the same zoom level
    alternative: Figures | None = None
    clusters: tuple[Cluster, ...] | None = None
    #: device → its counts since the beginning
    devices: Mapping[str, DeviceEvents] | None = None
    #: device → its counts within the window, as far as it is known what it numbered then
    arrivals: Mapping[str, DeviceEvents] | None = None
    #: interface → its counts
    bundles: Mapping[str, BundleCounts] | None = None
