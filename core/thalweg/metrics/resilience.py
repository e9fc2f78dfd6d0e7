# ruff: noqa: RUF001 - formulas are written with their own signs
"""Metrics m24 to m26, m40 and m41: what is lost when somebody leaves, and who would follow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from itertools import combinations
from typing import Final

from thalweg.metrics.figures import REST_OF_WORLD, Figures, Instance
from thalweg.metrics.metric import DESIGN, Basis, Better, Group, Key, Level, Metric, Unit
from thalweg.metrics.values import Reason, Value, money, ratio

#: windows of loss after which a node gives up
_PATIENCE: Final = 3


def loss_without(figures: Figures) -> Mapping[Key, Value]:
    """Node → the percentage of v that goes with it; alternatives that need it not stand in."""
    lost, total = figures.game.lost_without, figures.game.total
    return {(node,): ratio(lost.get(node, 0), total, scale=100) for node in sorted({*figures.accounts, *lost})}


def loss_without_exchange(figures: Figures) -> Mapping[Key, Value]:
    """Exchange → the percentage of v that goes with it, likewise."""
    total = figures.game.total
    lost = dict.fromkeys((exchange.id for exchange in figures.design.exchanges), 0)
    for instance in figures.instances:
        for exchange in instance.way.exchanges:
            lost[exchange] += instance.worth - _stand_in(instance, exchange)
    return {(exchange,): ratio(atoms, total, scale=100, flows=bool(figures.legs)) for exchange, atoms in lost.items()}


def robustness(figures: Figures) -> Value:
    """1 less the largest loss of v by one replaceable node."""
    replaceable = {node.id for node in figures.design.nodes if node.replaceable}
    lost = [
        figures.game.lost_without.get(node, 0)
        for node, roles in figures.roles.items()
        if roles <= replaceable and node != REST_OF_WORLD
    ]
    total = figures.game.total
    return ratio(total - max(lost, default=0), total, flows=bool(figures.legs))


def surviving(figures: Figures) -> Value:
    """The percentage of C that is left when those leave who lost in three windows running, and so on."""
    windows = [*figures.evidence.history, figures][-_PATIENCE:]
    if len(windows) < _PATIENCE:
        return Value(None, Reason.TOO_FEW_WINDOWS)
    gone: set[str] = set()
    while leaving := _losing(windows, gone):
        gone |= leaving
    left = sum(captured for node, captured in captured_without(figures, gone).items() if node not in gone)
    return ratio(left, figures.created, scale=100, flows=bool(figures.legs))


def captured_without(figures: Figures, gone: Collection[str]) -> dict[str, int]:
    """Node → what it would capture of the flows that need none of `gone`; costs stay."""
    left_out = frozenset(gone)
    captured = {node: -account.costs for node, account in figures.accounts.items() if node not in left_out}
    for leg in figures.legs:
        if not leg.needs & left_out:
            captured[leg.source] -= leg.v_from
            captured[leg.target] += leg.v_to
    return captured


def dependency(figures: Figures) -> Mapping[Key, Value]:
    """(node, other) → the percentage of the node's K that it would not capture without the other."""
    lost: defaultdict[tuple[str, str], int] = defaultdict(int)
    for leg in figures.legs:
        for other in leg.needs:
            lost[leg.source, other] -= leg.v_from
            lost[leg.target, other] += leg.v_to
    return {
        (node, other): ratio(atoms, figures.account(node).captured, scale=100)
        for (node, other), atoms in sorted(lost.items())
        if node != other
    }


def complementarity(figures: Figures) -> Mapping[Key, Value]:
    """(node, other) → v(N) − v(N∖node) − v(N∖other) + v(N∖both); positive where they need each other."""
    together: defaultdict[tuple[str, str], int] = defaultdict(int)
    for coalition, dividend in figures.game.dividends.items():
        for pair in combinations(sorted(coalition), 2):
            together[pair] += dividend
    return {pair: money(atoms, figures.currency) for pair, atoms in sorted(together.items())}


def _losing(windows: Collection[Figures], gone: Collection[str]) -> set[str]:
    """Who captures less than nothing in every window, if `gone` had not taken part."""
    captured = [captured_without(window, gone) for window in windows]
    common = set.intersection(*(set(each) for each in captured)) - set(gone) - {REST_OF_WORLD}
    return {node for node in common if all(each[node] < 0 for each in captured)}


def _stand_in(instance: Instance, exchange: str) -> int:
    return next((worth for way, _, worth in instance.fallbacks if exchange not in way.exchanges), 0)


ROWS: Final = (
    Metric(
        id="m24",
        name="Loss without a node",
        formula="1 − v(N∖{i}) / v(N)",
        unit=Unit.PERCENT,
        levels=(Level.NODE,),
        basis=Basis.ALL,
        better=Better.LOWER,
        explanation="What of the value created would go if the node left. Declared alternatives stand in for it.",
        group=Group.ANALYSIS,
        of_each=loss_without,
        each=Level.NODE,
    ),
    Metric(
        id="m24.exchange",
        name="Loss without an exchange",
        formula="1 − v(without the ways that contain it) / v(N)",
        unit=Unit.PERCENT,
        levels=(Level.EXCHANGE,),
        basis=Basis.ALL,
        better=Better.LOWER,
        explanation="What of the value created would go if the exchange did not occur.",
        group=Group.ANALYSIS,
        of_each=loss_without_exchange,
        each=Level.EXCHANGE,
    ),
    Metric(
        id="m25",
        name="Robustness",
        formula="1 − max of m24 over replaceable nodes",
        unit=Unit.RATIO,
        levels=DESIGN,
        basis=Basis.ALL,
        better=Better.HIGHER,
        explanation="What is left after the worst loss of one node. Nodes that the design declares irreplaceable are "
        "left out, as without them it would be another ecosystem.",
        group=Group.ANALYSIS,
        of_design=robustness,
    ),
    Metric(
        id="m26",
        name="Viability",
        formula="C without those with K < 0 in 3 windows running, and without whom that makes lose, … / C",
        unit=Unit.PERCENT,
        levels=DESIGN,
        basis=Basis.ALL,
        better=Better.HIGHER,
        explanation="What survives if whoever keeps losing leaves, and takes along what needs it.",
        group=Group.ANALYSIS,
        of_design=surviving,
    ),
    Metric(
        id="m40",
        name="Dependency",
        formula="1 − K(without the other) / K",
        unit=Unit.PERCENT,
        levels=(Level.PAIR,),
        basis=Basis.ALL,
        better=Better.LOWER,
        explanation="How much of what the first captures hangs on the second.",
        group=Group.ANALYSIS,
        of_each=dependency,
        each=Level.PAIR,
    ),
    Metric(
        id="m41",
        name="Complementarity",
        formula="v(N) − v(N∖{i}) − v(N∖{j}) + v(N∖{i, j})",
        unit=Unit.MONEY,
        levels=(Level.PAIR,),
        basis=Basis.ALL,
        explanation="Positive where two nodes create more together than each adds alone; negative where one can stand "
        "in for the other.",
        group=Group.ANALYSIS,
        of_each=complementarity,
        each=Level.PAIR,
    ),
)
