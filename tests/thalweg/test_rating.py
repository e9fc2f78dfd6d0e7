"""Rating against an independent oracle in exact rationals, on designs and quantities of all kinds."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.design import Design, from_document
from thalweg.design.text import parse
from thalweg.errors import RatingError
from thalweg.examples import example, text
from thalweg.mapping import compile_plan
from thalweg.rating import Flow, Quantity, rate

ATOMS_PER_EURO = 10**8
PAYERS = ("greenmile", "voltgo", "")
ASSIGNMENTS = {1: {"host": "mall-42"}, 2: {"host": "museum"}, 3: {}, 4: {"host": "city-charge", "cpo": "other"}}

prices = st.decimals(min_value=0, max_value=9, places=9).map(lambda number: format(number, "f"))
percents = st.decimals(min_value=0, max_value=50, places=2).map(lambda number: format(number, "f"))


@dataclass(frozen=True)
class Terms:
    """What a drawn design is made of."""

    fee: str
    fee_flat: str
    cost: str
    host_percent: str
    city_percent: str
    is_net: bool
    v_from: str
    v_to: str

    def design(self) -> Design:
        def money(name: str, source: str, target: str) -> dict[str, Any]:
            ends = {"from": source, "to": target, "medium": "money", "object": "payment"}
            return {"id": name, "name": name, "unit": "kWh", "meter": "energy"} | ends

        return from_document(
            {
                "id": "drawn",
                "name": "Drawn",
                "currency": "EUR",
                "zone": "UTC",
                "nodes": [
                    {"id": "emsp", "name": "P", "kind": "organisation", "from_attribute": "emsp"},
                    {"id": "cpo", "name": "O", "kind": "organisation", "participant": "city-charge"},
                    {"id": "energy", "name": "E", "kind": "organisation", "participant": "river-power"},
                    {"id": "host", "name": "H", "kind": "organisation"},
                    {"id": "city", "name": "C", "kind": "organisation", "participant": "rivertown"},
                ],
                "drivers": [
                    {
                        "id": "d",
                        "name": "D",
                        "owners": ["cpo"],
                        "indicator": {"exchange": "fee", "figure": "worth"},
                        "baseline": "1",
                        "target": "2",
                    }
                ],
                "meters": [{"id": "energy", "name": "M", "kind": "k", "unit": "Wh", "group_by": ["emsp"]}],
                "interfaces": [{"id": "bundle", "name": "B", "meter": "energy"}],
                "exchanges": [
                    money("fee", "emsp", "cpo"),
                    money("cost", "cpo", "energy"),
                    {
                        "id": "benefit",
                        "name": "B",
                        "from": "cpo",
                        "to": "emsp",
                        "medium": "benefit",
                        "object": "b",
                        "interface": "bundle",
                        "ratio": "0.3",
                        "v_from": {"amount": self.v_from, "method": "avoided_cost"},
                        "v_to": {"amount": self.v_to, "method": "willingness_to_pay"},
                    },
                ],
                "tariffs": [
                    {"id": "t1", "on": "fee", "unit_price": self.fee, "flat": self.fee_flat},
                    {"id": "t2", "on": "cost", "unit_price": self.cost},
                ],
                "agreements": [
                    {
                        "id": "g",
                        "on": "fee",
                        "base": {"net_of": ["cost"]} if self.is_net else "gross",
                        "steps": [
                            {"id": "host", "take": {"percent_of_gross": self.host_percent}, "to": "host"},
                            {"id": "city", "take": {"percent_of_gross": self.city_percent}, "to": "city"},
                            {"id": "rest", "take": "remainder", "to": "cpo"},
                        ],
                    }
                ],
                "extracts": [{"id": "x", "name": "X", "nodes": ["cpo"], "exchanges": ["fee"]}],
            }
        )


terms = st.builds(Terms, prices, prices, prices, percents, percents, st.booleans(), prices, prices)
ENERGY = compile_plan(Terms("1", "0", "1", "1", "1", is_net=False, v_from="0", v_to="0").design()).meters[0].hash
rows = st.lists(
    st.builds(
        Quantity,
        st.just(ENERGY),
        st.sampled_from(sorted(ASSIGNMENTS)),
        st.sampled_from(PAYERS).map(lambda payer: (payer,)),
        st.integers(-50_000, 500_000),
        st.integers(1, 9),
        st.none(),
    ),
    max_size=12,
)


def oracle(terms: Terms, quantities: list[Quantity]) -> dict[tuple[str, int, str], Fraction]:
    """Exact atoms of each money line and share, and of the benefit's two sides, keyed (what, assignment, payer)."""
    exact: defaultdict[tuple[str, int, str], Fraction] = defaultdict(Fraction)
    for _, assignment, (payer,), quantity, occurrences, _ in quantities:
        kwh = Fraction(quantity, 1000)
        fee = (kwh * Fraction(terms.fee) + occurrences * Fraction(terms.fee_flat)) * ATOMS_PER_EURO
        cost = kwh * Fraction(terms.cost) * ATOMS_PER_EURO
        exact["fee", assignment, payer] += fee
        exact["cost", assignment, ""] += cost
        exact["base", assignment, payer] += fee - cost if terms.is_net else fee
        units = quantity * Fraction(3, 10) / 1  # the interface's meter counts Wh, and its unit is Wh
        exact["v_from", assignment, payer] += units * Fraction(terms.v_from) * ATOMS_PER_EURO
        exact["v_to", assignment, payer] += units * Fraction(terms.v_to) * ATOMS_PER_EURO
    return dict(exact)


def payer_of(flow: Flow, of_target: bool = False) -> str:
    name = flow.target if of_target else flow.source
    return "" if name == "suspense:emsp" else name


@given(terms, rows)
def test_charges_and_worths_are_the_exact_sums_rounded_once(terms, quantities):
    exact = oracle(terms, quantities)
    seen = {}
    for flow in rate(terms.design(), quantities, ASSIGNMENTS):
        if flow.exchange == "fee":
            seen["fee", flow.assignment_id, payer_of(flow)] = flow.money_atoms
        elif flow.exchange == "cost":
            seen["cost", flow.assignment_id, ""] = flow.money_atoms
        elif flow.exchange == "benefit":
            seen["v_from", flow.assignment_id, payer_of(flow, of_target=True)] = flow.v_from_atoms
            seen["v_to", flow.assignment_id, payer_of(flow, of_target=True)] = flow.v_to_atoms
    assert seen == {key: round(amount) for key, amount in exact.items() if key[0] != "base"}


@given(terms, rows)
def test_shares_follow_the_exact_base_and_leave_the_rest_with_the_payee(terms, quantities):
    exact = oracle(terms, quantities)
    flows = rate(terms.design(), quantities, ASSIGNMENTS)
    lines = [flow for flow in flows if flow.exchange == "fee"]
    shares = [flow for flow in flows if flow.step is not None]
    assert len(shares) == 2 * len(lines)
    for line, host, city in zip(lines, shares[1::2], shares[0::2], strict=True):
        base = exact["base", line.assignment_id, payer_of(line)]
        for flow, percent in ((host, terms.host_percent), (city, terms.city_percent)):
            # rounding: the charge and the deduction by half an atom each, the share by less than one
            assert abs(flow.money_atoms - base * Fraction(percent) / 100) < 2
            assert flow.source == line.target


@given(terms, rows, st.randoms(use_true_random=False))
def test_the_order_of_the_quantities_changes_nothing(terms, quantities, random):
    shuffled = random.sample(quantities, len(quantities))
    assert rate(terms.design(), shuffled, ASSIGNMENTS) == rate(terms.design(), quantities, ASSIGNMENTS)


@given(terms, rows, st.integers(0, 12))
def test_adding_up_the_quantities_of_two_windows_rates_as_the_whole(terms, quantities, cut):
    totals: dict[tuple[int, tuple[str, ...]], list[int]] = {}
    for window in (quantities[:cut], quantities[cut:]):
        for item in window:
            total = totals.setdefault((item.assignment_id, item.group), [0, 0])
            total[0] += item.quantity
            total[1] += item.occurrences
    added = [Quantity(ENERGY, *key, *total) for key, total in totals.items()]
    assert rate(terms.design(), added, ASSIGNMENTS) == rate(terms.design(), quantities, ASSIGNMENTS)


@given(terms, rows)
def test_a_reversal_takes_back_to_the_atom_what_was_charged_and_shared(terms, quantities):
    back = [item._replace(quantity=-item.quantity, occurrences=-item.occurrences) for item in quantities]
    forth_amounts = [flow.money_atoms for flow in rate(terms.design(), quantities, ASSIGNMENTS)]
    back_amounts = [flow.money_atoms for flow in rate(terms.design(), back, ASSIGNMENTS)]
    assert back_amounts == [-amount for amount in forth_amounts]


def hashes() -> dict[str, str]:
    return {meter.id: meter.hash for meter in compile_plan(example("ev-charging")).meters}


def test_each_provider_pays_for_its_own_customers_and_the_host_shares_in_each():
    energy = hashes()["energy"]
    quantities = [Quantity(energy, 1, ("a",), 10_000, 1), Quantity(energy, 1, ("b",), 20_000, 2)]
    flows = rate(example("ev-charging"), quantities, {1: {"host": "mall-42"}})
    amounts = {
        (flow.exchange, flow.source): (flow.money_atoms, flow.occurrences)
        for flow in flows
        if flow.exchange != "host-share"
    }
    assert amounts["operator-fee", "a"] == (350_000_000, 1)
    assert amounts["operator-fee", "b"] == (700_000_000, 2)
    assert amounts["energy-cost", "city-charge"] == (600_000_000, 3)
    assert [flow.money_atoms for flow in flows if flow.exchange == "host-share"] == [15_000_000, 30_000_000]


def test_a_share_due_to_a_vacant_role_waits_in_suspense():
    flows = rate(example("ev-charging"), [Quantity(hashes()["energy"], 1, ("a",), 10_000, 1)], {1: {}})
    assert [flow.target for flow in flows if flow.step == "host"] == ["suspense:host"]


def test_an_unmetered_exchange_follows_its_interface_by_its_ratio():
    flows = rate(example("ev-charging"), [Quantity(hashes()["occupancy"], 1, (), 7, 7)], {1: {}})
    benefit = next(flow for flow in flows if flow.exchange == "kerb-benefit")
    assert (benefit.quantity, benefit.occurrences, benefit.v_to_atoms) == (7, 7, 35_000_000)


def test_a_ratio_is_per_unit_of_the_interface_s_meter():
    document = parse(text("ev-charging"))
    document["meters"][0]["unit"] = "kWh"
    document["interfaces"][1]["meter"] = "energy"
    document["exchanges"][-1]["ratio"] = "0.25"
    flows = rate(from_document(document), [Quantity(hashes()["energy"], 1, ("a",), 10_000, 1)], {1: {}})
    benefit = next(flow for flow in flows if flow.exchange == "kerb-benefit")
    # 10 kWh × 0.25 = 2.5 units: worth 2.5 × 0.05 exactly; shown as 2, rounded half to even
    assert (benefit.v_to_atoms, benefit.quantity) == (12_500_000, 2)


def test_quantities_of_meters_that_the_design_does_not_use_are_left_out():
    assert rate(example("ev-charging"), [Quantity("00", 1, (), 1, 1)], {}) == ()


def test_an_assignment_that_is_not_given_is_an_error_that_names_it():
    with pytest.raises(RatingError, match="assignment 9"):
        rate(example("ev-charging"), [Quantity(hashes()["energy"], 9, ("a",), 1, 1)], {1: {}})


def test_a_group_that_does_not_fit_its_meter_is_an_error():
    with pytest.raises(RatingError, match="does not fit meter 'energy'"):
        rate(example("ev-charging"), [Quantity(hashes()["energy"], 1, (), 1, 1)], {1: {}})
