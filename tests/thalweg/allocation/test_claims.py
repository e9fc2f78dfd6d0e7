"""Many lines under one agreement: live figures equal those from scratch, and each line pays out what it took."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from thalweg.allocation import NEW, compile_terms, share
from thalweg.allocation.claims import Claim, book
from thalweg.design.agreements import Agreement
from worlds.agreements import METERS, PARTICIPANTS, agreements

FIRST = date(2026, 1, 1)

#: (line, period, atoms, trips)
events = st.lists(
    st.tuples(st.sampled_from("klm"), st.integers(0, 2), st.integers(-(10**9), 10**10), st.integers(0, 9)),
    max_size=8,
)


def terms_of(document):
    return {"g": compile_terms(Agreement.model_validate(document), "EUR", METERS)}


def claims_of(happened, opening=()):
    """One claim for each line and period; `opening` happened in the same periods before the window."""
    claims = {}
    for is_before, group in ((True, opening), (False, happened)):
        for line, period, atoms, trips in group:
            day = FIRST + timedelta(days=31 * period)
            new = Claim(line=line, agreement="g", parties=PARTICIPANTS, day=day, base_atoms=0)
            claim = claims.setdefault((line, period), new)
            base, units = ("opening_atoms", "opening_units") if is_before else ("base_atoms", "units")
            counted = {"trips": getattr(claim, units).get("trips", 0) + trips}
            claims[line, period] = replace(claim, **{base: getattr(claim, base) + atoms, units: counted})
    return list(claims.values())


def totals(booked):
    sums = {}
    for booking in booked.bookings:
        key = booking.step, booking.role
        sums[key] = sums.get(key, 0) + booking.atoms
    return {key: atoms for key, atoms in sums.items() if atoms}


@given(agreements(), events)
def test_lines_pay_out_what_they_took_in_and_sum_to_the_share_of_the_whole(document, happened):
    terms = terms_of(document)
    booked = book(terms, ["g"], claims_of(happened))
    for line in "klm":
        base = sum(atoms for name, _, atoms, _ in happened if name == line)
        assert sum(booking.atoms for booking in booked.bookings if booking.line == line) == base
    state, due = NEW, {}
    for period in sorted({period for _, period, *_ in happened}):
        inside = [event for event in happened if event[1] == period]
        units = {"trips": sum(trips for *_, trips in inside), "energy": 0}
        base = sum(atoms for *_, atoms, _ in inside)
        shared = share(terms["g"], base, PARTICIPANTS, units=units, opening=state.next_period())
        state = shared.closing
        for portion in shared.portions:
            key = portion.step, portion.role
            due[key] = due.get(key, 0) + portion.atoms
    assert totals(booked) == {key: atoms for key, atoms in due.items() if atoms}
    if happened:
        (closing,) = booked.closing.values()
        assert (closing["g"].lifetime.taken, closing["g"].accounts) == (state.lifetime.taken, state.accounts)


@given(agreements(), events, st.randoms(use_true_random=False), st.data())
def test_windows_one_after_the_other_sum_to_the_figures_from_scratch_in_any_order(document, happened, random, data):
    """Live equals from scratch: what a window adds depends on the sums before it alone."""
    terms = terms_of(document)
    happened = [(line, 0, atoms, trips) for line, _, atoms, trips in happened]
    whole = book(terms, ["g"], claims_of(happened))
    cut = data.draw(st.integers(0, len(happened)))
    live = dict(totals(book(terms, ["g"], claims_of(happened[:cut]))))
    for key, atoms in totals(book(terms, ["g"], claims_of(happened[cut:], opening=happened[:cut]))).items():
        live[key] = live.get(key, 0) + atoms
    assert {key: atoms for key, atoms in live.items() if atoms} == totals(whole)
    shuffled = claims_of(happened)
    random.shuffle(shuffled)
    assert book(terms, ["g"], shuffled) == whole


def test_every_set_of_participants_has_tiers_of_its_own():
    document = {
        "id": "g",
        "steps": [
            {"id": "fee", "take": {"tiered": {"on": "gross", "tiers": [["10", 10], [None, 20]]}}, "to": "host"},
            {"id": "rest", "take": "remainder", "to": "operator"},
        ],
    }
    euro = 10**8
    claims = [
        Claim(line=line, agreement="g", parties={"host": host, "operator": "op"}, day=FIRST, base_atoms=10 * euro)
        for line, host in (("1", "ann"), ("2", "ann"), ("3", "ben"))
    ]
    fees = {}
    for booking in book(terms_of(document), ["g"], claims).bookings:
        if booking.step == "fee":
            fees[booking.line, booking.participant] = booking.atoms
    assert fees == {("1", "ann"): 15 * euro // 10, ("2", "ann"): 15 * euro // 10, ("3", "ben"): euro}


def test_an_amendment_in_mid_period_opens_with_what_the_period_has_seen():
    def terms(percent):
        steps = [
            {"id": "fee", "take": {"percent_of_gross": percent}, "to": "a", "cap": {"amount": "5"}},
            {"id": "rest", "take": "remainder", "to": "b"},
        ]
        return terms_of({"id": "g", "steps": steps})

    euro, parties = 10**8, {"a": "anna", "b": "berta"}
    claim = Claim(line="k", agreement="g", parties=parties, day=FIRST, base_atoms=40 * euro)
    first = book(terms(10), ["g"], [claim])
    later = replace(claim, day=date(2026, 1, 16), begins_period=False)
    assert totals(book(terms(20), ["g"], [later], first.closing)) == {("fee", "a"): euro, ("rest", "b"): 39 * euro}
    next_month = replace(later, day=date(2026, 2, 1), begins_period=True)
    assert totals(book(terms(20), ["g"], [next_month], first.closing))["fee", "a"] == 5 * euro
