# ruff: noqa: RUF001 - formulas are written with their own signs
"""Metrics m18 and m27 to m29: whether what the nodes want to move does move, and whether they want the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Final

import numpy as np

from thalweg.design.drivers import Difference, Direction, Driver, Indicator, Kpi, Ratio, Sum
from thalweg.design.fields import exact
from thalweg.design.periods import periods_in
from thalweg.metrics.figures import REST_OF_WORLD, Figures
from thalweg.metrics.metric import DESIGN, NODE, WHOLES, Better, Group, Key, Level, Metric, Unit
from thalweg.metrics.values import Reason, Value, number, ratio, statistic
from thalweg.money import atoms_per_major_unit
from thalweg.units import unit

_MOST: Final = Fraction(3, 2)
_FEWEST_WINDOWS: Final = 8


def attainment(figures: Figures, driver: Driver) -> Fraction | None:
    """0 at the baseline, 1 at the target, at most 1.5; None where a driver per period has no window to be scaled by."""
    measured = indicator_value(figures, driver.indicator)
    if driver.per is not None:
        window = figures.evidence.window
        held = periods_in(driver.per, *window, figures.design.zone) if window else Fraction(0)
        if not held:
            return None
        measured /= held
    baseline, target = exact(driver.baseline), exact(driver.target)
    if driver.direction is Direction.BAND:
        upper = exact(driver.target_upper or driver.target)
        outside = max(target - measured, measured - upper, Fraction(0))
        way_there = max(target - baseline, baseline - upper)
        attained = 1 - outside / way_there
    else:
        attained = (measured - baseline) / (target - baseline)
    return min(max(attained, Fraction(0)), _MOST)


def indicator_value(figures: Figures, indicator: Kpi) -> Fraction:
    """The indicator over the window, in declared units and in the currency; a ratio to nothing is 0."""
    match indicator:
        case Indicator():
            return _figure(figures, indicator)
        case Sum(sum=parts):
            return sum((indicator_value(figures, part) for part in parts), Fraction(0))
        case Difference(difference=(one, other)):
            return indicator_value(figures, one) - indicator_value(figures, other)
        case Ratio(ratio=(one, other)):
            per = indicator_value(figures, other)
            return indicator_value(figures, one) / per if per else Fraction(0)


def _figure(figures: Figures, indicator: Indicator) -> Fraction:
    legs = figures.by_exchange.get(indicator.exchange, [])
    match indicator.figure:
        case "quantity":
            return Fraction(sum(leg.quantity for leg in legs)) / unit(figures.exchanges[indicator.exchange].unit).steps
        case "occurrences":
            return Fraction(sum(leg.occurrences for leg in legs))
        case "worth":
            return Fraction(sum(leg.v_to for leg in legs), atoms_per_major_unit(figures.currency))
        case "given":
            return Fraction(sum(leg.v_from for leg in legs), atoms_per_major_unit(figures.currency))


def attained(figures: Figures) -> Mapping[Key, Value]:
    """Driver → its attainment."""
    return {(driver.id,): _value(attainment(figures, driver)) for driver in figures.design.drivers}


def attained_by(figures: Figures, node: str) -> Value:
    """The weighted mean over the drivers that the node owns, alone or with others."""
    return _mean(figures, _owned(figures, node))


def shared_attainment(figures: Figures) -> Value:
    """The weighted mean over the shared drivers."""
    return _mean(figures, _shared(figures))


def least_shared_attainment(figures: Figures) -> Value:
    """The smallest attainment of a shared driver."""
    drivers = _shared(figures)
    found = [attainment(figures, driver) for driver in drivers]
    known = [each for each in found if each is not None]
    return _value(min(known) if len(known) == len(found) and known else None, declared=bool(drivers))


def alignments(figures: Figures) -> Mapping[Key, Value]:
    """Node → Spearman's rank correlation of its K with the shared attainment, over at least eight windows."""
    windows = [*figures.evidence.history, figures]
    shared = [shared_attainment(window) for window in windows]
    unknown = next((each for each in shared if each.value is None), None)
    if len(windows) < _FEWEST_WINDOWS:
        unknown = Value(None, Reason.TOO_FEW_WINDOWS)
    attained_ = [float(each.value or 0) for each in shared]
    return {
        (node,): unknown or spearman([window.account(node).captured for window in windows], attained_)
        for node in figures.accounts
    }


def spearman(one: Iterable[float], other: Iterable[float]) -> Value:
    """Spearman's rank correlation, ties by their mean rank; none where one of both never changes."""
    from scipy.stats import rankdata  # noqa: PLC0415 - slow to import, and rarely needed

    ranks = [rankdata(np.array(list(series), dtype=float)) for series in (one, other)]
    if any(np.ptp(rank) == 0 for rank in ranks):
        return Value(None, Reason.NOT_POSITIVE)
    return statistic(float(np.corrcoef(*ranks)[0, 1]))


def shared_part(figures: Figures, node: str) -> Value:
    """The part of the node's drivers that it shares."""
    drivers = _owned(figures, node)
    if not drivers:
        return Value(None, Reason.NOT_DECLARED)
    return ratio(sum(_is_shared(figures, driver) for driver in drivers), len(drivers))


def is_satisfied(figures: Figures, node: str) -> bool:
    """Whether the node captures no less than nothing and all its individual drivers are at their threshold."""
    individual = [driver for driver in _owned(figures, node) if not _is_shared(figures, driver)]
    found = [(attainment(figures, driver), exact(driver.threshold)) for driver in individual]
    return figures.account(node).captured >= 0 and all(got is not None and got >= need for got, need in found)


def win_win(figures: Figures) -> Value:
    """1 if every node is satisfied, else 0."""
    nodes = _inside(figures)
    return number(int(all(is_satisfied(figures, node) for node in nodes))) if nodes else Value(None, Reason.NO_FLOW)


def satisfied_part(figures: Figures) -> Value:
    """The percentage of nodes that are satisfied."""
    nodes = _inside(figures)
    return ratio(sum(is_satisfied(figures, node) for node in nodes), len(nodes), scale=100, flows=bool(nodes))


def _inside(figures: Figures) -> list[str]:
    return [node for node in figures.accounts if node != REST_OF_WORLD]


def _owned(figures: Figures, node: str) -> list[Driver]:
    """The drivers whose owners are, or contain, a role of the node."""
    roles = figures.roles.get(node, frozenset())
    within = {owner for role in roles for owner in (role, *figures.forest.above(role))}
    return [driver for driver in figures.design.drivers if within.intersection(driver.owners)]


def _shared(figures: Figures) -> list[Driver]:
    return [driver for driver in figures.design.drivers if _is_shared(figures, driver)]


def _is_shared(figures: Figures, driver: Driver) -> bool:
    return driver.is_shared or driver.owners == (figures.forest.root,)


def _mean(figures: Figures, drivers: list[Driver]) -> Value:
    total = Fraction(0)
    for driver in drivers:
        attained_ = attainment(figures, driver)
        if attained_ is None:
            return _value(None)
        total += attained_ * driver.weight
    return ratio(total, sum(driver.weight for driver in drivers)) if drivers else _value(None, declared=False)


def _value(attained_: Fraction | None, *, declared: bool = True) -> Value:
    if attained_ is not None:
        return number(attained_)
    return Value(None, Reason.NOT_GIVEN if declared else Reason.NOT_DECLARED)


ROWS: Final = (
    Metric(
        id="m18",
        name="Win-win",
        formula="all K ≥ 0 and all individual drivers at their threshold",
        unit=Unit.TRUTH,
        levels=WHOLES,
        better=Better.HIGHER,
        explanation="Whether everybody gains and gets where it wants to.",
        group=Group.ANALYSIS,
        of_design=win_win,
    ),
    Metric(
        id="m18.part",
        name="Satisfied nodes",
        formula="nodes with K ≥ 0 and all individual drivers at their threshold / nodes",
        unit=Unit.PERCENT,
        levels=WHOLES,
        better=Better.HIGHER,
        explanation="The part of the nodes that gain and get where they want to.",
        group=Group.ANALYSIS,
        of_design=satisfied_part,
    ),
    Metric(
        id="m27",
        name="Attainment",
        formula="(x − baseline) / (target − baseline), clipped to 0..1.5; in a band 1, falling to 0 at the baseline",
        unit=Unit.RATIO,
        levels=(Level.DRIVER,),
        better=Better.HIGHER,
        explanation="How far a driver's indicator has come: 0 at the baseline, 1 at the target.",
        of_each=attained,
        each=Level.DRIVER,
    ),
    Metric(
        id="m27.node",
        name="Attainment of a node",
        formula="weighted mean over the drivers that it owns",
        unit=Unit.RATIO,
        levels=NODE,
        better=Better.HIGHER,
        explanation="How far a node has come with what it wants to move.",
        of_node=attained_by,
    ),
    Metric(
        id="m28",
        name="Shared attainment",
        formula="weighted mean over shared drivers",
        unit=Unit.RATIO,
        levels=DESIGN,
        better=Better.HIGHER,
        explanation="How far the ecosystem has come with what several of its nodes want together.",
        of_design=shared_attainment,
    ),
    Metric(
        id="m28.least",
        name="Least shared attainment",
        formula="minimum over shared drivers",
        unit=Unit.RATIO,
        levels=DESIGN,
        better=Better.HIGHER,
        explanation="The shared driver that is furthest from its target.",
        of_design=least_shared_attainment,
    ),
    Metric(
        id="m29",
        name="Alignment",
        formula="Spearman's ρ of K with the shared attainment, over 8 windows or more",
        unit=Unit.RATIO,
        levels=NODE,
        better=Better.HIGHER,
        source="Spearman (1904)",
        explanation="Near 1, a node gains when the shared drivers move; below 0, it gains when they do not.",
        group=Group.ANALYSIS,
        of_each=alignments,
        each=Level.NODE,
    ),
    Metric(
        id="m29.shared",
        name="Shared drivers of a node",
        formula="shared drivers / drivers of the node",
        unit=Unit.RATIO,
        levels=NODE,
        better=Better.HIGHER,
        explanation="The part of what a node wants to move that it wants together with others.",
        of_node=shared_part,
    ),
)
