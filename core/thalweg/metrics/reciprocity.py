# ruff: noqa: RUF001 - formulas are written with their own signs
"""Metrics m11 to m13: how far what is given comes back.

Source: Squartini et al. (2013), "Reciprocity of weighted networks".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from thalweg.metrics.figures import Figures, Pair
from thalweg.metrics.metric import DESIGN, Basis, Better, Group, Key, Level, Metric, Unit
from thalweg.metrics.values import Reason, Value, ratio, statistic

_SEED: Final = 2014
_NULL_MODELS: Final = 200


def money_between(figures: Figures) -> Mapping[Key, Value]:
    """For each two nodes between which money flows: the smaller direction per the larger."""
    return _between(figures.money)


def value_between(figures: Figures) -> Mapping[Key, Value]:
    """The same for all value."""
    return _between(figures.value)


def network_reciprocity(figures: Figures) -> Value:
    """The part of all value that is answered in kind or money."""
    return _network(figures.value)


def money_reciprocity(figures: Figures) -> Value:
    """The part of the money that is answered by money."""
    return _network(figures.money)


def beyond_chance(figures: Figures) -> Value:
    """(r − r₀) / (1 − r₀), where r₀ is the mean when the same weights lie between random pairs of the same nodes."""
    flows = figures.value
    nodes = sorted({node for pair in flows for node in pair})
    if len(nodes) < 2:
        return Value(None, Reason.NO_FLOW)
    places = len(nodes) * (len(nodes) - 1)
    generator = np.random.default_rng(_SEED)
    weights = np.array([float(weight) for weight in flows.values()])
    total = weights.sum()
    by_chance = []
    for _ in range(_NULL_MODELS):
        matrix = np.zeros(places)
        matrix[generator.permutation(places)[: len(weights)]] = weights
        square = np.zeros((len(nodes), len(nodes)))
        square[~np.eye(len(nodes), dtype=bool)] = matrix
        by_chance.append(np.minimum(square, square.T).sum() / total)
    observed = float(sum(min(weight, flows.get((target, source), 0)) for (source, target), weight in flows.items()))
    chance = float(np.mean(by_chance))
    return statistic((observed / float(total) - chance) / (1 - chance)) if chance < 1 else Value(None, Reason.NO_FLOW)


def economic_reciprocity(figures: Figures) -> Mapping[Key, Value]:
    """For each interface: complete occurrences per occurrence, in percent; what is incomplete is a leak."""
    counts = figures.evidence.bundles or {}
    found: dict[Key, Value] = {}
    for interface in figures.design.interfaces:
        if interface.correlation is None:
            found[interface.id,] = Value(None, Reason.NOT_DECLARED)
        elif interface.id not in counts:
            found[interface.id,] = Value(None, Reason.NOT_GIVEN)
        else:
            bundle = counts[interface.id]
            found[interface.id,] = ratio(bundle.complete, bundle.occurred, scale=100, flows=bundle.occurred > 0)
    return found


def _between(flows: Mapping[Pair, int]) -> Mapping[Key, Value]:
    pairs = sorted({(min(pair), max(pair)) for pair in flows})
    found: dict[Key, Value] = {}
    for one, other in pairs:
        there, back = flows.get((one, other), 0), flows.get((other, one), 0)
        found[one, other] = ratio(min(there, back), max(there, back))
    return found


def _network(flows: Mapping[Pair, int]) -> Value:
    answered = sum(min(weight, flows.get((target, source), 0)) for (source, target), weight in flows.items())
    return ratio(answered, sum(flows.values()), flows=bool(flows))


ROWS: Final = (
    Metric(
        id="m11",
        name="Pair reciprocity",
        formula="min(wᵢⱼ, wⱼᵢ) / max(wᵢⱼ, wⱼᵢ), over all value",
        unit=Unit.RATIO,
        levels=(Level.PAIR,),
        basis=Basis.ALL,
        better=Better.HIGHER,
        source="Squartini et al. (2013)",
        explanation="1 where two nodes give each other the same; 0 where one only takes. What a receiver only hands "
        "on counts at cost.",
        of_each=value_between,
        each=Level.PAIR,
    ),
    Metric(
        id="m11.money",
        name="Pair reciprocity of money",
        formula="the same over money",
        unit=Unit.RATIO,
        levels=(Level.PAIR,),
        basis=Basis.MONEY,
        better=Better.HIGHER,
        source="Squartini et al. (2013)",
        explanation="Whether two nodes pay each other.",
        of_each=money_between,
        each=Level.PAIR,
    ),
    Metric(
        id="m12",
        name="Network reciprocity",
        formula="Σ min(wᵢⱼ, wⱼᵢ) / Σ wᵢⱼ, over all value",
        unit=Unit.RATIO,
        levels=DESIGN,
        basis=Basis.ALL,
        better=Better.HIGHER,
        source="Squartini et al. (2013)",
        explanation="The part of all value that the receiver answers directly.",
        group=Group.ANALYSIS,
        of_design=network_reciprocity,
    ),
    Metric(
        id="m12.money",
        name="Network reciprocity of money",
        formula="the same over money",
        unit=Unit.RATIO,
        levels=DESIGN,
        basis=Basis.MONEY,
        better=Better.HIGHER,
        source="Squartini et al. (2013)",
        explanation="The part of the money that is answered by money.",
        group=Group.ANALYSIS,
        of_design=money_reciprocity,
    ),
    Metric(
        id="m12.beyond-chance",
        name="Network reciprocity beyond chance",
        formula="(r − r₀) / (1 − r₀), r₀ the mean of 200 seeded networks with the same weights",
        unit=Unit.RATIO,
        levels=DESIGN,
        basis=Basis.ALL,
        better=Better.HIGHER,
        source="Squartini et al. (2013)",
        explanation="0 where value is answered as often as chance would have it, 1 where it always is; negative where "
        "it is avoided.",
        group=Group.ANALYSIS,
        of_design=beyond_chance,
    ),
    Metric(
        id="m13",
        name="Economic reciprocity",
        formula="complete occurrences of an interface / all",
        unit=Unit.PERCENT,
        levels=(Level.INTERFACE,),
        better=Better.HIGHER,
        explanation="An interface is a promise that all its exchanges occur together. What is incomplete after its "
        "time-out is a leak.",
        group=Group.ANALYSIS,
        of_each=economic_reciprocity,
        each=Level.INTERFACE,
    ),
)
