"""Pools that several charges feed: what makes them sound, and what is refused with a remedy."""

from __future__ import annotations

import copy
from typing import Any

from thalweg.design import validate
from thalweg.design.text import parse
from thalweg.examples import text

SOUND = parse(text("ev-charging"))


def changed(*steps: dict[str, Any], on: str = "operator-fee") -> dict[str, Any]:
    """The shipped design with another agreement, which leaves the rest to the operator."""
    document: dict[str, Any] = copy.deepcopy(SOUND)
    rest = {"id": "rest", "take": "remainder", "to": "cpo"}
    document["agreements"][0] = {"id": "host-agreement", "on": on, "steps": [*steps, rest]}
    return document


def fed_by_two(pool: dict[str, Any]) -> dict[str, Any]:
    """The operator's fee and the hub's feed one pool."""
    document = changed({"id": "x", "take": {"percent_of_gross": 10}, "to": {"pool": "site"}})
    all_of_it = {"id": "all", "take": "remainder", "to": {"pool": "site"}}
    document["agreements"] += [{"id": "site"} | pool, {"id": "hub", "on": "roaming-fee", "steps": [all_of_it]}]
    return document


RENT = {"id": "rent", "take": {"flat": {"amount": "100", "per": "lifetime"}}, "to": "host", "cap": {"amount": "10"}}


def test_a_pool_of_any_terms_may_be_fed_by_several_charges_in_periods_like_its_own():
    steps = [RENT, {"id": "rest", "take": "remainder", "to": "city"}]
    assert validate(fed_by_two({"steps": steps})) == ()
    problems = validate(fed_by_two({"steps": steps, "period": "day"}))
    assert {(problem.path, problem.remedy) for problem in problems} == {
        ("agreements[1].period", "give both the same period")
    }
    assert {problem.message.split(",")[1] for problem in problems} == {
        " but that of 'host-agreement'",
        " but that of 'hub'",
    }


def test_what_a_pool_counts_is_kept_apart_like_each_charge_that_feeds_it():
    counting = {"id": "x", "take": {"per_unit": {"meter": "occupancy", "amount": "1"}}, "to": "host"}
    problems = validate(fed_by_two({"steps": [counting, {"id": "rest", "take": "remainder", "to": "city"}]}))
    assert {(problem.path, problem.remedy) for problem in problems} == {
        ("agreements[1].steps[0].take.per_unit.meter", "add emsp to the `group_by` of 'occupancy'")
    }


def test_a_charge_that_is_shared_with_others_tells_apart_who_is_paid_these():
    """The providers' agreement is one for each of them; what the city pays for data could not be put to any."""
    document = changed(RENT, on="charging-fee")
    document["exchanges"].append(
        {"id": "data-fee", "name": "Data fee", "from": "city", "to": "cpo", "object": "payment", "medium": "money"}
        | {"unit": "count", "meter": "occupancy"}
    )
    document["tariffs"].append({"id": "data-price", "on": "data-fee", "unit_price": "0.01"})
    steps = [{"id": "all", "take": "remainder", "to": {"pool": "host-agreement"}}]
    document["agreements"].append({"id": "data", "on": "data-fee", "steps": steps})
    (problem,) = validate(document)
    assert (problem.path, problem.remedy) == ("exchanges[13].meter", "add emsp to the meter's `group_by`")
