# ruff: noqa: RUF001 - formulas are written with their own signs
"""Metrics m14 to m17: what depends on each node, whether it gets its part, and whether others would do better alone.

Sources: Shapley (1953), "A value for n-person games"; Gillies (1959) for the core; Picard (1976), who finds the most
valuable closure by a minimum cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

from thalweg.metrics.figures import Figures
from thalweg.metrics.games import Coalition, Game
from thalweg.metrics.metric import DESIGN, NODE, WHOLES, Basis, Better, Group, Level, Metric, Unit
from thalweg.metrics.values import Reason, Value, money, number, ratio, rounded_money

if TYPE_CHECKING:
    import networkx as nx

#: with alternatives, every coalition is looked at: 2^12 of them
MOST_PLAYERS: Final = 12


def contribution_of(figures: Figures, node: str) -> Value:
    """φ of the node."""
    if node not in figures.contributions:
        return Value(None, Reason.NO_FLOW)
    return rounded_money(figures.contributions[node], figures.currency)


def bias_of(figures: Figures, node: str) -> Value:
    """K/C − φ/C in percentage points."""
    if figures.created <= 0:
        return Value(None, Reason.NOT_POSITIVE if figures.accounts else Reason.NO_FLOW)
    return number(100 * _excess(figures, node) / figures.created)


def fairness(figures: Figures) -> Value:
    """1 less half of what is captured by others than those who contributed it, per C."""
    misplaced = sum(abs(_excess(figures, node)) for node in {*figures.accounts, *figures.contributions})
    return ratio(figures.created - Fraction(misplaced) / 2, figures.created, flows=bool(figures.accounts))


class CoreGap(NamedTuple):
    """What the coalition with most to gain would gain by itself, in atoms; nobody and 0 where there is none."""

    atoms: int
    coalition: Coalition


def core_gap(game: Game, captured: Mapping[str, int]) -> CoreGap | None:
    """The largest v(S) − Σ_S K over all coalitions; None with alternatives among more than twelve players."""
    if not game.has_alternatives:
        return _by_minimum_cut(game, captured)
    return _by_all_coalitions(game, captured) if len(game.players) <= MOST_PLAYERS else None


def core_gap_of(figures: Figures) -> Value:
    """The core gap in money."""
    if not figures.accounts:
        return Value(None, Reason.NO_FLOW)
    gap = _gap(figures)
    return money(gap.atoms, figures.currency) if gap else Value(None, Reason.TOO_LARGE)


def in_coalition(figures: Figures) -> Mapping[tuple[str, ...], Value]:
    """Node → 1 if it belongs to the coalition of the core gap, else 0."""
    gap = _gap(figures)
    return {
        (node,): number(int(node in gap.coalition)) if gap else Value(None, Reason.TOO_LARGE)
        for node in sorted(figures.accounts)
    }


def _gap(figures: Figures) -> CoreGap | None:
    return core_gap(figures.game, {node: account.captured for node, account in figures.accounts.items()})


def _excess(figures: Figures, node: str) -> Fraction:
    return figures.account(node).captured - figures.contributions.get(node, Fraction(0))


def _by_minimum_cut(game: Game, captured: Mapping[str, int]) -> CoreGap:
    """Each dividend is a project that needs its players, who cost what they capture: the best set of projects."""
    import networkx as nx  # noqa: PLC0415 - slow to import, and not needed to start

    network: nx.DiGraph[object] = nx.DiGraph()
    network.add_nodes_from(["source", "sink"])
    most = 0
    for number_, (coalition, dividend) in enumerate(game.dividends.items()):
        if len(coalition) > 1:
            most += dividend
            network.add_edge("source", ("dividend", number_), capacity=dividend)
            for player in coalition:
                network.add_edge(("dividend", number_), ("player", player))  # without capacity: unlimited
    for player in {*captured, *game.players}:
        alone = game.dividends.get(frozenset({player}), 0) - captured.get(player, 0)
        if alone > 0:
            most += alone
            network.add_edge("source", ("player", player), capacity=alone)
        elif alone < 0:
            network.add_edge(("player", player), "sink", capacity=-alone)
    cut, (kept, _) = nx.minimum_cut(network, "source", "sink")  # whole numbers in, whole numbers out
    gap = most - int(cut)
    chosen = frozenset(node[1] for node in kept if isinstance(node, tuple) and node[0] == "player")
    return CoreGap(gap, chosen if gap else frozenset())


def _by_all_coalitions(game: Game, captured: Mapping[str, int]) -> CoreGap:
    """v of every coalition as the sum of the dividends below it, one player after the other."""
    players = sorted(game.players)
    place = {player: 1 << number_ for number_, player in enumerate(players)}
    excess = [0] * (1 << len(players))
    for coalition, dividend in game.dividends.items():
        excess[sum(place[player] for player in coalition)] += dividend
    for player in players:
        excess[place[player]] -= captured.get(player, 0)
    for bit in place.values():
        for mask in range(len(excess)):
            if mask & bit:
                excess[mask] += excess[mask ^ bit]
    best = max(range(len(excess)), key=lambda mask: (excess[mask], -mask.bit_count(), -mask))
    losing = {node: -atoms for node, atoms in captured.items() if node not in place and atoms < 0}
    members = frozenset(player for player in players if best & place[player]) | losing.keys()
    return CoreGap(excess[best] + sum(losing.values()), members)


ROWS: Final = (
    Metric(
        id="m14",
        name="Contribution",
        formula="φ = Σ w(τ) / |R(τ)| over chains τ whose nodes R(τ) include it",
        unit=Unit.MONEY,
        levels=NODE,
        basis=Basis.ALL,
        better=Better.HIGHER,
        source="Shapley (1953); Harsanyi (1959)",
        explanation="Its Shapley value: what depends on the node, shared equally among all that it depends on, "
        "alternatives by inclusion and exclusion. Over all nodes it sums to the value created.",
        group=Group.ANALYSIS,
        of_node=contribution_of,
    ),
    Metric(
        id="m15",
        name="Bias",
        formula="K / C − φ / C",
        unit=Unit.PERCENTAGE_POINTS,
        levels=NODE,
        basis=Basis.ALL,
        explanation="By how much a node's part of the captured value exceeds its part of the contribution.",
        group=Group.ANALYSIS,
        of_node=bias_of,
    ),
    Metric(
        id="m16",
        name="Fairness",
        formula="1 − ½ Σ |bias|",
        unit=Unit.RATIO,
        levels=WHOLES,
        basis=Basis.ALL,
        better=Better.HIGHER,
        explanation="1 where everybody captures what it contributes; what is missing to 1 would have to change hands.",
        group=Group.ANALYSIS,
        of_design=fairness,
    ),
    Metric(
        id="m17",
        name="Core gap",
        formula="max over coalitions S of v(S) − Σ K over S",
        unit=Unit.MONEY,
        levels=DESIGN,
        basis=Basis.ALL,
        better=Better.LOWER,
        source="Gillies (1959); Picard (1976)",
        explanation="The risk of being bypassed: what some nodes would gain if they went on without the others. 0 "
        "means that nobody has a reason to.",
        group=Group.ANALYSIS,
        of_design=core_gap_of,
    ),
    Metric(
        id="m17.coalition",
        name="Coalition of the core gap",
        formula="1 for the members of the S that has most to gain, else 0",
        unit=Unit.TRUTH,
        levels=NODE,
        basis=Basis.ALL,
        source="Gillies (1959); Picard (1976)",
        explanation="Who would gain most by going on without the others.",
        group=Group.ANALYSIS,
        of_each=in_coalition,
        each=Level.NODE,
    ),
)
