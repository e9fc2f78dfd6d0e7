"""An agreement shares an amount as a signer would work it out, exactly, and rounds once."""

from __future__ import annotations

import copy
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from thalweg.allocation import NEW, Account, Shared, State, Sums, compile_terms, share
from thalweg.design.agreements import Agreement
from thalweg.design.rules.agreement_steps import problems_in_itself
from worlds.agreements import METERS, PARTICIPANTS, agreements
from worlds.sharing_oracle import EURO, parts_of, steps_of

bases = st.integers(-(10**10), 10**10) | st.integers(-300, 300) | st.integers(-30, 30).map(lambda cents: cents * 10**6)
counts = st.integers(-40, 40)
NO_PAST: dict[str, Any] = {
    "gross": 0,
    "period_gross": 0,
    "units": {},
    "period_units": {},
    "taken": {},
    "period_taken": {},
    "accrued": {},
    "period_accrued": {},
    "recouped": {},
    "recoup_accrued": {},
}


def agreement_of(document: dict[str, Any]) -> Agreement:
    agreement = Agreement.model_validate(document)
    percent = sum(step.percent for step in agreement.steps)
    assert percent > 100 or not list(problems_in_itself("", agreement))
    return agreement


def shared(document: dict[str, Any], base: int, units: dict[str, int], opening: State = NEW) -> Shared:
    terms = compile_terms(agreement_of(document), "EUR", METERS)
    return share(terms, base, PARTICIPANTS, units=units, opening=opening)


def past_of(state: State) -> dict[str, Any]:
    return {
        "gross": state.lifetime.gross,
        "period_gross": state.period.gross,
        "units": state.lifetime.units,
        "period_units": state.period.units,
        "taken": state.lifetime.taken,
        "period_taken": state.period.taken,
        "accrued": state.lifetime.accrued,
        "period_accrued": state.period.accrued,
        "recouped": {name: account.recouped for name, account in state.accounts.items()},
        "recoup_accrued": {name: account.accrued for name, account in state.accounts.items()},
    }


def assert_rounded_once(result: Shared, document: dict[str, Any], amounts: list[Fraction]) -> None:
    """Portions, participants' sums and steps' sums are within an atom of the exact amounts, and whole ones are met."""
    exact = parts_of(document, amounts, PARTICIPANTS)
    given = {tuple(portion[:3]): portion.atoms for portion in result.portions}
    for place in range(3):  # by step, by role and step, by participant
        for key in {part[place] for part in exact}:
            due = sum(amount for part, amount in exact.items() if part[place] == key)
            got = sum(atoms for part, atoms in given.items() if part[place] == key)
            if place != 1:
                assert abs(got - due) < 1
                assert due.denominator != 1 or got == due
    for part, due in exact.items():
        assert abs(given[part] - due) <= 1  # a participant with two roles in one step divides what is rounded


@given(agreements(), bases, counts, counts)
def test_shares_are_those_of_the_paper_rounded_once_and_sum_to_the_base(document, base, trips, energy):
    units = {"trips": trips, "energy": energy}
    result = shared(document, base, units)
    assert sum(portion.atoms for portion in result.portions) == base
    amounts = steps_of(document, Fraction(base), {name: Fraction(count) for name, count in units.items()}, NO_PAST)
    assert_rounded_once(result, document, amounts)


@given(agreements(), bases, bases, counts, counts, st.booleans())
def test_a_segment_opens_with_what_the_one_before_closed_with(document, first, second, trips, energy, same_period):
    before = shared(document, first, {"trips": energy, "energy": trips}).closing
    opening = before if same_period else before.next_period()
    units = {"trips": trips, "energy": energy}
    result = shared(document, second, units, opening)
    assert sum(portion.atoms for portion in result.portions) == second
    amounts = steps_of(
        document,
        Fraction(second),
        {name: Fraction(count) for name, count in units.items()},
        past_of(opening),
    )
    if not any("floor_of_remainder" in step for step in document["steps"]):  # the paper knows no floor of a part
        assert_rounded_once(result, document, amounts)


@given(agreements(), st.lists(st.integers(0, 10**9), min_size=1, max_size=4), counts)
def test_caps_and_accounts_are_never_passed_over_a_life_of_periods(document, periods, trips):
    state = NEW
    for base in periods:
        result = shared(document, base, {"trips": abs(trips), "energy": abs(trips)}, state)
        state = result.closing.next_period()
        for step, atoms in zip(document["steps"], result.atoms_of_steps, strict=True):
            if "cap" in step:
                taken = atoms if step["cap"]["per"] == "period" else result.closing.lifetime.taken[step["id"]]
                assert taken <= Fraction(step["cap"]["amount"]) * EURO
            if "recoup" in step["take"]:
                take = step["take"]["recoup"]
                assert 0 <= result.closing.accounts[take["account"]].recouped <= Fraction(take["total"]) * EURO


@given(agreements(), st.lists(bases, min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_order_duplicates_and_reversals_of_events_leave_no_trace(document, events, random):
    """Shares follow from the cumulative base alone: whatever is taken back and charged again, and in which order."""
    once = shared(document, sum(events), {"trips": len(events), "energy": 7}).portions
    shuffled = events + events + [-event for event in events]
    random.shuffle(shuffled)
    running, units = 0, 0
    for event in shuffled:
        running += event
    units = len(events)
    assert shared(document, running, {"trips": units, "energy": 7}).portions == once


@given(agreements(), bases, counts)
def test_what_is_refunded_within_a_period_is_as_if_it_had_never_been(document, base, trips):
    nothing = shared(document, 0, {"trips": 0, "energy": 0})
    assert all(portion.atoms == 0 for portion in nothing.portions)
    assert shared(document, base - base, {"trips": trips - trips, "energy": 0}).portions == nothing.portions


@given(agreements(), bases, counts)
def test_the_order_in_which_recipients_are_written_changes_nothing(document, base, trips):
    turned = copy.deepcopy(document)
    for step in turned["steps"]:
        if isinstance(step["to"], dict):
            step["to"]["split"] = dict(reversed(step["to"]["split"].items()))
    units = {"trips": trips, "energy": 3}
    assert shared(turned, base, units).portions == shared(document, base, units).portions


@given(agreements(simple=True), st.integers(0, 10**10))
def test_an_amendment_that_changes_nothing_changes_nothing_while_money_lasts(document, base):
    """Cut in two at any point, a period with ample money comes out as in one piece, but for an atom a cut and step."""
    for step in document["steps"]:
        if isinstance(step["take"], dict) and set(step["take"]) & {"per_unit", "tiered", "flat", "recoup"}:
            step["take"] = {"percent_of_gross": "7"}
    first = shared(document, base // 3, {"trips": 0, "energy": 0})
    second = shared(document, base - base // 3, {"trips": 0, "energy": 0}, first.closing)
    whole = shared(document, base, {"trips": 0, "energy": 0})
    assert second.closing.lifetime.gross == whole.closing.lifetime.gross == base
    for one, other, both in zip(first.atoms_of_steps, second.atoms_of_steps, whole.atoms_of_steps, strict=True):
        assert abs(one + other - both) <= 2


def test_lifetime_tiers_go_on_where_the_last_period_left_them():
    document = {
        "id": "g",
        "steps": [
            {
                "id": "fee",
                "take": {"tiered": {"on": "gross", "per": "lifetime", "tiers": [["100", "30"], [None, "15"]]}},
                "to": "a",
            },
            {"id": "rest", "take": "remainder", "to": "b"},
        ],
    }
    first = shared(document, 80 * EURO, {})
    second = shared(document, 80 * EURO, {}, first.closing.next_period())
    refund = shared(document, -80 * EURO, {}, second.closing.next_period())
    assert [each.atoms_of_steps[0] for each in (first, second, refund)] == [24 * EURO, 15 * EURO, -15 * EURO]


def test_what_was_recouped_unwinds_with_a_refund_and_is_recouped_again():
    document = {
        "id": "g",
        "steps": [
            {
                "id": "back",
                "take": {"recoup": {"account": "k", "total": "100", "percent_of_remainder": "50"}},
                "to": "a",
            },
            {"id": "rest", "take": "remainder", "to": "b"},
        ],
    }
    first = shared(document, 300 * EURO, {})
    assert first.atoms_of_steps == [100 * EURO, 200 * EURO]
    assert first.closing.accounts == {"k": Account(recouped=100 * EURO, accrued=150 * EURO)}
    small = shared(document, -60 * EURO, {}, first.closing.next_period())
    assert small.atoms_of_steps == [0, -60 * EURO]  # 120 of 240 would still be more than the total
    large = shared(document, -160 * EURO, {}, first.closing.next_period())
    assert large.atoms_of_steps == [-30 * EURO, -130 * EURO]
    again = shared(document, 100 * EURO, {}, large.closing.next_period())
    assert again.closing.accounts["k"].recouped == 100 * EURO


def test_a_raised_cap_pays_nothing_for_the_past_and_a_lowered_one_takes_nothing_back():
    def capped(amount: str) -> dict[str, Any]:
        return {
            "id": "g",
            "steps": [
                {
                    "id": "fee",
                    "take": {"percent_of_gross": "10"},
                    "to": "a",
                    "cap": {"amount": amount, "per": "period"},
                },
                {"id": "rest", "take": "remainder", "to": "b"},
            ],
        }

    first = shared(capped("50"), 1000 * EURO, {})
    assert first.atoms_of_steps[0] == 50 * EURO
    assert shared(capped("80"), 100 * EURO, {}, first.closing).atoms_of_steps[0] == 10 * EURO
    assert shared(capped("20"), 100 * EURO, {}, first.closing).atoms_of_steps[0] == 0


def test_side_by_side_steps_share_what_is_short_in_proportion_to_what_is_due():
    steps = [
        {"id": "one", "take": {"flat": {"amount": "30"}}, "to": "a", "priority": 1},
        {"id": "two", "take": {"flat": {"amount": "60"}}, "to": "b", "priority": 1},
        {"id": "rest", "take": "remainder", "to": "c"},
    ]
    document = {"id": "g", "steps": steps}
    assert shared(document, 45 * EURO, {}).atoms_of_steps == [15 * EURO, 30 * EURO, 0]
    assert shared(document, 100 * EURO, {}).atoms_of_steps == [30 * EURO, 60 * EURO, 10 * EURO]
    strict = {"id": "g", "steps": [{key: step[key] for key in step if key != "priority"} for step in steps]}
    assert shared(strict, 45 * EURO, {}).atoms_of_steps == [30 * EURO, 15 * EURO, 0]


def test_a_floor_of_the_remainder_is_left_for_the_steps_behind_over_the_whole_period():
    document = {
        "id": "g",
        "steps": [
            {"id": "back", "take": {"percent_of_remainder": "100"}, "to": "a", "floor_of_remainder": "40"},
            {"id": "rest", "take": "remainder", "to": "b"},
        ],
    }
    first = shared(document, 30 * EURO, {})
    assert first.atoms_of_steps == [0, 30 * EURO]
    assert shared(document, 30 * EURO, {}, first.closing).atoms_of_steps == [20 * EURO, 10 * EURO]
    assert shared(document, 30 * EURO, {}, first.closing.next_period()).atoms_of_steps == [0, 30 * EURO]


def test_states_are_plain_values_that_compare():
    assert State(lifetime=Sums(gross=1)) == State(lifetime=Sums(gross=1)) != NEW
