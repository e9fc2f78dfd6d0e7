"""Those who sign read every term in words."""

from __future__ import annotations

from thalweg.allocation.breakpoints import breakpoints
from thalweg.design.agreements import Agreement


def test_every_term_and_every_point_at_which_it_changes_is_said():
    agreement = Agreement.model_validate(
        {
            "id": "hub",
            "on": "charging-fee",
            "base": {"net_of": ["energy-cost", "tax"]},
            "steps": [
                {
                    "id": "meter",
                    "take": {"per_unit": {"meter": "energy", "amount": "0.0005", "unit": "kWh"}},
                    "to": "meter-operator",
                    "cap": {"amount": "500"},
                },
                {"id": "setup", "take": {"flat": {"amount": "90", "per": "lifetime"}}, "to": "lab", "priority": 1},
                {
                    "id": "roaming",
                    "take": {"percent_of_gross": "2"},
                    "to": {"pool": "hub-fund"},
                    "priority": 1,
                    "when": {"attribute": "network", "in": ["abroad", "hub"], "from": "2026-07-01"},
                },
                {
                    "id": "capex",
                    "take": {"recoup": {"account": "capex", "total": "12000", "percent_of_remainder": 50}},
                    "to": "investor",
                    "floor_of_remainder": "100",
                },
                {
                    "id": "data",
                    "take": {"tiered": {"on": "gross", "per": "lifetime", "tiers": [["1000000", 10], [None, 20]]}},
                    "to": {"split": {"owner": 3, "lab": 1}},
                },
                {
                    "id": "volume",
                    "take": {
                        "tiered": {
                            "on": "units",
                            "meter": "trips",
                            "mode": "volume",
                            "tiers": [["100", "0.10"], [None, "0.08"]],
                        }
                    },
                    "to": "city",
                },
                {"id": "bonus", "take": {"percent_of_remainder": 5}, "to": "lab", "when": {"above": "2000"}},
                {"id": "rest", "take": "remainder", "to": {"split": {"operator": 7, "city": 3}}},
            ],
            "guarantees": [
                {"party": "owner", "minimum": "200", "funded_by": ["operator", "platform"], "recourse": True}
            ],
            "reserves": [{"party": "operator", "percent": 10, "release_after": "P90D"}],
        }
    )
    assert breakpoints(agreement, "EUR") == [
        "Shared, by the month, and called gross below: the charges on charging-fee, less those on energy-cost and tax.",
        "meter: 0.0005 EUR for each kWh of energy to meter-operator, as far as money is left.",
        "meter: never more than 500 EUR in a month; the rest stays for the steps behind.",
        "setup: 90 EUR, once in the agreement's lifetime, to lab, as far as money is left.",
        "setup: side by side with roaming: where money is short, each gets the same part of its due.",
        "roaming: where network is abroad or hub, from 2026-07-01, 2 percent of gross to the pool of hub-fund, as far "
        "as money is left.",
        "capex: 50 percent of what is left to investor, as far as money is left.",
        "capex: once the account capex has 12000 EUR, nothing; the steps behind share what it took.",
        "capex: only as far as 100 EUR stay for the steps behind in a month.",
        "data: 10 percent of gross in the agreement's lifetime up to 1000000 EUR, to owner (3) and lab (1) by these "
        "weights.",
        "data: 20 percent of gross in the agreement's lifetime above 1000000 EUR, to owner (3) and lab (1) by these "
        "weights.",
        "volume: 0.10 EUR for each of all units of trips in a month, if they are up to 100, to city.",
        "volume: 0.08 EUR for each of all units of trips in a month, if they are above 100, to city.",
        "bonus: for gross in a month above 2000 EUR, 5 percent of what is left to lab, as far as money is left.",
        "rest: all that is left, to operator (7) and city (3) by these weights.",
        "Guarantee: owner has at least 200 EUR of each month; what is missing, operator and platform give in "
        "proportion to their shares, even beyond what they have of it.",
        "Reserve: 10 percent of what is due to operator is held back, and paid 90 days after the month's end.",
    ]
