"""Pools that two charges feed, against an oracle that is nothing of the engine."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from worlds.agreements import agreements
from worlds.pool_oracle import Happened, paid_out
from worlds.sharing import NEW_YEAR, REST, SITES, design, feeding, flows_of, pool, sessions, who_pays_whom
from worlds.tariffs import ATOMS, Session

HALF = {"unit_price": "0.5"}


def month_of(event: Session) -> int:
    return sum(event.quarter >= NEW_YEAR + start * 96 for start in (31, 59))


def on_paper(documents: list[dict[str, Any]], happened: list[Session]) -> dict[tuple[str, str, str], Fraction]:
    """A euro per kWh for the fee, half of it for the commission."""
    return paid_out(
        documents,
        [
            Happened(
                month_of(each),
                SITES[each.assignment],
                {"g": Fraction(each.wh, 1000) * ATOMS, "h": Fraction(each.wh, 2000) * ATOMS},
                {"energy": Fraction(each.wh), "trips": Fraction(1)},
            )
            for each in happened
        ],
    )


def differences(documents: list[dict[str, Any]], happened: list[Session]) -> list[Fraction]:
    """How far off the exact amounts the engine is, by step and participant."""
    terms = design(*documents, commission=HALF)
    paid: Counter[tuple[str, str, str]] = Counter()
    for (_, name, step, _, participant), atoms in who_pays_whom(flows_of(terms, happened)).items():
        paid[name, step, participant] += atoms
    due = on_paper(documents, happened)
    return [abs(paid[key] - due.get(key, Fraction(0))) for key in paid.keys() | due.keys()]


def whole_kilowatt_hours(happened: list[Session]) -> list[Session]:
    return [each._replace(wh=each.wh // 1000 * 1000) for each in happened]


@st.composite
def percents(draw: st.DrawFn, name: str, on: str) -> dict[str, Any]:
    """Whole percents, of which some feed the pool, as does the rest."""
    to = st.sampled_from(["a", "b", "c", "d", {"pool": "p"}])
    listed = draw(st.lists(st.tuples(st.integers(0, 30), to), max_size=3))
    return feeding(name, on, *({"take": {"percent_of_gross": percent}, "to": to} for percent, to in listed))


@given(percents("g", "fee"), percents("h", "commission"), agreements(most_steps=3), sessions)
def test_a_pool_of_any_terms_shares_a_month_as_the_oracle_shares_it(first, second, drawn, happened):
    """Each participant has the exact part by each step of each set of participants, less than an atom off."""
    happened = [each for each in whole_kilowatt_hours(happened) if month_of(each) == 0]
    drawn.pop("on")
    off = differences([first, second, drawn | {"id": "p"}], happened)
    assert all(each < len(SITES) for each in off)


@given(percents("g", "fee"), percents("h", "commission"), percents("p", "fee"), sessions)
def test_terms_that_need_no_sums_give_the_same_parts_together_as_apart(first, second, drawn, happened):
    """A cap that is never reached makes a pool share jointly; without it, each charge is shared by itself."""
    del drawn["on"]
    apart = [first, second, drawn | {"steps": [*drawn["steps"][:-1], REST | {"to": "b"}]}]
    for step in apart[2]["steps"]:
        step["to"] = "c" if isinstance(step["to"], dict) else step["to"]
    idle = {"id": "idle", "take": {"percent_of_gross": 0}, "to": "a", "cap": {"amount": "1", "per": "period"}}
    together = [first, second, apart[2] | {"steps": [idle, *apart[2]["steps"]]}]
    assert all(each < len(happened) + 2 for each in differences(apart, happened))
    assert all(each < len(happened) + 2 for each in differences(together, happened))


@st.composite
def smooth(draw: st.DrawFn, name: str, rest: object) -> dict[str, Any]:
    """Terms by which an atom more in the base is an atom more at most in each share, now and later."""
    takes = st.sampled_from(
        [
            {"percent_of_gross": 20},
            {"percent_of_remainder": 50},
            {"flat": {"amount": "5", "per": "period"}},
            {"flat": {"amount": "9", "per": "lifetime"}},
            {"recoup": {"account": name, "total": "30", "percent_of_remainder": "50"}},
            {"tiered": {"on": "gross", "mode": "graduated", "per": "lifetime", "tiers": [["20", "10"], [None, "30"]]}},
        ]
    )
    caps = st.sampled_from([None, {"amount": "4", "per": "period"}, {"amount": "7", "per": "lifetime"}])
    steps = []
    for take in draw(st.lists(takes, min_size=1, max_size=3, unique_by=str)):
        step = {"take": take, "to": draw(st.sampled_from(["a", "b", {"split": {"c": 1, "d": 2}}]))}
        cap = draw(caps)
        steps.append(step | ({"cap": cap} if cap else {}))
    return pool(*steps, rest=rest, name=name)


@given(percents("g", "fee"), percents("h", "commission"), smooth("p", {"pool": "q"}), smooth("q", "c"), sessions)
def test_pools_in_a_row_carry_their_sums_from_month_to_month_as_the_oracle_does(first, second, p, q, happened):
    """Rounding to atoms, and rounding of what is rounded, makes a few of them."""
    off = differences([first, second, p, q], whole_kilowatt_hours(happened))
    assert all(each < 50 for each in off)
