# ruff: noqa: RUF001 - formulas are written with their own signs
"""Metrics m35, m47 and m48: how far the other figures can be trusted. The counts are given, not derived here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from thalweg.metrics.evidence import DeviceEvents, EventCounts, Freshness
from thalweg.metrics.figures import Figures
from thalweg.metrics.metric import DESIGN, NODE, Better, Group, Key, Level, Metric, Unit
from thalweg.metrics.values import Reason, Value, number, ratio


def coverage(figures: Figures) -> Value:
    """Mapped / received and decodable, in percent."""
    events = figures.evidence.events
    return _of_decodable(events, events.mapped if events else 0)


def unmapped(figures: Figures) -> Value:
    """The part that no meter asks for, in percent."""
    events = figures.evidence.events
    return _of_decodable(events, events.unmapped if events else 0)


def rejected(figures: Figures) -> Value:
    """The part that a meter could not measure, in percent."""
    events = figures.evidence.events
    return _of_decodable(events, events.rejected if events else 0)


def parked(figures: Figures) -> Value:
    """The part that waits for a clock, in percent."""
    events = figures.evidence.events
    return _of_decodable(events, events.parked if events else 0)


def quantity_coverage(figures: Figures) -> Value:
    """Mapped / decodable by quantity, in percent."""
    events = figures.evidence.events
    if events is None or events.mapped_quantity is None or events.decodable_quantity is None:
        return Value(None, Reason.NO_FLOW if events is None else Reason.NOT_GIVEN)
    return ratio(events.mapped_quantity, events.decodable_quantity, scale=100, flows=events.decodable_quantity > 0)


def completeness(figures: Figures) -> Value:
    """Received / numbered by the devices, in percent."""
    events = figures.evidence.events
    if events is None:
        return Value(None, Reason.NO_FLOW)
    return ratio(events.received, events.numbered, scale=100, flows=events.numbered > 0)


def completeness_at(figures: Figures, node: str) -> Value:
    """The same for all devices that work for the node."""
    return _completeness(figures.evidence.devices, node)


def completeness_within(figures: Figures, node: str) -> Value:
    """The same for what these devices numbered within the window: what a statement of it stands on."""
    return _completeness(figures.evidence.arrivals, node)


def completeness_of_devices(figures: Figures) -> Mapping[Key, Value]:
    """The same for each device."""
    return {
        (name,): ratio(device.received, device.numbered, scale=100, flows=device.numbered > 0)
        for name, device in (figures.evidence.devices or {}).items()
    }


def missing_of_devices(figures: Figures) -> Mapping[Key, Value]:
    """How many of each device's events have not arrived; only devices that miss some."""
    return {
        (name,): number(device.numbered - device.received)
        for name, device in (figures.evidence.devices or {}).items()
        if device.numbered > device.received
    }


def freshness_p50(figures: Figures) -> Value:
    """Half of the events were visible within this time."""
    return _seconds(figures.evidence.freshness, lambda freshness: freshness.p50_seconds)


def freshness_p95(figures: Figures) -> Value:
    """95 percent of the events were visible within this time."""
    return _seconds(figures.evidence.freshness, lambda freshness: freshness.p95_seconds)


def freshness_p99(figures: Figures) -> Value:
    """99 percent of the events were visible within this time."""
    return _seconds(figures.evidence.freshness, lambda freshness: freshness.p99_seconds)


def _completeness(devices: Mapping[str, DeviceEvents] | None, node: str) -> Value:
    if devices is None:
        return Value(None, Reason.NOT_GIVEN)
    own = [device for device in devices.values() if node in device.nodes]
    numbered = sum(device.numbered for device in own)
    return ratio(sum(device.received for device in own), numbered, scale=100, flows=numbered > 0)


def _of_decodable(events: EventCounts | None, part: int) -> Value:
    if events is None:
        return Value(None, Reason.NO_FLOW)
    return ratio(part, events.decodable, scale=100, flows=events.decodable > 0)


def _seconds(freshness: Freshness | None, percentile: Callable[[Freshness], Decimal]) -> Value:
    return Value(percentile(freshness)) if freshness else Value(None, Reason.NO_FLOW)


ROWS: Final = (
    Metric(
        id="m35",
        name="Coverage",
        formula="mapped / received",
        unit=Unit.PERCENT,
        levels=DESIGN,
        better=Better.HIGHER,
        explanation="The part of the received events that a meter of the design measures. The rest is kept and shown.",
        of_design=coverage,
    ),
    Metric(
        id="m35.unmapped",
        name="Unmapped events",
        formula="unmapped / received",
        unit=Unit.PERCENT,
        levels=DESIGN,
        better=Better.LOWER,
        explanation="The part that no meter asks for: perhaps an exchange that the design does not draw yet.",
        of_design=unmapped,
    ),
    Metric(
        id="m35.rejected",
        name="Rejected events",
        formula="rejected / received",
        unit=Unit.PERCENT,
        levels=DESIGN,
        better=Better.LOWER,
        explanation="The part that a meter asks for and cannot measure, each kept with its reason.",
        of_design=rejected,
    ),
    Metric(
        id="m35.parked",
        name="Parked events",
        formula="parked / received",
        unit=Unit.PERCENT,
        levels=DESIGN,
        better=Better.LOWER,
        explanation="The part whose devices have no clock yet. With mapped, unmapped and rejected it sums to 100 %.",
        of_design=parked,
    ),
    Metric(
        id="m35.quantity",
        name="Coverage by quantity",
        formula="quantity of mapped events / quantity of received events",
        unit=Unit.PERCENT,
        levels=DESIGN,
        better=Better.HIGHER,
        explanation="The same with each event counted by its quantity.",
        of_design=quantity_coverage,
    ),
    Metric(
        id="m47",
        name="Completeness",
        formula="received / numbered by the devices",
        unit=Unit.PERCENT,
        levels=DESIGN,
        better=Better.HIGHER,
        explanation="Devices number their events, so what is missing is known. 100 % means that nothing is.",
        of_design=completeness,
    ),
    Metric(
        id="m47.node",
        name="Completeness by node",
        formula="received / numbered by the devices that work for the node",
        unit=Unit.PERCENT,
        levels=NODE,
        better=Better.HIGHER,
        explanation="What of the events of a node's devices has arrived.",
        of_node=completeness_at,
    ),
    Metric(
        id="m47.device",
        name="Completeness by device",
        formula="received / numbered by the device",
        unit=Unit.PERCENT,
        levels=(Level.DEVICE,),
        better=Better.HIGHER,
        explanation="What of a device's events has arrived.",
        of_each=completeness_of_devices,
        each=Level.DEVICE,
    ),
    Metric(
        id="m47.statement",
        name="Completeness of a statement",
        formula="received / numbered within the window by the devices that work for the node",
        unit=Unit.PERCENT,
        levels=NODE,
        better=Better.HIGHER,
        explanation="Asked for a settlement period: what of a node's events its statement stands on. What is missing "
        "between two batches counts to the window of the later one; what may miss after the last is not known yet.",
        group=Group.ANALYSIS,
        of_node=completeness_within,
    ),
    Metric(
        id="m47.gaps",
        name="Missing events of a device",
        formula="numbered − received",
        unit=Unit.COUNT,
        levels=(Level.DEVICE,),
        better=Better.LOWER,
        explanation="How many events of a device have not arrived; devices that miss none are not listed.",
        of_each=missing_of_devices,
        each=Level.DEVICE,
    ),
    Metric(
        id="m48",
        name="Freshness",
        formula="95th percentile of measured → visible",
        unit=Unit.SECONDS,
        levels=DESIGN,
        better=Better.LOWER,
        explanation="How far the figures lag behind what devices measure. What comes more than an hour late, such as "
        "the backlog of a device that was offline, is left out.",
        of_design=freshness_p95,
    ),
    Metric(
        id="m48.p50",
        name="Freshness, median",
        formula="50th percentile of measured → visible",
        unit=Unit.SECONDS,
        levels=DESIGN,
        better=Better.LOWER,
        explanation="The usual lag.",
        of_design=freshness_p50,
    ),
    Metric(
        id="m48.p99",
        name="Freshness, worst hundredth",
        formula="99th percentile of measured → visible",
        unit=Unit.SECONDS,
        levels=DESIGN,
        better=Better.LOWER,
        explanation="The lag that one event in a hundred exceeds.",
        of_design=freshness_p99,
    ),
)
