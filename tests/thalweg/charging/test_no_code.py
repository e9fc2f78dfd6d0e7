"""Real tariffs, written down in a document: nobody writes code for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.design import from_document, load
from thalweg.mapping import compile_plan
from thalweg.rating import Flow, Quantity, rate
from thalweg.wire.batch import Event
from worlds.tariffs import ASSIGNMENTS, ATOMS, Session, charged, design, document, measured, money, tariff

CITY = load(Path(__file__).with_name("no_code.yaml").read_text(encoding="utf-8"))
CENT = ATOMS // 100
#: around the end of January, when the city's terms change
FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)

city_sessions = st.lists(
    st.fixed_dictionaries(
        {
            "quarter": st.integers(-400, 400),
            "payer": st.sampled_from(["ann", "bob"]),
            "charger": st.sampled_from(["rapid", "fast"]),
            "site": st.sampled_from(["mall", "depot", "hospital"]),
            "minutes": st.sampled_from([69, 70, 71, 189, 190, 191]),
            "wh": st.integers(0, 90_000),
        }
    ),
    max_size=8,
)


def city_flows(sessions: list[dict[str, Any]]) -> tuple[Flow, ...]:
    quantities = []
    plan = compile_plan(CITY)
    for session in sessions:
        at = FEBRUARY + timedelta(minutes=15 * session["quarter"])
        attributes = {key: session[key] for key in ("payer", "charger", "site", "minutes")}
        event = Event(int(at.timestamp()) * 1000, "charging.session", session["wh"], attributes=attributes)
        quantities += [Quantity(each.meter_hash, 1, each.group, each.quantity, 1, at) for each in plan.measure(event)]
    return rate(CITY, quantities, {1: {}})


def city_cents(session: dict[str, Any]) -> int:
    """One session's fee in cents, in plain integers."""
    local = (FEBRUARY + timedelta(minutes=15 * session["quarter"])).astimezone(ZoneInfo("Europe/London"))
    is_late, is_rapid = session["quarter"] >= 0, session["charger"] == "rapid"
    if is_late:
        is_day = local.weekday() < 5 and 7 <= local.hour < 19
        per_mille = (610 if is_day else 500) if is_rapid else 355
    else:
        per_mille = 450 if is_rapid else 333
    energy = (session["wh"] * per_mille + 5_000) // 10_000
    is_over = session["minutes"] > (70 if is_rapid else 190) and session["site"] == "mall"
    return energy + (40 if is_late else 38) + (2000 if is_late else 1000) * is_over


@given(city_sessions)
def test_energy_rounded_by_the_session_with_connection_and_overstay_fees_all_dated(sessions):
    found = charged(city_flows(sessions))
    expected: dict[str, int] = {}
    for session in sessions:
        expected[session["payer"]] = expected.get(session["payer"], 0) + city_cents(session)
    assert found == {payer: cents * CENT for payer, cents in expected.items() if cents}


def test_a_kind_of_charger_without_a_price_is_unrated_and_seen():
    session = {"quarter": 0, "payer": "ann", "charger": "slow", "site": "mall", "minutes": 5, "wh": 4_200}
    [flow] = city_flows([session])
    assert (flow.money_atoms, flow.quantity, flow.unrated_quantity, flow.unrated_occurrences) == (0, 4_200, 4_200, 1)


def test_a_payer_never_pays_more_than_the_monthly_cap_and_begins_anew_in_the_next_month():
    terms = design(tariff(unit_price="0.5", limits=[{"per": "payer", "maximum": "40"}]))
    january = [Session(10 * day, day % 3 + 1, "ann", "rapid", 30_000) for day in range(5)]
    february = [Session(31 * 96, 1, "ann", "rapid", 30_000)]
    flows = rate(terms, measured(terms, january), ASSIGNMENTS)
    assert charged(flows) == {"ann": 40 * ATOMS}
    # five sessions for 15.00 come to 75.00; each host's part of the 40.00 is its part of those
    assert [flow.money_atoms for flow in flows] == [16 * ATOMS, 16 * ATOMS, 8 * ATOMS]
    assert charged(rate(terms, measured(terms, january + february), ASSIGNMENTS)) == {"ann": 55 * ATOMS}


def test_the_cap_of_one_payer_is_no_matter_of_another():
    terms = design(tariff(unit_price="0.5", limits=[{"per": "payer", "maximum": "40"}]))
    both = [Session(0, 1, payer, "rapid", wh) for payer, wh in (("ann", 200_000), ("bob", 20_000))]
    assert charged(rate(terms, measured(terms, both), ASSIGNMENTS)) == {"ann": 40 * ATOMS, "bob": 10 * ATOMS}


def test_payers_of_one_participant_are_told_apart_by_an_attribute():
    terms = document(tariff(unit_price="0.5", payer="payer", limits=[{"per": "payer", "maximum": "40"}]))
    terms["nodes"][0] = {"id": "driver", "name": "D", "kind": "market_segment", "participant": "drivers"}
    found = from_document(terms)
    both = [Session(0, 1, payer, "rapid", wh) for payer, wh in (("ann", 200_000), ("bob", 20_000))]
    assert charged(rate(found, measured(found, both), ASSIGNMENTS)) == {"drivers": 50 * ATOMS}


def test_the_city_s_fee_is_due_once_for_each_vehicle_and_local_day_on_which_it_drove():
    terms = design(tariff(period="day", period_fee={"amount": "1"}))
    # 22:00 UTC is midnight in Helsinki
    rides = [Session(quarter, vehicle, "ann", "x", 100) for vehicle in (1, 2) for quarter in (0, 40, 87)]
    assert charged(rate(terms, measured(terms, rides), ASSIGNMENTS)) == {"ann": 2 * ATOMS}
    late = [*rides, Session(88, 2, "ann", "x", 100)]
    assert charged(rate(terms, measured(terms, late), ASSIGNMENTS)) == {"ann": 3 * ATOMS}


def test_a_percentage_follows_another_charge_through_its_cap_and_its_months():
    terms = design(
        tariff(unit_price="0.5", limits=[{"per": "payer", "maximum": "40"}]),
        {
            "id": "c1",
            "on": "commission",
            "valid_until": "2026-01-15",
            "percent_of": {"exchange": "fee", "percent": "10"},
            "flat": "0.10",
        },
        {"id": "c2", "on": "commission", "valid_from": "2026-01-15", "percent_of": {"exchange": "fee", "percent": "5"}},
    )
    sessions = [Session(96 * day, 1, "ann", "rapid", 60_000) for day in (1, 16, 17)]
    flows = rate(terms, measured(terms, sessions), ASSIGNMENTS)
    assert charged(flows) == {"ann": 40 * ATOMS}
    # 30.00 before the change, then 10.00 up to the cap
    assert charged(flows, "commission") == {"city-charge": 300 * CENT + 10 * CENT + 50 * CENT}


def test_what_a_percentage_is_of_is_unrated_and_so_is_the_percentage():
    terms = design(
        tariff(unit_price="0.5", valid_from="2026-01-15"),
        {"id": "c", "on": "commission", "percent_of": {"exchange": "fee", "percent": "10"}},
    )
    flows = rate(terms, measured(terms, [Session(0, 1, "ann", "rapid", 60_000)]), ASSIGNMENTS)
    assert {flow.exchange: (flow.money_atoms, flow.unrated_quantity) for flow in flows} == {
        "fee": (0, 60_000),
        "commission": (0, 60_000),
    }


def test_a_dynamic_price_changes_every_quarter_hour_also_when_clocks_do_and_is_missing_where_none_is_known():
    prices = [str(number) if number != 5 else None for number in range(10)]
    terms = design(tariff(unit_price={"series": {"start": "2026-03-29T02:00", "prices": prices}}))
    # Helsinki skips from 03:00 to 04:00, which is 01:00 UTC; the series goes on
    first = (datetime(2026, 3, 29, 0, tzinfo=UTC) - datetime(2026, 1, 1, tzinfo=UTC)) // timedelta(minutes=15)
    sessions = [Session(first + number, 1, "ann", "rapid", 1_000) for number in range(-1, 11)]
    flows = rate(terms, measured(terms, sessions), ASSIGNMENTS)
    assert charged(flows) == {"ann": (sum(range(10)) - 5) * ATOMS}
    assert sum(flow.unrated_occurrences for flow in flows) == 3


def test_tiers_can_be_defined_for_each_price_band():
    def band(name: str, start: str, until: str, *bounds: str) -> dict[str, Any]:
        tiers = [{"up_to": "10", "unit_price": bounds[0]}, {"unit_price": bounds[1]}]
        hours = [{"from": start, "until": until}]
        return {"id": name, "during": hours, "tiers": {"mode": "graduated", "tiers": tiers}}

    terms = design(
        tariff(components=[band("day", "06:00", "22:00", "3", "2"), band("night", "22:00", "06:00", "1", "0")])
    )
    noon, midnight = 40, 88
    sessions = [
        Session(at, 1, "ann", "rapid", wh) for at, wh in ((noon, 12_000), (midnight, 4_000), (midnight + 1, 9_000))
    ]
    assert charged(rate(terms, measured(terms, sessions), ASSIGNMENTS)) == {"ann": (30 + 4 + 10) * ATOMS}


def test_parking_by_the_begun_quarter_hour_with_a_daily_limit():
    terms = document(tariff(on="fee", period="day", package={"size": "0.25", "price": "0.60", "per": "occurrence"}))
    terms["tariffs"][0]["limits"] = [{"per": "payer", "maximum": "3"}]
    terms["meters"][0] |= {"unit": "s", "value": "attributes.minutes * 60"}
    terms["exchanges"] = [money("fee") | {"unit": "h"}]
    found = from_document(terms)
    short, long = Session(0, 1, "ann", "x", 0, minutes=16), Session(40, 1, "bob", "x", 0, minutes=100)
    assert charged(rate(found, measured(found, [short, long]), ASSIGNMENTS)) == {"ann": 120 * CENT, "bob": 300 * CENT}


def test_exact_thirds_of_a_cap_sum_to_the_cap_to_the_atom():
    terms = design(tariff(unit_price="0.5", limits=[{"per": "payer", "maximum": "40"}]))
    sessions = [Session(0, host, "ann", "rapid", 100_000) for host in ASSIGNMENTS]
    atoms = [flow.money_atoms for flow in rate(terms, measured(terms, sessions), ASSIGNMENTS)]
    assert sum(atoms) == 40 * ATOMS
    assert max(atoms) - min(atoms) == 1
    assert all(abs(each - Fraction(40 * ATOMS, 3)) < 1 for each in atoms)


@pytest.mark.parametrize(
    ("per", "assignments", "euros"),
    [
        ("payer", (1, 1), 40),  # 30.00 before the cap began, and 10.00 until it is reached
        ("payer", (1, 2), 40),
        ("period", (1, 1), 40),
        ("period", (1, 2), 60),  # neither of the two has reached it
    ],
)
def test_a_cap_that_begins_within_a_month_counts_what_the_month_came_to_before(per, assignments, euros):
    terms = design(
        tariff(unit_price="0.5", valid_until="2026-01-15"),
        tariff(id="u", unit_price="0.5", valid_from="2026-01-15", limits=[{"per": per, "maximum": "40"}]),
    )
    sessions = [Session(96 * day, at, "ann", "x", 60_000) for day, at in zip((1, 20), assignments, strict=True)]
    assert charged(rate(terms, measured(terms, sessions), ASSIGNMENTS)) == {"ann": euros * ATOMS}


def test_what_a_raised_cap_had_forgiven_before_stays_forgiven():
    terms = design(
        tariff(unit_price="0.5", valid_until="2026-01-15", limits=[{"per": "payer", "maximum": "10"}]),
        tariff(id="u", unit_price="0.5", valid_from="2026-01-15", limits=[{"per": "payer", "maximum": "18"}]),
    )
    sessions = [Session(96 * day, 1, "ann", "x", wh) for day, wh in ((1, 30_000), (20, 10_000))]
    # 15.00 are capped to 10.00; of the 5.00 that follow, 3.00 lie below 18.00
    assert charged(rate(terms, measured(terms, sessions), ASSIGNMENTS)) == {"ann": 13 * ATOMS}


@pytest.mark.parametrize(("wh", "euros"), [(2_000, 5), (0, 5), (-2_000, -1), (40_000, 20)])
def test_a_monthly_minimum_is_for_use_and_does_not_turn_a_refund_into_a_charge(wh, euros):
    terms = design(tariff(unit_price="0.5", limits=[{"per": "payer", "minimum": "5"}]))
    assert charged(rate(terms, measured(terms, [Session(0, 1, "ann", "x", wh)]), ASSIGNMENTS)) == {"ann": euros * ATOMS}
