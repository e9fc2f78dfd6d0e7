"""Agreements that cannot be meant are refused with place and remedy; steps in vain are warned of."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from thalweg.design import from_document, validate
from thalweg.design.agreement_text import agreements_of, read_agreements
from thalweg.design.shares import share_exchanges
from thalweg.design.text import parse
from thalweg.errors import InvalidDesign
from thalweg.examples import text

SOUND = parse(text("ev-charging"))
REST = {"id": "rest", "take": "remainder", "to": "b"}
TIERS = {"on": "gross", "tiers": [["10", "5"], [None, "3"]]}


def one(*steps: dict[str, Any], **settings: Any) -> dict[str, Any]:
    named = [{"id": f"s{number}", "to": "a", **step} for number, step in enumerate(steps)]
    return {"agreement": "g", "steps": [*named, REST]} | settings


def flat(amount: str = "1", **settings: Any) -> dict[str, Any]:
    return {"take": {"flat": {"amount": amount}}} | settings


CASES = {
    "percent": (one({"take": {"percent_of_remainder": "101"}}), "steps[0].take.percent_of_remainder", "a percentage"),
    "percent of gross over 100": (
        one({"take": {"percent_of_gross": 60}}, {"take": {"percent_of_gross": "40.1"}}),
        "steps",
        "lower the percentages",
    ),
    "negative flat": (one(flat("-1")), "steps[0].take.flat.amount", "0 or more"),
    "negative price": (
        one({"take": {"per_unit": {"meter": "m", "amount": "-1"}}}),
        "steps[0].take.per_unit.amount",
        "0",
    ),
    "no last tier": (
        one({"take": {"tiered": TIERS | {"tiers": [["10", "5"]]}}}),
        "steps[0].take.tiered.tiers[0][0]",
        "write null",
    ),
    "tier without rate": (
        one({"take": {"tiered": TIERS | {"tiers": [["10"], [None, "3"]]}}}),
        "steps[0].take.tiered.tiers[0][1]",
        "write all of them",
    ),
    "tiers in disorder": (
        one({"take": {"tiered": TIERS | {"tiers": [["10", "5"], ["10", "4"], [None, "3"]]}}}),
        "steps[0].take.tiered.tiers[1][0]",
        "order the tiers",
    ),
    "tier from zero": (
        one({"take": {"tiered": TIERS | {"tiers": [["0", "5"], [None, "3"]]}}}),
        "steps[0].take.tiered.tiers[0][0]",
        "order the tiers",
    ),
    "tiers on no meter": (
        one({"take": {"tiered": TIERS | {"on": "units"}}}),
        "steps[0].take.tiered.meter",
        "add `meter:`",
    ),
    "tiers of gross by a meter": (
        one({"take": {"tiered": TIERS | {"meter": "m"}}}),
        "steps[0].take.tiered.meter",
        "count `units`",
    ),
    "threshold on tiers": (
        one({"take": {"tiered": TIERS}, "when": {"above": "1"}}),
        "steps[0].when",
        "into the tiers",
    ),
    "empty window": (one(flat(when={"above": "2", "up_to": "2"})), "steps[0].when.up_to", "the larger one"),
    "no condition": (one(flat(when={})), "steps[0].when", "a threshold"),
    "half an attribute": (one(flat(when={"attribute": "site"})), "steps[0].when.in", "give both"),
    "dates in disorder": (
        one(flat(when={"from": "2026-07-01", "until": "2026-07-01"})),
        "steps[0].when.until",
        "a day after `from`",
    ),
    "capped remainder": (
        one() | {"steps": [REST | {"cap": {"amount": "1"}}]},
        "steps[0].cap",
        "put a step with this condition in front",
    ),
    "priority behind": (one(flat(priority=2), flat(priority=1)), "steps[1].priority", "order the steps"),
    "priority apart": (
        one(flat(priority=1), flat(), flat(priority=1)),
        "steps[2].priority",
        "side by side",
    ),
    "account twice": (
        one(*[{"take": {"recoup": {"account": "k", "total": "1"}}}] * 2),
        "steps[1].take.recoup.account",
        "another account",
    ),
    "finer than an atom": (one(flat("0.000000001")), "steps[0].take.flat.amount", "fewer decimal places"),
    "bound finer than a step": (
        one(
            {"take": {"tiered": {"on": "units", "meter": "m", "unit": "kWh", "tiers": [["0.0001", "1"], [None, "2"]]}}},
        ),
        "steps[0].take.tiered.tiers[0][0]",
        "fewer decimal places",
    ),
    "guarantee of another period": (
        one(guarantees=[{"party": "b", "minimum": "1", "per": "day", "funded_by": ["c"]}]),
        "guarantees[0].per",
        "write month",
    ),
    "guarantee to oneself": (
        one(guarantees=[{"party": "b", "minimum": "1", "funded_by": ["b"]}]),
        "guarantees[0].funded_by",
        "name others",
    ),
    "reserves over 100": (
        one(reserves=[{"party": "b", "percent": 60, "release_after": "P9D"}] * 2),
        "reserves[1].percent",
        "lower",
    ),
    "reserve without days": (
        one(reserves=[{"party": "b", "percent": 60, "release_after": "90 days"}]),
        "reserves[0].release_after",
        "such as P90D",
    ),
    "unknown pool": (one(flat(to={"pool": "x"})), "steps[0].to.pool", "into one document"),
    "own pool": (one(flat(to={"pool": "g"})), "steps[0].to.pool", "break the circle"),
    "currency": (one(currency="EUX"), "currency", "ISO 4217"),
    "unit": (one(meters={"m": "kWp"}), "meters.m", "kWh"),
    "no id": ({"steps": [REST]}, "agreement", "add `id:`"),
}


@pytest.mark.parametrize(("document", "path", "remedy"), CASES.values(), ids=CASES)
def test_each_problem_of_an_agreement_is_reported_at_its_place_with_a_remedy(document, path, remedy):
    with pytest.raises(InvalidDesign) as refusal:
        agreements_of(document)
    problems = refusal.value.problems
    assert [problem for problem in problems if problem.path == path and remedy in problem.remedy], problems


def test_a_circle_of_pools_and_a_shared_account_are_refused_between_agreements():
    recoup = {"id": "k", "take": {"recoup": {"account": "k", "total": "1"}}}
    listed = [
        {"id": "one", "steps": [recoup | {"to": {"pool": "two"}}, REST]},
        {"id": "two", "steps": [recoup | {"to": {"pool": "one"}}, REST]},
    ]
    with pytest.raises(InvalidDesign) as refusal:
        agreements_of({"agreements": listed})
    paths = [problem.path for problem in refusal.value.problems]
    assert "agreements[0].steps[0].to.pool" in paths
    assert "agreements[1].steps[0].to.pool" in paths
    assert "agreements[1].steps[0].take.recoup.account" in paths


WARNINGS = {
    "behind 100 percent of gross": (one({"take": {"percent_of_gross": 100}}), "steps[1]"),
    "behind all of the remainder": (one({"take": {"percent_of_remainder": 100}}, flat()), "steps[1]"),
    "nothing taken": (one(flat("0")), "steps[0].take"),
    "nothing under the cap": (one(flat(cap={"amount": "0"})), "steps[0].take"),
    "tier beyond the cap": (
        one({"take": {"tiered": TIERS}, "cap": {"amount": "0.50"}}),
        "steps[0].take.tiered.tiers[1]",
    ),
}


@pytest.mark.parametrize(("document", "path"), WARNINGS.values(), ids=WARNINGS)
def test_what_never_gets_anything_is_warned_of(document, path):
    warnings = agreements_of(document).warnings
    assert [warning for warning in warnings if warning.path == f"agreements[0].{path}" and warning.remedy], warnings


def test_a_condition_or_a_cap_leaves_something_for_those_behind():
    for limit in ({"cap": {"amount": "5"}}, {"when": {"from": "2026-01-01"}}, {"floor_of_remainder": "5"}):
        assert agreements_of(one({"take": {"percent_of_remainder": 100}, **limit}, flat())).warnings == ()


def changed(steps: list[dict[str, Any]], **settings: Any) -> dict[str, Any]:
    document: dict[str, Any] = copy.deepcopy(SOUND)
    document["agreements"][0] = {
        "id": "host-agreement",
        "on": "operator-fee",
        "steps": [*steps, {"id": "rest", "take": "remainder", "to": "cpo"}],
    } | settings
    return document


IN_DESIGN = {
    "unknown meter": (
        [{"id": "x", "take": {"per_unit": {"meter": "watts", "amount": "1"}}, "to": "host"}],
        {},
        "steps[0].take.per_unit.meter",
        "`meters`",
    ),
    "unit of another dimension": (
        [{"id": "x", "take": {"per_unit": {"meter": "energy", "unit": "min", "amount": "1"}}, "to": "host"}],
        {},
        "steps[0].take.per_unit.unit",
        "converts to Wh",
    ),
    "meter that mixes": (
        [{"id": "x", "take": {"per_unit": {"meter": "occupancy", "amount": "1"}}, "to": "host"}],
        {},
        "steps[0].take.per_unit.meter",
        "`group_by`",
    ),
    "attribute that is mixed": (
        [{"id": "x", "take": {"flat": {"amount": "1"}}, "to": "host", "when": {"attribute": "site", "in": ["a"]}}],
        {},
        "steps[0].when.attribute",
        "`group_by`",
    ),
    "unknown pool": (
        [{"id": "x", "take": {"percent_of_gross": 1}, "to": {"pool": "y"}}],
        {},
        "steps[0].to.pool",
        "`agreements`",
    ),
    "unknown guaranteed": (
        [],
        {"guarantees": [{"party": "x", "minimum": "1", "funded_by": ["cpo"]}]},
        "guarantees[0]",
        "`nodes`",
    ),
    "unknown reserved": (
        [],
        {"reserves": [{"party": "x", "percent": 1, "release_after": "P1D"}]},
        "reserves[0].party",
        "`nodes`",
    ),
    "fed by nothing": ([], {"on": None}, "on", "its pool"),
}


@pytest.mark.parametrize(("steps", "settings", "path", "remedy"), IN_DESIGN.values(), ids=IN_DESIGN)
def test_what_an_agreement_names_is_known_in_its_design(steps, settings, path, remedy):
    problems = validate(changed(steps, **settings))
    place = f"agreements[0].{path}"
    assert [problem for problem in problems if problem.path == place and remedy in problem.remedy], problems


def test_a_pool_pays_its_recipients_along_implied_exchanges_of_the_charges_payee():
    document = changed([{"id": "x", "take": {"percent_of_gross": 10}, "to": {"pool": "site"}}])
    split = {"host": 3, "city": 1}
    document["agreements"].append({"id": "site", "steps": [{"id": "all", "take": "remainder", "to": {"split": split}}]})
    assert validate(document) == ()
    exchanges = share_exchanges(from_document(document))
    assert {ends: exchange.id for ends, exchange in exchanges.items()} == {
        ("cpo", "host"): "host-share",
        ("cpo", "city"): "_share.cpo.city",
    }


def test_an_agreement_that_uses_everything_is_read_from_a_document_of_its_own():
    read = read_agreements(
        """
        agreement: ev-hub-2026
        on: charging-fee
        base: {net_of: [energy-cost]}
        steps:
          - {id: meter, take: {per_unit: {meter: kwh, amount: "0.0005"}}, to: mo, cap: {amount: "500", per: period}}
          - {id: data, take: {tiered: {on: gross, per: lifetime, tiers: [["1000000", 10], [null, 20]]}}, to: owner}
          - {id: rest, take: remainder, to: {split: {operator: 7, city: 3}}}
        guarantees:
          - {party: owner, minimum: "200", per: month, funded_by: [operator], recourse: true, prorate: days}
        reserves:
          - {party: operator, percent: 10, release_after: P90D}
        """
    )
    assert (read.currency, read.units, list(read.agreements), read.warnings) == (
        "EUR",
        {"kwh": "kWh"},
        ["ev-hub-2026"],
        (),
    )
