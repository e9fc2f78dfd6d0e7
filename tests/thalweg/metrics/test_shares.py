"""How unequal shares are: bounds that hold for all shares, and the plain definitions."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from thalweg.metrics.revenue import concentration, inequality, normalised_concentration
from worlds.network import figures, money

incomes = st.lists(st.integers(1, 10**6), min_size=2, max_size=12)


@given(incomes)
def test_concentration_lies_between_equal_shares_and_one_for_all(earned):
    paid = figures(money({("payer", f"p{place}"): cents for place, cents in enumerate(earned)}))
    index = concentration(paid).value
    assert index is not None
    assert Decimal(10_000) / len(earned) - Decimal("1e-9") <= index <= 10_000
    exact = sum(Fraction(cents, sum(earned)) ** 2 for cents in earned) * 10_000
    assert abs(Fraction(index) - exact) < Fraction(1, 10**11)
    normalised = normalised_concentration(paid).value
    assert normalised is not None
    assert 0 <= normalised <= 10_000


@given(incomes)
def test_gini_is_half_the_mean_difference_per_mean(earned):
    gini = inequality(figures(money({("payer", f"p{place}"): cents for place, cents in enumerate(earned)}))).value
    apart = sum(abs(one - other) for one in earned for other in earned)
    exact = Fraction(apart, 2 * len(earned) * sum(earned))
    assert gini is not None
    assert 0 <= gini <= 1 - Decimal(1) / len(earned)
    assert abs(Fraction(gini) - exact) < Fraction(1, 10**11)


@given(st.integers(1, 10**6), st.integers(2, 9))
def test_equal_shares_are_not_unequal_at_all(cents, count):
    equal = figures(money({("payer", f"p{place}"): cents for place in range(count)}))
    assert inequality(equal).value == normalised_concentration(equal).value == 0
