"""Rules that hold for the metrics of every window: the accounting identity, and reasons in place of bad ratios."""

from __future__ import annotations

from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.design import Design, from_document
from thalweg.design.text import parse
from thalweg.examples import example, text
from thalweg.mapping import compile_plan
from thalweg.metrics import (
    CATALOGUE,
    METRICS,
    REST_OF_WORLD,
    EventCounts,
    Evidence,
    Freshness,
    Level,
    NodeKey,
    Reason,
    Unit,
    figures_of,
)
from thalweg.rating import Quantity, rate

DESIGN = example("ev-charging")
HASHES = {meter.id: meter.hash for meter in compile_plan(DESIGN).meters}
#: who fills the host's role: nobody, a stranger, or the operator itself
ASSIGNMENTS = {1: {"host": "mall-42"}, 2: {}, 3: {"host": "city-charge"}, 4: {"host": "museum", "cpo": "museum"}}


@cache
def with_outside(*roles: str) -> Design:
    return from_document(parse(text("ev-charging")) | {"boundary": {"outside": list(roles)}})


@st.composite
def windows(draw: st.DrawFn) -> list[Quantity]:
    """Any quantities of the example's meters, refunds included."""
    found = []
    for meter, payers in (("energy", ["a", "b", ""]), ("sessions", ["a", "b", ""]), ("occupancy", [None])):
        for payer in payers:
            for assignment in ASSIGNMENTS:
                if draw(st.booleans()):
                    group = () if payer is None else (payer,)
                    quantity = draw(st.integers(-1_000, 10**9))
                    found.append(Quantity(HASHES[meter], assignment, group, quantity, draw(st.integers(1, 1000))))
    return found


@given(windows(), st.sampled_from(NodeKey), st.sets(st.sampled_from(["driver", "energy", "city", "emsp"])))
def test_what_all_capture_is_what_was_created_at_every_level_and_boundary(window, key, outside):
    figures = figures_of(with_outside(*sorted(outside)), rate(DESIGN, window, ASSIGNMENTS), key)
    accounts = figures.accounts.values()
    assert sum(account.captured for account in accounts) == figures.created
    assert sum(account.net_cash for account in accounts) == 0
    assert sum(figures.contributions.values()) == figures.created


@given(windows(), st.sampled_from(NodeKey))
def test_revenue_shares_sum_to_the_gross(window, key):
    figures = figures_of(DESIGN, rate(DESIGN, window, ASSIGNMENTS), key)
    gains = [account.net_cash for account in figures.accounts.values() if account.net_cash > 0]
    losses = [account.net_cash for account in figures.accounts.values() if account.net_cash < 0]
    assert sum(gains) == -sum(losses) == figures.gross


@given(windows())
def test_every_metric_gives_a_finite_value_or_a_reason(window):
    figures = figures_of(DESIGN, rate(DESIGN, window, ASSIGNMENTS))
    for metric in CATALOGUE:
        values = [metric.of_design(figures)] if metric.of_design else []
        values += [metric.of_node(figures, node) for node in [*figures.accounts, "nobody"]] if metric.of_node else []
        values += metric.of_each(figures).values() if metric.of_each else []
        for value, reason in values:
            assert (value is None) == (reason is not None)
            assert value is None or value.is_finite()


@pytest.mark.parametrize("metric", [metric for metric in CATALOGUE if metric.unit in {Unit.RATIO, Unit.PERCENT}])
def test_without_flows_a_ratio_is_null_with_a_reason(metric):
    nothing = figures_of(DESIGN, ())
    values = [metric.of_design(nothing)] if metric.of_design else []
    values += [metric.of_node(nothing, "cpo")] if metric.of_node else []
    if metric.id in {"m28", "m28.least", "m36"}:  # of what is designed, nothing is attained and nothing occurs
        assert [value.value for value in values] == [0]
        return
    for value, reason in values:
        assert value is None
        assert reason is not None


def test_a_window_that_destroys_value_has_no_capture_ratio():
    window = [Quantity(HASHES["energy"], 1, ("a",), -10_000, 1)]
    figures = figures_of(DESIGN, rate(DESIGN, window, ASSIGNMENTS))
    capture_ratio = METRICS["m4"].of_node
    assert capture_ratio is not None
    assert capture_ratio(figures, "drivers") == (None, Reason.NOT_POSITIVE)


def test_what_is_outside_the_boundary_is_one_node():
    window = [Quantity(HASHES["energy"], 1, ("a",), 10_000, 1)]
    figures = figures_of(with_outside("driver", "energy"), rate(DESIGN, window, ASSIGNMENTS))
    assert {"drivers", "river-power"}.isdisjoint(figures.accounts)
    assert figures.accounts[REST_OF_WORLD].net_cash == -300_000_000


def test_money_between_two_roles_of_one_participant_neither_comes_in_nor_goes_out():
    window = [Quantity(HASHES["energy"], 3, ("a",), 10_000, 1)]
    account = figures_of(DESIGN, rate(DESIGN, window, ASSIGNMENTS)).account("city-charge")
    assert (account.money_in, account.money_out) == (350_000_000, 200_000_000)


def test_an_extract_s_figures_are_those_of_its_flows():
    window = [Quantity(HASHES["energy"], 1, ("a",), 10_000, 1), Quantity(HASHES["occupancy"], 1, (), 1, 1)]
    extract = next(extract for extract in DESIGN.extracts if extract.id == "open-data")
    flows = [flow for flow in rate(DESIGN, window, ASSIGNMENTS) if flow.exchange in extract.exchanges]
    created = METRICS["m1"].of_design
    assert created is not None
    assert created(figures_of(DESIGN, flows)).value == Decimal("0.13")


def test_coverage_completeness_and_freshness_are_given_numbers():
    figures = figures_of(
        DESIGN,
        (),
        evidence=Evidence(
            events=EventCounts(numbered=400, received=300, mapped=297, decodable=300),
            freshness=Freshness(p50_seconds=Decimal("0.4"), p95_seconds=Decimal("1.5"), p99_seconds=Decimal("2.1")),
        ),
    )
    ids = ("m35", "m47", "m48", "m48.p50", "m48.p99")
    shown = {name: compute(figures).value for name in ids if (compute := METRICS[name].of_design)}
    assert shown == {
        "m35": Decimal(99),
        "m47": Decimal(75),
        "m48": Decimal("1.5"),
        "m48.p50": Decimal("0.4"),
        "m48.p99": Decimal("2.1"),
    }


def test_the_catalogue_explains_every_metric_once():
    assert len({metric.id for metric in CATALOGUE}) == len(CATALOGUE)
    assert {metric.id.partition(".")[0] for metric in CATALOGUE} == {f"m{number}" for number in range(1, 50)}
    for metric in CATALOGUE:
        assert metric.name
        assert metric.formula
        assert metric.explanation.endswith(".")
        by_node = metric.of_node is not None or metric.each is Level.NODE
        assert by_node == (Level.NODE in metric.levels)
        assert (metric.of_design is not None) == (Level.DESIGN in metric.levels)
        assert (metric.of_each is not None) == (metric.each is not None)
