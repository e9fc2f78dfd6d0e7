"""The accounting identity: what all capture is what was created less what was spent, in every window, at every cut."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.costs import NodeCost, node_costs
from thalweg.design import Design, from_document
from thalweg.errors import DesignError
from thalweg.mapping import compile_plan
from thalweg.metrics import Evidence, NodeKey, fast_group, figures_of
from thalweg.rating import Quantity, rate
from worlds.roaming import BY_CARD, OTHERS, ROAMING, document

GROUPS = {
    "market": ("driver", "emsp"),
    "supply": ("cpo", "energy", "host"),
    "site": ("host",),
    "public": ("city", "charger"),
}
COSTS = {
    "cpo": [{"name": "Rent", "amount": "310", "per": "month"}, {"name": "Wear", "amount": "0.01", "meter": "energy"}],
    "emsp": [{"name": "Support", "amount": "0.02", "meter": "sessions"}],
    "host": [{"name": "Cleaning", "amount": "1.5", "per": "day"}],
}


def grouped() -> Design:
    """The example with a forest of two levels, costs, and chains with a fallback."""
    found: dict[str, Any] = document(chains=[ROAMING | {"alternatives": [BY_CARD]}, *OTHERS])
    for node in found["nodes"]:
        node["costs"] = COSTS.get(node["id"], [])
        parents = [group for group, members in GROUPS.items() if node["id"] in members]
        node["parent"] = parents[-1] if parents else None
    found["nodes"] += [
        {"id": group, "name": group, "kind": "group", "parent": "supply" if group == "site" else None}
        for group in GROUPS
    ]
    return from_document(found)


DESIGN = grouped()
HASHES = {meter.id: meter.hash for meter in compile_plan(DESIGN).meters}
ASSIGNMENTS = {1: {"host": "mall-42"}, 2: {}, 3: {"host": "city-charge"}}
START = datetime(2026, 3, 1, tzinfo=UTC)
#: every antichain of the forest above its leaves
CUTS = [set(), {"market"}, {"site"}, {"supply"}, {"market", "site"}, {"market", "supply", "public"}, {"site", "public"}]


@st.composite
def windows(draw: st.DrawFn) -> tuple[list[Quantity], tuple[datetime, datetime]]:
    found = []
    for meter, groups in (("energy", [("a",), ("b",)]), ("sessions", [("a",), ("b",)]), ("occupancy", [()])):
        for group in groups:
            for assignment in ASSIGNMENTS:
                if draw(st.booleans()):
                    amount = draw(st.integers(-100, 10**7))
                    found.append(Quantity(HASHES[meter], assignment, group, amount, draw(st.integers(1, 100))))
    begin = START + timedelta(minutes=15 * draw(st.integers(0, 4_000)))
    return found, (begin, begin + timedelta(minutes=15 * draw(st.integers(1, 4_000))))


@given(
    windows(), st.sampled_from(CUTS), st.sampled_from(NodeKey), st.sampled_from([[], ["energy"], ["market", "city"]])
)
def test_what_all_capture_is_what_was_created_less_what_was_spent(window, cut, key, outside):
    quantities, times = window
    design = DESIGN.model_copy(update={"boundary": DESIGN.boundary.model_copy(update={"outside": tuple(outside)})})
    flows = rate(design, quantities, ASSIGNMENTS)
    costs = node_costs(design, quantities, ASSIGNMENTS, times)
    figures = figures_of(design, flows, key, cut=cut, costs=costs)
    created = sum(flow.v_to_atoms - flow.v_from_atoms for flow in flows if not flow.is_money)
    assert figures.created == created - sum(cost.atoms for cost in costs)
    assert sum(account.captured for account in figures.accounts.values()) == figures.created
    assert sum(figures.contributions.values()) == figures.created
    assert figures.game.total == figures.created
    assert sum(account.net_cash for account in figures.accounts.values()) == 0


@given(windows(), st.sampled_from(CUTS))
def test_a_group_captures_and_contributes_what_its_parts_do(window, cut):
    quantities, times = window
    flows = rate(DESIGN, quantities, ASSIGNMENTS)
    costs = node_costs(DESIGN, quantities, ASSIGNMENTS, times)
    fine = figures_of(DESIGN, flows, NodeKey.ROLE, costs=costs)
    seen = figures_of(DESIGN, flows, NodeKey.ROLE, cut=cut, costs=costs)
    inside = {"market": {"driver", "emsp"}, "site": {"host"}, "supply": {"cpo", "energy", "host"}}
    inside["public"] = {"city", "charger"}
    for group in cut:
        parts = inside[group]
        assert seen.account(group).captured == sum(fine.account(part).captured for part in parts)
        assert seen.account(group).net_cash == sum(fine.account(part).net_cash for part in parts)
        assert seen.contributions.get(group, 0) == sum(fine.contributions.get(part, Fraction(0)) for part in parts)


@given(windows(), st.randoms(use_true_random=False))
def test_the_order_of_flows_changes_no_metric(window, randomness):
    quantities, times = window
    flows = list(rate(DESIGN, quantities, ASSIGNMENTS))
    evidence = Evidence(window=times)
    readings = fast_group(figures_of(DESIGN, flows, evidence=evidence))
    randomness.shuffle(flows)
    assert Counter(fast_group(figures_of(DESIGN, flows, evidence=evidence))) == Counter(readings)


def test_a_cut_names_nodes_of_the_design_none_inside_another():
    with pytest.raises(DesignError, match="'site' is inside 'supply'"):
        figures_of(DESIGN, (), NodeKey.ROLE, cut={"supply", "site"})
    with pytest.raises(DesignError, match="'moon' is no node"):
        figures_of(DESIGN, (), NodeKey.ROLE, cut={"moon"})


def test_costs_are_borne_by_whoever_fills_the_role_per_unit_and_per_part_of_a_period():
    quantities = [
        Quantity(HASHES["energy"], 1, ("a",), 10_000, 1),
        Quantity(HASHES["sessions"], 2, ("b",), 3, 3),
    ]
    week = (datetime(2026, 1, 4, 22, tzinfo=UTC), datetime(2026, 1, 11, 22, tzinfo=UTC))  # seven days in Helsinki
    assert node_costs(DESIGN, quantities, ASSIGNMENTS, week) == (
        NodeCost("cpo", "city-charge", 70 * 10**8 + 10_000 * 10**6),
        NodeCost("emsp", "b", 6_000_000),
        NodeCost("host", "city-charge", 1_050_000_000),
        NodeCost("host", "mall-42", 1_050_000_000),
    )
