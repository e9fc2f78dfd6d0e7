"""Rounding keeps every sum within an atom of the exact one, also where steps and recipients are entangled."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from thalweg.allocation import compile_terms, share
from thalweg.allocation.rounding import controlled_ups
from thalweg.allocation.seating import seating
from thalweg.design.agreements import Agreement

ROLES = [f"r{number}" for number in range(6)]
splits = st.dictionaries(st.sampled_from(ROLES), st.integers(0, 5), min_size=1).filter(lambda s: any(s.values()))
#: six roles, filled by four at most: most of them get something by several steps
fillings = st.fixed_dictionaries({role: st.sampled_from("wxyz") for role in ROLES})


def entangled(shares: list[tuple[int, dict[str, int]]], rest: dict[str, int]) -> Agreement:
    steps = [
        {"id": f"s{number}", "take": {"percent_of_gross": percent}, "to": {"split": split}}
        for number, (percent, split) in enumerate(shares)
    ]
    last = {"id": "rest", "take": "remainder", "to": {"split": rest}}
    return Agreement.model_validate({"id": "g", "steps": [*steps, last]})


@given(st.lists(st.tuples(st.integers(1, 24), splits), max_size=4), splits, fillings, st.integers(-(10**4), 10**4))
def test_participants_and_steps_are_both_within_an_atom(shares, rest, participants, base):
    agreement = entangled(shares, rest)
    portions = share(compile_terms(agreement), base, participants).portions
    assert sum(portion.atoms for portion in portions) == base
    exact: dict[tuple[str, str], Fraction] = {}
    left = Fraction(base)
    for step in agreement.steps:
        amount = left if step.is_remainder else base * step.percent / 100
        left -= amount
        for role, weight in step.weights.items():
            key = step.id, participants[role]
            exact[key] = exact.get(key, Fraction(0)) + amount * weight / sum(step.weights.values())
    for place in (0, 1):
        for name in {key[place] for key in exact}:
            due = sum(amount for key, amount in exact.items() if key[place] == name)
            got = sum(portion.atoms for portion in portions if (portion.step, portion.participant)[place] == name)
            assert abs(got - due) < 1
    for key, due in exact.items():
        assert abs(sum(p.atoms for p in portions if (p.step, p.participant) == key) - due) < 1


@given(
    st.lists(st.tuples(st.integers(1, 24), splits), max_size=4),
    splits,
    fillings,
    st.integers(2, 60),
    st.data(),
)
def test_controlled_rounding_meets_all_sums_by_itself(shares, rest, participants, unit, data):
    seats = seating(compile_terms(entangled(shares, rest)), participants)
    rests = [data.draw(st.integers(0, unit - 1)) for _ in seats.cells]
    rests[0] += -sum(rests) % unit
    if rests[0] >= unit:  # the sum of all must be whole, and each less than one
        rests[0] -= unit
    ups = set(controlled_ups(seats, rests, unit))
    assert ups <= {cell for cell, part in enumerate(rests) if part}
    for group in (*seats.by_step, *seats.by_participant, tuple(range(len(rests)))):
        assert abs(len(ups.intersection(group)) * unit - sum(rests[cell] for cell in group)) < unit


def test_an_atom_that_two_have_equal_claim_to_goes_to_the_smaller_id_whatever_the_order():
    for split in ({"r1": 1, "r0": 1}, {"r0": 1, "r1": 1}):
        agreement = entangled([], split)
        portions = share(compile_terms(agreement), 1, {"r0": "zoe", "r1": "adam"}).portions
        assert {portion.participant: portion.atoms for portion in portions} == {"adam": 1, "zoe": 0}


def test_a_capped_step_with_several_recipients_meets_its_cap_to_the_atom():
    agreement = Agreement.model_validate(
        {
            "id": "g",
            "steps": [
                {
                    "id": "fee",
                    "take": {"percent_of_gross": 50},
                    "to": {"split": {"a": 1, "b": 1}},
                    "cap": {"amount": "0.00000001"},
                },
                {"id": "rest", "take": "remainder", "to": {"split": {"c": 1, "d": 1}}},
            ],
        }
    )
    result = share(compile_terms(agreement, "EUR"), 4, {role: role for role in "abcd"})
    assert result.atoms_of_steps == [1, 3]
    assert [portion.atoms for portion in result.portions] == [1, 0, 2, 1]
