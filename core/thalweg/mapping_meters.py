"""Meters that are ready to measure one event."""

from __future__ import annotations

from typing import NamedTuple

from thalweg.design.expressions import Context, Expression
from thalweg.design.meters import PLAIN_QUANTITY, Meter, meter_hash
from thalweg.errors import ExpressionError, MeasurementError
from thalweg.wire.batch import Event


class Measurement(NamedTuple):
    """What one meter measured of one event."""

    meter_hash: str
    #: values of the meter's `group_by` attributes, in its order; "" for an attribute that the event lacks
    group: tuple[str, ...]
    #: integer, in the smallest step of the meter's unit
    quantity: int


class CompiledMeter:
    """A meter that is ready to measure."""

    __slots__ = ("_constant", "_value", "_where", "group_by", "hash", "id", "unit")

    def __init__(self, meter: Meter) -> None:
        """Compile `meter`; raises ExpressionError."""
        self.id = meter.id
        self.hash = meter_hash(meter)
        self.unit = meter.unit
        self.group_by = meter.group_by
        self._where = Expression(meter.where) if meter.where is not None else None
        self._constant = int(meter.value) if meter.value.isdecimal() else None
        is_plain = self._constant is not None or meter.value == PLAIN_QUANTITY
        self._value = None if is_plain else Expression(meter.value)

    @property
    def evaluates(self) -> bool:
        """True if it takes an expression to measure; a plain quantity or a constant takes none."""
        return self._where is not None or self._value is not None

    @property
    def where(self) -> Expression | None:
        """The condition, if there is one."""
        return self._where

    @property
    def value(self) -> Expression | int | None:
        """What gives the quantity: an expression, a constant, or (None) the event's own quantity."""
        return self._value if self._constant is None else self._constant

    def measure(self, event: Event, context: Context | None) -> Measurement | None:
        """What `event` measures, or None where the condition is false; raises MeasurementError.

        `context` holds the event's values for the expressions; it may be None unless `evaluates`.
        """
        if not self.applies(context):
            return None
        attributes = event.attributes
        group = tuple([str(attributes.get(name, "")) for name in self.group_by])
        return Measurement(self.hash, group, self.quantity(event.quantity, context))

    def applies(self, context: Context | None) -> bool:
        """Whether the condition holds, if there is one; raises MeasurementError."""
        if self._where is None:
            return True
        applies = self._evaluate(self._where, context)
        if applies is not True and applies is not False:
            raise MeasurementError(self.id, f"`where` gives {applies!r}, not true or false")
        return applies

    def quantity(self, plain: int, context: Context | None) -> int:
        """The quantity of an event whose own quantity is `plain`; raises MeasurementError."""
        if self._value is None:
            return plain if self._constant is None else self._constant
        quantity = self._evaluate(self._value, context)
        if type(quantity) is not int:
            raise MeasurementError(self.id, f"`value` gives {quantity!r}, not an integer")
        return quantity

    def _evaluate(self, expression: Expression, context: Context | None) -> object:
        try:
            return expression.evaluate(context)
        except ExpressionError as error:
            raise MeasurementError(self.id, str(error)) from None
