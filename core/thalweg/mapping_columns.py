"""From events by columns to measured quantities: what `Plan.measure` says of each event, at a fraction of its cost.

Which meters look at an event, and where their attributes stand, is decided once for each shape of events. An
expression of whole numbers is evaluated in columns too, and any other once for each different combination of the values
that it reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from thalweg import expression_columns
from thalweg.design.expressions import Context, Expression, context_of
from thalweg.design.quarters import QUARTER_MS
from thalweg.errors import MeasurementError
from thalweg.integer_columns import Integers, Places, distinct, exact
from thalweg.mapping import AnyMeter, CompiledMeter, Plan
from thalweg.mapping_charges import CompiledChargeMeter
from thalweg.wire.batch import AttributeValue, Shape
from thalweg.wire.columns import Columns

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class MeasuredColumn:
    """What one meter measured of events of one shape."""

    meter_hash: str
    #: the events, ascending
    rows: Places
    #: one for each of `rows`, in the smallest step of the meter's unit
    quantity: Integers
    #: position in `groups`, one for each of `rows`
    group: Places
    #: values of the meter's `group_by` attributes, in its order; "" for an attribute that the events lack
    groups: tuple[tuple[str, ...], ...]


class MeasuredEvents(NamedTuple):
    """What a plan measured of many events."""

    columns: list[MeasuredColumn]
    #: event → why it cannot be measured; none of its quantities is in `columns`
    refused: dict[int, MeasurementError]


def measure(plan: Plan, events: Columns, rows: Places, at_ms: Integers | None = None) -> MeasuredEvents:
    """What each meter of `plan` measures of the events at `rows` (ascending).

    `at_ms` is the Unix time of each event in ms, by default the events' own.
    """
    measured = MeasuredEvents([], {})
    times_ms = events.at_ms if at_ms is None else at_ms
    for shape, own in events.rows_by_shape(rows):
        for meter in plan.meters_of(shape.kind, shape.is_exchange):
            column = _measure(meter, _Alike(events, shape, own, times_ms), measured.refused)
            if len(column.rows):
                measured.columns.append(column)
    if measured.refused:
        measured.columns[:] = [_without(column, measured.refused) for column in measured.columns]
    return measured


class _Alike(NamedTuple):
    """Events of one shape."""

    events: Columns
    shape: Shape
    rows: Places
    #: Unix time in ms of each of `events`
    at_ms: Integers

    def among(self, is_chosen: Places) -> _Alike:
        return self._replace(rows=self.rows[is_chosen])

    def values(self, place: int) -> Places | Integers:
        """The attribute at `place` of the shape: numbers that differ where the values differ."""
        is_string = self.shape.attributes[place][1]
        return (self.events.texts if is_string else self.events.integers)(self.rows, place)

    def evaluate(self, expression: Expression) -> NDArray[Any] | None:
        """The expression's values, one for each of `rows`; None where it takes to evaluate it event by event."""
        numbers = {
            name: self.events.integers(self.rows, place)
            for place, (name, is_string) in enumerate(self.shape.attributes)
            if not is_string and (expression.attributes is None or name in expression.attributes)
        }
        return expression_columns.evaluate(expression.source, self.events.quantity[self.rows], numbers)


class _Example(NamedTuple):
    """The values of one event."""

    attributes: dict[str, AttributeValue]
    quantity: int
    quarter: int

    @property
    def context(self) -> Context:
        return context_of(self.attributes, self.quantity)


class _Reads(NamedTuple):
    """What a value depends on."""

    #: None: it may be any
    attributes: frozenset[str] | None
    quantity: bool
    time: bool = False

    @classmethod
    def by(cls, expression: Expression) -> _Reads:
        return cls(expression.attributes, expression.reads_quantity)


def _measure(meter: AnyMeter, alike: _Alike, refused: dict[int, MeasurementError]) -> MeasuredColumn:
    if isinstance(meter, CompiledChargeMeter):
        measured, quantity = _charges(meter, alike, refused)
    else:
        measured, quantity = _quantities(meter, alike, refused)
    group, groups = _groups(meter.group_by, measured)
    return MeasuredColumn(meter.hash, measured.rows, quantity, group, groups)


def _quantities(meter: CompiledMeter, alike: _Alike, refused: dict[int, MeasurementError]) -> tuple[_Alike, Integers]:
    """The events that `meter` measures, and the quantity of each."""
    if meter.where is not None:
        holds = alike.evaluate(meter.where)
        if holds is None or holds.dtype != np.bool_:
            reads = _Reads.by(meter.where)
            applies, places = _evaluate(reads, alike, lambda event: meter.applies(event.context), refused)
            holds = np.array([each is True for each in applies], np.bool_)[places]
        alike = alike.among(np.flatnonzero(holds))
    own = alike.events.quantity[alike.rows]
    if isinstance(meter.value, Expression):
        found = alike.evaluate(meter.value)
        if found is not None and found.dtype == np.int64:
            return alike, found
        reads = _Reads.by(meter.value)
        quantities, places = _evaluate(reads, alike, lambda event: meter.quantity(0, event.context), refused)
        return alike, exact([each or 0 for each in quantities])[places]
    return alike, own if meter.value is None else exact([meter.value]).repeat(len(own))


def _charges(
    meter: CompiledChargeMeter, alike: _Alike, refused: dict[int, MeasurementError]
) -> tuple[_Alike, Integers]:
    """The events that `meter` charges, and the atoms of each."""

    def charge(event: _Example) -> int | None:
        context = event.context if meter.evaluates else None
        return meter.charge(event.attributes, event.quantity, event.quarter, context)

    reads = _Reads(meter.attributes, quantity=True, time=meter.reads_time)
    charges, places = _evaluate(reads, alike, charge, refused)
    kept = np.flatnonzero(np.array([each is not None for each in charges], np.bool_)[places])
    return alike.among(kept), exact([each or 0 for each in charges])[places[kept]]


def _evaluate(
    reads: _Reads, alike: _Alike, value: Callable[[_Example], _T | None], refused: dict[int, MeasurementError]
) -> tuple[list[_T | None], Places]:
    """The different values, and for each event the place of its own; None where the event is refused."""
    read = [
        alike.values(place)
        for place, (name, _) in enumerate(alike.shape.attributes)
        if reads.attributes is None or name in reads.attributes
    ]
    quarters = alike.at_ms[alike.rows] // QUARTER_MS if reads.time else np.zeros(len(alike.rows), np.int64)
    if reads.quantity:
        read.append(alike.events.quantity[alike.rows])
    if reads.time:
        read.append(quarters.astype(np.int64))
    first, places = distinct(read, len(alike.rows))
    examples = alike.rows[first]
    values: list[_T | None] = []
    errors: dict[int, MeasurementError] = {}
    columns = (alike.events.attributes(alike.shape, examples), alike.events.quantity[examples], quarters[first])
    for place, (own, quantity, quarter) in enumerate(zip(*columns, strict=True)):
        try:
            values.append(value(_Example(own, int(quantity), int(quarter))))
        except MeasurementError as error:
            values.append(None)
            errors[place] = error
    if errors:
        for row, place in zip(alike.rows.tolist(), places.tolist(), strict=True):
            if place in errors:
                refused.setdefault(row, errors[place])
    return values, places


def _groups(names: tuple[str, ...], alike: _Alike) -> tuple[Places, tuple[tuple[str, ...], ...]]:
    """For each event the place of its group, and the groups."""
    place_of = {name: place for place, (name, _) in enumerate(alike.shape.attributes) if name in names}
    first, group = distinct([alike.values(place) for place in place_of.values()], len(alike.rows))
    examples = alike.events.attributes(alike.shape, alike.rows[first])
    return group, tuple(tuple([str(own.get(name, "")) for name in names]) for own in examples)


def _without(column: MeasuredColumn, refused: dict[int, MeasurementError]) -> MeasuredColumn:
    kept = ~np.isin(column.rows, list(refused))
    return replace(column, rows=column.rows[kept], quantity=column.quantity[kept], group=column.group[kept])
