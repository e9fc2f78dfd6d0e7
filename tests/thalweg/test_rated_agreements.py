"""Rating pays shares through pools along the payee's exchanges, and refuses what it cannot share rightly."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from thalweg.design import Design, from_document
from thalweg.design.text import parse
from thalweg.errors import RatingError
from thalweg.examples import text
from thalweg.mapping import compile_plan
from thalweg.rating import Flow, Quantity, rate

SOUND = parse(text("ev-charging"))
EURO = 10**8


def design_with(*agreements: dict[str, Any]) -> Design:
    document = copy.deepcopy(SOUND)
    document["agreements"] = list(agreements)
    return from_document(document)


def rated(design: Design) -> tuple[Flow, ...]:
    quantities = [
        Quantity(meter.hash, 1, ("x",) * len(meter.group_by), 10_000, 1) for meter in compile_plan(design).meters
    ]
    return rate(design, quantities, {1: {"host": "mall"}})


def test_a_pool_is_shared_with_its_recipients_by_the_payee_of_the_charge():
    flows = rated(
        design_with(
            {
                "id": "operator",
                "on": "operator-fee",
                "base": {"net_of": ["energy-cost"]},
                "steps": [
                    {"id": "site", "take": {"percent_of_gross": 20}, "to": {"pool": "site"}},
                    {"id": "rest", "take": "remainder", "to": "cpo"},
                ],
            },
            {
                "id": "site",
                "steps": [
                    {"id": "city", "take": {"percent_of_remainder": 10}, "to": "city"},
                    {"id": "rest", "take": "remainder", "to": "host"},
                ],
            },
        )
    )
    # 3.50 − 2.00 = 1.50; 0.30 for the site, of which the city has a tenth
    shares = {(f.exchange, f.agreement, f.step, f.target): f.money_atoms for f in flows if f.agreement}
    assert shares == {
        ("_share.cpo.city", "site", "city", "rivertown"): 3 * EURO // 100,
        ("host-share", "site", "rest", "mall"): 27 * EURO // 100,
    }


@pytest.mark.parametrize(
    "step",
    [
        {"take": {"percent_of_gross": 10}, "cap": {"amount": "5"}},
        {"take": {"percent_of_gross": 10}, "when": {"from": "2026-01-01"}},
        {"take": {"flat": {"amount": "5"}}},
    ],
)
def test_shares_that_depend_on_time_are_refused_without_it_and_never_guessed(step):
    steps = [{"id": "host", "to": "host", **step}, {"id": "rest", "take": "remainder", "to": "cpo"}]
    with pytest.raises(RatingError, match="by quarter hour"):
        rated(design_with({"id": "operator", "on": "operator-fee", "steps": steps}))
