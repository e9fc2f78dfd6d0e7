"""Rides and days on the street, from events to money and value, by numbers computed by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.wire.batch import Event
from worlds.ecosystems import Outcome, Reported, at, shipped

OWNERS = {1: {"owner": "north-fund"}, 2: {"owner": "river-fund"}}
HOUR_S = 3600


def ride(minutes: int, hour: int = 9, scooter: int = 1) -> Reported:
    return Reported(scooter, Event(at_ms=at(hour), kind="scooter.ride", quantity=60 * minutes))


def day_on_the_street(scooter: int = 1, day: int = 0) -> list[Reported]:
    """A report an hour; to whom it is handed is what makes it the city's."""
    return [
        Reported(
            scooter,
            Event(
                at_ms=at(24 * day + hour),
                kind="location",
                quantity=HOUR_S,
                is_exchange=True,
                attributes={"to": "city"},
            ),
        )
        for hour in range(24)
    ]


def of(*reported: Reported, design: str = "scooters", days: int = 1) -> Outcome:
    return shipped(design).outcome(reported, OWNERS, days)


def decimals(table: dict[str, str]) -> dict[str, Decimal]:
    return {name: Decimal(number) for name, number in table.items()}


def test_a_ride_of_12_minutes_costs_2_80_and_what_it_leaves_is_halved():
    found = of(ride(12))
    # 1.00 + 12 × 0.15; 2.80 − 1.72 − 0.51 − 0.41 = 0.16
    assert found.paid("ride-fee") == Decimal("2.80")
    assert [found.paid(each) for each in ("charging-pay", "repair-pay", "card-fee")] == [
        Decimal("1.72"),
        Decimal("0.51"),
        Decimal("0.41"),
    ]
    assert found.paid("owner-share") == Decimal("0.08")


def test_a_ride_and_a_day_on_the_street_in_money_and_in_value():
    found = of(ride(12), *day_on_the_street())
    assert found.cash == decimals(
        {
            "riders": "-2.80",
            "glide": "-0.92",  # 2.80 − 1.72 − 0.51 − 0.41 − 0.08 − 1.00
            "north-fund": "0.08",
            "night-shift": "1.72",
            "spoke-and-volt": "0.51",
            "rivertown": "1.00",
            "scooters": "0",
            "_rest-of-world": "0.41",  # card payments are outside
        }
    )
    assert found.captured == decimals(
        {
            "riders": "0.80",  # worth 12 × 0.30
            "glide": "-1.02",  # a record of 0.01; support 0.06, insurance 0.05
            "north-fund": "0.02",  # wear of 12 × 0.005
            "night-shift": "0.52",
            "spoke-and-volt": "0.11",
            "rivertown": "0.74",  # 0.10 fewer cars, 24 × 0.005 of data, less 24 × 0.02 of space
            "scooters": "0",
            "_rest-of-world": "0.11",
        }
    )
    assert found.created == Decimal("1.28") == sum(found.captured.values())


def test_a_short_ride_leaves_a_loss_that_owner_and_operator_halve():
    # 1.00 + 6 × 0.15 − 2.64 = −0.74
    assert of(ride(6)).paid("owner-share") == Decimal("-0.37")


@pytest.mark.parametrize("reports", [1, 5, 24])
def test_a_vehicle_day_costs_1_00_however_often_it_is_reported(reports):
    assert of(*day_on_the_street()[:reports]).paid("street-fee") == Decimal("1.00")


def test_each_scooter_pays_for_each_of_its_days_ridden_or_not():
    two_days = [report for scooter in OWNERS for day in (0, 1) for report in day_on_the_street(scooter, day)]
    assert of(ride(12), *two_days, days=2).paid("street-fee") == Decimal("4.00")


@pytest.mark.parametrize("rides", range(9))
def test_with_a_fee_per_trip_the_city_has_as_much_at_4_rides_a_day(rides):
    reported = [*day_on_the_street(), *(ride(12, hour) for hour in range(rides))]
    per_day, per_trip = (of(*reported, design=design) for design in ("scooters", "scooters-per-trip"))
    gain = rides * Decimal("0.25") - Decimal("1.00")
    assert per_trip.paid("street-fee") - per_day.paid("street-fee") == gain
    # what one gains by the other fee, the other loses; nobody else is touched, and nothing is created by it
    moved = {"rivertown": gain, "glide": -gain}
    nodes = per_day.captured.keys() | per_trip.captured.keys()
    for node in nodes:
        before, after = per_day.captured.get(node, Decimal(0)), per_trip.captured.get(node, Decimal(0))
        assert after - before == moved.get(node, 0), node
    assert per_day.created == per_trip.created == rides * Decimal("1.64") - Decimal("0.36")


def test_rides_of_20_minutes_carry_the_street_fee_from_the_second_on():
    # each leaves the operator (1.36) / 2 + 0.01 − 0.11 = 0.58
    results = [of(*day_on_the_street(), *(ride(20, hour) for hour in range(rides))) for rides in (1, 2)]
    assert [found.captured["glide"] for found in results] == [Decimal("-0.42"), Decimal("0.16")]


@pytest.mark.parametrize("design", ["scooters", "scooters-per-trip"])
@given(rides=st.lists(st.tuples(st.integers(0, 240), st.integers(0, 23), st.sampled_from([1, 2])), max_size=6))
def test_all_that_is_created_is_captured(design, rides):
    found = of(*day_on_the_street(), *(ride(*one) for one in rides), design=design)
    assert sum(account.captured for account in found.figures.accounts.values()) == found.figures.created
