"""Drivers: how far they have come, whether everybody gets where it wants to, and whether they want the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from thalweg.design.drivers import Driver
from thalweg.metrics import Evidence, Figures, Reason, attainment
from worlds.network import driver, figures, money, worth

ARROWS = worth({("a", "b"): 600, ("b", "c"): 200}) | money({("b", "a"): 500})
FIRST = "a-b-service"


def driven(*drivers: dict[str, Any], evidence: Evidence | None = None, occurrences: int = 6) -> Figures:
    return figures(ARROWS, evidence, occurrences, drivers=list(drivers))


def only(figures_: Figures) -> Decimal | None:
    return next(iter(attainment.attained(figures_).values())).value


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({}, "0.6"),
        ({"baseline": "6"}, "0"),
        ({"target": "3"}, "1.5"),
        ({"baseline": "10", "target": "2", "direction": "lower"}, "0.5"),
        ({"direction": "band", "target": "5", "target_upper": "7"}, "1"),
        ({"direction": "band", "target": "8", "target_upper": "9"}, "0.75"),
        ({"direction": "band", "target": "4", "target_upper": "5"}, "0.75"),
        ({"direction": "band", "baseline": "12", "target": "4", "target_upper": "10"}, "1"),
        ({"direction": "band", "baseline": "12", "target": "2", "target_upper": "4"}, "0.75"),
    ],
)
def test_attainment_is_0_at_the_baseline_and_1_at_the_target_or_in_the_band(terms, expected):
    assert only(driven(driver(["a"], FIRST, **terms))) == Decimal(expected)


@given(st.integers(-50, 50), st.integers(-50, 50).filter(bool), st.integers(0, 100))
def test_attainment_stays_between_0_and_one_and_a_half(baseline, way, occurrences):
    terms = {"baseline": str(baseline), "target": str(baseline + way), "direction": "higher" if way > 0 else "lower"}
    reached = attainment.attainment(
        driven(driver(["a"], FIRST), occurrences=occurrences), Driver.model_validate(driver(["a"], FIRST, **terms))
    )
    assert reached == min(max(Fraction(occurrences - baseline, way), Fraction(0)), Fraction(3, 2))


@pytest.mark.parametrize(
    ("indicator", "expected"),
    [
        ({"exchange": FIRST, "figure": "quantity"}, 6),
        ({"exchange": FIRST, "figure": "worth"}, 6),
        ({"exchange": FIRST, "figure": "given"}, 0),
        ({"exchange": "b-a-money", "figure": "worth"}, 5),
        ({"sum": [{"exchange": FIRST, "figure": "worth"}, {"exchange": "b-c-service", "figure": "worth"}]}, 8),
        ({"difference": [{"exchange": FIRST, "figure": "worth"}, {"exchange": "b-a-money", "figure": "worth"}]}, 1),
        ({"ratio": [{"exchange": FIRST, "figure": "worth"}, {"exchange": FIRST, "figure": "occurrences"}]}, 1),
        ({"ratio": [{"exchange": FIRST, "figure": "worth"}, {"exchange": FIRST, "figure": "given"}]}, 0),
    ],
)
def test_an_indicator_is_an_expression_over_the_figures_of_exchanges(indicator, expected):
    watched = driver(["a"], FIRST, indicator=indicator)
    assert attainment.indicator_value(driven(watched), Driver.model_validate(watched).indicator) == expected


def test_a_driver_per_period_is_scaled_by_the_window_and_unknown_without_one():
    monthly = driver(["a"], FIRST, per="month", target="62")
    start = datetime(2026, 1, 1, tzinfo=UTC)
    window = Evidence(window=(start, datetime(2026, 1, 4, 2, 24, tzinfo=UTC)))  # a tenth of January
    assert only(driven(monthly, evidence=window)) == Decimal("0.967741935484")
    assert attainment.attained(driven(monthly))["d-a",].reason is Reason.NOT_GIVEN


def test_shared_drivers_count_by_weight_and_by_their_least():
    shared = [driver(["a", "b"], FIRST, id="one", weight=3), driver(["b", "c"], FIRST, id="two", target="6")]
    both = driven(*shared, driver(["a"], FIRST))
    assert attainment.shared_attainment(both).value == Decimal("0.7")
    assert attainment.least_shared_attainment(both).value == Decimal("0.6")
    assert attainment.attained_by(both, "a").value == Decimal("0.6")
    assert attainment.shared_part(both, "a").value == Decimal("0.5")
    assert attainment.shared_part(both, "c").value == 1
    assert attainment.shared_attainment(driven(driver(["a"], FIRST))).reason is Reason.NOT_DECLARED


def test_a_driver_of_the_node_that_contains_all_is_shared_by_the_ecosystem():
    nodes = [{"id": name, "name": name, "kind": "organisation", "parent": "all"} for name in "abc"]
    nodes.append({"id": "all", "name": "All", "kind": "network"})
    owned = figures(ARROWS, None, 6, drivers=[driver(["all"], FIRST)], nodes=nodes)
    assert attainment.shared_attainment(owned).value == Decimal("0.6")
    assert attainment.shared_part(owned, "a").value == 1


def test_win_win_needs_everybody_to_gain_and_to_get_where_it_wants_to():
    content = driven(driver(["a"], FIRST, threshold="0.6"))
    assert attainment.win_win(content).value == 1
    assert attainment.satisfied_part(content).value == 100
    wanting = driven(driver(["a"], FIRST))
    assert attainment.win_win(wanting).value == 0
    assert attainment.satisfied_part(wanting).value == Decimal("66.666666666667")


def test_an_owner_above_speaks_for_all_its_parts():
    nodes = [{"id": name, "name": name, "kind": "organisation", "parent": "firm"} for name in "ab"]
    nodes += [{"id": "c", "name": "c", "kind": "organisation"}, {"id": "firm", "name": "Firm", "kind": "group"}]
    held = figures(ARROWS, drivers=[driver(["firm"], FIRST)], nodes=nodes)
    assert attainment.attained_by(held, "a").value == attainment.attained_by(held, "b").value == Decimal("0.1")
    assert attainment.attained_by(held, "c").reason is Reason.NOT_DECLARED


def test_alignment_is_spearman_s_correlation_over_eight_windows():
    shared = [driver(["a", "b"], FIRST, target="100")]
    occurrences = [5, 9, 2, 7, 7, 11, 3, 8, 1]
    gains = [600, 610, 300, 580, 700, 690, 310, 500, 200]
    *before, now = (
        figures(worth({("a", "b"): cents}), None, often, drivers=shared)
        for often, cents in zip(occurrences, gains, strict=True)
    )
    few = replace(now, evidence=Evidence(history=tuple(before[:6])))
    assert attainment.alignments(few)["b",].reason is Reason.TOO_FEW_WINDOWS
    found = attainment.alignments(replace(now, evidence=Evidence(history=tuple(before))))["b",]
    assert float(found.value or 0) == pytest.approx(spearmanr(occurrences, gains).statistic)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=8, max_size=20))
def test_spearman_is_that_of_scipy_or_none_where_nothing_changes(pairs):
    one, other = [float(left) for left, _ in pairs], [float(right) for _, right in pairs]
    found = attainment.spearman(one, other)
    if len(set(one)) == 1 or len(set(other)) == 1:
        assert found == (None, Reason.NOT_POSITIVE)
    else:
        assert float(found.value or 0) == pytest.approx(spearmanr(one, other).statistic, abs=1e-9)
