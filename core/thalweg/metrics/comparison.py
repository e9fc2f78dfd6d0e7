# ruff: noqa: RUF001 - formulas are written with their own signs
"""Metrics m38 and m39: how far apart two designs are, and who would be better off under the other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from thalweg.design.agreements import Agreement
from thalweg.design.document import Design
from thalweg.design.exchanges import Exchange
from thalweg.design.tariffs import Tariff
from thalweg.design.validity import validity_of
from thalweg.metrics.figures import Figures
from thalweg.metrics.metric import DESIGN, Basis, Group, Key, Level, Metric, Unit
from thalweg.metrics.values import Reason, Value, money, number

Weights = Mapping[str, int]
_EXCHANGES: Final = Fraction(1, 2)
_ELEMENTS: Final = Fraction(3, 10)
_TERMS: Final = Fraction(1, 5)


class DistanceParts(NamedTuple):
    """The three parts of a distance, each 0 for the same and 1 for nothing in common."""

    exchanges: Fraction
    elements: Fraction
    terms: Fraction

    @property
    def whole(self) -> Fraction:
        """The distance: half of it exchanges, three tenths elements, a fifth terms."""
        return _EXCHANGES * self.exchanges + _ELEMENTS * self.elements + _TERMS * self.terms


def distance(figures: Figures) -> Value:
    """Distance to the alternative's design, exchanges weighted by what flowed along them."""
    other = figures.evidence.alternative
    if other is None:
        return Value(None, Reason.NOT_GIVEN)
    return number(design_distance(figures.design, other.design, _worth(figures), _worth(other)))


def design_distance(one: Design, other: Design, weights: Weights = {}, other_weights: Weights = {}) -> Fraction:  # noqa: B006 - read only
    """0 for designs of the same exchanges, elements and terms, 1 for designs that have nothing in common."""
    return distance_parts(one, other, weights, other_weights).whole


def distance_parts(one: Design, other: Design, weights: Weights = {}, other_weights: Weights = {}) -> DistanceParts:  # noqa: B006 - read only
    """How far apart exchanges are, elements (the mean of nodes, drivers and interfaces), and terms.

    Exchanges are the same with the same ends, medium and object, whatever their id. `weights` gives their value by id;
    where it gives none at all, each counts once.
    """
    elements = [
        _jaccard({node.id for node in one.nodes}, {node.id for node in other.nodes}),
        _jaccard({driver.id for driver in one.drivers}, {driver.id for driver in other.drivers}),
        _jaccard({interface.id for interface in one.interfaces}, {interface.id for interface in other.interfaces}),
    ]
    exchanges = _weighted_jaccard(_weights_of(one, weights), _weights_of(other, other_weights))
    return DistanceParts(1 - exchanges, 1 - sum(elements, Fraction(0)) / 3, _terms(one, other))


def deltas(figures: Figures) -> Mapping[Key, Value]:
    """Node → its K under the alternative less its K here."""
    if figures.evidence.alternative is None:
        return {(node,): Value(None, Reason.NOT_GIVEN) for node in figures.accounts}
    return {(node,): money(atoms, figures.currency) for node, atoms in sorted(_deltas(figures).items())}


def pareto(figures: Figures) -> Value:
    """1 if nobody would lose and somebody would gain, else 0."""
    changes = _deltas(figures).values()
    return _known(figures, int(min(changes, default=0) >= 0 and max(changes, default=0) > 0))


def kaldor_hicks(figures: Figures) -> Value:
    """1 if the winners could make good the losses and still gain, else 0."""
    return _known(figures, int(sum(_deltas(figures).values()) > 0))


def winners(figures: Figures) -> Value:
    """How many nodes would gain."""
    return _known(figures, sum(change > 0 for change in _deltas(figures).values()))


def losers(figures: Figures) -> Value:
    """How many nodes would lose."""
    return _known(figures, sum(change < 0 for change in _deltas(figures).values()))


def _known(figures: Figures, count: int) -> Value:
    return number(count) if figures.evidence.alternative is not None else Value(None, Reason.NOT_GIVEN)


def _deltas(figures: Figures) -> dict[str, int]:
    other = figures.evidence.alternative
    if other is None:
        return {}
    nodes = {*figures.accounts, *other.accounts}
    return {node: other.account(node).captured - figures.account(node).captured for node in nodes}


def _worth(figures: Figures) -> dict[str, int]:
    return {name: max(0, sum(leg.v_to for leg in legs)) for name, legs in figures.by_exchange.items()}


def _weights_of(design: Design, weights: Weights) -> dict[tuple[str, ...], int]:
    flat = not any(weights.values())
    found: dict[tuple[str, ...], int] = {}
    for exchange in design.exchanges:
        key = _identity(exchange)
        found[key] = found.get(key, 0) + (1 if flat else weights.get(exchange.id, 0))
    return found


def _identity(exchange: Exchange) -> tuple[str, ...]:
    return exchange.source, exchange.target, exchange.medium, exchange.object


def _weighted_jaccard(one: Mapping[tuple[str, ...], int], other: Mapping[tuple[str, ...], int]) -> Fraction:
    keys = {*one, *other}
    larger = sum(max(one.get(key, 0), other.get(key, 0)) for key in keys)
    smaller = sum(min(one.get(key, 0), other.get(key, 0)) for key in keys)
    return Fraction(smaller, larger) if larger else Fraction(1)


def _jaccard(one: Collection[str], other: Collection[str]) -> Fraction:
    together = {*one, *other}
    return Fraction(len({*one} & {*other}), len(together)) if together else Fraction(1)


def _terms(one: Design, other: Design) -> Fraction:
    """The mean difference of the charges' tariffs and agreements, by the exchange that they are on."""
    differences = [_mean_difference(_by_exchange(one, one.tariffs), _by_exchange(other, other.tariffs))]
    differences.append(_mean_difference(_by_exchange(one, one.agreements), _by_exchange(other, other.agreements)))
    return sum(differences, Fraction(0)) / len(differences)


def _by_exchange(design: Design, terms: Sequence[Tariff | Agreement]) -> dict[str, object]:
    """The terms of each exchange, in force last where there are versions."""
    return {
        term.on or f"pool {term.id}": term.model_dump(mode="json", exclude_defaults=True, exclude={"id", "name", "on"})
        for term in sorted(terms, key=lambda term: validity_of(term, design.zone))
    }


def _mean_difference(one: Mapping[str, object], other: Mapping[str, object]) -> Fraction:
    keys = {*one, *other}
    parts = [_difference(one[key], other[key]) if key in one and key in other else Fraction(1) for key in keys]
    return sum(parts, Fraction(0)) / len(parts) if parts else Fraction(0)


def _difference(one: object, other: object) -> Fraction:
    """0 to 1: of numbers relative to the larger, of weights by total variation, of tables and lists the mean."""
    if one == other:
        return Fraction(0)
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() == {"split"} == other.keys():
            return _total_variation(one["split"], other["split"])
        return _mean_difference(one, other)
    if isinstance(one, list) and isinstance(other, list):
        return _mean_difference(_numbered(one), _numbered(other))
    numbers = _exact(one), _exact(other)
    if numbers[0] is None or numbers[1] is None:
        return Fraction(1)
    return min(abs(numbers[0] - numbers[1]) / max(abs(numbers[0]), abs(numbers[1])), Fraction(1))


def _numbered(items: Sequence[object]) -> dict[str, object]:
    """Items by their id where they have one, else by their place."""
    return {
        str(item["id"]) if isinstance(item, dict) and "id" in item else str(place): item
        for place, item in enumerate(items)
    }


def _total_variation(one: Mapping[str, str], other: Mapping[str, str]) -> Fraction:
    whole, other_whole = sum(map(Fraction, one.values())), sum(map(Fraction, other.values()))
    apart = (
        abs(Fraction(one.get(role, "0")) / whole - Fraction(other.get(role, "0")) / other_whole)
        for role in {*one, *other}
    )
    return sum(apart, Fraction(0)) / 2


def _exact(value: object) -> Fraction | None:
    if isinstance(value, bool):
        return None
    try:
        return Fraction(Decimal(value)) if isinstance(value, str | int) else None
    except (ArithmeticError, ValueError):
        return None


ROWS: Final = (
    Metric(
        id="m38",
        name="Design distance",
        formula="0.5 (1 − weighted Jaccard of exchanges) + 0.3 (1 − mean Jaccard of nodes, drivers, interfaces) "
        "+ 0.2 (mean difference of splits and tariffs)",
        unit=Unit.RATIO,
        levels=DESIGN,
        source="Jaccard (1901) for each part; their weights are Thalweg's own",
        explanation="How far the other design is from this one: 0 for the same, 1 for nothing in common.",
        group=Group.ANALYSIS,
        of_design=distance,
    ),
    Metric(
        id="m39",
        name="Counterfactual delta",
        formula="K(history; other design) − K(history; this design)",
        unit=Unit.MONEY,
        levels=(Level.NODE,),
        basis=Basis.ALL,
        explanation="What a node would have captured more under the other design, had all behaved the same.",
        group=Group.ANALYSIS,
        of_each=deltas,
        each=Level.NODE,
    ),
    Metric(
        id="m39.pareto",
        name="Pareto improvement",
        formula="no delta < 0, and one > 0",
        unit=Unit.TRUTH,
        levels=DESIGN,
        basis=Basis.ALL,
        explanation="Whether somebody would gain and nobody would lose.",
        group=Group.ANALYSIS,
        of_design=pareto,
    ),
    Metric(
        id="m39.kaldor-hicks",
        name="Kaldor-Hicks improvement",
        formula="Σ delta > 0",
        unit=Unit.TRUTH,
        levels=DESIGN,
        basis=Basis.ALL,
        source="Kaldor (1939); Hicks (1939)",
        explanation="Whether the winners could make good all losses and still gain.",
        group=Group.ANALYSIS,
        of_design=kaldor_hicks,
    ),
    Metric(
        id="m39.winners",
        name="Winners",
        formula="nodes with a delta > 0",
        unit=Unit.COUNT,
        levels=DESIGN,
        explanation="How many nodes would gain.",
        group=Group.ANALYSIS,
        of_design=winners,
    ),
    Metric(
        id="m39.losers",
        name="Losers",
        formula="nodes with a delta < 0",
        unit=Unit.COUNT,
        levels=DESIGN,
        explanation="How many nodes would lose.",
        group=Group.ANALYSIS,
        of_design=losers,
    ),
)
