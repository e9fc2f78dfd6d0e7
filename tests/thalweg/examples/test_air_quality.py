"""Readings of three sensors, from events to money and value, by numbers computed by hand."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.allocation.pools import allocate_all
from thalweg.examples import example
from thalweg.plan import compile_design
from thalweg.rating import Quantity, rate
from thalweg.wire.batch import Event
from worlds.ecosystems import Outcome, Reported, at, shipped

KEEPERS = {1: {"keeper": "ann"}, 2: {"keeper": "ben"}, 3: {"keeper": "cem"}}
MEMBERS = ("ann", "ben", "cem")
EURO = 10**8
WHOLE_DAY = 24 * 6  # a reading every 10 minutes


def readings(*counts: int, size_bytes: int = 24) -> list[Reported]:
    """So many readings of each sensor in turn, from midnight on."""
    return [
        Reported(
            sensor,
            Event(
                at_ms=at(0) + 600_000 * number,
                kind="air.reading",
                quantity=size_bytes,
                is_exchange=True,
                attributes={"to": "union"},
            ),
        )
        for sensor, count in zip(KEEPERS, counts, strict=True)
        for number in range(count)
    ]


def of(*counts: int, design: str = "air-quality", size_bytes: int = 24) -> Outcome:
    return shipped(design).outcome(readings(*counts, size_bytes=size_bytes), KEEPERS)


def dividends(found: Outcome) -> list[Decimal]:
    """What Ann, Ben and Cem received."""
    atoms = {
        name: sum(flow.money_atoms for flow in found.flows if flow.agreement and flow.target == name)
        for name in MEMBERS
    }
    return [Decimal(atoms[name]) / EURO for name in MEMBERS]


def test_5000_over_weights_of_1_1_and_a_half_are_2000_2000_and_1000():
    plan = compile_design(example("air-quality"))
    portions = allocate_all(plan.agreements, "members", 5000 * EURO, {name: name for name in MEMBERS})
    assert [(portion.participant, portion.atoms) for _, portion in portions] == [
        ("ann", 2000 * EURO),
        ("ben", 2000 * EURO),
        ("cem", 1000 * EURO),
    ]


def test_of_5000_the_protocol_has_1_percent_the_administrator_30_and_members_the_rest():
    design = example("air-quality")
    [counted, *_] = compile_design(design).meters
    flows = rate(design, [Quantity(counted, 1, (), 500_000, 500_000)], KEEPERS)
    money = {flow.exchange: Decimal(flow.money_atoms) / EURO for flow in flows if flow.is_money}
    assert money == {
        "data-fee": Decimal(5000),
        "protocol-share": Decimal(50),
        # 5000 − 50 − 1500 = 3450 over 2.5
        "dividend-ann": Decimal(1380),
        "dividend-ben": Decimal(1380),
        "dividend-cem": Decimal(690),
    }


@pytest.mark.parametrize(("size_bytes", "fee"), [(1, "0.00001"), (24, "0.00001"), (25, "0.00002"), (48, "0.00002")])
def test_radio_costs_0_00001_for_every_24_bytes_of_a_message(size_bytes, fee):
    assert of(1, 0, 0, size_bytes=size_bytes).paid("connectivity-fee") == Decimal(fee)


def test_a_day_of_one_sensor_sends_144_messages_for_0_00144():
    assert of(WHOLE_DAY, 0, 0).paid("connectivity-fee") == Decimal("0.00144")


def test_a_day_of_three_sensors_in_money_and_in_value():
    found = of(WHOLE_DAY, WHOLE_DAY, WHOLE_DAY)
    # 432 readings for 4.32: 0.0432 to the protocol, 1.296 to the administrator, 2.9808 over 2.5 to the members
    assert dividends(found) == [Decimal("1.19232"), Decimal("1.19232"), Decimal("0.59616")]
    per_reading = sum(map(Decimal, ("0.014", "-0.000004", "-0.00005", "0.002", "0.0005", "-0.0002")))
    # the platform is 12 a month, and March has 743 hours in Berlin
    platform_atoms = round(Fraction(12 * 24, 743) * EURO)
    assert found.created == 432 * per_reading - Decimal(platform_atoms) / EURO
    assert found.captured["ann"] == Decimal("1.19232") + 144 * (Decimal("0.0005") - Decimal("0.0002"))
    assert found.captured["breathe-maps"] == 432 * Decimal("0.005")
    assert found.captured["_rest-of-world"] == 432 * Decimal("0.000006")
    assert found.captured["open-ledger"] == Decimal("0.0432") - 432 * Decimal("0.00005")
    assert sum(found.captured.values()) == found.created


@pytest.mark.parametrize(
    ("counts", "by_weight", "by_reading"),
    [
        # readings as the weights: both ways come to the same
        ((144, 144, 72), ("0.9936", "0.9936", "0.4968"), ("0.9936", "0.9936", "0.4968")),
        # Cem's sensor reads as often as the others: paid by reading, Cem has the same as they
        ((144, 144, 144), ("1.19232", "1.19232", "0.59616"), ("0.9936", "0.9936", "0.9936")),
        # Ann's sensor is broken: by weight, the others carry Ann
        ((0, 144, 72), ("0.59616", "0.59616", "0.29808"), ("0", "0.9936", "0.4968")),
    ],
)
def test_who_pays_by_reading_moves_money_between_members_and_touches_nobody_else(counts, by_weight, by_reading):
    shared, counted = of(*counts), of(*counts, design="air-quality-by-reading")
    assert dividends(shared) == [Decimal(each) for each in by_weight]
    assert dividends(counted) == [Decimal(each) for each in by_reading]
    assert shared.created == counted.created
    others = shared.captured.keys() - set(MEMBERS)
    assert all(shared.captured[node] == counted.captured[node] for node in others)


@pytest.mark.parametrize("design", ["air-quality", "air-quality-by-reading"])
@given(counts=st.tuples(*[st.integers(0, 9)] * 3), size_bytes=st.integers(0, 100))
def test_all_that_is_created_is_captured(design, counts, size_bytes):
    found = of(*counts, design=design, size_bytes=size_bytes)
    assert sum(account.captured for account in found.figures.accounts.values()) == found.figures.created
    paid = sum(flow.money_atoms for flow in found.flows if flow.exchange == "data-fee")
    assert paid == sum(counts) * EURO // 100
