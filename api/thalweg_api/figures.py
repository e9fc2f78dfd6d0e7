"""From committed facts to flows and metrics: rollups ▸ rate ▸ allocate ▸ metrics, all from one snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from thalweg.costs import NodeCost, node_costs
from thalweg.design import Design, load
from thalweg.errors import OutsideCoverage
from thalweg.metrics import EventCounts, Evidence, Figures, Freshness, figures_of
from thalweg.money import format_atoms
from thalweg.plan import DesignPlan, compile_design
from thalweg.rating import Flows, Quantities, rate
from thalweg_api.names import Names
from thalweg_api.schemas import WindowName
from thalweg_store import arrival_reading
from thalweg_store import reading as store
from thalweg_store.database import Database
from thalweg_store.facts import Fate, quarter_hour

_LENGTHS: Final = {
    WindowName.DAY: timedelta(days=1),
    WindowName.WEEK: timedelta(days=7),
    WindowName.MONTH: timedelta(days=30),
}
_BUCKET: Final = timedelta(minutes=15)
#: a device that said goodbye counts as silent after this, one that is connected after a day without a word
SILENT_WHEN_OFF: Final = timedelta(minutes=1)
SILENT_WHEN_ON: Final = timedelta(days=1)
#: events that come later than this belong to a backlog, not to the live flow
_BACKLOG: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open window of event time on quarter hours UTC; `start` None means from the beginning.

    The window "all" begins where all meters of the design have begun to measure.
    """

    name: WindowName
    start: datetime | None
    end: datetime

    @classmethod
    def ending(cls, name: WindowName, now: datetime, measured_since: datetime | None = None) -> Span:
        """The window of that name whose last quarter hour contains `now`."""
        end = quarter_hour(now) + _BUCKET
        length = _LENGTHS.get(name)
        return cls(name, measured_since if length is None else end - length, end)

    @property
    def bounds(self) -> tuple[datetime, datetime] | None:
        """Start and end; None where it has no start."""
        return None if self.start is None else (self.start, self.end)

    def before(self) -> Span | None:
        """The window of equal length before this one."""
        if self.start is None or self.name is WindowName.ALL:
            return None
        return Span(self.name, self.start - (self.end - self.start), self.start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One ecosystem over one window, from one committed state."""

    now: datetime
    span: Span
    watermark: store.Watermark
    ecosystem: store.Ecosystem
    design: Design
    flows: Flows
    figures: Figures
    #: figures of the window before; None where there is none, or it is not covered
    before: Figures | None
    #: what was committed in the last minutes, whenever it was measured
    recent: Flows
    #: events received in the last minutes
    recent_events: int
    #: delay of what was received in the last minutes, backlogs left out; None without any
    recent_delay: arrival_reading.Freshness | None
    devices: tuple[arrival_reading.DeviceStatus, ...]

    @property
    def names(self) -> Names:
        """What participants, roles and exchanges are called."""
        return Names(self.design, self.ecosystem.participants)

    def money(self, atoms: int) -> Decimal:
        """An amount in the design's currency, exact."""
        return Decimal(format_atoms(atoms, self.design.currency))

    def is_silent(self, device: arrival_reading.DeviceStatus) -> bool:
        """Whether a device has not been heard for longer than it should."""
        allowed = SILENT_WHEN_ON if device.is_on else SILENT_WHEN_OFF
        return device.heard_at is None or self.now - device.heard_at > allowed


def facts_of(database: Database, ecosystem: str, window: WindowName, now: datetime) -> Facts:
    """Everything that the answers about `ecosystem` over `window` are made from.

    Raises UnknownEcosystem, and OutsideCoverage where a meter of the design does not cover the window.
    """
    with store.reading(database, ecosystem) as reading:
        return facts_from(reading, window, now)


def facts_from(reading: store.Reading, window: WindowName, now: datetime) -> Facts:
    """The same from an open snapshot, for answers that need more of it."""
    about = reading.ecosystem()
    span = Span.ending(window, now, reading.measured_since(meters_of(about.design_document)))
    rated = _Rated(reading, about.design_document)
    present = rated.measured(span)
    flows = rated.flows(present)
    since = now - store.RECENT
    evidence = Evidence(
        events=_event_counts(reading, span),
        freshness=_freshness(reading.freshness(span.start, at_most=_BACKLOG)),
        window=span.bounds,
    )
    return Facts(
        now=now,
        span=span,
        watermark=reading.watermark(),
        ecosystem=about,
        design=rated.plan.design,
        flows=flows,
        figures=figures_of(rated.plan.design, flows, costs=rated.costs(present), evidence=evidence),
        before=rated.figures_before(span),
        recent=rated.recent_flows(since, present),
        recent_events=reading.events_received_since(since),
        recent_delay=reading.freshness(since, at_most=_BACKLOG),
        devices=tuple(reading.devices(now)),
    )


class _Measured(NamedTuple):
    """What one window holds, and what the periods in which it begins held before it."""

    span: Span
    quantities: Quantities
    opening: Quantities


class _Rated:
    """The windows of one snapshot under its design; what a window holds is read and rated once."""

    def __init__(self, reading: store.Reading, document: str) -> None:
        self.plan = plan_of(document)
        self._reading = reading
        self._meters = meters_of(document)
        self._assignments = reading.assignments()

    def measured(self, span: Span) -> _Measured:
        """Raises OutsideCoverage."""
        quantities = self._reading.quantities(
            span.start, span.end, meters=self._meters, by_bucket=self.plan.needs_buckets
        )
        opening = Quantities.of(())
        if span.start is not None and self.plan.has_state:
            opening = self._reading.quantities(self.plan.opening(span.start), span.start, by_bucket=True)
        return _Measured(span, quantities, opening)

    def flows(self, measured: _Measured) -> Flows:
        return rate(self.plan, measured.quantities, self._assignments, measured.opening)

    def costs(self, measured: _Measured) -> tuple[NodeCost, ...]:
        design, bounds = self.plan.design, measured.span.bounds
        if bounds is None or not any(node.costs for node in design.nodes):
            return ()
        return node_costs(design, measured.quantities, self._assignments, bounds)

    def figures_before(self, span: Span) -> Figures | None:
        """Those of the window before."""
        earlier = span.before()
        if earlier is None:
            return None
        try:
            measured = self.measured(earlier)
        except OutsideCoverage:
            return None
        evidence = Evidence(window=earlier.bounds)
        return figures_of(self.plan.design, self.flows(measured), costs=self.costs(measured), evidence=evidence)

    def recent_flows(self, since: datetime, present: _Measured) -> Flows:
        """What was committed since then added, whenever it was measured."""
        recent = self._reading.recent_quantities(since)
        before = Quantities.of(())
        if self.plan.has_state:  # charges go on from all that there was before it came
            before = present.opening.plus(present.quantities).plus(recent.negative())
        return rate(self.plan, recent, self._assignments, before)


@lru_cache(maxsize=64)
def design_of(document: str) -> Design:
    """The design of a document that was validated when it was activated."""
    return load(document)


@lru_cache(maxsize=64)
def meters_of(document: str) -> frozenset[str]:
    """The content hashes of the meters that its figures come from."""
    return frozenset(plan_of(document).meters)


@lru_cache(maxsize=64)
def plan_of(document: str) -> DesignPlan:
    """The compiled design."""
    return compile_design(design_of(document))


def _event_counts(reading: store.Reading, span: Span) -> EventCounts:
    fates = reading.fates(span.start, span.end)
    completeness = reading.completeness()
    return EventCounts(
        numbered=completeness.numbered,
        received=completeness.received,
        mapped=fates[Fate.MAPPED],
        decodable=sum(fates.values()) - fates[Fate.UNDECODABLE],
    )


def _freshness(delays: arrival_reading.Freshness | None) -> Freshness | None:
    if delays is None:
        return None
    return Freshness(p50_seconds=seconds(delays.p50), p95_seconds=seconds(delays.p95), p99_seconds=seconds(delays.p99))


def seconds(duration: timedelta) -> Decimal:
    """A duration in seconds, exact to the millisecond; a clock slightly ahead counts as no delay."""
    return max(Decimal(duration // timedelta(milliseconds=1)) / 1000, Decimal(0))


def utc_now() -> datetime:
    """The API's clock."""
    return datetime.now(UTC)
