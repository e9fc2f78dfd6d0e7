# ruff: noqa: RUF001 - formulas are written with their own signs
"""The metric catalogue: one table that the API, the dashboards' help texts and the documentation are made from.

A row with a dot in its id is another reading of the metric before the dot: money only, all value, a percentile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from thalweg.metrics import quality, revenue, value_flow
from thalweg.metrics.figures import Figures
from thalweg.metrics.values import Value


class Level(StrEnum):
    """What a metric can be asked of. An extract or an exchange is the design with its flows alone."""

    EXCHANGE = "exchange"
    NODE = "node"
    EXTRACT = "extract"
    DESIGN = "design"


class Unit(StrEnum):
    """What a metric's value counts."""

    #: the design's currency
    MONEY = "money"
    RATIO = "ratio"
    PERCENT = "%"
    POINTS = "points"
    SECONDS = "s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric: what it means, and how it is computed."""

    id: str
    name: str
    formula: str
    unit: Unit
    levels: tuple[Level, ...]
    #: for people, in one or two sentences
    explanation: str
    #: gives the metric of one node; None where it is not one of a node
    of_node: Callable[[Figures, str], Value] | None = None
    #: gives the metric of the design, or of the extract or exchange whose flows the figures are; None likewise
    of_design: Callable[[Figures], Value] | None = None


_ALL: Final = (Level.EXCHANGE, Level.NODE, Level.EXTRACT, Level.DESIGN)
_PARTS: Final = (Level.NODE, Level.EXTRACT, Level.DESIGN)
_WHOLES: Final = (Level.EXTRACT, Level.DESIGN)
_NODE: Final = (Level.NODE,)
_DESIGN: Final = (Level.DESIGN,)

CATALOGUE: Final[tuple[Metric, ...]] = (
    Metric(
        id="m1",
        name="Value created",
        formula="C = Σ (v_to − v_from) over all flows but money",
        unit=Unit.MONEY,
        levels=_ALL,
        explanation="What receivers gain beyond what givers give up. Money only changes hands and creates nothing. "
        "A node's part is what it gains of other things than money, less what it gives up; the parts sum to C.",
        of_node=value_flow.created_at,
        of_design=value_flow.created,
    ),
    Metric(
        id="m2",
        name="Value captured",
        formula="K = Σ in v_to − Σ out v_from, money included",
        unit=Unit.MONEY,
        levels=_PARTS,
        explanation="How much better off a node is, all value counted. Over all nodes it sums to the value created.",
        of_node=value_flow.captured_by,
        of_design=value_flow.captured,
    ),
    Metric(
        id="m2.money",
        name="Value captured, money only",
        formula="money in − money out",
        unit=Unit.MONEY,
        levels=_NODE,
        explanation="The part of the captured value that is money.",
        of_node=value_flow.net_cash_of,
    ),
    Metric(
        id="m3",
        name="Net cash flow",
        formula="M = money in − money out",
        unit=Unit.MONEY,
        levels=_NODE,
        explanation="Money that a node keeps of what passes through it; negative for who pays.",
        of_node=value_flow.net_cash_of,
    ),
    Metric(
        id="m4",
        name="Capture ratio",
        formula="K / C",
        unit=Unit.RATIO,
        levels=_NODE,
        explanation="A node's part of all value created. The ratios of all nodes sum to 1.",
        of_node=value_flow.capture_ratio,
    ),
    Metric(
        id="m5",
        name="Capture against contribution",
        formula="K / φ, where φ shares the value of each bundle of exchanges equally among all whom it needs",
        unit=Unit.RATIO,
        levels=_NODE,
        explanation="Above 1, a node captures more than what depends on it would give it by equal parts "
        "(its Shapley value); below 1, less.",
        of_node=value_flow.capture_against_contribution,
    ),
    Metric(
        id="m6",
        name="Gross",
        formula="G = Σ −M over nodes with M < 0",
        unit=Unit.MONEY,
        levels=_WHOLES,
        explanation="The money of the final payers: those who pay more than they get. The others share it.",
        of_design=revenue.gross,
    ),
    Metric(
        id="m7",
        name="Revenue share",
        formula="M / G for M > 0",
        unit=Unit.PERCENT,
        levels=_NODE,
        explanation="A node's part of the gross. The shares sum to 100 %.",
        of_node=revenue.revenue_share,
    ),
    Metric(
        id="m8",
        name="Pass-through",
        formula="min(money in, money out) / max(money in, money out)",
        unit=Unit.RATIO,
        levels=_NODE,
        explanation="Near 1, a node hands on nearly all money that it gets; 0, it only pays or only gets.",
        of_node=revenue.pass_through,
    ),
    Metric(
        id="m9",
        name="Concentration",
        formula="Σ s² × 10,000 over the revenue shares s",
        unit=Unit.POINTS,
        levels=_WHOLES,
        explanation="Herfindahl-Hirschman index: 10,000 where one node gets all; above 2,500 counts as concentrated.",
        of_design=revenue.concentration,
    ),
    Metric(
        id="m9.normalised",
        name="Concentration, normalised",
        formula="(H − 1/n) / (1 − 1/n) × 10,000 over n revenue shares",
        unit=Unit.POINTS,
        levels=_WHOLES,
        explanation="The concentration beyond what the number of nodes alone makes: 0 where all shares are equal.",
        of_design=revenue.normalised_concentration,
    ),
    Metric(
        id="m9.all",
        name="Concentration of captured value",
        formula="Σ s² × 10,000 over s = K / Σ K for K > 0",
        unit=Unit.POINTS,
        levels=_WHOLES,
        explanation="The concentration with all value counted, not money alone.",
        of_design=revenue.value_concentration,
    ),
    Metric(
        id="m9.all-normalised",
        name="Concentration of captured value, normalised",
        formula="(H − 1/n) / (1 − 1/n) × 10,000 over n parts of the captured value",
        unit=Unit.POINTS,
        levels=_WHOLES,
        explanation="The same beyond what the number of nodes alone makes.",
        of_design=revenue.normalised_value_concentration,
    ),
    Metric(
        id="m35",
        name="Coverage",
        formula="mapped / received",
        unit=Unit.PERCENT,
        levels=_DESIGN,
        explanation="The part of the received events that a meter of the design measures. The rest is kept and shown.",
        of_design=quality.coverage,
    ),
    Metric(
        id="m47",
        name="Completeness",
        formula="received / numbered by the devices",
        unit=Unit.PERCENT,
        levels=_DESIGN,
        explanation="Devices number their events, so what is missing is known. 100 % means that nothing is.",
        of_design=quality.completeness,
    ),
    Metric(
        id="m48",
        name="Freshness",
        formula="95th percentile of measured → visible",
        unit=Unit.SECONDS,
        levels=_DESIGN,
        explanation="How far the figures lag behind what devices measure. What comes more than an hour late, such as "
        "the backlog of a device that was offline, is left out.",
        of_design=quality.freshness_p95,
    ),
    Metric(
        id="m48.p50",
        name="Freshness, median",
        formula="50th percentile of measured → visible",
        unit=Unit.SECONDS,
        levels=_DESIGN,
        explanation="The usual lag.",
        of_design=quality.freshness_p50,
    ),
    Metric(
        id="m48.p99",
        name="Freshness, worst hundredth",
        formula="99th percentile of measured → visible",
        unit=Unit.SECONDS,
        levels=_DESIGN,
        explanation="The lag that one event in a hundred exceeds.",
        of_design=quality.freshness_p99,
    ),
)

METRICS: Final = {metric.id: metric for metric in CATALOGUE}
