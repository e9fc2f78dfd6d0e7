"""The amounts and quantities that an agreement writes, as atoms and smallest steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from thalweg.design.fields import exact
from thalweg.errors import RatingError, UnitError
from thalweg.money import atoms_per_major_unit, parse_atoms
from thalweg.units import unit


@dataclass(frozen=True, slots=True)
class Numbers:
    """Reads the numbers of one agreement."""

    agreement: str
    #: None if it is not known; then no amount can be read
    currency: str | None
    #: meter id → symbol of its unit
    units: Mapping[str, str]

    def atoms(self, amount: str) -> int:
        """An amount in atoms; raises MoneyError if it is finer than one."""
        return parse_atoms(amount, self._currency())

    def smallest_steps(self, quantity: str, meter: str, symbol: str | None = None) -> int:
        """A quantity of a meter, in the unit `symbol` or its own; raises UnitError if it is finer than a step."""
        steps = exact(quantity) * self._steps_in_unit(meter, symbol)
        if steps.denominator != 1:
            raise UnitError(f"{quantity} of meter {meter!r} is finer than the smallest step that is counted")
        return steps.numerator

    def per_smallest_step(self, amount: str, meter: str, symbol: str | None = None) -> Fraction:
        """The atoms for one smallest step of a meter, where `amount` is per unit."""
        return exact(amount) * atoms_per_major_unit(self._currency()) / self._steps_in_unit(meter, symbol)

    def _currency(self) -> str:
        if self.currency is None:
            raise RatingError(f"agreement {self.agreement!r} names amounts: compile its terms with their currency")
        return self.currency

    def _steps_in_unit(self, meter: str, symbol: str | None) -> int:
        known = symbol or self.units.get(meter)
        if known is None:
            raise RatingError(
                f"agreement {self.agreement!r} counts units of {meter!r}: compile its terms with that meter's unit"
            )
        return unit(known).steps
