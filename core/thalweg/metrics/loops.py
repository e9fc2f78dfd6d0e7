"""Metrics m19 and m22: loops of value, and whether more of it makes more of it.

The gain of a loop says what moved with what in the past. It claims no cause.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from thalweg.metrics.figures import Figures, Pair
from thalweg.metrics.metric import Basis, Group, Key, Level, Metric, Unit
from thalweg.metrics.values import Reason, Value, money, statistic

if TYPE_CHECKING:
    import networkx as nx

#: legs of a loop
_SHORTEST: Final = 3
_LONGEST: Final = 6
_MOST_LOOPS: Final = 100

_FEWEST_WINDOWS: Final = 30
_MOST_GAINS: Final = 10
_RIDGE: Final = 1.0
_SEED: Final = 2014
_BOOTSTRAPS: Final = 200
_BLOCK: Final = 5

Series = NDArray[np.float64]


def loops(figures: Figures) -> Mapping[Key, Value]:
    """Loops of all value, each with its smallest leg, largest first; at most a hundred."""
    return {loop: money(smallest, figures.currency) for loop, smallest in _loops(figures.value)}


def gains(figures: Figures) -> Mapping[Key, Value]:
    """The gain of each of the ten largest loops."""
    return {loop: _reading(figures, loop, place=0) for loop, _ in _loops(figures.value)[:_MOST_GAINS]}


def low_gains(figures: Figures) -> Mapping[Key, Value]:
    """The lower ends of their 95 % intervals."""
    return {loop: _reading(figures, loop, place=1) for loop, _ in _loops(figures.value)[:_MOST_GAINS]}


def high_gains(figures: Figures) -> Mapping[Key, Value]:
    """The upper ends of their 95 % intervals."""
    return {loop: _reading(figures, loop, place=2) for loop, _ in _loops(figures.value)[:_MOST_GAINS]}


def gain(legs: Sequence[Series]) -> tuple[float, float, float]:
    """The product of the lag-1 log-log elasticities along the loop, and its 95 % block bootstrap interval.

    `legs` are the positive flows of each leg over the windows, in the loop's order.
    """
    logs = np.log(np.array(legs))
    before, after = logs[:, :-1], np.roll(logs, -1, axis=0)[:, 1:]
    generator = np.random.default_rng(_SEED)
    windows = before.shape[1]
    resampled = []
    for _ in range(_BOOTSTRAPS):
        begins = generator.integers(0, windows - _BLOCK + 1, size=-(-windows // _BLOCK))
        chosen = (begins[:, None] + np.arange(_BLOCK)).ravel()[:windows]
        resampled.append(_product(before[:, chosen], after[:, chosen]))
    low, high = np.percentile(resampled, (2.5, 97.5))
    return _product(before, after), float(low), float(high)


def _product(before: Series, after: Series) -> float:
    """Each leg of the window after explained by the leg before it in the loop, by ridge regression."""
    x = before - before.mean(axis=1, keepdims=True)
    y = after - after.mean(axis=1, keepdims=True)
    return float(np.prod((x * y).sum(axis=1) / ((x * x).sum(axis=1) + _RIDGE)))


def _reading(figures: Figures, loop: Key, place: int) -> Value:
    windows = [*figures.evidence.history, figures]
    if len(windows) < _FEWEST_WINDOWS:
        return Value(None, Reason.TOO_FEW_WINDOWS)
    pairs = list(zip(loop, (*loop[1:], loop[0]), strict=True))
    legs = [np.array([float(window.value.get(pair, 0)) for window in windows]) for pair in pairs]
    if any((leg <= 0).any() for leg in legs):
        return Value(None, Reason.NOT_POSITIVE)
    return statistic(gain(legs)[place])


def _loops(flows: Mapping[Pair, int]) -> list[tuple[Key, int]]:
    """The loops with the largest smallest legs: legs are drawn from the largest on, and close loops as they come."""
    import networkx as nx  # noqa: PLC0415 - slow to import, and not needed to start

    graph: nx.DiGraph[str] = nx.DiGraph()
    found: list[tuple[Key, int]] = []
    for (source, target), amount in sorted(flows.items(), key=lambda flow: (-flow[1], flow[0])):
        for nodes in _paths(graph, target, source):
            first = nodes.index(min(nodes))
            found.append(((*nodes[first:], *nodes[:first]), amount))
            if len(found) == _MOST_LOOPS:
                return found
        graph.add_edge(source, target)
    return found


def _paths(graph: nx.DiGraph[str], begin: str, end: str) -> Iterator[list[str]]:
    import networkx as nx  # noqa: PLC0415 - slow to import, and not needed to start

    if begin in graph and end in graph:
        paths = nx.all_simple_paths(graph, begin, end, cutoff=_LONGEST - 1)
        yield from (path for path in paths if len(path) >= _SHORTEST)


ROWS: Final = (
    Metric(
        id="m19",
        name="Loops",
        formula="simple cycles of 3 to 6 nodes, by their smallest leg; the 100 largest",
        unit=Unit.MONEY,
        levels=(Level.LOOP,),
        basis=Basis.ALL,
        explanation="Where value goes round, and how much of it at the narrowest place.",
        group=Group.ANALYSIS,
        of_each=loops,
        each=Level.LOOP,
    ),
    Metric(
        id="m22",
        name="Loop gain",
        formula="product of the lag-1 log-log elasticities along the loop, ridge regression, over 30 windows or more",
        unit=Unit.RATIO,
        levels=(Level.LOOP,),
        basis=Basis.ALL,
        explanation="Above 1, more in one window went with still more in later ones. It shows no cause. "
        "The ten largest loops.",
        group=Group.ANALYSIS,
        of_each=gains,
        each=Level.LOOP,
    ),
    Metric(
        id="m22.low",
        name="Loop gain, lower end",
        formula="2.5th percentile of 200 block bootstraps",
        unit=Unit.RATIO,
        levels=(Level.LOOP,),
        basis=Basis.ALL,
        explanation="The gain is above this with 97.5 % confidence.",
        group=Group.ANALYSIS,
        of_each=low_gains,
        each=Level.LOOP,
    ),
    Metric(
        id="m22.high",
        name="Loop gain, upper end",
        formula="97.5th percentile of 200 block bootstraps",
        unit=Unit.RATIO,
        levels=(Level.LOOP,),
        basis=Basis.ALL,
        explanation="The gain is below this with 97.5 % confidence.",
        group=Group.ANALYSIS,
        of_each=high_gains,
        each=Level.LOOP,
    ),
)
