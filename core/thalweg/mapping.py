"""From an event to measured quantities: a design's meters, compiled once, fed on the hot path."""

from __future__ import annotations

from collections.abc import Sequence

from thalweg.design.charge_meters import ChargeMeter, meters_to_feed
from thalweg.design.document import Design
from thalweg.design.expressions import context_of
from thalweg.design.meters import Meter
from thalweg.mapping_charges import CompiledChargeMeter
from thalweg.mapping_meters import CompiledMeter, Measurement
from thalweg.wire.batch import Event

__all__ = ["AnyMeter", "CompiledMeter", "Measurement", "Plan", "compile_plan"]

#: what quantities are measured by
AnyMeter = CompiledMeter | CompiledChargeMeter


class Plan:
    """What a design measures. Immutable, and safe to share between threads."""

    def __init__(self, meters: Sequence[Meter | ChargeMeter]) -> None:
        """Compile `meters`; raises ExpressionError, which a validated design never causes."""
        self.meters: tuple[AnyMeter, ...] = tuple(
            CompiledChargeMeter(meter) if isinstance(meter, ChargeMeter) else CompiledMeter(meter) for meter in meters
        )
        self._by_kind: dict[tuple[str, bool], tuple[AnyMeter, ...]] = {}
        self._evaluating: set[tuple[str, bool]] = set()
        for meter, compiled in zip(meters, self.meters, strict=True):
            kind = meter.kind, meter.exchange
            self._by_kind[kind] = (*self._by_kind.get(kind, ()), compiled)
            if compiled.evaluates:
                self._evaluating.add(kind)

    def measure(self, event: Event) -> tuple[Measurement, ...]:
        """What each meter measures of `event`, in the design's order; empty: the event is unmapped.

        The time of `event` is Unix time. Raises MeasurementError if a meter's expression or a charge's terms do not
        fit the event.
        """
        kind = event.kind, event.is_exchange
        meters = self.meters_of(*kind)
        context = context_of(event.attributes, event.quantity) if kind in self._evaluating else None
        measured = [meter.measure(event, context) for meter in meters]
        return tuple([measurement for measurement in measured if measurement is not None])

    def meters_of(self, kind: str, is_exchange: bool) -> tuple[AnyMeter, ...]:
        """The meters that look at events of `kind`, in the design's order."""
        return self._by_kind.get((kind, is_exchange), ())


def compile_plan(design: Design) -> Plan:
    """The plan that feeds the meters of `design`, its charge meters included."""
    return Plan(tuple(meters_to_feed(design).values()))
