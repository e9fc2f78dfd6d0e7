"""What is rated in columns, or with quarter hours added up before, is what it is one by one, to the last atom."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.design import Design, from_document
from thalweg.plan import compile_design
from thalweg.quantities import Quantities
from thalweg.rating import Flow, Quantity, count, rate
from worlds.tariffs import START, document, measured, money, one_by_one, tariff
from worlds.tariffs import Session as Happened

PARTIES = {"a": "anna", "b": "berta", "c": "carla", "d": "anna"}
#: in the third and fourth, other roles coincide; in the last, one is vacant and another sorts elsewhere
ASSIGNMENTS = {
    1: PARTIES,
    2: PARTIES | {"b": "ben"},
    3: PARTIES | {"b": "anna"},
    4: PARTIES | {"c": "city-charge"},
    5: {"a": "zora"},
}
LARGE = 10**17

prices = st.decimals(min_value=0, max_value=9, places=9).map(lambda number: format(number, "f"))
timed = st.one_of(
    prices,
    st.builds(
        lambda day, night: {"time_of_use": [{"from": "07:00", "until": "22:15", "price": day}, {"price": night}]},
        prices,
        prices,
    ),
    st.builds(
        lambda *hourly: {"series": {"start": "2026-01-01T00:00", "minutes": 60, "prices": [*hourly, None]}},
        prices,
        prices,
    ),
)
any_price = timed | st.builds(
    lambda rapid, fast: {"by": "charger", "prices": {"rapid": rapid, "fast": fast}}, timed, timed
)
charges = st.fixed_dictionaries({"unit_price": any_price}, optional={"flat": any_price})
percents = st.decimals(min_value=0, max_value=33, places=3).map(lambda number: format(number, "f"))
steps = st.lists(
    st.tuples(
        st.sampled_from(["percent_of_gross", "percent_of_remainder"]),
        percents,
        st.sampled_from(sorted(PARTIES))
        | st.dictionaries(st.sampled_from(sorted(PARTIES)), st.integers(1, 9), min_size=1).map(
            lambda split: {"split": split}
        ),
    ),
    max_size=4,
)
rest = st.sampled_from(["cpo", "a", {"split": {"b": 2, "cpo": 1}}])
sessions = st.lists(
    st.builds(
        Happened,
        quarter=st.integers(0, 12) | st.integers(0, 45 * 96),
        assignment=st.sampled_from(sorted(ASSIGNMENTS)),
        payer=st.sampled_from(["ann", "bob", ""]),
        charger=st.sampled_from(["rapid", "fast"]),
        wh=st.integers(-20_000, 60_000) | st.sampled_from([LARGE, -LARGE]),
    ),
    max_size=12,
)


@st.composite
def designs(draw: st.DrawFn) -> Design:
    """A fee and what it costs, by linear tariffs that may change in mid-month; fixed parts of the fee or its net."""
    given_terms = draw(charges)
    tariffs = [tariff(**given_terms)]
    if draw(st.booleans()):
        tariffs = [
            tariff(valid_until="2026-01-15", **given_terms),
            tariff(valid_from="2026-01-15", **draw(charges)) | {"id": "u"},
        ]
    tariffs.append({"id": "c", "on": "commission"} | draw(charges))
    shares: list[dict[str, Any]] = [
        {"id": f"s{number}", "take": {kind: percent}, "to": to}
        for number, (kind, percent, to) in enumerate(draw(steps))
    ]
    agreement = {
        "id": "g",
        "on": "fee",
        "base": draw(st.sampled_from(["gross", {"net_of": ["commission"]}])),
        "steps": [*shares, {"id": "rest", "take": "remainder", "to": draw(rest)}],
    }
    drawn = copy.deepcopy(document(*tariffs, agreements=[agreement]))
    drawn["nodes"] += [{"id": role, "name": role, "kind": "organisation"} for role in PARTIES]
    assert money("commission", "cpo", "hub") in drawn["exchanges"]
    return from_document(drawn)


@given(designs(), sessions)
def test_linear_charges_and_their_shares_are_the_same_in_columns(drawn, happened):
    quantities = measured(drawn, happened)
    assert rate(drawn, quantities, ASSIGNMENTS) == rate(one_by_one(drawn), quantities, ASSIGNMENTS)


@given(designs(), sessions, st.integers(0, 45 * 96))
def test_they_are_the_same_beside_charges_that_open_with_a_state(drawn, happened, cut):
    early, late = (
        measured(drawn, [e for e in happened if (e.quarter < cut) is is_early]) for is_early in (True, False)
    )
    assert rate(drawn, late, ASSIGNMENTS, early) == rate(one_by_one(drawn), late, ASSIGNMENTS, early)


@given(designs(), sessions, st.integers(0, 45 * 96))
def test_counted_alone_flows_have_the_occurrences_that_they_have_when_rated(drawn, happened, cut):
    plan = compile_design(drawn)
    early, late = (
        measured(drawn, [e for e in happened if (e.quarter < cut) is is_early]) for is_early in (True, False)
    )
    for opening in ([], early):
        flows, counted = rate(plan, late, ASSIGNMENTS, opening), count(plan, late, ASSIGNMENTS, opening)
        assert counted.paths.listed == flows.paths.listed
        assert counted.numbers.tolist() == [flow.occurrences for flow in flows]


@given(designs(), sessions)
def test_columns_give_what_the_same_quantities_give_one_by_one(drawn, happened):
    quantities = measured(drawn, happened)
    columns = Quantities.of(quantities)
    assert list(columns) == quantities
    assert rate(drawn, columns, ASSIGNMENTS) == rate(drawn, quantities, ASSIGNMENTS)


@pytest.mark.parametrize("size", [1, 10**9, 10**18, 10**30])
def test_quantities_of_any_size_are_exact(size):
    drawn = from_document(document(tariff(unit_price="0.123456789")))
    (one,) = measured(drawn, [Happened(0, 1, "ann", "fast", 7)])
    (flow,) = rate(drawn, [one._replace(quantity=7 * size)], ASSIGNMENTS)
    exact, rest = divmod(7 * size * 123456789, 10**4)
    assert flow.money_atoms == exact + (rest > 5000)


def test_flows_in_columns_are_like_a_tuple_of_them():
    drawn = from_document(document(tariff(unit_price="1")))
    happened = [Happened(0, 1, "ann", "fast", 7), Happened(3, 2, "bob", "fast", 9)]
    flows = rate(drawn, measured(drawn, happened), ASSIGNMENTS)
    assert len(flows) == 2
    assert all(isinstance(flow, Flow) for flow in flows)
    assert (flows[0], flows[1]) == tuple(flows) == flows[:]
    assert flows == tuple(flows)
    assert flows != tuple(reversed(flows))


def test_added_up_by_source_or_by_any_times():
    early, late = START, START + timedelta(hours=1)
    rows = [
        Quantity("m", 1, ("x",), 5, 1, early),
        Quantity("m", 1, ("x",), 7, 2, late),
        Quantity("n", 1, (), 1, 1, late),
    ]
    columns = Quantities.of(rows)
    assert list(columns.summed()) == [Quantity("m", 1, ("x",), 12, 3), Quantity("n", 1, (), 1, 1)]
    assert sorted(columns.summed(columns.quarters)) == sorted(rows)
    assert list(columns.of_meters({"n"})) == rows[2:]
    assert list(columns.plus(columns.negative()).summed()) == [
        Quantity("m", 1, ("x",), 0, 0),
        Quantity("n", 1, (), 0, 0),
    ]
