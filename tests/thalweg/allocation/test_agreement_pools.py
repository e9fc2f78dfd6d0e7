"""Agreements that feed each other's pools lose nothing on the way, and know no circle."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.allocation import allocate, compile_terms
from thalweg.allocation.pools import share_all
from thalweg.design.agreements import Agreement
from thalweg.errors import RatingError

NAMES = ("p0", "p1", "p2", "p3")
ROLES = ("a", "b", "c")


def agreement(name: str, *steps: tuple[int, object], rest: object = "c") -> Agreement:
    listed = [{"id": f"s{n}", "take": {"percent_of_gross": percent}, "to": to} for n, (percent, to) in enumerate(steps)]
    return Agreement.model_validate({"id": name, "steps": [*listed, {"id": "rest", "take": "remainder", "to": rest}]})


@st.composite
def networks(draw: st.DrawFn) -> list[Agreement]:
    """Agreements of which each feeds only those behind it."""
    made = []
    for number, name in enumerate(NAMES):
        to = st.sampled_from([*ROLES, *({"pool": later} for later in NAMES[number + 1 :])])
        steps = draw(st.lists(st.tuples(st.integers(0, 30), to), max_size=3))
        made.append(agreement(name, *steps, rest=draw(to)))
    return made


@given(networks(), st.integers(-(10**9), 10**9), st.integers(0, 10**9), st.randoms(use_true_random=False))
def test_all_that_goes_in_comes_out_at_participants_and_nearly_as_on_paper(network, first, second, random):
    random.shuffle(network)
    terms = {each.id: compile_terms(each) for each in network}
    shared = share_all(terms, {"p0": first, "p2": second}, {role: role for role in ROLES})
    got: dict[str, int] = {}
    for each in shared.values():
        for participant, atoms in each.by_participant.items():
            got[participant] = got.get(participant, 0) + atoms
    assert sum(got.values()) == first + second
    due: dict[str, Fraction] = {}
    inflow = {"p0": Fraction(first), "p2": Fraction(second)}
    for name in NAMES:
        left = base = inflow.get(name, Fraction(0))
        for step in terms[name].agreement.steps:
            amount = left if step.is_remainder else base * step.percent / 100
            left -= amount
            target, key = (inflow, step.pool) if step.pool else (due, next(iter(step.weights)))
            target[key] = target.get(key, Fraction(0)) + amount
    for participant in ROLES:
        assert abs(got.get(participant, 0) - due.get(participant, 0)) < len(NAMES)


def test_a_circle_of_pools_is_refused():
    terms = {
        "one": compile_terms(agreement("one", rest={"pool": "two"})),
        "two": compile_terms(agreement("two", (10, "a"), rest={"pool": "one"})),
    }
    with pytest.raises(RatingError, match="circle of pools"):
        share_all(terms, {"one": 100}, {"a": "a"})


def test_a_pool_that_is_not_given_is_refused_and_never_lost():
    one = agreement("one", rest={"pool": "two"})
    with pytest.raises(RatingError, match="'two' is not given"):
        share_all({"one": compile_terms(one)}, {"one": 100}, {})
    with pytest.raises(RatingError, match="feeds pools"):
        allocate(one, 100, {})
