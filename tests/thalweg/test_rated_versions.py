"""Agreements with dates of their own: each time is shared by the version in force, and the next goes on from there."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import floor
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from thalweg.design import Design, from_document
from thalweg.mapping import compile_plan
from thalweg.plan import compile_design
from thalweg.rating import Flow, Quantity, rate
from worlds.agreements import agreements
from worlds.sharing import (
    MONTH,
    NEW_YEAR,
    PARTIES,
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

#: local noon of the fifteenth of January in Helsinki, and a quarter of an hour more
NOON = "2026-01-15T12:15"
CHANGE = NEW_YEAR + 14 * 96 + 49


def versions(first: dict[str, Any], second: dict[str, Any], at: str = NOON) -> list[dict[str, Any]]:
    return [first | {"on": "fee", "valid_until": at}, second | {"id": "h", "on": "fee", "valid_from": at}]


def percent(percent: int, **settings: Any) -> dict[str, Any]:
    return {"take": {"percent_of_gross": percent}, "to": "a"} | settings


def by_version(flows: Iterable[Flow]) -> dict[tuple[str, str], int]:
    """Euros of the first step, by agreement and participant."""
    found: Counter[tuple[str, str]] = Counter()
    for flow in flows:
        if flow.agreement is not None and flow.step == "s0":
            found[flow.agreement, flow.target] += flow.money_atoms
    return {key: atoms // ATOMS for key, atoms in found.items()}


def test_each_quarter_hour_is_shared_by_the_version_in_force_and_flows_name_it():
    terms = design(*versions(agreement(percent(10)), agreement(percent(50, to="b"))))
    window = [session(CHANGE - 1, 100_000), session(CHANGE, 20_000), session(CHANGE + MONTH, 20_000)]
    assert by_version(flows_of(terms, window)) == {("g", "anna"): 10, ("h", "berta"): 20}


def test_the_next_version_opens_with_what_the_one_before_has_taken_and_paid_back():
    capped = percent(10, cap={"amount": "5"})
    terms = design(*versions(agreement(capped), agreement(percent(20, cap={"amount": "7"}))))
    before, after = [session(0, 40_000)], [session(CHANGE, 100_000)]
    assert euros(flows_of(terms, after, opening=before)) == {("s0", "anna"): 3}
    assert euros(flows_of(terms, [*before, *after])) == {("s0", "anna"): 7}
    loan = {"take": {"recoup": {"account": "loan", "total": "100"}}, "to": "a"}
    half = {"take": {"recoup": {"account": "loan", "total": "100", "percent_of_remainder": 50}}, "to": "a"}
    terms = design(*versions(agreement(loan), agreement(half)))
    assert by_version(flows_of(terms, [session(0, 80_000), session(CHANGE, 60_000)])) == {
        ("g", "anna"): 80,
        ("h", "anna"): 20,
    }


def test_each_version_takes_off_what_it_names_and_nothing_that_another_names():
    net = agreement(percent(50)) | {"base": {"net_of": ["commission"]}}
    terms = document(
        tariff(unit_price="1"),
        tariff(unit_price="0.6") | {"id": "u", "on": "commission"},
        agreements=versions(net, agreement(percent(50))),
    )
    terms["nodes"] += [{"id": role, "name": role, "kind": "organisation"} for role in PARTIES]
    window = [session(0, 10_000), session(CHANGE, 10_000)]
    assert by_version(flows_of(from_document(terms), window)) == {("g", "anna"): 2, ("h", "anna"): 5}


def test_a_pool_that_both_versions_feed_goes_on_with_its_own_sums():
    pool = {
        "id": "site",
        "steps": [
            {"id": "s0", "take": {"flat": {"amount": "7"}}, "to": "a"},
            {"id": "left", "take": "remainder", "to": "b"},
        ],
    }
    fed = [agreement(percent(part, to={"pool": "site"})) for part in (50, 100)]
    terms = design(*versions(*fed), pool)
    window = [session(0, 10_000), session(CHANGE, 10_000)]
    assert euros(flows_of(terms, window)) == {("s0", "anna"): 7, ("left", "berta"): 8}


def test_where_the_tariff_ends_its_agreement_may_and_nothing_else_changes():
    dated = design(agreement(percent(10)) | {"valid_until": NOON}, valid_until=NOON)
    window = [session(0, 10_000), session(CHANGE, 10_000)]
    assert shares(flows_of(dated, window)) == shares(flows_of(design(agreement(percent(10)), valid_until=NOON), window))


@st.composite
def whole_parts(draw: st.DrawFn) -> dict[str, Any]:
    """Fixed parts of whole kilowatt-hours that are whole atoms, through a pool or not."""
    kinds = st.sampled_from(["percent_of_gross", "percent_of_remainder"])
    recipients = st.sampled_from(["a", "b", "c", {"split": {"a": 1, "b": 1}}])
    steps = draw(st.lists(st.tuples(kinds, st.integers(0, 33), recipients), max_size=3))
    return agreement(*({"take": {kind: part}, "to": to} for kind, part, to in steps))


@given(whole_parts(), sessions, st.sampled_from(["hour", "day", "month"]))
def test_split_at_a_boundary_with_the_same_terms_it_is_the_undivided_agreement(drawn, happened, period):
    happened = [each._replace(wh=each.wh // 1000 * 1000) for each in happened]
    undivided = shares(flows_of(design(drawn), happened))
    divided = design(*versions(drawn, drawn, at="2026-01-15"), period=period)
    assert shares(flows_of(divided, happened)) == undivided


@st.composite
def amended(draw: st.DrawFn) -> Design:
    """Two versions of anything, before and after midnight or noon of the fifteenth."""
    drawn = [draw(agreements(most_steps=3)) for _ in range(2)]
    period = draw(st.sampled_from(["hour", "day", "month"]))
    at = draw(st.sampled_from(["2026-01-15", NOON]))
    return design(*versions(*(each | {"period": period} for each in drawn), at=at), unit_price="0.333")


@given(amended(), sessions, st.lists(st.integers(0, 2 * MONTH), min_size=1, max_size=3).map(sorted), st.data())
def test_windows_one_after_the_other_sum_to_the_figures_from_scratch_and_all_is_shared(terms, happened, cuts, data):
    plan = compile_design(terms)
    happened = sorted(happened, key=lambda each: each.quarter)
    whole = rate(plan, measured(terms, happened), SITES)
    live: Counter[tuple[str, str]] = Counter()
    for start, end in zip([-MONTH, *cuts], [*cuts, 3 * MONTH], strict=True):
        begin = plan.opening(moment(session(start, 0)))
        opening = [each for each in happened if each.quarter < start and (begin is None or moment(each) >= begin)]
        window = [each for each in happened if start <= each.quarter < end]
        live.update(shares(rate(plan, measured(terms, window), SITES, measured(terms, opening))))
    assert {key: atoms for key, atoms in live.items() if atoms} == shares(whole)
    assert rate(plan, data.draw(st.permutations(measured(terms, happened))), SITES) == whole
    charged = sum(flow.money_atoms for flow in whole if flow.exchange == "fee")
    assert sum(shares(whole).values()) == charged


SUMS = ("units", "period_units", "taken", "period_taken", "accrued", "period_accrued", "recouped", "recoup_accrued")
NOTHING: dict[str, Any] = {"gross": 0, "period_gross": 0} | {key: {} for key in SUMS}


def past_of(
    first: dict[str, Any], gross: Fraction, units: dict[str, Fraction], taken: dict[str, int]
) -> dict[str, Any]:
    """What the paper of the second version opens with: what the first has booked, and what its limits kept back."""
    exact = steps_of(first, gross, units, NOTHING)
    accrued, recouped, recoup_accrued = {}, {}, {}
    for number, step in enumerate(first["steps"]):
        free = copy.deepcopy(first)
        free["steps"][number].pop("cap", None)
        account = step["take"].get("recoup") if step["take"] != "remainder" else None
        if account:
            free["steps"][number]["take"]["recoup"]["total"] = "1000000000"
        beyond = floor(steps_of(free, gross, units, NOTHING)[number] - exact[number])
        if "cap" in step:
            accrued[step["id"]] = taken[step["id"]] + beyond
        if account:
            recouped[account["account"]] = taken[step["id"]]
            recoup_accrued[account["account"]] = taken[step["id"]] + beyond
    past = {"gross": gross, "units": units, "taken": taken, "accrued": accrued}
    within = {f"period_{key}": value for key, value in past.items()}
    return past | within | {"recouped": recouped, "recoup_accrued": recoup_accrued}


def on_paper(drawn: dict[str, Any]) -> dict[str, Any]:
    """Without what the paper does not follow from one segment to the next."""
    for step in drawn["steps"]:
        step.pop("floor_of_remainder", None)
        step.pop("priority", None)
    return drawn


papers = agreements(most_steps=3).map(on_paper)
measures = st.tuples(st.integers(0, 60_000), st.integers(0, 20))


@given(papers, papers, measures, measures)
def test_each_segment_is_shared_as_the_oracle_shares_it(first, second, before, after):
    """One site, one payer, one month: by each version, each participant has the exact part, less than an atom off."""
    terms = design(*versions(first, second))
    hashes = {meter.id: meter.hash for meter in compile_plan(terms).meters}
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=15 * CHANGE)
    quantities = [
        Quantity(hashes[meter], 1, ("ann", "fast", "mall"), count, 1, moment_)
        for moment_, counts in ((at - timedelta(minutes=15), before), (at, after))
        for meter, count in zip(("energy", "trips"), counts, strict=True)
    ]
    paid: dict[str, Counter[tuple[str, str]]] = {"g": Counter(), "h": Counter()}
    for flow in rate(terms, quantities, SITES):
        if flow.agreement is not None and flow.step is not None:
            paid[flow.agreement][flow.step, flow.target] += flow.money_atoms
    past = NOTHING
    for name, drawn, (wh, trips) in (("g", first, before), ("h", second, after)):
        gross, units = Fraction(wh, 1000) * ATOMS, {"energy": Fraction(wh), "trips": Fraction(trips)}
        due: Counter[tuple[str, str]] = Counter()
        for (step, _, participant), amount in parts_of(drawn, steps_of(drawn, gross, units, past), PARTIES).items():
            due[step, participant] += amount
        assert all(abs(paid[name][key] - amount) < 1 for key, amount in due.items())
        assert sum(paid[name].values()) == gross
        taken = {step["id"]: sum(n for key, n in paid[name].items() if key[0] == step["id"]) for step in drawn["steps"]}
        if past is NOTHING:
            past = past_of(drawn, gross, units, taken)
