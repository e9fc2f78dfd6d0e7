"""Metrics m30 to m34: which part of the value is tangible, is information, is paid for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Final

from thalweg.design.exchanges import Medium
from thalweg.design.extracts import monetised
from thalweg.metrics.figures import Figures, Leg
from thalweg.metrics.games import Coalition
from thalweg.metrics.metric import ALL, PARTS, WHOLES, Basis, Better, Key, Level, Metric, Unit
from thalweg.metrics.values import Reason, Value, ratio

_INFORMATION: Final = (Medium.DATA, Medium.KNOWLEDGE)
_CORE_PERCENT: Final = 80
#: up to so many different sets of nodes, all choices are tried
_MOST_TRIED: Final = 12


def tangible_counts(figures: Figures) -> Value:
    """Exchanges that occurred and are tangible, per intangible one."""
    return _tangible(figures, figures.legs, count=True)


def tangible_counts_at(figures: Figures, node: str) -> Value:
    """The same for the exchanges of a node."""
    return _tangible(figures, figures.by_node.get(node, []), count=True)


def tangible_value(figures: Figures) -> Value:
    """Value received that is tangible, money included, per intangible value received."""
    return _tangible(figures, figures.legs, count=False)


def tangible_value_at(figures: Figures, node: str) -> Value:
    """The same for what a node received."""
    return _tangible(figures, _received(figures, node), count=False)


def tangible_counts_along(figures: Figures) -> Mapping[Key, Value]:
    """Exchange → whether it occurred and is tangible, per whether it is intangible: 0, or no ratio."""
    return {(exchange,): _tangible(figures, _along(figures, exchange), count=True) for exchange in figures.exchanges}


def tangible_value_along(figures: Figures) -> Mapping[Key, Value]:
    """The same by the value received along it."""
    return {(exchange,): _tangible(figures, _along(figures, exchange), count=False) for exchange in figures.exchanges}


def information_value(figures: Figures) -> Value:
    """v_to of data and knowledge per v_to of all that is not money, in percent."""
    return _information(figures, figures.legs)


def information_value_at(figures: Figures, node: str) -> Value:
    """The same for what a node received."""
    return _information(figures, _received(figures, node))


def unvalued_part(figures: Figures) -> Value:
    """The percentage of occurrences, money apart, whose worth to one of the sides is open or counted in points."""
    open_ones = {
        exchange.id
        for exchange in figures.design.exchanges
        if not exchange.is_money
        and any(side is None or not side.is_priced for side in (exchange.v_from, exchange.v_to))
    }
    goods = [leg for leg in figures.legs if not figures.is_money(leg)]
    occurred = sum(leg.occurrences for leg in goods)
    part = sum(leg.occurrences for leg in goods if leg.exchange in open_ones)
    return ratio(part, occurred, scale=100, flows=occurred > 0)


def monetised_share(figures: Figures) -> Value:
    """C in exchanges whose interface contains money, per C, in percent."""
    paid = monetised(figures.design)
    created = sum(leg.v_to - leg.v_from for leg in figures.legs if leg.exchange in paid)
    return ratio(created, figures.created, scale=100, flows=bool(figures.legs))


def monetisation_yield(figures: Figures) -> Value:
    """What final payers paid per what all receivers got that is not money, in percent."""
    worth = sum(leg.v_to for leg in figures.legs if not figures.is_money(leg))
    return ratio(figures.gross, worth, scale=100, flows=bool(figures.legs))


def core_size(figures: Figures) -> Value:
    """Nodes of the core per node, in percent."""
    nodes = core(figures)
    if nodes is None:
        return Value(None, Reason.NOT_POSITIVE if figures.legs else Reason.NO_FLOW)
    return ratio(len(nodes), len(figures.accounts), scale=100)


def core(figures: Figures) -> Coalition | None:
    """The fewest nodes between whom 80 % of the monetised value is created; None where none is.

    Exact for up to twelve different sets of nodes; beyond, sets are taken in the order of their value.
    """
    paid = monetised(figures.design)
    worth: defaultdict[Coalition, int] = defaultdict(int)
    for instance in figures.instances:
        if instance.way.exchanges & paid and instance.worth > 0:
            worth[instance.needs] += instance.worth
    needed = sum(worth.values()) * _CORE_PERCENT
    if not needed:
        return None
    if len(worth) > _MOST_TRIED:
        return _by_value(worth, needed)
    choices = (frozenset().union(*chosen) for size in range(len(worth)) for chosen in combinations(worth, size + 1))
    enough = [nodes for nodes in choices if _within(worth, nodes) * 100 >= needed]
    return min(enough, key=lambda nodes: (len(nodes), -_within(worth, nodes), sorted(nodes)))


def _by_value(worth: dict[Coalition, int], needed: int) -> Coalition:
    nodes: Coalition = frozenset()
    for coalition in sorted(worth, key=lambda each: (-worth[each], sorted(each))):
        if _within(worth, nodes) * 100 >= needed:
            break
        nodes |= coalition
    return nodes


def _within(worth: dict[Coalition, int], nodes: Coalition) -> int:
    return sum(atoms for coalition, atoms in worth.items() if coalition <= nodes)


def _along(figures: Figures, exchange: str) -> list[Leg]:
    return figures.by_exchange.get(exchange, [])


def _received(figures: Figures, node: str) -> list[Leg]:
    return [leg for leg in figures.by_node.get(node, []) if leg.target == node]


def _tangible(figures: Figures, legs: Iterable[Leg], *, count: bool) -> Value:
    sums = {True: 0, False: 0}
    counted: set[str] = set()
    for leg in legs:
        exchange = figures.exchanges.get(leg.exchange)
        tangible = exchange is None or exchange.tangible
        if not count:
            sums[tangible] += leg.v_to
        elif leg.occurrences and leg.exchange not in counted:
            counted.add(leg.exchange)
            sums[tangible] += 1
    return ratio(sums[True], sums[False], flows=any(sums.values()))


def _information(figures: Figures, legs: Iterable[Leg]) -> Value:
    goods = [leg for leg in legs if not figures.is_money(leg)]
    information = sum(leg.v_to for leg in goods if figures.exchanges[leg.exchange].medium in _INFORMATION)
    return ratio(information, sum(leg.v_to for leg in goods), scale=100, flows=bool(goods))


ROWS: Final = (
    Metric(
        id="m30",
        name="Tangible per intangible exchanges",
        formula="tangible exchanges that occurred / intangible ones",
        unit=Unit.RATIO,
        levels=ALL,
        source="Allee (2008)",
        explanation="How many exchanges a contract mentions for each that none does.",
        of_node=tangible_counts_at,
        of_design=tangible_counts,
        of_each=tangible_counts_along,
        each=Level.EXCHANGE,
    ),
    Metric(
        id="m30.value",
        name="Tangible per intangible value",
        formula="Σ v_to of tangible flows, money included / Σ v_to of intangible ones",
        unit=Unit.RATIO,
        levels=ALL,
        basis=Basis.ALL,
        source="Allee (2008)",
        explanation="How much of what is received a contract mentions for each that none does.",
        of_node=tangible_value_at,
        of_design=tangible_value,
        of_each=tangible_value_along,
        each=Level.EXCHANGE,
    ),
    Metric(
        id="m30.unvalued",
        name="Unvalued flows",
        formula="occurrences whose worth to one side is open / occurrences, money apart",
        unit=Unit.PERCENT,
        levels=WHOLES,
        better=Better.LOWER,
        explanation="The part of the flows that the other figures say nothing about.",
        of_design=unvalued_part,
    ),
    Metric(
        id="m31",
        name="Information value",
        formula="Σ v_to of data and knowledge / Σ v_to of all but money",
        unit=Unit.PERCENT,
        levels=PARTS,
        basis=Basis.ALL,
        explanation="The part of the received value that is information.",
        of_node=information_value_at,
        of_design=information_value,
    ),
    Metric(
        id="m32",
        name="Monetised share",
        formula="C in exchanges whose interface contains money / C",
        unit=Unit.PERCENT,
        levels=WHOLES,
        basis=Basis.ALL,
        better=Better.HIGHER,
        explanation="The part of the value created that somebody pays for.",
        of_design=monetised_share,
    ),
    Metric(
        id="m33",
        name="Monetisation yield",
        formula="G / Σ v_to of all but money",
        unit=Unit.PERCENT,
        levels=WHOLES,
        explanation="What final payers pay for each unit of value that receivers get.",
        of_design=monetisation_yield,
    ),
    Metric(
        id="m34",
        name="Core size",
        formula="nodes of the smallest part that creates 80 % of the monetised value / nodes",
        unit=Unit.PERCENT,
        levels=WHOLES,
        explanation="How few nodes the business stands on.",
        of_design=core_size,
    ),
)
