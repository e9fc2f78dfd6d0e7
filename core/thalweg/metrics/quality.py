"""Metrics m35, m47 and m48: how far the other figures can be trusted. The counts are given, not derived here."""

from __future__ import annotations

from thalweg.metrics.figures import Figures
from thalweg.metrics.values import Reason, Value, ratio


def coverage(figures: Figures) -> Value:
    """Mapped / received and decodable, in percent."""
    if figures.events is None:
        return Value(None, Reason.NO_FLOW)
    return ratio(figures.events.mapped, figures.events.decodable, scale=100, flows=figures.events.decodable > 0)


def completeness(figures: Figures) -> Value:
    """Received / numbered by the devices, in percent."""
    if figures.events is None:
        return Value(None, Reason.NO_FLOW)
    return ratio(figures.events.received, figures.events.numbered, scale=100, flows=figures.events.numbered > 0)


def freshness_p50(figures: Figures) -> Value:
    """Half of the events were visible within this time."""
    return Value(figures.freshness.p50_seconds) if figures.freshness else Value(None, Reason.NO_FLOW)


def freshness_p95(figures: Figures) -> Value:
    """95 percent of the events were visible within this time."""
    return Value(figures.freshness.p95_seconds) if figures.freshness else Value(None, Reason.NO_FLOW)


def freshness_p99(figures: Figures) -> Value:
    """99 percent of the events were visible within this time."""
    return Value(figures.freshness.p99_seconds) if figures.freshness else Value(None, Reason.NO_FLOW)
