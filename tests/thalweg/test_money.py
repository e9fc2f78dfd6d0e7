"""Money is exact: what is shared or settled sums to the whole, in atoms and in minor units."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.decimals import rounded_decimal, rounded_quotient
from thalweg.errors import MoneyError
from thalweg.money import (
    ATOMS_PER_MINOR_UNIT,
    format_atoms,
    format_minor,
    largest_remainder,
    minor_digits,
    parse_atoms,
    round_to_sum,
    settle,
)

totals = st.integers(min_value=-(10**15), max_value=10**15)
ids = st.text("abcdefgh-0123", min_size=1, max_size=6)
weights = st.dictionaries(
    ids, st.fractions(min_value=0, max_value=1000, max_denominator=997), min_size=1, max_size=8
).filter(lambda table: any(table.values()))


@given(totals, weights)
def test_shares_sum_to_the_total_and_none_is_a_unit_away_from_its_exact_share(total, table):
    shares = largest_remainder(total, table)
    assert sum(shares.values()) == total
    for name, share in shares.items():
        assert abs(share - total * table[name] / sum(table.values())) < 1


@given(totals, weights)
def test_a_share_that_is_whole_is_given_exactly(total, table):
    shares = largest_remainder(total, table)
    for name, share in shares.items():
        exact = total * table[name] / sum(table.values())
        if exact.denominator == 1:
            assert share == exact


@given(totals, weights, st.randoms(use_true_random=False))
def test_the_order_of_the_weights_changes_nothing(total, table, random):
    items = list(table.items())
    random.shuffle(items)
    assert largest_remainder(total, dict(items)) == largest_remainder(total, table)


@given(totals, weights)
def test_a_reversed_total_takes_back_exactly_what_was_given(total, table):
    taken_back = largest_remainder(-total, table)
    assert {name: -share for name, share in taken_back.items()} == largest_remainder(total, table)


def test_ties_go_to_the_smaller_id():
    assert largest_remainder(100, {"c": 1, "b": 1, "a": 1}) == {"a": 34, "b": 33, "c": 33}


def test_nine_thousand_events_of_one_cent_in_three_give_three_thousand_each():
    cent = ATOMS_PER_MINOR_UNIT
    atoms = largest_remainder(9_000 * cent, {"a": 1, "b": 1, "c": 1})
    assert settle(atoms) == {"a": 3000, "b": 3000, "c": 3000}


def test_five_thousand_over_weights_one_one_and_a_half():
    assert largest_remainder(5_000, {"a": 1, "b": 1, "c": Fraction(1, 2)}) == {"a": 2000, "b": 2000, "c": 1000}


@pytest.mark.parametrize("table", [{}, {"a": 0}, {"a": 2, "b": -1}])
def test_weights_that_nothing_can_be_shared_by_are_refused(table):
    with pytest.raises(MoneyError, match="weights"):
        largest_remainder(10, table)


@given(st.dictionaries(ids, totals, max_size=8))
def test_settled_amounts_sum_to_the_settled_gross_and_whole_amounts_stay(atoms):
    settled = settle(atoms)
    assert sum(settled.values()) == round(Fraction(sum(atoms.values()), ATOMS_PER_MINOR_UNIT))
    for name, minor in settled.items():
        assert abs(minor * ATOMS_PER_MINOR_UNIT - atoms[name]) < ATOMS_PER_MINOR_UNIT
        if atoms[name] % ATOMS_PER_MINOR_UNIT == 0:
            assert minor * ATOMS_PER_MINOR_UNIT == atoms[name]


@given(st.dictionaries(ids, st.fractions(max_denominator=10**6), max_size=8))
def test_rounding_to_the_sum_is_what_plain_fractions_say(exact):
    found = round_to_sum(exact)
    down = {name: amount.numerator // amount.denominator for name, amount in exact.items()}
    left_over = round(sum(exact.values(), Fraction(0))) - sum(down.values())
    up = sorted(exact, key=lambda name: (down[name] - exact[name], name))[:left_over]
    assert found == {name: amount + (name in up) for name, amount in down.items()}


@given(st.integers(), st.integers(min_value=1), st.integers(0, 12))
def test_a_quotient_rounds_as_its_fraction_does(numerator, denominator, places):
    assert Fraction(rounded_quotient(numerator, denominator, places)) == round(Fraction(numerator, denominator), places)


def test_settling_does_not_depend_on_the_order_of_the_parties():
    assert settle({"b": 500_000, "a": 500_000}) == {"a": 1, "b": 0}


@given(totals, st.sampled_from(["EUR", "JPY", "KWD"]))
def test_what_is_written_is_read_back(atoms, currency):
    assert parse_atoms(format_atoms(atoms, currency), currency) == atoms


@pytest.mark.parametrize(
    ("atoms", "currency", "text"),
    [
        (315_000_000, "EUR", "3.15"),
        (500_000_000, "EUR", "5.00"),
        (-1, "EUR", "-0.00000001"),
        (123_400_000, "EUR", "1.234"),
        (5_000_000, "JPY", "5"),
        (5_100_000, "JPY", "5.1"),
        (1_234_000_000, "KWD", "1.234"),
    ],
)
def test_amounts_show_their_minor_unit_and_every_digit_that_counts(atoms, currency, text):
    assert format_atoms(atoms, currency) == text


def test_minor_units_are_written_with_their_digits():
    assert (format_minor(-5, "EUR"), format_minor(7, "JPY")) == ("-0.05", "7")


def test_an_amount_finer_than_an_atom_is_refused_not_rounded():
    with pytest.raises(MoneyError, match="at most 8 decimal places"):
        parse_atoms("0.000000001", "EUR")


@pytest.mark.parametrize("text", ["1e3", "1,000", "", " 1", "1.", ".5", "NaN", "0.5\n", "٣"])
def test_only_plain_decimal_numbers_are_amounts(text):
    with pytest.raises(MoneyError, match="no plain decimal"):
        parse_atoms(text, "EUR")


def test_an_unknown_currency_is_named():
    with pytest.raises(MoneyError, match="'EUX'"):
        minor_digits("EUX")


@pytest.mark.parametrize(
    ("value", "places", "expected"),
    [(Fraction(1, 8), 2, "0.12"), (Fraction(3, 8), 2, "0.38"), (Fraction(-1, 3), 3, "-0.333"), (100, 2, "100")],
)
def test_decimals_round_half_to_even_and_drop_zeros(value, places, expected):
    assert str(rounded_decimal(value, places)) == str(Decimal(expected))
