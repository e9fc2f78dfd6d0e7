"""A plan fed by columns measures exactly what it measures event by event."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.design.expressions import Expression
from thalweg.design.meters import Meter
from thalweg.errors import MeasurementError
from thalweg.examples import example
from thalweg.integer_columns import added, distinct, exact, sum_by_place
from thalweg.mapping import Plan, compile_plan
from thalweg.mapping_columns import measure
from thalweg.wire.batch import BatchWriter, Event
from thalweg.wire.columns_decoder import decode
from thalweg.wire.varint import SIGNED_LIMIT

SIGNED = st.one_of(st.integers(-SIGNED_LIMIT, SIGNED_LIMIT - 1), st.integers(-9, 9))
EVENTS = st.builds(
    Event,
    at_ms=st.integers(10**12, 10**12 + 10**6),
    kind=st.sampled_from(["k", "occupancy", "charging.session"]),
    quantity=SIGNED,
    is_exchange=st.booleans(),
    attributes=st.dictionaries(
        st.sampled_from(["a", "b", "to", "emsp"]),
        st.one_of(SIGNED, st.sampled_from(["city", "x", "7", ""])),
        max_size=3,
    ),
)
WHERE = [
    None,
    "attributes.to == 'city'",
    "has(attributes.to) && attributes.to == 'city'",
    "quantity > 3",
    "quantity > 3 && attributes.a <= 7",
    "size(attributes) > 1",
    "attributes['a'] == 7",
    "attributes.a",
    "has(attributes.a) && string(attributes.a) != '7'",
]
VALUES = [
    "quantity",
    "1",
    "99999999999999999999",
    "quantity * 3",
    "attributes.a + 1",
    "attributes.a",
    "quantity / attributes.b",
    "size(attributes.emsp)",
    "quantity > 3",
    "quantity > 3 && attributes.a <= 7",
]
METERS = st.builds(
    lambda **settings: Meter.model_validate({"id": "m", "name": "M", "unit": "count"} | settings),
    kind=st.sampled_from(["k", "occupancy"]),
    exchange=st.booleans(),
    where=st.sampled_from(WHERE),
    value=st.sampled_from(VALUES),
    group_by=st.lists(st.sampled_from(["a", "b", "emsp", "none"]), max_size=3, unique=True),
)


def batches_of(batches: list[list[Event]]) -> list[bytes]:
    out = []
    for boot, events in enumerate(batches):
        writer = BatchWriter(bytes(32), boot)
        for event in events:
            writer.add(event)
        out.append(writer.seal())
    return out


def assert_equal(plan: Plan, batches: list[list[Event]]) -> None:
    columns = decode(batches_of(batches))
    measured = measure(plan, columns, np.arange(len(columns)))
    by_row: dict[int, list[Any]] = {}
    for column in measured.columns:
        for row, quantity, group in zip(column.rows, column.quantity.tolist(), column.group, strict=True):
            by_row.setdefault(int(row), []).append((column.meter_hash, column.groups[group], quantity))
    for row, event in enumerate(event for events in batches for event in events):
        quantities, why = outcome(plan, event)
        assert by_row.get(row, []) == quantities
        refusal = measured.refused.get(row)
        assert (refusal and (refusal.meter, refusal.reason)) == why


def outcome(plan: Plan, event: Event) -> tuple[list[Any], tuple[str, str] | None]:
    """What the plan measures of one event, or whom and why it fails."""
    try:
        return list(plan.measure(event)), None
    except MeasurementError as error:
        return [], (error.meter, error.reason)


@given(
    st.lists(METERS, min_size=1, max_size=4),
    st.lists(st.lists(EVENTS, min_size=1, max_size=8), min_size=1, max_size=4),
)
def test_any_plan_measures_any_events_alike(meters, batches):
    assert_equal(Plan(tuple(meters)), batches)


@given(st.lists(st.lists(EVENTS, min_size=1, max_size=12), min_size=1, max_size=4))
def test_the_example_design_measures_any_events_alike(batches):
    assert_equal(compile_plan(example("ev-charging")), batches)


def test_rows_that_are_not_asked_for_are_not_measured():
    columns = decode(batches_of([[Event(10**12, "charging.session", wh, False, {"emsp": "x"}) for wh in (1, 2, 4)]]))
    measured = measure(compile_plan(example("ev-charging")), columns, np.array([0, 2]))
    assert [column.quantity.tolist() for column in measured.columns] == [[1, 4], [1, 1]]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("quantity", set()),
        ("attributes.a > 1 && has( attributes . b )", {"a", "b"}),
        ("attributes.a.startsWith('attributes.c')", {"a", "c"}),
        ("attributes['a'] == 1", None),
        ("size(attributes) > attributes.a", None),
        ("'attributes' == attributes.a", None),
    ],
)
def test_an_expression_names_at_least_the_attributes_that_it_reads(source, names):
    assert Expression(source).attributes == (None if names is None else frozenset(names))


@given(st.lists(st.tuples(st.integers(0, 4), st.one_of(SIGNED, st.integers(-(2**70), 2**70)))))
def test_sums_are_exact_at_any_size(parts):
    expected = [sum(value for place, value in parts if place == each) for each in range(5)]
    places = np.array([place for place, _ in parts], np.intp)
    assert sum_by_place(places, exact([value for _, value in parts]), 5) == expected


@given(
    st.lists(st.tuples(st.one_of(st.integers(-3, 3), SIGNED), st.one_of(st.booleans().map(int), SIGNED)), max_size=12)
)
def test_combinations_have_one_place_each(rows):
    columns = [np.array([row[at] for row in rows], np.int64) for at in (0, 1)]
    examples, places = distinct(columns, len(rows))
    assert [rows[examples[place]] for place in places] == rows
    assert len(examples) == len(set(rows))


@given(st.lists(st.tuples(SIGNED, SIGNED)))
def test_columns_are_added_exactly(rows):
    left, right = (np.array([row[at] for row in rows], np.int64) for at in (0, 1))
    assert added(left, right).tolist() == [sum(row) for row in rows]
