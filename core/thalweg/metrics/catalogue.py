"""The metric catalogue: one table that the API, the dashboards' help texts and the documentation are made from.

Each row stands beside its functions, in the module of its subject. A row with a dot in its id is another reading of
the metric before the dot: money only, all value, a percentile.
"""

from __future__ import annotations

from typing import Final

from thalweg.metrics import (
    attainment,
    comparison,
    conformance,
    contribution,
    cycling,
    loops,
    monetising,
    quality,
    reciprocity,
    resilience,
    revenue,
    structure,
    value_flow,
    valuing,
)
from thalweg.metrics.metric import Group, Metric

_SUBJECTS: Final = (
    value_flow,
    revenue,
    reciprocity,
    contribution,
    attainment,
    loops,
    cycling,
    resilience,
    monetising,
    valuing,
    quality,
    conformance,
    comparison,
    structure,
)


def _number(metric: Metric) -> int:
    return int(metric.id.partition(".")[0].removeprefix("m"))


CATALOGUE: Final[tuple[Metric, ...]] = tuple(
    sorted((row for subject in _SUBJECTS for row in subject.ROWS), key=_number)
)

METRICS: Final = {metric.id: metric for metric in CATALOGUE}
#: computed on every request
FAST: Final = tuple(metric for metric in CATALOGUE if metric.group is Group.FAST)
#: computed from time to time
ANALYSES: Final = tuple(metric for metric in CATALOGUE if metric.group is Group.ANALYSIS)
