"""Pools that several charges feed: their sums are of all of them, and who pays whom follows from what each put in."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from thalweg.design import Design
from thalweg.plan import compile_design
from thalweg.rating import Flow, rate
from worlds.agreements import agreements
from worlds.sharing import (
    MONTH,
    NEW_YEAR,
    SITES,
    Share,
    agreement,
    design,
    feeding,
    flows_of,
    into,
    pool,
    session,
    sessions,
    who_pays_whom,
)
from worlds.tariffs import ATOMS, measured, moment, one_by_one

NOON = "2026-01-15T12:15"
CHANGE = NEW_YEAR + 14 * 96 + 49


def euros(flows: Iterable[Flow]) -> dict[tuple[str, str, str], Fraction]:
    """Euros by step, payee and recipient."""
    return {(key[2], *key[3:]): Fraction(atoms, ATOMS) for key, atoms in who_pays_whom(flows).items()}


RENT = {"take": {"flat": {"amount": "6"}}, "to": "a"}
BOTH = (feeding("g", "fee"), feeding("h", "commission"))
HALF = {"unit_price": "0.5"}


def test_one_rent_is_paid_out_of_two_charges_in_proportion_to_what_each_puts_in():
    terms = design(*BOTH, pool(RENT), commission=HALF)
    assert euros(flows_of(terms, [session(0, 10_000)])) == {
        ("s0", "city-charge", "anna"): 4,
        ("left", "city-charge", "berta"): 6,
        ("s0", "roam-hub", "anna"): 2,
        ("left", "roam-hub", "berta"): 3,
    }


def test_a_window_books_also_who_pays_what_was_paid_before():
    """The operator has paid the rent; what the hub puts in later bears its part of it."""
    terms = design(*BOTH, pool(RENT), commission={"unit_price": "1", "valid_from": "2026-01-02"})
    first, second = [session(0, 6_000)], [session(200, 6_000)]
    assert euros(flows_of(terms, first)) == {("s0", "city-charge", "anna"): 6}
    assert euros(flows_of(terms, second, opening=first)) == {
        ("s0", "city-charge", "anna"): -2,
        ("left", "city-charge", "berta"): 8,
        ("s0", "roam-hub", "anna"): 2,
        ("left", "roam-hub", "berta"): 4,
    }


def test_a_pool_is_one_for_all_sites_whose_participants_it_pays():
    """The agreement that feeds it tells the sites apart: berta and ben have a cap each, and all pay one rent."""
    capped = {"take": {"percent_of_gross": 50}, "to": "b", "cap": {"amount": "4"}}
    terms = design(feeding("g", "fee", capped), pool(RENT, rest="c"))
    assert euros(flows_of(terms, [session(0, 10_000, assignment=1), session(0, 10_000, assignment=2)])) == {
        ("s0", "city-charge", "berta"): 4,
        ("s0", "city-charge", "ben"): 4,
        ("s0", "city-charge", "anna"): 6,
        ("left", "city-charge", "carla"): 6,
    }


def test_units_that_a_pool_counts_are_counted_once_whoever_feeds_it():
    trips = {"take": {"per_unit": {"meter": "trips", "amount": "1"}}, "to": "a"}
    terms = design(*BOTH, pool(trips), commission={"unit_price": "1"})
    assert euros(flows_of(terms, [session(0, 2_000), session(1, 2_000)])) == {
        ("s0", "city-charge", "anna"): 1,
        ("left", "city-charge", "berta"): 3,
        ("s0", "roam-hub", "anna"): 1,
        ("left", "roam-hub", "berta"): 3,
    }


def test_an_amendment_of_one_agreement_cuts_neither_the_pool_nor_what_else_feeds_it():
    """Before noon there is too little for four trips; over the month there is enough."""
    trips = {"take": {"per_unit": {"meter": "trips", "amount": "1"}}, "to": "a"}
    first, second = (feeding(name, "fee") for name in "gi")
    terms = design(
        first | {"valid_until": NOON},
        second | {"valid_from": NOON},
        BOTH[1],
        pool(trips),
        commission={"unit_price": "1"},
    )
    window = [*(session(0, 100) for _ in range(3)), session(CHANGE, 10_000)]
    assert sum(n for (step, *_), n in euros(flows_of(terms, window)).items() if step == "s0") == 4


def test_a_pool_may_share_charges_of_its_own_with_what_is_put_into_it():
    capped = {"take": {"percent_of_gross": 50}, "to": "a", "cap": {"amount": "6"}}
    terms = design(agreement(capped), feeding("h", "commission") | {"steps": [into("g")]}, commission=HALF)
    assert euros(flows_of(terms, [session(0, 10_000)])) == {
        ("s0", "city-charge", "anna"): 4,
        ("s0", "roam-hub", "anna"): 2,
        ("rest", "roam-hub", "city-charge"): 3,
    }


periods = st.sampled_from(["hour", "day", "month"])


@st.composite
def parts(draw: st.DrawFn, name: str, pools: list[str], most_steps: int = 2) -> dict[str, Any]:
    """An agreement of any kind, of which some steps have dates or attributes, or feed pools."""
    drawn = draw(agreements(most_steps=most_steps))
    for step in drawn["steps"]:
        if step["take"] != "remainder":
            condition = draw(
                st.sampled_from([{}, {}, {"from": "2026-01-15"}, {"attribute": "charger", "in": ["rapid"]}])
            )
            if condition:
                step["when"] = step.get("when", {}) | condition
            if "recoup" in step["take"]:
                step["take"]["recoup"]["account"] += name
        if pools and draw(st.booleans()):
            step["to"] = {"pool": draw(st.sampled_from(pools))}
    drawn.pop("on")
    return drawn | {"id": name}


@st.composite
def networks(draw: st.DrawFn) -> Design:
    """Two charges, one with an amended agreement, that feed a pool with a rent, which may feed another pool."""
    g, i, h = (draw(parts(name, ["p", "q"])) for name in "gih")
    p, q = draw(parts("p", ["q"])), draw(parts("q", []))
    g["steps"][-1]["to"] = h["steps"][-1]["to"] = {"pool": "p"}
    p["steps"] = [{"id": "rent", "take": {"flat": {"amount": "2.5"}}, "to": "c"}, *p["steps"]]
    q["steps"] = [{"id": "rent", "take": {"flat": {"amount": "1.5", "per": "lifetime"}}, "to": "d"}, *q["steps"]]
    i["steps"][-1]["to"] = {"pool": "q"}
    listed = [
        g | {"on": "fee", "valid_until": NOON},
        i | {"on": "fee", "valid_from": NOON},
        h | {"on": "commission"},
        p,
        q,
    ]
    period = draw(periods)
    return design(*(each | {"period": period} for each in listed), unit_price="0.333", commission={"unit_price": "0.1"})


def by_charge(flows: Iterable[Flow]) -> tuple[dict[tuple[str, int], int], dict[tuple[str, int], int]]:
    """Atoms charged, and atoms shared, by the role that is paid and by assignment."""
    charged: Counter[tuple[str, int]] = Counter()
    shared: Counter[tuple[str, int]] = Counter()
    for flow in flows:
        if flow.exchange in ("fee", "commission") and flow.agreement is None:
            charged[flow.target_role, flow.assignment_id] += flow.money_atoms
        elif flow.agreement is not None:
            shared[flow.source_role, flow.assignment_id] += flow.money_atoms
    return +charged - -charged, +shared - -shared


@given(networks(), sessions, st.lists(st.integers(0, 2 * MONTH), min_size=1, max_size=3).map(sorted), st.data())
def test_each_window_shares_what_it_charges_and_all_sum_to_the_figures_from_scratch(terms, happened, cuts, data):
    """Live equals from scratch, down to who pays whom by which step; the order of events bears on nothing."""
    plan = compile_design(terms)
    whole = rate(plan, measured(terms, happened), SITES)
    live: Counter[Share] = Counter()
    for start, end in zip([-MONTH, *cuts], [*cuts, 3 * MONTH], strict=True):
        begin = plan.opening(moment(session(start, 0)))
        opening = [each for each in happened if each.quarter < start and (begin is None or moment(each) >= begin)]
        window = [each for each in happened if start <= each.quarter < end]
        flows = rate(plan, measured(terms, window), SITES, measured(terms, opening))
        live.update(who_pays_whom(flows))
        charged, shared = by_charge(flows)
        assert charged == shared
    assert {key: atoms for key, atoms in live.items() if atoms} == who_pays_whom(whole)
    assert rate(plan, data.draw(st.permutations(measured(terms, happened))), SITES) == whole


@given(networks(), sessions, st.integers(0, 8))
def test_what_comes_late_changes_the_figures_to_those_from_scratch(terms, happened, cut):
    live = Counter(who_pays_whom(flows_of(terms, happened[:cut])))
    live.update(who_pays_whom(flows_of(terms, happened[cut:], opening=happened[:cut])))
    assert {key: atoms for key, atoms in live.items() if atoms} == who_pays_whom(flows_of(terms, happened))


@given(networks(), sessions, sessions)
def test_what_is_taken_back_leaves_nothing_behind(terms, happened, mistaken):
    """Events cannot be uncounted, so nothing counts them here."""
    terms = Design.model_validate(
        json.loads(terms.model_dump_json(by_alias=True).replace('"meter":"trips"', '"meter":"energy"'))
    )
    back = [each._replace(wh=-each.wh) for each in mistaken]
    assert who_pays_whom(flows_of(terms, happened + mistaken + back)) == who_pays_whom(flows_of(terms, happened))


@given(networks(), sessions)
def test_quarter_hours_that_are_added_up_before_are_shared_like_each_by_itself(terms, happened):
    quantities = measured(terms, happened)
    assert rate(terms, quantities, SITES) == rate(one_by_one(terms), quantities, SITES)
