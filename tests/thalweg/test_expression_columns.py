"""An expression in columns gives what it gives event by event, or says that it cannot."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.design.expressions import Expression, context_of
from thalweg.errors import ExpressionError
from thalweg.expression_columns import evaluate

LIMIT = 1 << 63
WHOLE = st.one_of(st.integers(-LIMIT, LIMIT - 1), st.integers(-9, 9))
NUMBERS = st.recursive(
    st.one_of(
        st.sampled_from(["quantity", "attributes.a", "attributes.b"]), st.integers(-LIMIT + 1, LIMIT - 1).map(str)
    ),
    lambda parts: st.tuples(parts, st.sampled_from([" + ", " - ", "*"]), parts).map(lambda each: f"({''.join(each)})"),
    max_leaves=4,
)
COMPARISONS = st.tuples(NUMBERS, st.sampled_from([" == ", "!=", " < ", "<=", ">", " >= "]), NUMBERS).map("".join)
CONDITIONS = st.recursive(
    COMPARISONS,
    lambda parts: st.one_of(
        st.tuples(parts, st.sampled_from(["&&", " || "]), parts).map("".join), parts.map(lambda each: f"({each})")
    ),
    max_leaves=4,
)
EVENTS = st.lists(st.tuples(WHOLE, WHOLE, WHOLE), min_size=1, max_size=6)


def in_columns(source: str, events: list[tuple[int, int, int]]) -> list[int | bool] | None:
    quantity, a, b = (np.array(column, np.int64) for column in zip(*events, strict=True))
    found = evaluate(source, quantity, {"a": a, "b": b})
    return None if found is None else found.tolist()


def one_by_one(source: str, events: list[tuple[int, int, int]]) -> list[object]:
    """None for an event that the expression does not fit."""
    expression = Expression(source)
    found: list[object] = []
    for quantity, a, b in events:
        try:
            found.append(expression.evaluate(context_of({"a": a, "b": b}, quantity)))
        except ExpressionError:
            found.append(None)
    return found


@given(st.one_of(NUMBERS, CONDITIONS), EVENTS)
def test_what_columns_give_every_event_gives(source, events):
    expected = one_by_one(source, events)
    found = in_columns(source, events)
    assert found == expected or found is None
    if found is not None:
        assert [type(each) for each in found] == [type(each) for each in expected]


@given(NUMBERS, EVENTS)
def test_only_what_leaves_64_bits_is_left_to_the_events(source, events):
    assert in_columns(source, events) is not None or None in one_by_one(source, events)


def test_usual_conditions_and_values_go_by_columns():
    events = [(3, 7, 500), (501, 0, 1), (2_000, 7, -1)]
    assert in_columns("quantity > 500", events) == [False, True, True]
    assert in_columns("quantity >= 3 && attributes.a == 7 || attributes.b < 0", events) == [True, False, True]
    assert in_columns("attributes.a", events) == [7, 0, 7]
    assert in_columns("quantity * 2 - attributes.b", events) == [-494, 1_001, 4_001]


@pytest.mark.parametrize(
    "source",
    [
        "attributes.to == 'city'",
        "attributes.c > 1",
        "attributes['a'] == 7",
        "has(attributes.a)",
        "!(quantity > 3)",
        "quantity / attributes.a",
        "1 < quantity == true",
        "quantity > 3 ? 1 : 2",
        "quantity > 3 && attributes.a",
        "quantity + 9223372036854775807",
    ],
)
def test_anything_else_is_evaluated_event_by_event(source):
    assert in_columns(source, [(3, 7, 500)]) is None
