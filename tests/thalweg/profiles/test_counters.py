from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from thalweg.profiles.counters import CounterState, advance

steps = st.lists(st.tuples(st.integers(0, 10_000), st.booleans()), max_size=30)


def run(readings, wraps_at=None):
    state, total = None, 0
    for reading in readings:
        step = advance(state, reading, wraps_at)
        state, total = step.state, total + (step.difference or 0)
    return state, total


def register(course):
    """Readings of a register that counts `course`, reset just after some of them; and all that it counted."""
    value, readings, counted = 500, [CounterState(500, 0)], 0
    for number, (more, is_reset) in enumerate(course, start=1):
        is_seen_reset = is_reset and more < value
        value = more if is_seen_reset else value + more
        counted += more
        readings.append(CounterState(value, number))
    return readings, counted


@given(steps)
def test_differences_sum_to_what_was_counted_across_resets(course):
    readings, counted = register(course)
    assert run(readings)[1] == counted


@given(steps, st.data())
def test_readings_that_come_again_or_late_change_nothing(course, data):
    readings, counted = register(course)
    noisy = []
    for place, reading in enumerate(readings):
        noisy.append(reading)
        noisy += data.draw(st.lists(st.sampled_from(readings[: place + 1]), max_size=3))
    assert run(noisy) == (readings[-1], counted)


@given(st.lists(st.integers(0, 999), max_size=30))
def test_a_register_that_wraps_counts_on(course):
    value, readings = 0, [CounterState(0, 0)]
    for number, more in enumerate(course, start=1):
        value += more
        readings.append(CounterState(value % 1000, number))
    assert run(readings, wraps_at=1000)[1] == sum(course)


def test_the_first_reading_is_only_where_counting_begins():
    assert advance(None, CounterState(7, 1)) == (CounterState(7, 1), None)
