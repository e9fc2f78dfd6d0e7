"""What needs one occurrence is measured per event, in atoms, by columns as event by event, and back-filled alike."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.design.charge_meters import ChargeMeter, meters_to_feed
from thalweg.errors import MeasurementError
from thalweg.mapping import compile_plan
from thalweg.mapping_columns import measure
from thalweg.rating import rate
from thalweg.wire.batch import BatchWriter, Event
from thalweg.wire.columns_decoder import decode
from worlds.charge_oracle import cost_of
from worlds.tariffs import ASSIGNMENTS, ATOMS, Session, charged, design, event, measured, moment, tariff

CENT = ATOMS // 100
sessions = st.lists(
    st.builds(
        Session,
        quarter=st.integers(0, 400),
        assignment=st.sampled_from(sorted(ASSIGNMENTS)),
        payer=st.sampled_from(["ann", "bob"]),
        charger=st.sampled_from(["rapid", "fast", "slow"]),
        wh=st.integers(-20_000, 60_000),
        minutes=st.integers(0, 300),
        site=st.sampled_from(["mall", "depot"]),
    ),
    max_size=10,
)
prices = st.decimals(min_value=0, max_value=9, places=3).map(lambda number: format(number, "f"))


@st.composite
def terms(draw: st.DrawFn) -> dict[str, Any]:
    """A tariff with rules for each occurrence."""
    night = {
        "time_of_use": [
            {"days": ["sat", "sun"], "price": draw(prices)},
            {"from": "22:00", "until": "06:00", "price": "0.1"},
        ]
    }
    by_charger = {"by": "charger", "prices": {"rapid": draw(prices), "fast": draw(prices)}, "otherwise": draw(prices)}
    given_terms = {
        "unit_price": draw(st.sampled_from([night | {}, by_charger, "0.123"])),
        "flat": draw(st.none() | prices),
        "rounding": draw(st.none() | st.builds(lambda mode: {"to": "0.01", "mode": mode}, st.sampled_from(MODES))),
        "limits": draw(st.sampled_from([[], [{"per": "occurrence", "minimum": "0.5", "maximum": "7"}]])),
        "when": draw(st.none() | st.just("attributes.minutes > 60 || attributes.site == 'depot'")),
        "package": draw(st.none() | st.just({"size": "5", "price": "0.7", "per": "occurrence"})),
        "tiers": draw(
            st.none()
            | st.builds(
                lambda mode, first, second: {
                    "mode": mode,
                    "per": "occurrence",
                    "tiers": [{"up_to": "12.5", "unit_price": first}, {"unit_price": second}],
                },
                st.sampled_from(["graduated", "volume"]),
                prices,
                prices,
            )
        ),
        "components": draw(
            st.none()
            | st.builds(
                lambda flat: [{"id": "plug", "flat": flat, "when": "quantity > 0", "rounding": {"to": "0.05"}}], prices
            )
        ),
        "valid_from": draw(st.none() | st.just("2026-01-02T07:15")),
    }
    chosen = {key: value for key, value in given_terms.items() if value}
    return (
        chosen
        if {"rounding", "limits", "when", "package", "tiers"} & chosen.keys()
        else chosen | {"rounding": {"to": "0.05"}}
    )


MODES = ["half_up", "half_even", "up", "down"]


def cost(terms: dict[str, Any], session: Session) -> int | None:
    """Atoms of one event by the oracle; None where nothing is charged, or no price known."""
    return cost_of(charge_meter(**terms), event(session), session.wh, moment(session))


@given(terms(), sessions)
def test_each_event_costs_what_its_terms_say_and_the_payer_owes_their_sum(drawn, happened):
    found = design(tariff(**drawn))
    expected: Counter[str] = Counter()
    for session in happened:
        expected[session.payer] += cost(drawn, session) or 0
    flows = rate(found, measured(found, happened), ASSIGNMENTS)
    assert charged(flows) == {payer: atoms for payer, atoms in expected.items() if atoms}


@given(terms(), sessions)
def test_what_has_no_price_is_unrated_and_visible_to_the_last_watt_hour(drawn, happened):
    found = design(tariff(**drawn))
    always = drawn | ({"when": "true"} if "when" in drawn else {})  # whether a condition holds is no matter of price
    unrated = [session for session in happened if cost(always, session) is None]
    flows = rate(found, measured(found, happened), ASSIGNMENTS)
    assert sum(flow.unrated_quantity for flow in flows) == sum(session.wh for session in unrated)
    assert sum(flow.unrated_occurrences for flow in flows) == len(unrated)
    assert sum(flow.quantity for flow in flows) == sum(session.wh for session in happened)


@given(terms(), sessions, st.integers(-10_000, 10_000))
def test_columns_give_the_same_charges_at_the_same_times(drawn, happened, offset_quarters):
    plan = compile_plan(design(tariff(**drawn)))
    events = [event(session) for session in happened]
    if not events:
        return
    writer = BatchWriter(bytes(32), 1)
    for each in events:
        writer.add(each)
    columns = decode([writer.seal()])
    at_ms = columns.at_ms + offset_quarters * 900_000
    found = measure(plan, columns, np.arange(len(columns)), at_ms)
    by_row: dict[int, list[Any]] = {}
    for column in found.columns:
        for row, quantity, group in zip(column.rows, column.quantity.tolist(), column.group, strict=True):
            by_row.setdefault(int(row), []).append((column.meter_hash, column.groups[group], quantity))
    for row, each in enumerate(events):
        moved = Event(each.at_ms + offset_quarters * 900_000, each.kind, each.quantity, attributes=each.attributes)
        assert by_row.get(row, []) == list(plan.measure(moved))


def charge_meter(**terms: Any) -> ChargeMeter:
    found = [each for each in meters_to_feed(design(tariff(**terms))).values() if isinstance(each, ChargeMeter)]
    assert len(found) == 1
    return found[0]


def test_its_hash_follows_the_terms_and_the_measure_and_nothing_else():
    base = charge_meter(unit_price="1", rounding={"to": "0.01"}).hash
    assert base == "b8c2a80cca64a8ae90671d3fc3d94ff1"
    assert charge_meter(unit_price="1", rounding={"to": "0.01", "mode": "half_up"}, description="words").hash == base
    assert charge_meter(unit_price="1", rounding={"to": "0.01"}, limits=[{"per": "payer", "maximum": "9"}]).hash == base
    for other in (
        {"unit_price": "2"},
        {"rounding": {"to": "0.05"}},
        {"when": "quantity > 0"},
        {"valid_from": "2026-01-01"},
    ):
        assert charge_meter(**({"unit_price": "1", "rounding": {"to": "0.01"}} | other)).hash != base


def test_a_tariff_without_such_rules_has_no_charge_meter():
    assert all(not isinstance(each, ChargeMeter) for each in meters_to_feed(design(tariff(unit_price="1"))).values())


PAID = design(tariff(amount_from={"attribute": "paid", "unit": "0.01"}))


def paid(**attributes: int | str) -> Event:
    common: dict[str, int | str] = {"payer": "ann", "charger": "rapid", "site": "mall"}
    return Event(10**12, "session", 5_000, attributes=common | attributes)


@pytest.mark.parametrize(("value", "atoms"), [(199, 199 * CENT), ("199", 199 * CENT), ("-0.5", -CENT // 2)])
def test_an_amount_that_the_event_says_is_taken_as_it_is(value, atoms):
    assert [found.quantity for found in compile_plan(PAID).measure(paid(paid=value))] == [5_000, atoms]


@pytest.mark.parametrize("attributes", [{}, {"paid": "a lot"}, {"paid": ""}])
def test_an_event_that_should_say_its_amount_and_does_not_cannot_be_measured(attributes):
    with pytest.raises(MeasurementError, match="attribute 'paid'"):
        compile_plan(PAID).measure(paid(**attributes))
