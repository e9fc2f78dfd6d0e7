"""What describes a metric: the row type of the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from thalweg.metrics.figures import Figures
from thalweg.metrics.values import Value

#: what a value is of: one id, or several for a pair or a loop
Key = tuple[str, ...]


class Level(StrEnum):
    """What a metric can be asked of. An extract or an exchange is the design with its flows alone."""

    EXCHANGE = "exchange"
    NODE = "node"
    PAIR = "pair"
    INTERFACE = "interface"
    DRIVER = "driver"
    ROLE = "role"
    DEVICE = "device"
    LOOP = "loop"
    CLUSTER = "cluster"
    EXTRACT = "extract"
    DESIGN = "design"


class Unit(StrEnum):
    """What a metric's value counts."""

    #: the design's currency
    MONEY = "money"
    RATIO = "ratio"
    PERCENT = "%"
    PERCENTAGE_POINTS = "pp"
    POINTS = "points"
    SECONDS = "s"
    COUNT = "count"
    #: 1 for true, 0 for false
    TRUTH = "truth"


class Group(StrEnum):
    """When a metric is computed."""

    #: on every request
    FAST = "fast"
    #: from time to time; whoever keeps the answer says when it was computed
    ANALYSIS = "analysis"


class Basis(StrEnum):
    """Which value a metric counts."""

    MONEY = "money"
    #: money and everything else, as its receivers and givers value it
    ALL = "all"


class Better(StrEnum):
    """Which way a metric should move."""

    HIGHER = "higher"
    LOWER = "lower"


ALL = (Level.EXCHANGE, Level.NODE, Level.EXTRACT, Level.DESIGN)
PARTS = (Level.NODE, Level.EXTRACT, Level.DESIGN)
WHOLES = (Level.EXTRACT, Level.DESIGN)
NODE = (Level.NODE,)
DESIGN = (Level.DESIGN,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric: what it means, and how it is computed."""

    id: str
    name: str
    formula: str
    unit: Unit
    levels: tuple[Level, ...]
    #: for people, in one or two sentences
    explanation: str
    group: Group = Group.FAST
    #: None for what counts no value, such as events
    basis: Basis | None = None
    #: None for what only describes
    better: Better | None = None
    #: where the definition comes from; None for our own
    source: str | None = None
    #: gives the metric of one node; None where it is not one of a node, or is found for all nodes at once
    of_node: Callable[[Figures, str], Value] | None = None
    #: gives the metric of the design, or of the extract or exchange whose flows the figures are; None likewise
    of_design: Callable[[Figures], Value] | None = None
    #: gives the metric of everything at the level `each` at once
    of_each: Callable[[Figures], Mapping[Key, Value]] | None = None
    each: Level | None = None
