"""Clauses of real kinds of contracts, each as a document, come out as worked out by hand beside it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from thalweg.allocation import NEW, State, compile_terms
from thalweg.allocation.closing import Days, Segment, close_period
from thalweg.allocation.pools import share_all
from thalweg.design.agreement_text import agreements_of
from thalweg.design.agreements import recipients_of
from thalweg.design.text import parse
from thalweg.money import atoms_per_major_unit, format_atoms, format_minor, parse_atoms
from thalweg.units import unit

CONTRACTS = sorted((Path(__file__).parent / "contracts").glob("*.yaml"))


def test_there_are_ten_contracts():
    assert len(CONTRACTS) == 10


@pytest.mark.parametrize("path", CONTRACTS, ids=[path.stem for path in CONTRACTS])
def test_a_contract_comes_out_as_worked_out_by_hand(path):
    contract = parse(path.read_text(encoding="utf-8"))
    document = agreements_of(contract["terms"])
    assert document.warnings == ()
    currency = document.currency
    terms = {name: compile_terms(each, currency, document.units) for name, each in document.agreements.items()}
    first = next(iter(document.agreements.values()))
    roles = recipients_of(first, document.agreements.values())
    states: dict[str, State] = dict.fromkeys(terms, NEW)
    for period in contract["periods"]:
        gross = parse_atoms(period["gross"], currency)
        if "payers" in period:
            most = parse_atoms(contract["payers_cap"], currency)
            assert gross == sum(min(parse_atoms(charge, currency), most) for charge in period["payers"])
        shared = share_all(
            terms,
            {first.id: gross},
            {role: role for role in roles},
            units={
                meter: int(count) * unit(document.units[meter]).steps
                for meter, count in period.get("units", {}).items()
            },
            openings=states,
        )
        states = {name: each.closing.next_period() for name, each in shared.items()}
        parties: dict[str, int] = {}
        for each in shared.values():
            for role, atoms in each.by_participant.items():
                parties[role] = parties.get(role, 0) + atoms
        assert sum(parties.values()) == gross
        assert {role: format_atoms(atoms, currency) for role, atoms in parties.items()} == period["shares"]
        if "settled" in period:
            assert settled(first, parties, currency, period) == period["settled"]


def settled(agreement: Any, parties: dict[str, int], currency: str, period: dict[str, Any]) -> dict[str, str]:
    days = Days(*period["days"]) if "days" in period else None
    earned = {(role, role): atoms for role, atoms in parties.items()}
    closed = close_period([Segment(agreement, earned, days)], currency, date(2026, 4, 1))
    return {role: format_minor(minor, currency) for role, minor in closed.settled.items()}


def test_fixed_fees_are_exact_in_the_case_of_1999_cents():
    """A fee of 7 cents, 0.6 percent and 0.5 percent: largest remainder gives 7, 12, 10 and 1970, not 8 for the fee."""
    document = agreements_of(
        {
            "agreement": "payment",
            "currency": "USD",
            "steps": [
                {"id": "fee", "take": {"flat": {"amount": "0.07"}}, "to": "processor"},
                {"id": "scheme", "take": {"percent_of_gross": "0.6"}, "to": "scheme"},
                {"id": "bank", "take": {"percent_of_gross": "0.5"}, "to": "bank"},
                {"id": "rest", "take": "remainder", "to": "merchant"},
            ],
        }
    )
    terms = compile_terms(document.agreements["payment"], "USD")
    roles = {role: role for role in ("processor", "scheme", "bank", "merchant")}
    shared = share_all({"payment": terms}, {"payment": 1999 * 10**6}, roles)["payment"]
    earned = {(role, role): n for role, n in shared.by_participant.items()}
    closed = close_period([Segment(terms.agreement, earned)], "USD", date(2026, 2, 1))
    assert [closed.settled[role] for role in roles] == [7, 12, 10, 1970]


def test_five_thousand_for_members_of_weight_one_one_and_a_half():
    split = {"split": {"ann": "1", "ben": "1", "cem": "0.5"}}
    document = agreements_of({"agreement": "union", "steps": [{"id": "all", "take": "remainder", "to": split}]})
    terms = compile_terms(document.agreements["union"])
    for amount in (5_000, 5_000 * atoms_per_major_unit("EUR")):
        shared = share_all({"union": terms}, {"union": amount}, {"ann": "ann", "ben": "ben", "cem": "cem"})["union"]
        assert [portion.atoms * 5_000 // amount for portion in shared.portions] == [2000, 2000, 1000]
