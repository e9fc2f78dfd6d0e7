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

    def measure(self, event: Event, context: Context | None) -> Measurement | None:
        """What `event` measures, or None where the condition is false; raises MeasurementError.

        `context` holds the event's values for the expressions; it may be None unless `evaluates`.
        """
        quantity: object = event.quantity if self._constant is None else self._constant
        try:
            if self._where is not None:
                applies = self._where.evaluate(context)
                if applies is False:
                    return None
                if applies is not True:
                    raise ExpressionError(f"`where` gives {applies!r}, not true or false")
            if self._value is not None:
                quantity = self._value.evaluate(context)
        except ExpressionError as error:
            raise MeasurementError(self.id, str(error)) from None
        if type(quantity) is not int:
            raise MeasurementError(self.id, f"`value` gives {quantity!r}, not an integer")
        attributes = event.attributes
        return Measurement(self.hash, tuple([str(attributes.get(name, "")) for name in self.group_by]), quantity)


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
        meters = self._by_kind.get(kind, ())
        context = context_of(event.attributes, event.quantity) if kind in self._evaluating else None
        measured = [meter.measure(event, context) for meter in meters]
        return tuple([measurement for measurement in measured if measurement is not None])


def compile_plan(design: Design) -> Plan:
    """The plan that feeds the meters of `design`."""
    return Plan(design.meters)
