"""The units that quantities are declared in. Quantities themselves are integers in a dimension's smallest step."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from thalweg.decimals import rounded_quotient
from thalweg.errors import UnitError

#: decimal places of a quantity shown in its declared unit
_SHOWN_PLACES: Final = 6


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit and its size in the smallest step of its dimension."""

    symbol: str
    #: what it measures; units of one dimension convert into each other
    dimension: str
    #: smallest steps in one of this unit, an exact integer: 1000 for kWh, whose smallest step is Wh
    steps: int


REGISTRY: Final = {
    unit.symbol: unit
    for unit in (
        Unit("Wh", "energy", 1),
        Unit("kWh", "energy", 1000),
        Unit("s", "time", 1),
        Unit("min", "time", 60),
        Unit("h", "time", 3600),
        Unit("byte", "data", 1),
        Unit("kB", "data", 1000),
        Unit("MB", "data", 1_000_000),
        Unit("mL", "volume", 1),
        Unit("L", "volume", 1000),
        Unit("g", "mass", 1),
        Unit("kg", "mass", 1000),
        Unit("count", "count", 1),
    )
}


def unit(symbol: str) -> Unit:
    """The unit of that symbol; raises UnitError."""
    try:
        return REGISTRY[symbol]
    except KeyError:
        raise UnitError(f"unknown unit {symbol!r}; use one of {', '.join(REGISTRY)}") from None


def smallest_step(symbol: str) -> str:
    """The symbol of the step that quantities of this unit are counted in: kWh → Wh."""
    dimension = unit(symbol).dimension
    return next(other.symbol for other in REGISTRY.values() if other.dimension == dimension and other.steps == 1)


def in_unit(steps: int | Fraction, symbol: str) -> Decimal:
    """`steps` (smallest steps) shown in the unit `symbol`, rounded half to even at six decimal places."""
    return rounded_quotient(steps.numerator, steps.denominator * unit(symbol).steps, _SHOWN_PLACES)
