"""Columns of integers are exact at any size: they give what Python's own integers and rationals give."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from thalweg.integer_columns import added, exact, joined, less, rounded, sums_by_place, times

#: around the limits of 64 bits too
numbers = st.integers(-100, 100) | st.integers(-(1 << 66), 1 << 66) | st.sampled_from([(1 << 63) - 1, -(1 << 63)])
columns = st.lists(numbers, max_size=6)
pairs = st.lists(st.tuples(numbers, numbers), max_size=6)


@given(pairs)
def test_sums_differences_and_products_are_those_of_integers(rows):
    left, right = exact([one for one, _ in rows]), exact([other for _, other in rows])
    assert added(left, right).tolist() == [one + other for one, other in rows]
    assert less(left, right).tolist() == [one - other for one, other in rows]
    assert times(left, right).tolist() == [one * other for one, other in rows]


@given(columns, numbers)
def test_a_column_times_one_number_is_each_times_it(values, factor):
    assert times(exact(values), factor).tolist() == [value * factor for value in values]


@given(columns, st.integers(1, 12) | st.integers(1, 1 << 66))
def test_rounding_is_to_the_nearest_and_halves_go_to_the_even(values, denominator):
    assert rounded(exact(values), denominator).tolist() == [round(Fraction(value, denominator)) for value in values]


@given(st.lists(st.tuples(st.integers(0, 3), numbers), max_size=8))
def test_sums_by_place_lose_nothing(rows):
    found = sums_by_place(exact([place for place, _ in rows]), exact([value for _, value in rows]), 4).tolist()
    assert found == [sum(value for place, value in rows if place == each) for each in range(4)]


@given(st.lists(columns, max_size=3))
def test_joined_columns_are_behind_one_another(parts):
    assert joined([exact(part) for part in parts]).tolist() == [value for part in parts for value in part]
