"""What a window's history would have come to under another design: the same events, or as demand answers its prices.

Static unless an elasticity is declared. An elasticity says by how many per cent demand for a charged exchange changes
for each per cent that its price changes: its average price over the window, that of the same events under either
design. Demand is linear in the price and never negative. All events of the meters that the exchange's chain is
measured by change alike; quantities stay whole numbers, and their sum is exact to half a step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple

from thalweg.costs import node_costs
from thalweg.design.charge_meters import ChargeMeter
from thalweg.design.document import Design
from thalweg.design.meters import meter_hash
from thalweg.design.ratios import measure_of
from thalweg.design.ways import Ways
from thalweg.errors import RatingError
from thalweg.metrics.adding_up import figures_of
from thalweg.metrics.evidence import Evidence
from thalweg.metrics.figures import Figures
from thalweg.plan import DesignPlan
from thalweg.rating import Flow, Flows, Quantities, Quantity, rate
from thalweg.rating_lines import Assignments


class Side(NamedTuple):
    """A design, with what it measures of a window and of the periods before that bear on it."""

    plan: DesignPlan
    quantities: Quantities
    opening: Quantities

    def flows(self, assignments: Assignments) -> Flows:
        """All flows of the window."""
        return rate(self.plan, self.quantities, assignments, self.opening)


class Response(NamedTuple):
    """How demand answers a price."""

    exchange: str
    elasticity: Fraction
    #: the price under the other design by the price under the first
    price_ratio: Fraction
    #: what demand is multiplied by
    factor: Fraction


@dataclass(frozen=True)
class Counterfactual:
    """A window under two designs."""

    #: with `new` as its evidence's alternative: metrics m38 and m39 compare the two
    old: Figures
    new: Figures
    responses: tuple[Response, ...]


def compare(
    one: Side,
    other: Side,
    assignments: Assignments,
    window: tuple[datetime, datetime],
    elasticities: Mapping[str, Fraction],
) -> Counterfactual:
    """The window under `one` and under `other`, by participant; `elasticities` are by exchange.

    Raises RatingError for designs in different currencies, and for an elasticity whose exchange has no price to change.
    """
    currencies = one.plan.design.currency, other.plan.design.currency
    if currencies[0] != currencies[1]:
        raise RatingError(f"one design settles in {currencies[0]}, the other in {currencies[1]}: use one currency")
    flows, other_flows = one.flows(assignments), other.flows(assignments)
    responses = tuple(
        _response(exchange, elasticity, _charged(one, flows, exchange), _charged(other, other_flows, exchange))
        for exchange, elasticity in elasticities.items()
    )
    if responses:
        other = _answered(other, responses)
        other_flows = other.flows(assignments)
    new = _figures(other, other_flows, assignments, Evidence(window=window))
    old = _figures(one, flows, assignments, Evidence(window=window, alternative=new))
    return Counterfactual(old, new, responses)


def _figures(side: Side, flows: Iterable[Flow], assignments: Assignments, evidence: Evidence) -> Figures:
    assert evidence.window is not None
    costs = node_costs(side.plan.design, side.quantities.summed(), assignments, evidence.window)
    return figures_of(side.plan.design, flows, costs=costs, evidence=evidence)


def _charged(side: Side, flows: Iterable[Flow], exchange: str) -> int:
    """What is charged along the exchange, in atoms; raises RatingError where no tariff does."""
    charged = side.plan.charges.exchanges
    if exchange not in charged:
        known = ", ".join(sorted(charged)) or "none"
        raise RatingError(f"no tariff of {side.plan.design.id!r} charges {exchange!r}: elasticities are of {known}")
    return sum(flow.v_to_atoms for flow in flows if flow.exchange == exchange and flow.agreement is None)


def _response(exchange: str, elasticity: Fraction, old_atoms: int, new_atoms: int) -> Response:
    if old_atoms <= 0:
        raise RatingError(f"nothing was charged along {exchange!r} in this window: leave its elasticity out")
    price_ratio = Fraction(new_atoms, old_atoms)
    return Response(exchange, elasticity, price_ratio, max(Fraction(0), 1 + elasticity * (price_ratio - 1)))


def _answered(side: Side, responses: Iterable[Response]) -> Side:
    factors: dict[str, Fraction] = {}
    for response in responses:
        for meter in _meters_with(side.plan, response.exchange):
            factors[meter] = factors.get(meter, Fraction(1)) * response.factor
    return side._replace(quantities=Quantities.of(_scaled(side.quantities, factors)))


def _meters_with(plan: DesignPlan, exchange: str) -> set[str]:
    """Content hashes of all that measures the exchange's chain, charge meters included."""
    measured = {_measured_by(plan.design, each) for each in _together_with(plan, exchange)}
    charge_meters = {
        content_hash
        for content_hash, meter in plan.meters.items()
        if isinstance(meter, ChargeMeter) and meter_hash(meter.meter) in measured
    }
    return measured | charge_meters


def _together_with(plan: DesignPlan, exchange: str) -> set[str]:
    """The exchange and all of its way that have a measure; shares follow the charge that they are made from."""
    place = Ways(plan.design.chains, plan.design.exchanges).places.get(exchange)
    way = place.way.exchanges if place else frozenset[str]()
    worths = {each.id for each in plan.design.exchanges if not each.is_money}
    return {exchange} | (way & (worths | plan.charges.exchanges.keys()))


def _measured_by(design: Design, exchange_id: str) -> str:
    exchange = next(each for each in design.exchanges if each.id == exchange_id)
    return meter_hash(measure_of(design, exchange)[0])


def _scaled(quantities: Iterable[Quantity], factors: Mapping[str, Fraction]) -> list[Quantity]:
    """Each meter's running sums are scaled and rounded, so that single small quantities do not all round alike."""
    running: dict[str, tuple[int, int]] = {}
    scaled = []
    for each in sorted(quantities, key=_order):
        factor = factors.get(each.meter_hash)
        if factor is None:
            scaled.append(each)
            continue
        before = running.get(each.meter_hash, (0, 0))
        after = running[each.meter_hash] = before[0] + each.quantity, before[1] + each.occurrences
        quantity, occurrences = (
            round(last * factor) - round(first * factor) for first, last in zip(before, after, strict=True)
        )
        scaled.append(each._replace(quantity=quantity, occurrences=occurrences))
    return scaled


def _order(quantity: Quantity) -> tuple[str, int, tuple[str, ...], str]:
    bucket = quantity.bucket
    return (*quantity[:3], "" if bucket is None else bucket.isoformat())
