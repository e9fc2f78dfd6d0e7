"""What a design says, in words and as plain data: what `thalweg design show` and `validate` print."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from thalweg.allocation.breakpoints import breakpoints
from thalweg.decimals import rounded_decimal
from thalweg.design import Design, completeness, content_hash, validate
from thalweg.design.document import Extract
from thalweg.design.drivers import Difference, Direction, Driver, Indicator, Kpi, Sum
from thalweg.design.exchanges import Exchange, Valuation
from thalweg.design.extracts import required_closure
from thalweg.design.meters import meter_hash
from thalweg.design.nodes import Node
from thalweg.design.rules.unreachable import warnings
from thalweg.design.text import parse
from thalweg.design.ways import Way, Ways
from thalweg.errors import InvalidDesign, Problem
from thalweg.metrics import extract_figures
from thalweg.metrics.monetising import core
from thalweg.rating import Flows, Quantity, rate
from thalweg.units import unit
from thalweg_app.tariff_words import tariff_in_words

#: any quarter hour will do: what is handed over is worth the same at any time
_SOME_QUARTER: Final = datetime(2026, 1, 1, tzinfo=UTC)


def describe_validity(document: str) -> dict[str, Any]:
    """Every problem of a document; of a sound one, warnings and how complete each pillar is."""
    try:
        plain = parse(document)
        problems = validate(plain)
    except InvalidDesign as error:
        problems = error.problems
    answer: dict[str, Any] = {
        "valid": not problems,
        "problems": [_problem(each) for each in problems],
        "warnings": [],
        "completeness": {},
    }
    if problems:
        return answer
    design = Design.model_validate(plain)
    numbered = enumerate(design.agreements)
    found = [each for number, agreement in numbered for each in warnings(f"agreements[{number}]", agreement)]
    scores = {
        each.pillar: {"score": str(rounded_decimal(each.score, 4)), "missing": dict(each.missing)}
        for each in completeness(design)
    }
    about = {"id": design.id, "name": design.name, "hash": content_hash(design)}
    return {**about, **answer, "warnings": [_problem(each) for each in found], "completeness": scores}


def describe_design(design: Design) -> dict[str, Any]:
    """The design by its pillars, with terms, chains and extracts."""
    flows = _flows_of_one_unit(design)
    return {
        "id": design.id,
        "name": design.name,
        "hash": content_hash(design),
        "currency": design.currency,
        "zone": design.zone,
        "nodes": [{"id": node.id, "name": node.name, "words": _node(node)} for node in design.nodes],
        "outside": list(design.boundary.outside),
        "drivers": [{"id": each.id, "name": each.name, "words": _driver(each)} for each in design.drivers],
        "exchanges": [_exchange(design, exchange) for exchange in design.exchanges],
        "agreements": [
            {"id": each.id, "on": each.on, "words": breakpoints(each, design.currency)} for each in design.agreements
        ],
        "chains": [
            {"id": chain.removeprefix("_interface.").removeprefix("_exchange."), "ways": [_way(way) for way in ways]}
            for chain, ways in Ways(design.chains, design.exchanges).of.items()
        ],
        "are_chains_declared": bool(design.chains),
        "extracts": [_extract(design, extract, flows) for extract in design.extracts],
    }


def _problem(problem: Problem) -> dict[str, str]:
    return problem._asdict()


def _node(node: Node) -> str:
    parts = [node.kind.value.replace("_", " ")]
    if node.parent is not None:
        parts.append(f"part of {node.parent}")
    if node.participant is not None:
        parts.append(f"filled by {node.participant} unless an assignment says otherwise")
    elif node.from_attribute is not None:
        parts.append(f"filled by whom the event names as {node.from_attribute!r}")
    return ", ".join(parts)


def _driver(driver: Driver) -> str:
    if driver.direction is Direction.BAND:
        goal = f"between {driver.target} and {driver.target_upper}"
    else:
        goal = f"{driver.direction.value}, from {driver.baseline} to {driver.target}"
    period = f" per {driver.per.value}" if driver.per is not None else ""
    return f"{', '.join(driver.owners)}: {_indicator(driver.indicator)} {goal}{period}"


def _indicator(indicator: Kpi) -> str:
    if isinstance(indicator, Indicator):
        return f"{indicator.figure} of {indicator.exchange}"
    if isinstance(indicator, Sum):
        return f"({' + '.join(map(_indicator, indicator.sum))})"
    if isinstance(indicator, Difference):
        return f"({' - '.join(map(_indicator, indicator.difference))})"
    return f"({' / '.join(map(_indicator, indicator.ratio))})"


def _exchange(design: Design, exchange: Exchange) -> dict[str, Any]:
    tariffs = [
        {"id": tariff.id, "words": tariff_in_words(tariff, exchange.unit, design.currency)}
        for tariff in design.tariffs
        if tariff.on == exchange.id
    ]
    words = f"{exchange.source} gives {exchange.target} {exchange.object} ({exchange.medium.value})"
    if not exchange.is_money:
        worths = (("the giver", exchange.v_from), ("the receiver", exchange.v_to))
        words += "".join(f", {_worth(value, exchange.unit, design.currency)} to {who}" for who, value in worths)
    return {"id": exchange.id, "name": exchange.name, "words": words, "tariffs": tariffs}


def _worth(valuation: Valuation | None, per: str, currency: str) -> str:
    if valuation is None:
        return "of open worth"
    counted_in = currency if valuation.is_priced else "points"
    return f"worth {valuation.amount} {counted_in} per {per} ({valuation.method.value.replace('_', ' ')})"


def _way(way: Way) -> dict[str, Any]:
    return {
        "id": way.id.removeprefix("_interface.").removeprefix("_exchange."),
        "trigger": way.trigger,
        "exchanges": sorted(way.exchanges),
        "needs": sorted(way.roles),
        "fallback": None if way.fallback is None else str(rounded_decimal(way.fallback, 12)),
    }


def _extract(design: Design, extract: Extract, flows: Flows) -> dict[str, Any]:
    closure = required_closure(design, extract)
    found = core(extract_figures(design, extract, flows))
    return {
        "id": extract.id,
        "name": extract.name,
        "nodes": list(extract.nodes),
        "exchanges": list(extract.exchanges),
        "closure": {"nodes": sorted(closure.nodes), "exchanges": sorted(closure.exchanges)},
        "core": None if found is None else sorted(found),
    }


def _flows_of_one_unit(design: Design) -> Flows:
    """What flows when each meter counts one unit in one event: without a history, all count alike.

    The unit is the largest that an exchange is priced by.
    """
    steps = {meter.id: unit(meter.unit).steps for meter in design.meters}
    for exchange in design.exchanges:
        if exchange.meter is not None:
            steps[exchange.meter] = max(steps[exchange.meter], unit(exchange.unit).steps)
    quantities = [
        Quantity(meter_hash(each), 0, ("any",) * len(each.group_by), steps[each.id], 1, _SOME_QUARTER)
        for each in design.meters
    ]
    nobody: Mapping[str, str] = {}
    return rate(design, quantities, {0: nobody})
