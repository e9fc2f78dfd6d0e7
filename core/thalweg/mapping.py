"""From an event to measured quantities: a design's meters, compiled once, fed on the hot path."""

from __future__ import annotations

from typing import NamedTuple

from thalweg.design.document import Design
from thalweg.design.expressions import Context, Expression, context_of
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


class Plan:
    """What a design measures. Immutable, and safe to share between threads."""

    def __init__(self, meters: tuple[Meter, ...]) -> None:
        """Compile `meters`; raises ExpressionError, which a validated design never causes."""
        self.meters = tuple(CompiledMeter(meter) for meter in meters)
        self._by_kind: dict[tuple[str, bool], tuple[CompiledMeter, ...]] = {}
        self._evaluating: set[tuple[str, bool]] = set()
        for meter, compiled in zip(meters, self.meters, strict=True):
            kind = meter.kind, meter.exchange
            self._by_kind[kind] = (*self._by_kind.get(kind, ()), compiled)
            if compiled.evaluates:
                self._evaluating.add(kind)

    def measure(self, event: Event) -> tuple[Measurement, ...]:
        """What each meter measures of `event`, in the design's order; empty: the event is unmapped.

        Raises MeasurementError if a meter's expression does not fit the event.
        """
        kind = event.kind, event.is_exchange
        meters = self.meters_of(*kind)
        context = context_of(event.attributes, event.quantity) if kind in self._evaluating else None
        measured = [meter.measure(event, context) for meter in meters]
        return tuple([measurement for measurement in measured if measurement is not None])

    def meters_of(self, kind: str, is_exchange: bool) -> tuple[CompiledMeter, ...]:
        """The meters that look at events of `kind`, in the design's order."""
        return self._by_kind.get((kind, is_exchange), ())


def compile_plan(design: Design) -> Plan:
    """The plan that feeds the meters of `design`."""
    return Plan(design.meters)
