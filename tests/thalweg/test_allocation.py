"""An agreement shares an amount exactly."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from thalweg.allocation import Portion, allocate, compile_terms, share
from thalweg.design.agreements import Agreement

ROLES = ("a", "b", "c", "d")
PARTICIPANTS = {"a": "anna", "b": "berta", "c": "carla", "d": "anna"}  # one participant may fill two roles

percents = st.decimals(min_value=0, max_value=30, places=3).map(lambda number: format(number, "f"))
recipients = st.one_of(
    st.sampled_from(ROLES),
    st.dictionaries(st.sampled_from(ROLES), st.integers(1, 9), min_size=1).map(lambda split: {"split": split}),
)
steps = st.lists(st.tuples(percents, recipients), max_size=3)
bases = st.integers(min_value=-(10**13), max_value=10**13)


def agreement_of(shares: list[tuple[str, object]], rest: object = "a") -> Agreement:
    taken = [
        {"id": f"s{number}", "take": {"percent_of_gross": percent}, "to": to}
        for number, (percent, to) in enumerate(shares)
    ]
    last = {"id": "rest", "take": "remainder", "to": rest}
    return Agreement.model_validate({"id": "g", "on": "x", "steps": [*taken, last]})


def exact_shares(shares: list[tuple[str, object]], rest: object, base: int) -> dict[str, Fraction]:
    """The oracle: each participant's exact share, written down independently."""
    due = dict.fromkeys(PARTICIPANTS.values(), Fraction(0))
    left = Fraction(base)
    for percent, to in [*shares, (None, rest)]:
        amount = left if percent is None else base * Fraction(percent) / 100
        left -= amount
        weights = to["split"] if isinstance(to, dict) else {to: 1}
        for role, weight in weights.items():
            due[PARTICIPANTS[role]] += amount * weight / sum(weights.values())
    return due


@given(steps, recipients, bases)
def test_shares_sum_to_the_base_to_the_atom_and_follow_the_exact_shares(shares, rest, base):
    portions = allocate(agreement_of(shares, rest), base, PARTICIPANTS)
    assert sum(portion.atoms for portion in portions) == base
    for participant, exact in exact_shares(shares, rest, base).items():
        given_atoms = sum(portion.atoms for portion in portions if portion.participant == participant)
        assert abs(given_atoms - exact) < 1
        if exact.denominator == 1:
            assert given_atoms == exact


@given(steps, recipients, bases)
def test_a_reversed_base_takes_back_what_was_shared(shares, rest, base):
    agreement = agreement_of(shares, rest)
    back = [portion._replace(atoms=-portion.atoms) for portion in allocate(agreement, -base, PARTICIPANTS)]
    assert tuple(back) == allocate(agreement, base, PARTICIPANTS)


@given(st.dictionaries(st.sampled_from(ROLES), st.integers(1, 9), min_size=2), bases)
def test_the_order_in_which_a_split_is_written_changes_nothing(split, base):
    reversed_split = dict(reversed(split.items()))
    assert allocate(agreement_of([], {"split": split}), base, PARTICIPANTS) == allocate(
        agreement_of([], {"split": reversed_split}), base, PARTICIPANTS
    )


def test_steps_name_what_each_share_is_for():
    agreement = agreement_of([("10", "b"), ("25.5", {"split": {"c": 1, "b": 2}})])
    assert allocate(agreement, 1000, PARTICIPANTS) == (
        Portion("rest", "a", "anna", 645),
        Portion("s0", "b", "berta", 100),
        Portion("s1", "b", "berta", 170),
        Portion("s1", "c", "carla", 85),
    )


def test_five_thousand_for_members_of_weight_one_one_and_a_half():
    agreement = agreement_of([], {"split": {"a": "1", "b": "1", "c": "0.5"}})
    shared = allocate(agreement, 5_000, {"a": "a", "b": "b", "c": "c"})
    assert [portion.atoms for portion in shared] == [2000, 2000, 1000]


@given(steps, recipients, st.lists(bases, max_size=4))
def test_allocating_again_and_again_gives_what_sharing_each_base_by_itself_gives(shares, rest, amounts):
    terms = compile_terms(agreement_of(shares, rest))
    for base in amounts * 2:
        assert allocate(terms, base, PARTICIPANTS) == share(terms, base, PARTICIPANTS).portions
