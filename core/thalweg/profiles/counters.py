"""Readings of counters that only grow, turned into differences."""

from __future__ import annotations

from typing import NamedTuple


class CounterState(NamedTuple):
    """The last reading of one counter of one device."""

    #: in the smallest step of its unit
    value: int
    #: Unix time in ms
    at_ms: int


class Advance(NamedTuple):
    """What a reading comes to."""

    state: CounterState
    #: what was counted since the last reading; None for the first one, and for one that is no later than the last
    difference: int | None


def advance(last: CounterState | None, reading: CounterState, wraps_at: int | None = None) -> Advance:
    """What `reading` adds to `last`, the reading before it, if there is one.

    A reading no later than the last changes nothing: what it shows is in the last one already. A smaller reading means
    that the counter went past `wraps_at`, where it has one, and was reset otherwise: then it counts from 0.
    """
    if last is None:
        return Advance(reading, None)
    if reading.at_ms <= last.at_ms:
        return Advance(last, None)
    difference = reading.value - last.value
    if difference < 0:
        difference = reading.value if wraps_at is None else difference + wraps_at
    return Advance(reading, max(difference, 0))
