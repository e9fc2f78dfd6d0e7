"""Agreements with limits, accounts, tiers and dates in live rating: what a window adds, and that windows sum up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.design import from_document
from thalweg.errors import InvalidDesign
from thalweg.mapping import compile_plan
from thalweg.plan import compile_design
from thalweg.rating import Flow, Quantity, rate
from worlds.agreements import agreements
from worlds.sharing import (
    MONTH,
    NEW_YEAR,
    PARTIES,
    REST,
    SITES,
    agreement,
    design,
    euros,
    flows_of,
    session,
    sessions,
    shares,
)
from worlds.sharing_oracle import parts_of, steps_of
from worlds.tariffs import ATOMS, document, measured, moment, tariff


def test_a_song_shares_half_and_half_once_its_advance_is_recouped():
    label = {"take": {"recoup": {"account": "advance", "total": "100"}}, "to": "a"}
    half = {"take": {"percent_of_remainder": 50}, "to": "b"}
    terms = design(agreement(label, half))
    january, february = [session(0, 80_000)], [session(MONTH + 96, 60_000)]
    assert euros(flows_of(terms, january)) == {("s0", "anna"): 80}
    assert euros(flows_of(terms, february, opening=january)) == {("s0", "anna"): 20, ("s1", "berta"): 20}
    assert compile_design(terms).opening(moment(february[0])) is None


def test_an_app_store_takes_less_once_an_app_has_sold_enough_in_its_lifetime():
    tiers = {"on": "gross", "per": "lifetime", "tiers": [["1000", "30"], [None, "15"]]}
    terms = design(agreement({"take": {"tiered": tiers}, "to": "a"}))
    early, late = [session(0, 900_000)], [session(MONTH + 96, 300_000)]
    assert euros(flows_of(terms, early)) == {("s0", "anna"): 270}
    assert euros(flows_of(terms, late, opening=early)) == {("s0", "anna"): 30 + 30}


def test_a_cap_ends_what_a_step_takes_for_the_month_and_the_next_month_begins_anew():
    terms = design(agreement({"take": {"percent_of_gross": 10}, "to": "a", "cap": {"amount": "5"}}))
    first = [session(NEW_YEAR, 40_000)]
    rest = [session(NEW_YEAR + MONTH - 1, 40_000), session(NEW_YEAR + MONTH, 20_000)]
    assert euros(flows_of(terms, first)) == {("s0", "anna"): 4}
    assert euros(flows_of(terms, rest, opening=first)) == {("s0", "anna"): 1 + 2}
    assert compile_design(terms).opening(moment(rest[0])) == moment(session(NEW_YEAR, 0))


def test_a_step_applies_from_its_date_on_in_the_zone_of_the_design_and_to_its_attributes():
    dated = {"take": {"percent_of_gross": 10}, "to": "a", "when": {"from": "2026-01-15"}}
    rapid = {"take": {"percent_of_gross": 50}, "to": "b", "when": {"attribute": "charger", "in": ["rapid"]}}
    terms = design(agreement(dated, rapid))
    midnight = NEW_YEAR + 14 * 96
    window = [
        session(midnight - 1, 10_000),
        session(midnight, 20_000),
        session(midnight - 1, 2_000, charger="rapid"),
    ]
    assert euros(flows_of(terms, window)) == {("s0", "anna"): 2, ("s1", "berta"): 1}


def test_a_month_that_begins_behind_a_date_has_a_cap_of_its_own():
    """No quantity before the date in that month: the month before must not count."""
    capped = {"take": {"percent_of_gross": 50}, "to": "a", "cap": {"amount": "5"}}
    dated = {"take": {"percent_of_gross": 10}, "to": "b", "when": {"from": "2026-02-10"}}
    terms = design(agreement(capped, dated))
    window = [session(0, 100_000), session(MONTH + 20 * 96, 100_000)]
    assert euros(flows_of(terms, window)) == {("s0", "anna"): 10, ("s1", "berta"): 10}


def test_an_amount_for_each_unit_follows_its_own_meter():
    terms = design(agreement({"take": {"per_unit": {"meter": "trips", "amount": "0.25"}}, "to": "a"}))
    assert euros(flows_of(terms, [session(0, 10_000), session(1, 1_000)])) == {("s0", "anna"): Fraction(1, 2)}


def test_what_is_taken_off_before_sharing_is_taken_off_in_its_own_month():
    capped = {"take": {"percent_of_gross": 50}, "to": "a", "cap": {"amount": "4"}}
    terms = document(
        tariff(unit_price="1"),
        tariff(unit_price="0.6") | {"id": "u", "on": "commission"},
        agreements=[agreement(capped, base={"net_of": ["commission"]})],
    )
    terms["nodes"] += [{"id": role, "name": role, "kind": "organisation"} for role in PARTIES]
    first, second = [session(0, 10_000)], [session(1, 30_000), session(MONTH, 10_000)]
    assert euros(flows_of(from_document(terms), first)) == {("s0", "anna"): 2}
    assert euros(flows_of(from_document(terms), second, opening=first)) == {("s0", "anna"): 2 + 2}


def test_a_pool_with_a_cap_shares_what_comes_by_the_month():
    terms = design(
        agreement({"take": {"percent_of_gross": 50}, "to": {"pool": "site"}}),
        {
            "id": "site",
            "steps": [
                {"id": "rent", "take": {"flat": {"amount": "7"}}, "to": "a"},
                {"id": "left", "take": "remainder", "to": "b"},
            ],
        },
    )
    first, second = [session(0, 10_000)], [session(1, 10_000)]
    assert euros(flows_of(terms, first)) == {("rent", "anna"): 5}
    assert euros(flows_of(terms, second, opening=first)) == {("rent", "anna"): 2, ("left", "berta"): 3}


def test_a_pool_with_other_periods_than_what_feeds_it_is_refused_with_a_remedy():
    pool = {"id": "site", "steps": [{"id": "rent", "take": {"flat": {"amount": "7"}}, "to": "a"}, {**REST, "to": "b"}]}
    feeding = agreement({"take": {"percent_of_gross": 50}, "to": {"pool": "site"}})
    with pytest.raises(InvalidDesign, match="give both the same period"):
        design(feeding, pool | {"period": "day"})


periods = st.sampled_from(["hour", "day", "month"])


@st.composite
def conditional(draw: st.DrawFn) -> dict[str, Any]:
    """Any agreement but those of fixed parts; some of its steps depend on a date or an attribute too."""
    drawn = draw(agreements(most_steps=3))
    drawn["steps"].insert(0, {"id": "rent", "take": {"flat": {"amount": "2.5"}}, "to": "c"})
    for step in drawn["steps"][1:-1]:
        condition = draw(st.sampled_from([{}, {}, {"from": "2026-01-15"}, {"attribute": "charger", "in": ["rapid"]}]))
        if condition:
            step["when"] = step.get("when", {}) | condition
    return drawn | {"on": "fee", "period": draw(periods)}


tariffs = st.sampled_from(
    [
        {},
        {
            "tiers": {"mode": "graduated", "tiers": [{"up_to": "20", "unit_price": "0.3"}, {"unit_price": "0.1"}]},
            "period": "month",
        },
        {"period": "day", "limits": [{"per": "payer", "maximum": "7.77"}]},
    ]
)


def money_by_line(flows: Iterable[Flow]) -> dict[tuple[int, str], int]:
    """Atoms charged, by assignment and payer."""
    sums: Counter[tuple[int, str]] = Counter()
    for flow in flows:
        if flow.exchange == "fee":
            sums[flow.assignment_id, flow.source] += flow.money_atoms
    return dict(sums)


@given(conditional(), sessions, tariffs, st.data())
def test_windows_one_after_the_other_sum_to_the_figures_from_scratch_in_any_order(drawn, happened, charge, data):
    terms = design(drawn, unit_price="0.333", **charge)
    plan = compile_design(terms)
    happened = sorted(happened, key=lambda each: each.quarter)
    whole = rate(plan, measured(terms, happened), SITES)
    cuts = sorted(data.draw(st.lists(st.integers(0, 2 * MONTH), min_size=1, max_size=3)))
    live: Counter[tuple[str, str]] = Counter()
    paid: Counter[tuple[int, str]] = Counter()
    for start, end in zip([-MONTH, *cuts], [*cuts, 3 * MONTH], strict=True):
        begin = plan.opening(moment(session(start, 0)))
        opening = [each for each in happened if each.quarter < start and (begin is None or moment(each) >= begin)]
        window = [each for each in happened if start <= each.quarter < end]
        flows = rate(plan, measured(terms, window), SITES, measured(terms, opening))
        live.update(shares(flows))
        paid.update(money_by_line(flows))
    assert {key: atoms for key, atoms in live.items() if atoms} == shares(whole)
    assert {key: atoms for key, atoms in paid.items() if atoms} == {
        key: atoms for key, atoms in money_by_line(whole).items() if atoms
    }
    shuffled = data.draw(st.permutations(measured(terms, happened)))
    assert rate(plan, shuffled, SITES) == whole


@given(conditional(), sessions, st.integers(0, 8))
def test_what_comes_late_changes_the_figures_to_those_from_scratch(drawn, happened, cut):
    """Whatever the order of arrival: what was there before is the opening."""
    terms = design(drawn, unit_price="0.333")
    live = Counter(shares(flows_of(terms, happened[:cut])))
    live.update(shares(flows_of(terms, happened[cut:], opening=happened[:cut])))
    assert {key: atoms for key, atoms in live.items() if atoms} == shares(flows_of(terms, happened))


@given(conditional(), sessions)
def test_each_line_pays_out_what_it_took_and_no_more(drawn, happened):
    """The payee shares with everybody: with the remainder to others, all that a line was charged is paid out."""
    for step in drawn["steps"]:
        step["to"] = "a" if step is drawn["steps"][0] else "b"
    terms = design(drawn, unit_price="0.333")
    flows = flows_of(terms, happened)
    charged: Counter[tuple[int, str]] = Counter()
    shared: Counter[int] = Counter()
    line: tuple[int, str] | None = None
    for flow in flows:
        if flow.exchange == "fee":
            line = flow.assignment_id, flow.source
            charged[line] = flow.money_atoms
        elif flow.step is not None:
            shared[line] += flow.money_atoms
    assert {key: atoms for key, atoms in charged.items() if atoms} == {k: atoms for k, atoms in shared.items() if atoms}


@given(agreements(), st.integers(-(10**5), 10**6), st.integers(0, 20))
def test_a_month_is_shared_as_the_oracle_shares_it(drawn, wh, trips):
    """One site, one payer, one month: each participant's part by each step is the exact one, less than an atom off."""
    counted = drawn | {"on": "fee"}
    terms = design(counted)
    hashes = {meter.id: meter.hash for meter in compile_plan(terms).meters}
    at = datetime(2026, 1, 10, tzinfo=UTC)
    group = ("ann", "fast", "mall")
    quantities = [
        Quantity(hashes["energy"], 1, group, wh, 1, at),
        Quantity(hashes["trips"], 1, group, trips, trips, at),
    ]
    past = {key: {} for key in ("units", "period_units", "taken", "period_taken", "accrued", "period_accrued")}
    past |= {"gross": 0, "period_gross": 0, "recouped": {}, "recoup_accrued": {}}
    units = {"energy": Fraction(wh), "trips": Fraction(trips)}
    exact = parts_of(drawn, steps_of(drawn, Fraction(wh, 1000) * ATOMS, units, past), PARTIES)
    due: Counter[tuple[str, str]] = Counter()
    for (step, _, participant), amount in exact.items():
        due[step, participant] += amount
    paid = shares(rate(terms, quantities, SITES))
    assert all(abs(paid.get(key, 0) - amount) < 1 for key, amount in due.items())
    assert sum(paid.values()) == wh * ATOMS // 1000
