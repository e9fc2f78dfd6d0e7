"""From committed facts to flows and metrics: rollups ▸ rate ▸ allocate ▸ metrics, all from one snapshot."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from thalweg.design import Design
from thalweg.metrics import EventCounts, Evidence, Figures, Freshness
from thalweg.money import format_atoms
from thalweg.rating import Flows, Occurrences
from thalweg_api.names import Names
from thalweg_api.schemas import WindowName
from thalweg_api.windows import Span, Windows
from thalweg_store import arrival_reading
from thalweg_store import reading as store
from thalweg_store.database import Database
from thalweg_store.facts import Fate
from thalweg_store.register import Ecosystem

#: a device that said goodbye counts as silent after this, one that is connected after a day without a word
SILENT_WHEN_OFF: Final = timedelta(minutes=1)
SILENT_WHEN_ON: Final = timedelta(days=1)
#: events that come later than this belong to a backlog, not to the live flow
_BACKLOG: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One ecosystem over one window, from one committed state."""

    now: datetime
    span: Span
    watermark: store.Watermark
    ecosystem: Ecosystem
    design: Design
    flows: Flows
    figures: Figures
    #: figures of the window before; None where there is none, or it is not covered
    before: Figures | None
    #: what was committed in the last minutes, whenever it was measured
    recent: Occurrences
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
    windows = Windows(reading, about.design_document)
    span = Span.ending(window, now, reading.measured_since(windows.meters))
    present = windows.rated(span)
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
        design=windows.plan.design,
        flows=present.flows,
        figures=replace(present.figures, evidence=evidence),
        before=windows.figures_before(span),
        recent=windows.recent(since, span),
        recent_events=reading.events_received_since(since),
        recent_delay=reading.freshness(since, at_most=_BACKLOG),
        devices=tuple(reading.devices(now)),
    )


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
