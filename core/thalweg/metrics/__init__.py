"""Value-design metrics: one catalogue, computed from the flows of a window.

Reading order: `figures`, `value_flow`, `revenue`, `quality`, `catalogue`.
"""

from thalweg.metrics.catalogue import CATALOGUE, METRICS, Level, Metric, Unit
from thalweg.metrics.figures import (
    REST_OF_WORLD,
    Account,
    EventCounts,
    Figures,
    Freshness,
    NodeKey,
    figures_of,
)
from thalweg.metrics.values import Reason, Value

__all__ = [
    "CATALOGUE",
    "METRICS",
    "REST_OF_WORLD",
    "Account",
    "EventCounts",
    "Figures",
    "Freshness",
    "Level",
    "Metric",
    "NodeKey",
    "Reason",
    "Unit",
    "Value",
    "figures_of",
]
