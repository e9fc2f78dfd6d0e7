# ruff: noqa: RUF001 - formulas are written with their own signs
"""Metrics m30.high, m30.low and m30.perceived: how the worth of what is not money was found, and how far it is sure.

Source of the scale: Allee (2008), "Value network analysis and value conversion of tangible and intangible assets".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Final

from thalweg.design.exchanges import Confidence, Exchange, Method
from thalweg.design.fields import exact
from thalweg.metrics.figures import Figures
from thalweg.metrics.metric import WHOLES, Basis, Better, Key, Level, Metric, Unit
from thalweg.metrics.values import Reason, Value, number, ratio


def sure_part(figures: Figures) -> Value:
    """The percentage of the worth received, money apart, whose valuation is of high confidence."""
    return _part(figures, lambda confidence: confidence is Confidence.HIGH)


def unsure_part(figures: Figures) -> Value:
    """The percentage whose valuation is of low confidence, or says nothing of it."""
    return _part(figures, lambda confidence: confidence in (Confidence.LOW, None))


def perceived_value(figures: Figures) -> Value:
    """The mean points per unit received, over all exchanges that are valued by the 5-3-1 scale."""
    scaled = [exchange for exchange in figures.design.exchanges if _points(exchange) is not None]
    if not scaled:
        return Value(None, Reason.NOT_DECLARED)
    points, occurred = Fraction(0), 0
    for exchange in scaled:
        own = sum(leg.occurrences for leg in figures.by_exchange.get(exchange.id, ()))
        points += (_points(exchange) or 0) * own
        occurred += own
    return ratio(points, occurred, flows=occurred > 0)


def perceived_along(figures: Figures) -> Mapping[Key, Value]:
    """Exchange that is valued by the 5-3-1 scale → its points."""
    found = {(exchange.id,): _points(exchange) for exchange in figures.design.exchanges}
    return {key: number(points) for key, points in found.items() if points is not None}


def _part(figures: Figures, counts: Callable[[Confidence | None], bool]) -> Value:
    goods = [leg for leg in figures.legs if not figures.is_money(leg)]
    part = sum(leg.v_to for leg in goods if counts(_confidence(figures.exchanges[leg.exchange])))
    return ratio(part, sum(leg.v_to for leg in goods), scale=100, flows=bool(goods))


def _confidence(exchange: Exchange) -> Confidence | None:
    return exchange.v_to.confidence if exchange.v_to is not None else None


def _points(exchange: Exchange) -> Fraction | None:
    received = exchange.v_to
    return exact(received.amount) if received is not None and received.method is Method.SCALE_5_3_1 else None


ROWS: Final = (
    Metric(
        id="m30.high",
        name="Value that is sure",
        formula="Σ v_to of high confidence / Σ v_to of all but money",
        unit=Unit.PERCENT,
        levels=WHOLES,
        basis=Basis.ALL,
        better=Better.HIGHER,
        explanation="The part of the received value whose valuation the design calls sure. Money is apart: it is what "
        "it is.",
        of_design=sure_part,
    ),
    Metric(
        id="m30.low",
        name="Value that is unsure",
        formula="Σ v_to of low or no declared confidence / Σ v_to of all but money",
        unit=Unit.PERCENT,
        levels=WHOLES,
        basis=Basis.ALL,
        better=Better.LOWER,
        explanation="The part of the received value whose valuation is a rough estimate, or does not say how good it "
        "is. What is neither sure nor unsure is of medium confidence.",
        of_design=unsure_part,
    ),
    Metric(
        id="m30.perceived",
        name="Perceived value",
        formula="Σ points × occurrences / Σ occurrences over exchanges valued by the 5-3-1 scale",
        unit=Unit.POINTS,
        levels=WHOLES,
        better=Better.HIGHER,
        source="Allee (2008)",
        explanation="How much receivers think of what nobody has put a price on: 5 is much, 3 some, 1 little. Points "
        "are no money, and in no other figure.",
        of_design=perceived_value,
    ),
    Metric(
        id="m30.perceived-exchange",
        name="Perceived value of an exchange",
        formula="points by the 5-3-1 scale",
        unit=Unit.POINTS,
        levels=(Level.EXCHANGE,),
        better=Better.HIGHER,
        source="Allee (2008)",
        explanation="How much the receiver thinks of it.",
        of_each=perceived_along,
        each=Level.EXCHANGE,
    ),
)
