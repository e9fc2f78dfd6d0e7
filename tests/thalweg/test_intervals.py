from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.intervals import Intervals

INTERVALS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 12)).map(lambda pair: (pair[0], sum(pair))), max_size=20
)


@given(INTERVALS, st.integers(0, 70), st.integers(1, 20))
def test_it_behaves_as_the_set_of_its_integers(pairs: list[tuple[int, int]], first: int, length: int) -> None:
    intervals = Intervals(pairs)
    members = {number for start, end in pairs for number in range(start, end)}
    assert {number for start, end in intervals for number in range(start, end)} == members
    assert len(intervals) == len(members)
    assert intervals.overlap(first, first + length) == len(members & set(range(first, first + length)))
    assert intervals.next_missing == next(number for number in range(200) if number not in members)
    assert intervals.end == max(members, default=-1) + 1


@given(INTERVALS, st.randoms())
def test_the_order_of_additions_does_not_matter_and_the_form_is_canonical(pairs: list[tuple[int, int]], random) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)
    intervals = Intervals(shuffled)
    assert intervals == Intervals(pairs)
    listed = list(intervals)
    assert all(end < next_first for (_, end), (next_first, _) in pairwise(listed))


@given(INTERVALS, st.integers(0, 70), st.integers(1, 20))
def test_taking_out_and_looking_at_a_part_agree_with_the_set(
    pairs: list[tuple[int, int]], first: int, length: int
) -> None:
    intervals = Intervals(pairs)
    members = {number for start, end in pairs for number in range(start, end)}
    part = set(range(first, first + length))
    within = [number for start, end in intervals.within(first, first + length) for number in range(start, end)]
    assert within == sorted(members & part)
    gaps = [number for start, end in intervals.gaps(first, first + length) for number in range(start, end)]
    assert gaps == sorted(part - members)
    intervals.remove(first, first + length)
    assert intervals == Intervals((number, number + 1) for number in members - part)


@pytest.mark.parametrize(("first", "end"), [(3, 3), (4, 2)])
def test_an_empty_interval_is_refused(first: int, end: int) -> None:
    with pytest.raises(ValueError, match="empty"):
        Intervals().add(first, end)
