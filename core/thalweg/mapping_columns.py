"""From events by columns to measured quantities: what `Plan.measure` says of each event, at a fraction of its cost.

Which meters look at an event, and where their attributes stand, is decided once for each shape of events. An
expression is evaluated once for each different combination of the values that it reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import numpy as np

from thalweg.design.expressions import Context, Expression, context_of
from thalweg.errors import MeasurementError
from thalweg.integer_columns import Integers, Places, distinct, exact
from thalweg.mapping import CompiledMeter, Plan
from thalweg.wire.batch import Shape
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


def measure(plan: Plan, events: Columns, rows: Places) -> MeasuredEvents:
    """What each meter of `plan` measures of the events at `rows` (ascending)."""
    measured = MeasuredEvents([], {})
    for shape, own in events.rows_by_shape(rows):
        for meter in plan.meters_of(shape.kind, shape.is_exchange):
            column = _measure(meter, _Alike(events, shape, own), measured.refused)
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

    def among(self, is_chosen: Places) -> _Alike:
        return self._replace(rows=self.rows[is_chosen])

    def values(self, place: int) -> Places | Integers:
        """The attribute at `place` of the shape: numbers that differ where the values differ."""
        is_string = self.shape.attributes[place][1]
        return (self.events.texts if is_string else self.events.integers)(self.rows, place)


def _measure(meter: CompiledMeter, alike: _Alike, refused: dict[int, MeasurementError]) -> MeasuredColumn:
    if meter.where is not None:
        applies, places = _evaluate(meter.where, alike, meter.applies, refused)
        alike = alike.among(np.flatnonzero(np.array([each is True for each in applies], np.bool_)[places]))
    own = alike.events.quantity[alike.rows]
    if isinstance(meter.value, Expression):
        quantities, places = _evaluate(meter.value, alike, lambda context: meter.quantity(0, context), refused)
        quantity = exact([each or 0 for each in quantities])[places]
    else:
        quantity = own if meter.value is None else exact([meter.value]).repeat(len(own))
    group, groups = _groups(meter.group_by, alike)
    return MeasuredColumn(meter.hash, alike.rows, quantity, group, groups)


def _evaluate(
    expression: Expression, alike: _Alike, value: Callable[[Context], _T], refused: dict[int, MeasurementError]
) -> tuple[list[_T | None], Places]:
    """The values of `expression`, and for each event the place of its own; None where the event is refused."""
    read = [
        alike.values(place)
        for place, (name, _) in enumerate(alike.shape.attributes)
        if expression.attributes is None or name in expression.attributes
    ]
    if expression.reads_quantity:
        read.append(alike.events.quantity[alike.rows])
    first, places = distinct(read, len(alike.rows))
    examples = alike.rows[first]
    values: list[_T | None] = []
    errors: dict[int, MeasurementError] = {}
    attributes = alike.events.attributes(alike.shape, examples)
    for place, (own, quantity) in enumerate(zip(attributes, alike.events.quantity[examples].tolist(), strict=True)):
        try:
            values.append(value(context_of(own, quantity)))
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
