"""All metrics of one window at once: the fast group for every request, the analyses for whoever keeps their answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from thalweg.metrics.catalogue import ANALYSES, FAST
from thalweg.metrics.figures import Figures
from thalweg.metrics.metric import Key, Level, Metric
from thalweg.metrics.values import Reason, Value


class Reading(NamedTuple):
    """One metric's value for one thing."""

    metric: str
    level: Level
    #: what it is of: empty for the design, one id, or several for a pair or a loop
    of: Key
    value: Value


def fast_group(figures: Figures, besides: Iterable[str] = ()) -> tuple[Reading, ...]:
    """What is computed on every request, in the catalogue's order, also of the nodes `besides`, without any flow."""
    return tuple(_readings(FAST, figures, besides))


def analyses(figures: Figures, besides: Iterable[str] = ()) -> tuple[Reading, ...]:
    """What takes longer, in the catalogue's order; the caller notes when it was computed, as there is no clock here."""
    return tuple(_readings(ANALYSES, figures, besides))


def _readings(metrics: Iterable[Metric], figures: Figures, besides: Iterable[str]) -> Iterator[Reading]:
    nodes = sorted({*figures.accounts, *besides})
    for metric in metrics:
        if metric.of_design is not None:
            yield Reading(metric.id, Level.DESIGN, (), metric.of_design(figures))
        if metric.of_node is not None:
            for node in nodes:
                yield Reading(metric.id, Level.NODE, (node,), metric.of_node(figures, node))
        if metric.of_each is not None and metric.each is not None:
            found = dict(metric.of_each(figures))
            if metric.each is Level.NODE:
                found = {(node,): Value(None, Reason.NO_FLOW) for node in nodes} | found
            for key, value in found.items():
                yield Reading(metric.id, metric.each, key, value)
