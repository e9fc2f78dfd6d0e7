"""Closing a period moves nothing but what guarantees and reserves say, and settles to the gross in minor units."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from thalweg.allocation.closing import Days, Segment, close_period, days_in_force, released
from thalweg.design.agreements import Agreement
from thalweg.design.periods import Period
from thalweg.design.validity import validity_of
from thalweg.money import ATOMS_PER_MINOR_UNIT as CENT

END = date(2026, 4, 1)
ROLES = ("owner", "operator", "platform")
PARTIES = [(role, f"{role}-{number}") for role in ROLES for number in (1, 2)]

balances = st.fixed_dictionaries({party: st.integers(-(10**10), 10**11) for party in PARTIES})
amounts = st.integers(0, 2000).map(lambda cents: f"{cents / 100:.2f}")
guarantees = st.lists(
    st.fixed_dictionaries(
        {
            "party": st.just("owner"),
            "minimum": amounts,
            "funded_by": st.sampled_from([["operator"], ["operator", "platform"], ["platform", "operator"]]),
            "recourse": st.booleans(),
        }
    ),
    max_size=2,
)
reserves = st.lists(
    st.fixed_dictionaries(
        {
            "party": st.sampled_from(ROLES),
            "percent": st.sampled_from(["0", "10", "33.3"]),
            "release_after": st.just("P90D"),
        }
    ),
    max_size=2,
)


def agreement(**settings: object) -> Agreement:
    rest = {"id": "rest", "take": "remainder", "to": {"split": dict.fromkeys(ROLES, 1)}}
    return Agreement.model_validate({"id": "g", "steps": [rest]} | settings)


@given(balances, guarantees, reserves)
def test_what_is_settled_and_what_is_held_sum_to_the_gross_in_minor_units(earned, guaranteed, reserved):
    closed = close_period([Segment(agreement(guarantees=guaranteed, reserves=reserved), earned)], "EUR", END)
    total = sum(closed.settled.values()) + sum(hold.minor_units for hold in closed.holds)
    assert total == round(Fraction(sum(earned.values()), CENT))
    assert all(hold.minor_units >= 0 for hold in closed.holds)


@given(balances, guarantees)
def test_top_ups_sum_to_zero_and_nobody_gives_more_than_it_has_without_recourse(earned, guaranteed):
    closed = close_period([Segment(agreement(guarantees=guaranteed), earned)], "EUR", END)
    left = dict(earned)
    for number, guarantee in enumerate(guaranteed):
        lines = [line for line in closed.top_ups if line.guarantee == number]
        assert sum(line.atoms for line in lines) == 0
        before = dict(left)
        for line in lines:
            left[line.role, line.participant] += line.atoms
            assert (line.atoms > 0) == (line.role == "owner")
            if not guarantee["recourse"] and line.atoms < 0:
                assert left[line.role, line.participant] >= 0
        minimum = round(Fraction(guarantee["minimum"]) * 100 * CENT)
        funders = sum(max(0, before[party]) for party in PARTIES if party[0] in guarantee["funded_by"])
        missing = sum(max(0, minimum - before[party]) for party in PARTIES if party[0] == "owner")
        if guarantee["recourse"] or funders >= missing:
            assert all(left[party] >= minimum for party in PARTIES if party[0] == "owner")


@given(balances, guarantees, reserves, st.randoms(use_true_random=False))
def test_the_order_of_the_parties_changes_nothing(earned, guaranteed, reserved, random):
    shuffled = list(earned.items())
    random.shuffle(shuffled)
    terms = agreement(guarantees=guaranteed, reserves=reserved)
    assert close_period([Segment(terms, dict(shuffled))], "EUR", END) == close_period(
        [Segment(terms, earned)], "EUR", END
    )


def test_funders_give_in_proportion_to_what_they_have_whatever_order_they_are_named_in():
    earned = {("owner", "o"): 50 * CENT, ("operator", "p"): 300 * CENT, ("platform", "q"): 100 * CENT}
    for funders in (["operator", "platform"], ["platform", "operator"]):
        guarantee = {"party": "owner", "minimum": "2.50", "funded_by": funders}
        closed = close_period([Segment(agreement(guarantees=[guarantee]), earned)], "EUR", END)
        assert closed.settled == {"o": 250, "p": 150, "q": 50}


def test_a_prorated_minimum_goes_by_the_days_in_force():
    earned = {("owner", "o"): 0, ("operator", "p"): 100_000 * CENT}
    guarantee = {"party": "owner", "minimum": "310", "funded_by": ["operator"], "prorate": "days"}
    terms = agreement(guarantees=[guarantee])
    assert close_period([Segment(terms, earned)], "EUR", END).settled["o"] == 31_000
    assert close_period([Segment(terms, earned, Days(10, 31))], "EUR", END).settled["o"] == 10_000
    unprorated = agreement(guarantees=[guarantee | {"prorate": "none"}])
    assert close_period([Segment(unprorated, earned, Days(10, 31))], "EUR", END).settled["o"] == 31_000


def test_a_reserve_is_held_after_top_ups_and_paid_when_its_days_are_over():
    earned = {("owner", "o"): 0, ("operator", "p"): 1_000 * CENT}
    terms = agreement(
        guarantees=[{"party": "owner", "minimum": "2", "funded_by": ["operator"]}],
        reserves=[{"party": "operator", "percent": "10", "release_after": "P90D"}],
    )
    closed = close_period([Segment(terms, earned)], "EUR", END)
    assert closed.settled == {"o": 200, "p": 720}
    assert [(hold.participant, hold.minor_units, hold.release_on) for hold in closed.holds] == [
        ("p", 80, date(2026, 6, 30))
    ]
    assert released(closed.holds, date(2026, 6, 29)) == {}
    assert released(closed.holds, date(2026, 6, 30)) == {"p": 80}


@given(balances, balances, guarantees, guarantees, reserves)
def test_versions_are_settled_together_each_with_its_own_guarantees_and_reserves(first, second, one, other, reserved):
    terms = [agreement(id="g", guarantees=one, reserves=reserved), agreement(id="h", guarantees=other)]
    segments = [Segment(each, earned) for each, earned in zip(terms, (first, second), strict=True)]
    closed = close_period(segments, "EUR", END)
    alone = [close_period([segment], "EUR", END) for segment in segments]
    assert closed.top_ups == alone[0].top_ups + alone[1].top_ups
    assert [hold[:4] for hold in closed.holds] == [hold[:4] for hold in alone[0].holds]
    total = sum(closed.settled.values()) + sum(hold.minor_units for hold in closed.holds)
    assert total == round(Fraction(sum(first.values()) + sum(second.values()), CENT))


def test_the_days_of_versions_sum_to_those_of_the_period_and_a_day_is_of_the_version_at_its_beginning():
    zone, noon = "Europe/Helsinki", "2026-03-15T12:15"
    versions = agreement(on="fee", valid_until=noon), agreement(on="fee", valid_from=noon)
    spans = [validity_of(each, zone) for each in versions]
    assert [days_in_force(each, Period.MONTH, date(2026, 3, 20), zone) for each in spans] == [
        Days(15, 31),
        Days(16, 31),
    ]
    assert [days_in_force(each, Period.DAY, date(2026, 3, 15), zone) for each in spans] == [Days(1, 1), Days(0, 1)]
