"""`thalweg simulate`: what every participant would have captured under another design, as plain data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

from thalweg.counterfactual import Counterfactual, Side, compare
from thalweg.decimals import rounded_decimal
from thalweg.design import Design, content_hash
from thalweg.errors import SetupError
from thalweg.metrics import Value
from thalweg.metrics.comparison import distance, kaldor_hicks, losers, pareto, winners
from thalweg.money import format_atoms
from thalweg.plan import compile_design
from thalweg_store.database import Database
from thalweg_store.facts import quarter_hour
from thalweg_store.scanning import read_past

_PLACES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What to compare: `old` and `new` over [start, end)."""

    old: Design
    new: Design
    start: datetime
    end: datetime
    #: exchange → elasticity of its demand
    elasticities: Mapping[str, Fraction] = field(default_factory=dict)


def simulate(database: Database, ecosystem: str, simulation: Simulation) -> dict[str, Any]:
    """Old, new and delta of every participant, who wins and loses, and a hash of all that the result depends on.

    Raises SetupError for a window that is none, and whatever reading, rating and comparing raise.
    """
    _check_window(simulation.start, simulation.end)
    plans = compile_design(simulation.old), compile_design(simulation.new)
    past = read_past(database, ecosystem, plans, simulation.start, simulation.end)
    one, other = (Side(plan, *measured) for plan, measured in zip(plans, past.measured, strict=True))
    window = simulation.start, simulation.end
    compared = compare(one, other, past.assignments, window, simulation.elasticities)
    result = {
        "ecosystem": ecosystem,
        "from": simulation.start.isoformat(),
        "to": simulation.end.isoformat(),
        "currency": simulation.old.currency,
        "design": _named(simulation.old),
        "against": _named(simulation.new),
        **_figures(compared),
    }
    canonical = json.dumps(result, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return {
        **result,
        "scanned_meters": list(past.scanned),  # how it was found, not what: no part of the hash
        "result_hash": hashlib.sha256(canonical.encode()).hexdigest(),
    }


def _check_window(start: datetime, end: datetime) -> None:
    for name, moment in (("--from", start), ("--to", end)):
        if quarter_hour(moment) != moment:
            raise SetupError(f"{name}: {moment.isoformat()} is not on a quarter hour, such as :00 or :15")
    if start >= end:
        raise SetupError("--to must be later than --from")


def _named(design: Design) -> dict[str, str]:
    return {"id": design.id, "name": design.name, "hash": content_hash(design)}


def _figures(compared: Counterfactual) -> dict[str, Any]:
    old, new = compared.old, compared.new
    return {
        "participants": {
            node: _three(old.account(node).captured, new.account(node).captured, old.currency)
            for node in sorted({*old.accounts, *new.accounts})
        },
        "created": _three(old.created, new.created, old.currency),
        "pareto_improvement": _number(pareto(old)) == 1,
        "kaldor_hicks_improvement": _number(kaldor_hicks(old)) == 1,
        "winners": _number(winners(old)),
        "losers": _number(losers(old)),
        "distance": str(distance(old).value),
        "demand": {
            each.exchange: {
                "elasticity": str(rounded_decimal(each.elasticity, _PLACES)),
                "price_ratio": str(rounded_decimal(each.price_ratio, _PLACES)),
                "demand_ratio": str(rounded_decimal(each.factor, _PLACES)),
            }
            for each in compared.responses
        },
    }


def _three(old: int, new: int, currency: str) -> dict[str, str]:
    return {name: format_atoms(atoms, currency) for name, atoms in (("old", old), ("new", new), ("delta", new - old))}


def _number(value: Value) -> int:
    assert value.value is not None
    return int(value.value)
