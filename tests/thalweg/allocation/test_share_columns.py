"""Many bases at once come out as each by itself, to the atom, whatever the size of the numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.allocation import NEW, compile_terms, share
from thalweg.allocation.columns import allocate_many, bookings
from thalweg.design.agreements import Agreement
from thalweg.errors import RatingError
from worlds.agreements import METERS, PARTICIPANTS, agreements

small = st.integers(-(10**10), 10**10) | st.integers(-30, 30).map(lambda cents: cents * 10**6)
#: beyond 64 bits, at their ends, and small ones
large = st.sampled_from([2**63, -(2**63), 2**62 - 1, 10**25, -(10**25), 10**14, 7])
counts = st.integers(-40, 40)


def terms_of(document):
    return compile_terms(Agreement.model_validate(document), "EUR", METERS)


@given(agreements(), st.lists(st.tuples(small | large, counts, counts), max_size=6), small)
def test_columns_give_what_each_row_gives_by_itself(document, rows, past):
    terms = terms_of(document)
    opening = share(terms, past, PARTICIPANTS, units={"trips": 5, "energy": 3}).closing
    units = {"trips": [trips for _, trips, _ in rows], "energy": [energy for *_, energy in rows]}
    many = allocate_many(terms, [base for base, *_ in rows], PARTICIPANTS, units=units, opening=opening)
    for column, (base, trips, energy) in enumerate(rows):
        one = share(terms, base, PARTICIPANTS, units={"trips": trips, "energy": energy}, opening=opening)
        assert [tuple(seat) for seat in many.seats] == [tuple(portion[:3]) for portion in one.portions]
        assert many.atoms[:, column].tolist() == [portion.atoms for portion in one.portions]


@given(agreements(), st.lists(st.tuples(small, counts), min_size=1, max_size=6))
def test_bookings_of_single_events_sum_to_the_share_of_all(document, events):
    terms = terms_of(document)
    units = {"trips": [trips for _, trips in events], "energy": [1 for _ in events]}
    booked = bookings(terms, [base for base, _ in events], PARTICIPANTS, units=units)
    whole = share(
        terms,
        sum(base for base, _ in events),
        PARTICIPANTS,
        units={name: sum(column) for name, column in units.items()},
    )
    assert booked.atoms.sum(axis=1).tolist() == [portion.atoms for portion in whole.portions]
    assert booked.atoms.sum(axis=0).tolist() == [base for base, _ in events]


def test_a_cent_nine_thousand_times_in_three_gives_three_thousand_each():
    document = {"id": "g", "steps": [{"id": "all", "take": "remainder", "to": {"split": {"a": 1, "b": 1, "c": 1}}}]}
    booked = bookings(terms_of(document), np.full(9_000, 10**6), {"a": "a", "b": "b", "c": "c"})
    assert (booked.atoms.sum(axis=1) == 3_000 * 10**6).all()
    assert (booked.atoms >= 333_333).all()
    assert (booked.atoms <= 333_334).all()


def test_numbers_beyond_64_bits_are_shared_exactly_and_small_ones_in_64_bits():
    terms = terms_of({"id": "g", "steps": [{"id": "all", "take": "remainder", "to": {"split": {"a": 1, "b": 2}}}]})
    ab = {"a": "a", "b": "b"}
    assert allocate_many(terms, [3 * 10**30], ab).atoms.tolist() == [[10**30], [2 * 10**30]]
    assert allocate_many(terms, [300], ab).atoms.dtype == np.int64
    assert allocate_many(terms, np.array([300], np.int32), ab).atoms.tolist() == [[100], [200]]
    assert allocate_many(terms, [], ab).atoms.shape == (2, 0)


def test_units_that_are_not_given_are_an_error_and_never_zero():
    steps = [
        {"id": "fee", "take": {"per_unit": {"meter": "trips", "amount": "1"}}, "to": "a"},
        {"id": "rest", "take": "remainder", "to": "b"},
    ]
    terms = terms_of({"id": "g", "steps": steps})
    with pytest.raises(RatingError, match="counts units of trips: give their quantities"):
        allocate_many(terms, [1], PARTICIPANTS)
    with pytest.raises(RatingError, match="counts units of trips"):
        share(terms, 1, PARTICIPANTS, opening=NEW)
