# ruff: noqa: RUF001 - formulas are written with their own signs
"""Metrics m20, m21 and m23: how much of what flows comes round again.

Sources: Finn (1976), "Measures of ecosystem structure and function derived from analysis of flows"; Page et al. (1999).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from thalweg.metrics.figures import Figures, Pair
from thalweg.metrics.metric import DESIGN, Basis, Group, Key, Level, Metric, Unit
from thalweg.metrics.values import Reason, Value, ratio, statistic

if TYPE_CHECKING:
    import networkx as nx

_DAMPING: Final = 0.85


def money_cycling(figures: Figures) -> Value:
    """Finn's index of the money flows."""
    return cycling_index(figures.money)


def value_cycling(figures: Figures) -> Value:
    """Finn's index of all value; what is only handed on counts at cost."""
    return cycling_index(figures.value)


def money_multiplier(figures: Figures) -> Value:
    """Money throughflow per money that comes in from outside or from final payers."""
    return _multiplier(figures.money)


def value_multiplier(figures: Figures) -> Value:
    """The same for all value."""
    return _multiplier(figures.value)


def cycling_index(flows: Mapping[Pair, int]) -> Value:
    """The part of the throughflow T = Σ max(in, out) that has been at its node before.

    (N_ii − 1) / N_ii with N = (I − F/T)⁻¹ is the chance that what leaves i comes back to it. It can do so only within
    its strongly connected component, and must do so in one that nothing leaves, where N does not exist.
    """
    import networkx as nx  # noqa: PLC0415 - slow to import, and not needed to start

    through = throughflow(flows)
    graph = nx.DiGraph(flows.keys())
    cycled = 0.0
    for component in nx.strongly_connected_components(graph):
        members = sorted(component)
        if len(members) == 1:
            continue
        kept = {node: sum(flows.get((node, other), 0) for other in members) for node in members}
        if all(kept[node] == through[node] for node in members):
            returning = dict.fromkeys(members, 1.0)
        else:
            shares = [[flows.get((node, other), 0) / through[node] for other in members] for node in members]
            visits = np.linalg.inv(np.eye(len(members)) - np.array(shares))
            returning = {node: 1 - 1 / float(visits[place, place]) for place, node in enumerate(members)}
        cycled += sum(through[node] * returning[node] for node in members)
    total = sum(through.values())
    return statistic(cycled / total) if total else Value(None, Reason.NO_FLOW)


def throughflow(flows: Mapping[Pair, int]) -> dict[str, int]:
    """Node → the larger of what comes in and what goes out; the difference crosses the boundary."""
    came, went = _sums(flows)
    return {node: max(came[node], went[node]) for node in sorted({*came, *went})}


def recirculation(figures: Figures) -> Mapping[Key, Value]:
    """PageRank on all value; who starts it, and who takes up what ends, are those who bring value in."""
    import networkx as nx  # noqa: PLC0415 - slow to import, and not needed to start

    came, went = _sums(figures.value)
    imports = {node: max(0, went[node] - came[node]) for node in {*came, *went}}
    if not figures.value:
        return {}
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_weighted_edges_from((source, target, float(worth)) for (source, target), worth in figures.value.items())
    teleport = imports if any(imports.values()) else None
    ranks = nx.pagerank(
        graph, alpha=_DAMPING, personalization=teleport, dangling=teleport, weight="weight", tol=1e-12, max_iter=1000
    )
    return {(node,): statistic(ranks[node]) for node in sorted(ranks)}


def _multiplier(flows: Mapping[Pair, int]) -> Value:
    came, went = _sums(flows)
    brought_in = sum(max(0, went[node] - came[node]) for node in {*came, *went})
    return ratio(sum(throughflow(flows).values()), brought_in, flows=bool(flows))


def _sums(flows: Mapping[Pair, int]) -> tuple[defaultdict[str, int], defaultdict[str, int]]:
    """What came to each node, and what went from it."""
    came: defaultdict[str, int] = defaultdict(int)
    went: defaultdict[str, int] = defaultdict(int)
    for (source, target), amount in flows.items():
        went[source] += amount
        came[target] += amount
    return came, went


ROWS: Final = (
    Metric(
        id="m20",
        name="Cycling",
        formula="Σ Tᵢ (Nᵢᵢ − 1) / Nᵢᵢ / Σ Tᵢ with T = max(in, out) and N = (I − F/T)⁻¹, over money",
        unit=Unit.RATIO,
        levels=DESIGN,
        basis=Basis.MONEY,
        source="Finn (1976)",
        explanation="Finn's cycling index: the part of the money that comes back to who spent it. 0 in a chain that "
        "ends, 1 where nothing leaves.",
        group=Group.ANALYSIS,
        of_design=money_cycling,
    ),
    Metric(
        id="m20.all",
        name="Cycling of all value",
        formula="the same over all value, as its receivers value it; what is handed on, at cost",
        unit=Unit.RATIO,
        levels=DESIGN,
        basis=Basis.ALL,
        source="Finn (1976); counting what is handed on at cost is Thalweg's own",
        explanation="The part of all value that comes back, in whatever form, to who gave it. The weighting is "
        "Thalweg's own: what a receiver only hands on counts at the money that goes back for it.",
        group=Group.ANALYSIS,
        of_design=value_cycling,
    ),
    Metric(
        id="m21",
        name="Multiplier",
        formula="Σ T / Σ max(0, out − in), over money",
        unit=Unit.RATIO,
        levels=DESIGN,
        basis=Basis.MONEY,
        source="Finn (1976)",
        explanation="How often money that comes in changes hands.",
        group=Group.ANALYSIS,
        of_design=money_multiplier,
    ),
    Metric(
        id="m21.all",
        name="Multiplier of all value",
        formula="the same over all value",
        unit=Unit.RATIO,
        levels=DESIGN,
        basis=Basis.ALL,
        source="Finn (1976); counting what is handed on at cost is Thalweg's own",
        explanation="How much value flows for each unit that is brought in.",
        group=Group.ANALYSIS,
        of_design=value_multiplier,
    ),
    Metric(
        id="m23",
        name="Recirculation rank",
        formula="PageRank on the value matrix, damping 0.85, imports as teleport",
        unit=Unit.RATIO,
        levels=(Level.NODE,),
        basis=Basis.ALL,
        source="Page et al. (1999)",
        explanation="Where value gathers if it keeps flowing as it does. The ranks sum to 1.",
        group=Group.ANALYSIS,
        of_each=recirculation,
        each=Level.NODE,
    ),
)
