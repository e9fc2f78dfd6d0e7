"""How an exchange is measured: its own meter, or its interface's with a ratio."""

from __future__ import annotations

from fractions import Fraction

from thalweg.design.document import Design
from thalweg.design.exchanges import Exchange
from thalweg.design.fields import exact
from thalweg.design.meters import Meter
from thalweg.units import unit


def measure_of(design: Design, exchange: Exchange) -> tuple[Meter, Fraction]:
    """The meter of `exchange`, and the smallest steps of the exchange's unit for one smallest step of the meter."""
    meters = {meter.id: meter for meter in design.meters}
    if exchange.meter is not None:
        return meters[exchange.meter], Fraction(1)
    interface = next(each for each in design.interfaces if each.id == exchange.interface)
    meter = meters[interface.meter or ""]
    return meter, exact(exchange.ratio or "") * unit(exchange.unit).steps / unit(meter.unit).steps
