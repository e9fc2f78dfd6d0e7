"""A plan measures events by the design's meters, or says why it cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from thalweg.design.meters import Meter
from thalweg.errors import MeasurementError
from thalweg.examples import example
from thalweg.mapping import Plan, compile_plan
from thalweg.wire.batch import Event

MeterOf = Callable[..., Plan]


@pytest.fixture
def plan_of() -> MeterOf:
    def plan(**settings: Any) -> Plan:
        return Plan((Meter.model_validate({"id": "m", "name": "M", "kind": "k", "unit": "count"} | settings),))

    return plan


def event(quantity: int = 5, *, is_exchange: bool = False, **attributes: int | str) -> Event:
    return Event(at_ms=0, kind="k", quantity=quantity, is_exchange=is_exchange, attributes=attributes)


def test_a_charging_session_feeds_energy_and_sessions_for_its_provider():
    plan = compile_plan(example("ev-charging"))
    hashes = {meter.id: meter.hash for meter in plan.meters}
    session = Event(at_ms=0, kind="charging.session", quantity=10_000, attributes={"emsp": "greenmile"})
    assert plan.measure(session) == (
        (hashes["energy"], ("greenmile",), 10_000),
        (hashes["sessions"], ("greenmile",), 1),
    )


def test_occupancy_counts_only_when_it_is_handed_to_the_city():
    plan = compile_plan(example("ev-charging"))
    to_city = Event(at_ms=0, kind="occupancy", quantity=3, is_exchange=True, attributes={"to": "city"})
    to_other = Event(at_ms=0, kind="occupancy", quantity=3, is_exchange=True, attributes={"to": "cpo"})
    assert [measured.quantity for measured in plan.measure(to_city)] == [1]
    assert plan.measure(to_other) == ()


def test_an_event_of_another_kind_is_unmapped(plan_of):
    assert plan_of(kind="other").measure(event()) == ()


def test_usage_and_data_exchange_of_one_kind_are_kept_apart(plan_of):
    assert plan_of(exchange=True).measure(event()) == ()
    assert len(plan_of(exchange=True).measure(event(is_exchange=True))) == 1


def test_groups_follow_the_order_of_group_by_and_a_missing_attribute_is_empty(plan_of):
    plan = plan_of(group_by=["b", "a", "c"])
    assert plan.measure(event(a=7, b="x"))[0].group == ("x", "7", "")


def test_a_value_expression_gives_the_quantity(plan_of):
    assert plan_of(value="quantity * attributes.factor").measure(event(5, factor=-3))[0].quantity == -15


@pytest.mark.parametrize(
    ("settings", "attributes", "reason"),
    [
        ({"where": "attributes.to == 'city'"}, {}, "no attribute 'to'"),
        ({"where": "attributes.a"}, {"a": 3}, "gives 3, not true or false"),
        ({"value": "quantity * 9223372036854775807"}, {}, "overflow"),
        ({"value": "quantity / attributes.n"}, {"n": 0}, "division by zero"),
        ({"value": "string(quantity)"}, {}, "not an integer"),
        ({"value": "quantity > 3"}, {}, "not an integer"),
        ({"value": "int(attributes.a)"}, {"a": "x"}, "int"),
        ({"value": "attributes.a + 1"}, {"a": "x"}, "does not coerce"),
    ],
)
def test_an_event_that_an_expression_does_not_fit_is_refused_with_meter_and_reason(
    plan_of, settings, attributes, reason
):
    with pytest.raises(MeasurementError, match=reason) as refusal:
        plan_of(**settings).measure(event(**attributes))
    assert refusal.value.meter == "m"
    assert refusal.value.reason


def test_an_optional_attribute_is_asked_for_with_has(plan_of):
    plan = plan_of(where="has(attributes.to) && attributes.to == 'city'")
    assert (len(plan.measure(event())), len(plan.measure(event(to="city")))) == (0, 1)
