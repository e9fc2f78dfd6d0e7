# ruff: noqa: RUF001 - formulas are written with their own signs
"""Metrics m42 to m45: the shape of the network of value, and who holds it together.

Sources: Freeman (1978), "Centrality in social networks"; Shannon (1948); Iansiti and Levien (2004) for health;
Muegge (2013) for the resource cycle between platform, business and community.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from typing import Final

import numpy as np

from thalweg.design.nodes import Layer
from thalweg.design.shares import all_exchanges
from thalweg.metrics.figures import Figures, Pair
from thalweg.metrics.metric import DESIGN, Basis, Better, Group, Key, Level, Metric, Unit
from thalweg.metrics.resilience import robustness
from thalweg.metrics.values import Reason, Value, money, ratio, statistic

_CYCLE: Final = (
    (Layer.PLATFORM, Layer.BUSINESS),
    (Layer.BUSINESS, Layer.COMMUNITY),
    (Layer.COMMUNITY, Layer.PLATFORM),
)


def centralisation(figures: Figures) -> Value:
    """Freeman's degree centralisation: 1 for a star, 0 where all have equally many partners."""
    nodes = sorted(figures.accounts)
    if len(nodes) < 3:
        return Value(None, Reason.NOT_POSITIVE if nodes else Reason.NO_FLOW)
    partners = [len(_partners(figures.value).get(node, ())) for node in nodes]
    most = max(partners)
    return ratio(sum(most - each for each in partners), (len(nodes) - 1) * (len(nodes) - 2))


def entropy(figures: Figures) -> Value:
    """Shannon's entropy of what the nodes receive, per log n."""
    received: defaultdict[str, int] = defaultdict(int)
    for (_, target), amount in figures.value.items():
        received[target] += amount
    if len(received) < 2:
        return Value(None, Reason.NOT_POSITIVE if received else Reason.NO_FLOW)
    shares = np.array([float(amount) for amount in received.values()])
    shares /= shares.sum()
    return statistic(float(-(shares * np.log(shares)).sum() / np.log(len(figures.accounts))))


def density(figures: Figures) -> Value:
    """Pairs between which value flows, per possible pair."""
    count = len(figures.accounts)
    return ratio(len(figures.value), count * (count - 1), flows=bool(figures.accounts))


def keystones(figures: Figures) -> Mapping[Key, Value]:
    """Node → the geometric mean of its ranks by betweenness, by loss without it and by contribution, each in 0..1."""
    return {(node,): statistic(score) for node, score in _keystone_scores(figures).items()}


def keystone_changes(figures: Figures) -> Mapping[Key, Value]:
    """Node → its score less its mean score over the windows before that it took part in."""
    before = [_keystone_scores(window) for window in figures.evidence.history]
    found: dict[Key, Value] = {}
    for node, score in _keystone_scores(figures).items():
        earlier = [scores[node] for scores in before if node in scores]
        known = statistic(score - float(np.mean(earlier))) if earlier else Value(None, Reason.TOO_FEW_WINDOWS)
        found[node,] = known
    return found


def _keystone_scores(figures: Figures) -> dict[str, float]:
    import networkx as nx  # noqa: PLC0415 - slow to import, and not needed to start
    from scipy.stats import gmean, rankdata  # noqa: PLC0415 - slow to import, and rarely needed

    nodes = sorted(figures.accounts)
    if not nodes:
        return {}
    graph = nx.DiGraph(figures.value.keys())
    graph.add_nodes_from(nodes)
    between = nx.betweenness_centrality(graph)
    marks = [
        [between[node] for node in nodes],
        [float(figures.game.lost_without.get(node, 0)) for node in nodes],
        [float(figures.contributions.get(node, Fraction(0))) for node in nodes],
    ]
    scores = gmean(np.array([rankdata(mark) / len(nodes) for mark in marks]), axis=0)
    return dict(zip(nodes, map(float, scores), strict=True))


def closure(figures: Figures) -> Value:
    """The narrowest leg of platform → business → community → platform, per widest, over all value."""
    return _closure(figures, money_only=False)


def money_closure(figures: Figures) -> Value:
    """The same over money."""
    return _closure(figures, money_only=True)


def productivity(figures: Figures) -> Value:
    """Value created per node that takes part."""
    if not figures.accounts:
        return Value(None, Reason.NO_FLOW)
    return money(round(Fraction(figures.created, len(figures.accounts))), figures.currency)


def niche_creation(figures: Figures) -> Value:
    """Pairs with a flow that had none in the first window of the history, per pair with a flow."""
    if not figures.evidence.history:
        return Value(None, Reason.TOO_FEW_WINDOWS)
    new = figures.value.keys() - figures.evidence.history[0].value.keys()
    return ratio(len(new), len(figures.value), scale=100, flows=bool(figures.value))


def _closure(figures: Figures, *, money_only: bool) -> Value:
    layers = {node.id: node.layer for node in figures.design.nodes}
    ends = {name: (each.source, each.target) for name, each in all_exchanges(figures.design).items()}
    legs = dict.fromkeys(_CYCLE, 0)
    for leg in figures.legs:
        source, target = ends[leg.exchange]
        between = layers[source], layers[target]
        if between in legs and (not money_only or figures.is_money(leg)):
            legs[between] += leg.v_to
    return ratio(max(min(legs.values()), 0), max(legs.values()), flows=bool(figures.legs))


def _partners(flows: Mapping[Pair, int]) -> Mapping[str, set[str]]:
    partners: defaultdict[str, set[str]] = defaultdict(set)
    for source, target in flows:
        partners[source].add(target)
        partners[target].add(source)
    return partners


ROWS: Final = (
    Metric(
        id="m42",
        name="Centralisation",
        formula="Σ (most partners − partners) / ((n − 1)(n − 2))",
        unit=Unit.RATIO,
        levels=DESIGN,
        basis=Basis.ALL,
        source="Freeman (1978)",
        explanation="Freeman's: 1 where all deal with one node only, 0 where all have equally many partners.",
        group=Group.ANALYSIS,
        of_design=centralisation,
    ),
    Metric(
        id="m42.entropy",
        name="Evenness",
        formula="−Σ p log p / log n over the parts p of the received value",
        unit=Unit.RATIO,
        levels=DESIGN,
        basis=Basis.ALL,
        source="Shannon (1948)",
        explanation="Shannon's entropy: 1 where all nodes receive the same.",
        group=Group.ANALYSIS,
        of_design=entropy,
    ),
    Metric(
        id="m42.density",
        name="Density",
        formula="pairs with a flow / n (n − 1)",
        unit=Unit.RATIO,
        levels=DESIGN,
        basis=Basis.ALL,
        explanation="How many of the possible relations are in use.",
        group=Group.ANALYSIS,
        of_design=density,
    ),
    Metric(
        id="m43",
        name="Keystone score",
        formula="geometric mean of the ranks by betweenness, m24 and φ / C, each per n",
        unit=Unit.RATIO,
        levels=(Level.NODE,),
        basis=Basis.ALL,
        explanation="Near 1 for whom value passes through, depends on and comes from.",
        group=Group.ANALYSIS,
        of_each=keystones,
        each=Level.NODE,
    ),
    Metric(
        id="m43.change",
        name="Keystone score, change",
        formula="m43 − its mean over the windows before",
        unit=Unit.RATIO,
        levels=(Level.NODE,),
        basis=Basis.ALL,
        explanation="Positive for whom the others come to depend on more than they did.",
        group=Group.ANALYSIS,
        of_each=keystone_changes,
        each=Level.NODE,
    ),
    Metric(
        id="m44",
        name="Resource cycle",
        formula="min / max of the legs platform → business → community → platform, over all value",
        unit=Unit.RATIO,
        levels=DESIGN,
        basis=Basis.ALL,
        better=Better.HIGHER,
        source="Muegge (2013)",
        explanation="1 where as much comes back to the platform as leaves it; 0 where the cycle is open.",
        group=Group.ANALYSIS,
        of_design=closure,
    ),
    Metric(
        id="m44.money",
        name="Resource cycle of money",
        formula="the same over money",
        unit=Unit.RATIO,
        levels=DESIGN,
        basis=Basis.MONEY,
        better=Better.HIGHER,
        source="Muegge (2013)",
        explanation="Whether money closes the cycle.",
        group=Group.ANALYSIS,
        of_design=money_closure,
    ),
    Metric(
        id="m45.productivity",
        name="Health: productivity",
        formula="C / nodes that take part",
        unit=Unit.MONEY,
        levels=DESIGN,
        basis=Basis.ALL,
        better=Better.HIGHER,
        source="Iansiti and Levien (2004)",
        explanation="Value created by each node on average.",
        group=Group.ANALYSIS,
        of_design=productivity,
    ),
    Metric(
        id="m45.robustness",
        name="Health: robustness",
        formula="m25",
        unit=Unit.RATIO,
        levels=DESIGN,
        basis=Basis.ALL,
        better=Better.HIGHER,
        source="Iansiti and Levien (2004)",
        explanation="What is left after the worst loss of one node.",
        group=Group.ANALYSIS,
        of_design=robustness,
    ),
    Metric(
        id="m45.niches",
        name="Health: niche creation",
        formula="relations in use that were not in the first window of the history / relations in use",
        unit=Unit.PERCENT,
        levels=DESIGN,
        basis=Basis.ALL,
        better=Better.HIGHER,
        source="Iansiti and Levien (2004)",
        explanation="The part of the relations that is new.",
        group=Group.ANALYSIS,
        of_design=niche_creation,
    ),
)
