"""Value-design metrics: one catalogue, computed from the flows of a window.

The README of the package gives the reading order.
"""

from thalweg.metrics.adding_up import figures_of
from thalweg.metrics.bundles import bundles_of
from thalweg.metrics.catalogue import ANALYSES, CATALOGUE, FAST, METRICS
from thalweg.metrics.conformance import candidates
from thalweg.metrics.evidence import BundleCounts, Cluster, DeviceEvents, EventCounts, Evidence, Freshness
from thalweg.metrics.extracting import extract_figures
from thalweg.metrics.figures import REST_OF_WORLD, Account, Figures, NodeKey
from thalweg.metrics.metric import Basis, Better, Group, Level, Metric, Unit
from thalweg.metrics.readings import Reading, analyses, fast_group
from thalweg.metrics.values import Reason, Value

__all__ = [
    "ANALYSES",
    "CATALOGUE",
    "FAST",
    "METRICS",
    "REST_OF_WORLD",
    "Account",
    "Basis",
    "Better",
    "BundleCounts",
    "Cluster",
    "DeviceEvents",
    "EventCounts",
    "Evidence",
    "Figures",
    "Freshness",
    "Group",
    "Level",
    "Metric",
    "NodeKey",
    "Reading",
    "Reason",
    "Unit",
    "Value",
    "analyses",
    "bundles_of",
    "candidates",
    "extract_figures",
    "fast_group",
    "figures_of",
]
