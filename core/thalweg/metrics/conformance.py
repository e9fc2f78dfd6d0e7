# ruff: noqa: RUF001 - formulas are written with their own signs
"""Metrics m36, m37, m46 and m49: whether what was designed occurs, what occurs besides, and what nobody takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from thalweg.design.fields import exact
from thalweg.design.periods import periods_in
from thalweg.metrics.evidence import Cluster
from thalweg.metrics.figures import Figures
from thalweg.metrics.metric import DESIGN, Basis, Better, Group, Key, Level, Metric, Unit
from thalweg.metrics.values import Reason, Value, money, number, ratio

#: what makes a cluster of unmapped events a candidate
_FEWEST_EVENTS: Final = 20
_FEWEST_QUARTERS: Final = 2


def conformance(figures: Figures) -> Value:
    """Exchanges that are designed and occur, per all that are designed or occur, in percent."""
    designed, occurring = _designed(figures), _occurring(figures)
    besides = len(figures.evidence.clusters or ())
    return ratio(len(designed & occurring), len(designed) + besides, scale=100, flows=bool(figures.legs))


def conformance_of(figures: Figures) -> Mapping[Key, Value]:
    """Designed exchange → 100 if it occurs, else 0."""
    occurring = _occurring(figures)
    return {(exchange.id,): number(100 * (exchange.id in occurring)) for exchange in figures.design.exchanges}


def dormant(figures: Figures) -> Value:
    """How many exchanges are designed and do not occur."""
    return number(len(_designed(figures) - _occurring(figures)))


def undesigned(figures: Figures) -> Value:
    """How many clusters of events occur that no exchange is drawn for."""
    clusters = figures.evidence.clusters
    return Value(None, Reason.NOT_GIVEN) if clusters is None else number(len(clusters))


def candidates(clusters: Iterable[Cluster]) -> list[Cluster]:
    """The clusters that are frequent enough to be proposed, the most frequent first."""
    frequent = [each for each in clusters if each.events >= _FEWEST_EVENTS and each.quarters >= _FEWEST_QUARTERS]
    return sorted(frequent, key=lambda cluster: (-cluster.events, cluster.shape))


def candidate_count(figures: Figures) -> Value:
    """How many of them are frequent enough to be proposed."""
    clusters = figures.evidence.clusters
    return Value(None, Reason.NOT_GIVEN) if clusters is None else number(len(candidates(clusters)))


def candidate_events(figures: Figures) -> Mapping[Key, Value]:
    """Shape of each → its events."""
    return {(cluster.shape,): number(cluster.events) for cluster in candidates(figures.evidence.clusters or ())}


def variance_to_scenario(figures: Figures) -> Mapping[Key, Value]:
    """Exchange with a scenario → measured less expected occurrences."""
    window = figures.evidence.window
    found: dict[Key, Value] = {}
    for exchange in figures.design.exchanges:
        if exchange.expected is None:
            continue
        if window is None:
            found[exchange.id,] = Value(None, Reason.NOT_GIVEN)
            continue
        measured = sum(leg.occurrences for leg in figures.by_exchange.get(exchange.id, []))
        held = periods_in(exchange.expected.per, *window, figures.design.zone)
        found[exchange.id,] = number(measured - exact(exchange.expected.occurrences) * held)
    return found


def vacant_value(figures: Figures) -> Mapping[Key, Value]:
    """Vacant role → all value that is booked to it."""
    return {(role,): money(account.captured, figures.currency) for role, account in sorted(figures.vacancies.items())}


def vacant_money(figures: Figures) -> Mapping[Key, Value]:
    """Vacant role → the money that waits for whoever will fill it."""
    return {(role,): money(account.net_cash, figures.currency) for role, account in sorted(figures.vacancies.items())}


def _designed(figures: Figures) -> set[str]:
    return set(figures.exchanges)


def _occurring(figures: Figures) -> set[str]:
    return {leg.exchange for leg in figures.legs if leg.occurrences > 0}


ROWS: Final = (
    Metric(
        id="m36",
        name="Conformance",
        formula="exchanges designed and occurring / exchanges designed or occurring",
        unit=Unit.PERCENT,
        levels=DESIGN,
        better=Better.HIGHER,
        explanation="How far the ecosystem does what the design draws, and nothing else.",
        of_design=conformance,
    ),
    Metric(
        id="m36.exchange",
        name="Conformance of an exchange",
        formula="100 if it occurs, else 0",
        unit=Unit.PERCENT,
        levels=(Level.EXCHANGE,),
        better=Better.HIGHER,
        explanation="Drawn solid where it occurs, dashed where it is designed only.",
        of_each=conformance_of,
        each=Level.EXCHANGE,
    ),
    Metric(
        id="m36.dormant",
        name="Designed, not occurring",
        formula="exchanges designed and not occurring",
        unit=Unit.COUNT,
        levels=DESIGN,
        better=Better.LOWER,
        explanation="Exchanges that are drawn dashed.",
        of_design=dormant,
    ),
    Metric(
        id="m36.undesigned",
        name="Occurring, not designed",
        formula="clusters of unmapped events",
        unit=Unit.COUNT,
        levels=DESIGN,
        better=Better.LOWER,
        explanation="What occurs and no exchange is drawn for: dotted.",
        of_design=undesigned,
    ),
    Metric(
        id="m37",
        name="Candidates",
        formula="clusters of unmapped events with 20 events or more, in 2 quarter hours or more",
        unit=Unit.COUNT,
        levels=DESIGN,
        explanation="Exchanges that the design could draw.",
        group=Group.ANALYSIS,
        of_design=candidate_count,
    ),
    Metric(
        id="m37.cluster",
        name="Events of a candidate",
        formula="unmapped events of the same shape",
        unit=Unit.COUNT,
        levels=(Level.CLUSTER,),
        explanation="How many events of that shape no meter asks for.",
        group=Group.ANALYSIS,
        of_each=candidate_events,
        each=Level.CLUSTER,
    ),
    Metric(
        id="m46",
        name="Variance to scenario",
        formula="measured − expected occurrences",
        unit=Unit.COUNT,
        levels=(Level.EXCHANGE,),
        explanation="How far an exchange is above or below what the design expects for a window of that length.",
        of_each=variance_to_scenario,
        each=Level.EXCHANGE,
    ),
    Metric(
        id="m49",
        name="Vacant roles",
        formula="K booked to suspense:role",
        unit=Unit.MONEY,
        levels=(Level.ROLE,),
        basis=Basis.ALL,
        better=Better.LOWER,
        explanation="All value at stake in a role that nobody fills.",
        of_each=vacant_value,
        each=Level.ROLE,
    ),
    Metric(
        id="m49.money",
        name="Money of vacant roles",
        formula="money booked to suspense:role",
        unit=Unit.MONEY,
        levels=(Level.ROLE,),
        basis=Basis.MONEY,
        better=Better.LOWER,
        explanation="What waits for whoever will fill the role.",
        of_each=vacant_money,
        each=Level.ROLE,
    ),
)
