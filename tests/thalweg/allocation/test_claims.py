"""Many lines under one agreement: live figures equal those from scratch, and each line pays out what it took."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from thalweg.allocation import NEW, compile_terms, share
from thalweg.allocation.claims import Claim, Count, book
from thalweg.allocation.successions import networks
from thalweg.design.agreements import Agreement
from thalweg.design.quarters import quarter_of
from worlds.agreements import METERS, PARTICIPANTS, agreements

EURO = 10**8

#: (line, period, atoms, trips)
events = st.lists(
    st.tuples(st.sampled_from("klm"), st.integers(0, 2), st.integers(-(10**9), 10**10), st.integers(0, 9)),
    max_size=8,
)


def quarter(period):
    return quarter_of(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=31 * period))


def booked(documents, claims, counts=()):
    read = [Agreement.model_validate(document) for document in documents]
    (network,) = networks(read, {"x": "a"}, "UTC")
    return book({each.id: compile_terms(each, "EUR", METERS) for each in read}, network, claims, counts)


def book_all(document, happened, opening=()):
    """One claim for each line and period; `opening` happened in the same periods before the window."""
    claims, counts = {}, []
    for is_before, group in ((True, opening), (False, happened)):
        for line, period, atoms, trips in group:
            at = quarter(period)
            new = Claim(line=line, agreement="g", parties=PARTICIPANTS, quarter=at, base_atoms=0)
            claim = claims.setdefault((line, period), new)
            base = "opening_atoms" if is_before else "base_atoms"
            claims[line, period] = replace(claim, **{base: getattr(claim, base) + atoms})
            if any("trips" in str(step) for step in document["steps"]):
                counts.append(Count("g", "trips", PARTICIPANTS, {}, at, trips, is_opening=is_before))
    return booked([document], claims.values(), counts)


def totals(bookings):
    sums = {}
    for booking in bookings:
        key = booking.step, booking.role
        sums[key] = sums.get(key, 0) + booking.atoms
    return {key: atoms for key, atoms in sums.items() if atoms}


def with_state(document):
    """An agreement that gives no fixed parts, whatever was drawn."""
    return document | {"steps": [{"id": "rent", "take": {"flat": {"amount": "0.01"}}, "to": "c"}, *document["steps"]]}


stateful = agreements().map(with_state)


@given(stateful, events)
def test_lines_pay_out_what_they_took_in_and_sum_to_the_share_of_the_whole(document, happened):
    bookings = book_all(document, happened)
    for line in "klm":
        base = sum(atoms for name, _, atoms, _ in happened if name == line)
        assert sum(booking.atoms for booking in bookings if booking.line == line) == base
    terms = compile_terms(Agreement.model_validate(document), "EUR", METERS)
    state, due = NEW, {}
    for period in sorted({period for _, period, *_ in happened}):
        inside = [event for event in happened if event[1] == period]
        units = {"trips": sum(trips for *_, trips in inside), "energy": 0}
        base = sum(atoms for *_, atoms, _ in inside)
        shared = share(terms, base, PARTICIPANTS, units=units, opening=state.next_period())
        state = shared.closing
        for portion in shared.portions:
            key = portion.step, portion.role
            due[key] = due.get(key, 0) + portion.atoms
    assert totals(bookings) == {key: atoms for key, atoms in due.items() if atoms}


@given(stateful, events, st.randoms(use_true_random=False), st.data())
def test_windows_one_after_the_other_sum_to_the_figures_from_scratch_in_any_order(document, happened, random, data):
    """Live equals from scratch: what a window adds depends on the sums before it alone."""
    whole = book_all(document, happened)
    cut = data.draw(st.integers(0, len(happened)))
    live = totals(book_all(document, happened[:cut]))
    for key, atoms in totals(book_all(document, happened[cut:], opening=happened[:cut])).items():
        live[key] = live.get(key, 0) + atoms
    assert {key: atoms for key, atoms in live.items() if atoms} == totals(whole)
    shuffled = list(happened)
    random.shuffle(shuffled)
    assert book_all(document, shuffled) == whole


def test_every_set_of_participants_has_tiers_of_its_own():
    document = {
        "id": "g",
        "on": "x",
        "steps": [
            {"id": "fee", "take": {"tiered": {"on": "gross", "tiers": [["10", 10], [None, 20]]}}, "to": "host"},
            {"id": "rest", "take": "remainder", "to": "operator"},
        ],
    }
    claims = [
        Claim(
            line=line,
            agreement="g",
            parties={"host": host, "operator": "op", "a": "op"},
            quarter=quarter(0),
            base_atoms=10 * EURO,
        )
        for line, host in (("1", "ann"), ("2", "ann"), ("3", "ben"))
    ]
    fees = {}
    for booking in booked([document], claims):
        if booking.step == "fee":
            fees[booking.line, booking.participant] = booking.atoms
    assert fees == {("1", "ann"): 15 * EURO // 10, ("2", "ann"): 15 * EURO // 10, ("3", "ben"): EURO}


def test_an_amendment_in_mid_period_opens_with_what_the_period_has_seen():
    def version(name, percent, **dates):
        steps = [
            {"id": "fee", "take": {"percent_of_gross": percent}, "to": "a", "cap": {"amount": "5"}},
            {"id": "rest", "take": "remainder", "to": "b"},
        ]
        return {"id": name, "on": "x", "steps": steps} | dates

    versions = [version("g", 10, valid_until="2026-01-16"), version("h", 20, valid_from="2026-01-16")]
    parties = {"a": "anna", "b": "berta"}
    claim = Claim(line="k", agreement="g", parties=parties, quarter=quarter(0), base_atoms=40 * EURO)
    later = replace(claim, agreement="h", quarter=quarter(0.5))
    next_month = replace(later, quarter=quarter(1))
    assert totals(booked(versions, [claim]))["fee", "a"] == 4 * EURO
    assert totals(booked(versions, [claim, later])) == {("fee", "a"): 5 * EURO, ("rest", "b"): 75 * EURO}
    assert totals(booked(versions, [claim, later, next_month]))["fee", "a"] == 10 * EURO
