"""One window under two designs: who captures what, and how demand answers prices."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.counterfactual import Counterfactual, Side, compare
from thalweg.design import load
from thalweg.design.meters import meter_hash
from thalweg.design.text import parse
from thalweg.errors import RatingError
from thalweg.examples import text
from thalweg.metrics.comparison import kaldor_hicks, losers, pareto, winners
from thalweg.plan import compile_design
from thalweg.rating import Quantities, Quantity

DESIGN = text("ev-charging")
DEARER = DESIGN.replace('on: charging-fee, unit_price: "0.50"', 'on: charging-fee, unit_price: "0.60"')
WINDOW = (datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 9, 2, tzinfo=UTC))
HASHES = {meter.id: meter_hash(meter) for meter in load(DESIGN).meters}
EURO = 10**8

Sessions = list[int]


def compared(new: str, sessions: Sessions, old: str = DESIGN, **elasticities: Fraction) -> Counterfactual:
    """`sessions`: the Wh of each, all of one payer, each with its own assignment."""
    quantities = [
        Quantity(HASHES[meter], number, ("volt-pass",), quantity, 1, WINDOW[0])
        for number, wh in enumerate(sessions)
        for meter, quantity in (("energy", wh), ("sessions", 1))
    ]
    assignments = {number: {"host": "mall"} for number in range(len(sessions))}
    one, other = (
        Side(compile_design(load(document)), Quantities.of(quantities), Quantities.of(())) for document in (old, new)
    )
    named = {exchange.replace("_", "-"): value for exchange, value in elasticities.items()}
    return compare(one, other, assignments, WINDOW, named)


def deltas(found: Counterfactual) -> dict[str, Fraction]:
    nodes = {*found.old.accounts, *found.new.accounts}
    return {node: Fraction(found.new.account(node).captured - found.old.account(node).captured, EURO) for node in nodes}


def test_a_dearer_price_moves_money_from_driver_to_provider_and_creates_nothing():
    found = compared(DEARER, [10_000])
    changed = {node: delta for node, delta in deltas(found).items() if delta}
    assert changed == {"drivers": Fraction(-1), "volt-pass": Fraction(1)}
    assert found.new.created == found.old.created
    assert [figure(found.old).value for figure in (pareto, kaldor_hicks, winners, losers)] == [0, 0, 1, 1]


def test_a_pool_that_two_charges_feed_moves_money_between_all_whom_it_concerns():
    into = {"to": {"pool": "site"}}
    agreements = [
        {
            "id": "operator",
            "on": "operator-fee",
            "base": {"net_of": ["energy-cost"]},
            "steps": [
                {"id": "site", "take": {"percent_of_gross": 20}} | into,
                {"id": "rest", "take": "remainder", "to": "cpo"},
            ],
        },
        {
            "id": "hub",
            "on": "roaming-fee",
            "steps": [
                {"id": "site", "take": {"percent_of_gross": 50}} | into,
                {"id": "rest", "take": "remainder", "to": "hub"},
            ],
        },
        {
            "id": "site",
            "steps": [
                {"id": "rent", "take": {"flat": {"amount": "0.40"}}, "to": "host"},
                {"id": "rest", "take": "remainder", "to": "city"},
            ],
        },
    ]
    # 0.30 of a net 1.50 and 0.25 of 0.50, of which the host has 0.40; before, it had a tenth of the net
    found = compared(json.dumps(parse(DESIGN) | {"agreements": agreements}), [10_000])
    assert {node: delta for node, delta in deltas(found).items() if delta} == {
        "city-charge": Fraction("-0.15"),
        "roam-hub": Fraction("-0.25"),
        "mall": Fraction("0.25"),
        "rivertown": Fraction("0.15"),
    }


def test_demand_answers_a_price_in_all_that_its_chain_is_measured_by():
    # 20 % dearer at an elasticity of -0.5: demand falls by a tenth, in energy and in sessions
    found = compared(DEARER, [10_000] * 10, charging_fee=Fraction(-1, 2))
    (response,) = found.responses
    assert (response.price_ratio, response.factor) == (Fraction(6, 5), Fraction(9, 10))
    quantities = {leg.exchange: 0 for leg in found.new.legs}
    for leg in found.new.legs:
        quantities[leg.exchange] += leg.quantity
    assert (quantities["electricity"], quantities["clearing"], quantities["session-data"]) == (90_000, 9, 9)


def test_demand_is_never_negative():
    found = compared(DEARER, [10_000], charging_fee=Fraction(-100))
    assert found.responses[0].factor == 0
    assert found.new.created == 0


@given(st.lists(st.integers(0, 50_000), min_size=1, max_size=12), st.fractions(-3, 3, max_denominator=20))
def test_scaled_sums_are_exact_to_half_a_step_and_what_is_captured_is_what_is_created(sessions, elasticity):
    sessions = [*sessions, 1]
    found = compared(DEARER, sessions, charging_fee=elasticity)
    factor = max(Fraction(0), 1 + elasticity / 5)
    sold = sum(leg.quantity for leg in found.new.legs if leg.exchange == "electricity")
    assert abs(sold - sum(sessions) * factor) <= Fraction(1, 2)
    for figures in (found.old, found.new):
        assert sum(account.captured for account in figures.accounts.values()) == figures.created


@pytest.mark.parametrize(
    ("new", "sessions", "exchange", "words"),
    [
        (DESIGN, [1000], "host_share", "elasticities are of charging-fee, energy-cost"),
        (DESIGN, [], "charging_fee", "nothing was charged"),
        (DESIGN.replace("currency: EUR", "currency: USD"), [1000], None, "use one currency"),
    ],
)
def test_what_cannot_be_compared_says_what_to_do(new, sessions, exchange, words):
    with pytest.raises(RatingError, match=words):
        compared(new, sessions, **({exchange: Fraction(-1)} if exchange else {}))
